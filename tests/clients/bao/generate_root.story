# A new root token from the unseal keys.
$ operator init -key-shares=2 -key-threshold=2 -format=json
> k0 /unseal_keys_b64/0
> k1 /unseal_keys_b64/1
> token /root_token
$ operator unseal $k0
$ operator unseal $k1
$ operator generate-root -generate-otp
>> otp
$ operator generate-root -init -otp=$otp -format=json
> nonce /nonce
$ operator generate-root -status
= $nonce
$ operator generate-root -cancel
$ operator generate-root -init -otp=$otp -format=json
> nonce /nonce
$ operator generate-root -nonce=$nonce $k0
= 1/2
$ operator generate-root -nonce=$nonce -format=json $k1
> encoded /encoded_token
$ operator generate-root -decode=$encoded -otp=$otp -format=json
> token /token
$ token lookup
= [root]
