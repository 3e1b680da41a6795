# KV version 1.
$ secrets enable -path=one -version=1 kv
= Success
$ kv put -mount=one app user=ann n=1
= Success
$ kv get -mount=one app
= ann
$ kv get -mount=one -field=user app
= ann
$ kv get one/app
= ann
$ kv put one/dir/a k=v
$ kv list -mount=one
= app
= dir/
$ kv list one/dir
= a
$ kv list one/nothing
! 2
= No value found at one/nothing
$ kv get one/nothing
! 2
= No value found at one/nothing
$ read one/app
= 768h
$ kv delete one/app
= Success
$ kv get one/app
! 2
$ kv enable-versioning one
= Success
