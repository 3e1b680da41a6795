"""New unseal keys in place of the old ones, with and without verification."""

from hvac import exceptions
from story import client, refused

root = client("")
made = root.sys.initialize(secret_shares=3, secret_threshold=2)
root.sys.submit_unseal_keys(made["keys"][:2])
root.token = made["root_token"]
assert root.sys.read_rekey_progress()["started"] is False
refused(exceptions.VaultError, root.sys.start_rekey, secret_shares=2, secret_threshold=3)

started = root.sys.start_rekey(secret_shares=5, secret_threshold=3)
assert started["started"] is True and started["t"] == 3 and started["n"] == 5 and started["required"] == 2 and started["nonce"]
root.sys.cancel_rekey()
assert root.sys.read_rekey_progress()["started"] is False
nonce = root.sys.start_rekey(secret_shares=5, secret_threshold=3)["nonce"]
refused(exceptions.InvalidRequest, root.sys.rekey, made["keys"][0], nonce="wrong")
assert root.sys.rekey(made["keys"][0], nonce=nonce)["progress"] == 1
done = root.sys.rekey(made["keys"][1], nonce=nonce)
assert done["complete"] is True and len(done["keys"]) == 5 and len(done["keys_base64"]) == 5

root.sys.seal()
root.sys.submit_unseal_keys(done["keys"][2:5])
assert not root.sys.is_sealed()

nonce = root.sys.start_rekey(secret_shares=1, secret_threshold=1, require_verification=True)["nonce"]
assert root.sys.read_rekey_progress()["verification_required"] is True
step = root.sys.rekey_multi(done["keys"][:3], nonce=nonce)
assert step["complete"] is True and step["verification_required"] is True and len(step["keys"]) == 1
seen = root.sys.read_rekey_verify_progress()
assert seen["started"] is True and seen["nonce"] == step["verification_nonce"]
assert root.sys.rekey_verify(step["keys"][0], nonce=step["verification_nonce"])["complete"] is True
root.sys.seal()
assert root.sys.submit_unseal_key(step["keys"][0])["sealed"] is False
refused(exceptions.VaultError, root.sys.read_backup_keys, text="no backed-up keys found")
