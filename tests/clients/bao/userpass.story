# Userpass: a user and logins.
$ auth enable userpass
= Success
$ write auth/userpass/users/ann password=secret-1 policies=p1
= Success
$ read auth/userpass/users/ann
= [p1]
~ secret-1
$ list auth/userpass/users
= ann
$ login -no-store -method=userpass username=ann password=secret-1
= Success! You are now authenticated
= ["default" "p1"]
$ login -method=userpass -token-only username=ann password=secret-1
>> mine
$ token lookup $mine
= userpass-ann
$ login -no-store -method=userpass username=ann password=wrong
! 2
= invalid username or password
$ write auth/userpass/users/ann/password password=secret-2
= Success
$ login -no-store -method=userpass username=ann password=secret-1
! 2
$ delete auth/userpass/users/ann
= Success
$ login -no-store -method=userpass username=ann password=secret-2
! 2
= invalid username or password
