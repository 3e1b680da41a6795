# Users that a database makes for a lease: let in while it lasts, gone after it.
$ secrets enable -path=db database
$ write db/config/pg plugin_name=postgresql-database-plugin connection_url=$postgres username=manager password=m-0 allowed_roles=app
$ write db/roles/app db_name=pg creation_statements='CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '"'{{password}}' VALID UNTIL '{{expiration}}'" default_ttl=1h max_ttl=24h
$ read db/roles/app
= VALID UNTIL
$ list db/roles
= app
$ read -format=json db/creds/app
> lease /lease_id
> user /data/username
> password /data/password
& in $user $password
$ lease lookup $lease
= $lease
$ lease renew -increment=2h $lease
= 2h
$ list sys/leases/lookup/db/creds/app
$ lease revoke $lease
& out $user $password
$ read db/creds/none
! 2
= unknown role
$ read -format=json db/creds/app
> user /data/username
> password /data/password
$ lease revoke -prefix db/creds/app
& out $user $password
$ read -format=json db/creds/app
> user /data/username
> password /data/password
& in $user $password
$ lease revoke -sync -prefix db/
& out $user $password
$ delete db/roles/app
$ read db/roles/app
! 2
$ secrets disable db
