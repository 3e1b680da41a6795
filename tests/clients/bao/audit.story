# Audit devices.
$ audit enable -path=trail -description='a trail' file file_path=$folder/audit.log
= Success
$ audit enable -path=trail file file_path=$folder/audit.log
! 2
= path already in use
$ audit list
= trail/
= a trail
$ audit list -detailed
= $folder/audit.log
$ write -format=json sys/audit-hash/trail input=a-secret-word
> hash /data/hash
$ audit disable trail
= Success
$ audit list -format=json
~ trail/
