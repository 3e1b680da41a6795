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
