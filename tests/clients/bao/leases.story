# Leases that are not there.
$ lease lookup no/such/lease
! 2
= invalid lease
$ lease renew no/such/lease
! 2
= lease not found
$ lease revoke no/such/lease
$ lease revoke -prefix no/such/prefix
$ lease revoke -force -prefix no/such/prefix
$ list sys/leases/lookup/no/such/prefix
! 2
