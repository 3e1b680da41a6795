# Policies: written, read, listed, obeyed, deleted.
$ policy list
= default
= root
$ write sys/policies/acl/looker policy='path "sys/mounts" { capabilities = ["read"] }'
= Success
$ policy read looker
= path "sys/mounts" { capabilities = ["read"] }
$ policy list
= looker
$ write sys/policies/acl/wrong policy='path "x" { capabilities = ["fly"] }'
! 2
= invalid capability
$ token create -policy=looker -format=json
> looker /auth/client_token
$ token capabilities $looker sys/mounts
= read
$ token capabilities $looker sys/auth
= deny
$ login -token-only token=$looker
= $looker
$ read -format=json sys/policies/acl/looker
> text /data/policy
$ policy delete looker
= Success
$ policy read looker
! 2
= No policy named: looker
