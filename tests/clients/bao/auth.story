# Ways in: enabled, listed, tuned, disabled.
$ auth enable -path=machines -description='for machines' approle
= Success
$ auth enable -path=machines approle
! 2
= path is already in use at machines/
$ auth enable nonsense
! 2
$ auth list
= for machines
= token/
$ auth list -detailed
= default-service
$ auth tune -max-lease-ttl=2h -description=tuned machines
= Success
$ auth list -format=json
> max /machines~1/config/max_lease_ttl
= tuned
$ auth disable machines
= Success
$ auth list
~ machines
