# New unseal keys in place of the old ones.
$ operator init -key-shares=2 -key-threshold=2 -format=json
> k0 /unseal_keys_b64/0
> k1 /unseal_keys_b64/1
> token /root_token
$ operator unseal $k0
$ operator unseal $k1
$ operator rekey -status
= false
$ operator rekey -init -key-shares=1 -key-threshold=1 -format=json
> nonce /nonce
$ operator rekey -status
= $nonce
$ operator rekey -cancel
$ operator rekey -init -key-shares=1 -key-threshold=1 -format=json
> nonce /nonce
$ operator rekey -nonce=$nonce $k0
= 1/2
$ operator rekey -nonce=$nonce -format=json $k1
> new /keys_base64/0
$ operator seal
$ operator unseal $new
= false
