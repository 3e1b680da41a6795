# The cubbyhole.
$ write cubbyhole/note k=v
= Success
$ read cubbyhole/note
= v
$ list cubbyhole
= note
$ token create -policy=default -format=json
> token /auth/client_token
$ read cubbyhole/note
! 2
= No value found at cubbyhole/note
$ write cubbyhole/note k=mine
$ read -field=k cubbyhole/note
= mine
$ delete cubbyhole/note
= Success
$ list cubbyhole
! 2
