# A database: its config, a static role, its credential, and how they rotate.
$ secrets enable -path=db database
$ write db/config/pg plugin_name=postgresql-database-plugin connection_url=$postgres username=manager password=no allowed_roles=*
! 2
= error verifying connection
$ write db/config/pg plugin_name=postgresql-database-plugin connection_url=$postgres username=manager password=m-0 allowed_roles=st,other
$ read db/config/pg
= [st other]
~ m-0
$ list db/config
= pg
$ write db/static-roles/st db_name=pg username=app rotation_period=4s
! 2
= rotation_period must be 5 seconds or more
$ write db/static-roles/st db_name=pg username=app rotation_period=24h
& out app a-0
$ read db/static-roles/st
= app
$ read -format=json db/static-creds/st
> first /data/password
& in app $first
$ read -field=ttl db/static-creds/st
$ write -f db/rotate-role/st
$ read -format=json db/static-creds/st
> second /data/password
& in app $second
& out app $first
$ write -f db/rotate-root/pg
& out manager m-0
$ write -f db/reset/pg
$ list db/static-roles
= st
$ delete db/static-roles/st
$ read db/static-roles/st
! 2
$ delete db/config/pg
$ secrets disable db
