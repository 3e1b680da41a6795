# Tokens: made, looked up, renewed, revoked; with roles.
$ token create -policy=p1 -ttl=1h -metadata=team=db -display-name=ann -format=json
> ann /auth/client_token
> accessor /auth/accessor
$ token lookup $ann
= token-ann
= map[team:db]
= [default p1]
$ token lookup -accessor $accessor
= $accessor
$ list auth/token/accessors
= $accessor
$ token renew -increment=2h $ann
= 2h
$ token renew -accessor -increment=30m $accessor
= 30m
$ token create -orphan -policy=p1 -use-limit=3 -period=1h -format=json
> orphan /auth/client_token
$ token lookup $orphan
= orphan              true
$ token revoke $ann
= Success
$ token lookup $ann
! 2
= bad token
$ token revoke -mode=orphan $orphan
= Success
$ write auth/token/roles/deploy allowed_policies=p1,p2 token_period=30m
= Success
$ list auth/token/roles
= deploy
$ read auth/token/roles/deploy
= [p1 p2]
$ token create -role=deploy -policy=p1 -format=json
> deployed /auth/client_token
> seconds /auth/lease_duration
$ token lookup $deployed
= auth/token/create/deploy
$ token create -role=deploy -policy=p9
! 2
$ delete auth/token/roles/deploy
= Success
$ token create -role=deploy
! 2
= unknown role
