# KV version 2.
$ secrets enable -path=two -version=2 kv
= Success
$ kv put -mount=two app k=1
= two/data/app
= version            1
$ kv put -mount=two -cas=1 app k=2
= version            2
$ kv put -mount=two -cas=1 app k=3
! 2
= check-and-set parameter did not match the current version
$ kv get -mount=two app
= created_time
$ kv get -mount=two -version=1 -field=k app
= 1
$ kv patch -mount=two app extra=x
= version            3
$ kv patch -mount=two -method=rw app extra=y
= version            4
$ kv get -mount=two -format=json app
> extra /data/data/extra
$ kv patch -mount=two nothing extra=x
! 2
$ kv delete -mount=two app
= Success
$ kv get -mount=two app
= deletion_time
~ extra
$ kv undelete -mount=two -versions=4 app
= Success
$ kv get -mount=two -field=extra app
= y
$ kv delete -mount=two -versions=1,2 app
= Success
$ kv destroy -mount=two -versions=1 app
= Success
$ kv rollback -mount=two -version=3 app
= version            5
$ kv metadata get -mount=two app
= current_version
= Version 5
$ kv metadata put -mount=two -max-versions=2 -delete-version-after=3h -custom-metadata=owner=ann app
= Success
$ kv metadata patch -mount=two -custom-metadata=team=db app
= Success
$ kv metadata get -mount=two -format=json app
> owner /data/custom_metadata/owner
> team /data/custom_metadata/team
$ kv put -mount=two dir/a k=v
$ kv list -mount=two
= app
= dir/
$ list two/metadata/dir
= a
$ kv metadata delete -mount=two app
= Success
$ kv get -mount=two app
! 2
= No value found at two/data/app
$ kv get -field=k two/dir/a
= v
$ read two/dir/a
= Invalid path for a versioned K/V secrets engine
$ read two/config
= max_versions
