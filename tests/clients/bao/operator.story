# From an empty server to an unsealed one, sealed again, unsealed again.
$ status
! 2
= Initialized
= false
$ operator init -status
! 2
$ operator init -key-shares=3 -key-threshold=2 -format=json
> k0 /unseal_keys_b64/0
> k1 /unseal_keys_hex/1
> k2 /unseal_keys_b64/2
> token /root_token
$ operator init -key-shares=3 -key-threshold=2
! 2
= already initialized
$ status
! 2
= Sealed
= 0/2
$ secrets list
! 2
= Vault is sealed
$ operator unseal $k0
= 1/2
$ operator unseal -reset
$ operator unseal $k0
$ operator unseal $k1
= false
$ status
= Cluster ID
= shamir
$ status -format=json
> cluster /cluster_id
$ operator key-status
= Key Term
$ operator rotate
$ operator key-status -format=json
> term /term
$ operator seal
$ status
! 2
$ operator unseal $k1
$ operator unseal $k2
= $cluster
$ token lookup
= [root]
# What the server tells of itself.
$ version-history
= Installation Time
$ version-history -format=json
> newest /data/keys/0
$ read -format=json sys/host-info
> machine /data/host/hostname
$ read -field=listeners sys/config/state/sanitized
= tls_disable
# Headers in the audit trail, and web pages.
$ write sys/config/auditing/request-headers/X-Request-Id hmac=true
= Success
$ read -format=json sys/config/auditing/request-headers/X-Request-Id
> hmac /data/X-Request-Id/hmac
$ delete sys/config/auditing/request-headers/X-Request-Id
= Success
$ read sys/config/auditing/request-headers/X-Request-Id
! 2
= Could not find header in config
$ write sys/config/cors allowed_origins=https://a.example,https://b.example
= Success
$ read sys/config/cors
= https://b.example
$ delete sys/config/cors
= Success
