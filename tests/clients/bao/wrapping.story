# Response wrapping.
$ write -wrap-ttl=60s -format=json sys/wrapping/wrap k=v
> wrapped /wrap_info/token
> ttl /wrap_info/ttl
$ write -format=json sys/wrapping/lookup token=$wrapped
> path /data/creation_path
$ unwrap $wrapped
= v
$ unwrap $wrapped
! 2
= wrapping token is not valid or does not exist
$ token create -policy=default -wrap-ttl=5m
= wrapping_token
= auth/token/create
$ token create -policy=default -wrap-ttl=5m -format=json
> wrapped /wrap_info/token
$ write -format=json sys/wrapping/rewrap token=$wrapped
> wrapped /wrap_info/token
$ unwrap -format=json $wrapped
> made /auth/client_token
$ token lookup $made
= [default]
