# AppRole: a role, its ids, a login.
$ auth enable approle
= Success
$ write auth/approle/role/web token_policies=p1,p2 token_ttl=10m secret_id_num_uses=1 secret_id_ttl=1h
= Success
$ read auth/approle/role/web
= [p1 p2]
$ list auth/approle/role
= web
$ read -format=json auth/approle/role/web/role-id
> role /data/role_id
$ write -f -format=json auth/approle/role/web/secret-id
> secret /data/secret_id
> accessor /data/secret_id_accessor
$ write auth/approle/role/web/secret-id-accessor/lookup secret_id_accessor=$accessor
= creation_time
$ list auth/approle/role/web/secret-id
= $accessor
$ write -format=json auth/approle/login role_id=$role secret_id=$secret
> machine /auth/client_token
$ token lookup $machine
= auth/approle/login
= map[role_name:web]
$ write auth/approle/login role_id=$role secret_id=$secret
! 2
= invalid
$ write -f -format=json auth/approle/role/web/secret-id metadata=host=a1
> other /data/secret_id
> accessor2 /data/secret_id_accessor
$ write -format=json auth/approle/role/web/secret-id/lookup secret_id=$other
> num_uses /data/secret_id_num_uses
$ write auth/approle/role/web/secret-id-accessor/destroy secret_id_accessor=$accessor2
= Success
$ write auth/approle/login role_id=$role secret_id=$other
! 2
$ delete auth/approle/role/web
= Success
$ read auth/approle/role/web
! 2
