# Secret engines: enabled, listed, tuned, moved, disabled.
$ secrets enable -path=team -description='of a team' -max-lease-ttl=2h kv
= Success
$ secrets enable -path=team kv
! 2
= path is already in use at team/
$ secrets enable nonsense
! 2
$ secrets list
= of a team
= cubbyhole/
$ secrets list -detailed
= team/
= system
$ secrets list -format=json
> accessor /team~1/accessor
> max /team~1/config/max_lease_ttl
$ secrets tune -default-lease-ttl=30m -description=tuned team
= Success
$ read sys/mounts/team/tune
= 30m
$ kv put -mount=team app k=v
= Success
$ secrets move team crew
= Success
$ secrets list -format=json
= $accessor
$ kv get -mount=crew -field=k app
= v
$ secrets disable crew
= Success
$ secrets disable crew
$ kv get -mount=crew app
! 2
