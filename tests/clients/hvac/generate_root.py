"""A new root token from the unseal keys."""

import base64

from hvac import exceptions
from story import client, refused, status

root = client("")
made = root.sys.initialize(secret_shares=3, secret_threshold=2)
root.sys.submit_unseal_keys(made["keys"][:2])
state = root.sys.read_root_generation_progress()
assert state["started"] is False
length = state["otp_length"]
otp = ("0123456789abcdefghijklmnopqrstuvwxyz")[:length]
refused(exceptions.InvalidRequest, root.sys.start_root_token_generation, otp="short")
started = root.sys.start_root_token_generation(otp=otp)
assert started["started"] is True and started["required"] == 2 and started["progress"] == 0 and started["complete"] is False
status(root.sys.cancel_root_generation(), 204)
assert root.sys.read_root_generation_progress()["started"] is False
nonce = root.sys.start_root_token_generation(otp=otp)["nonce"]
refused(exceptions.InvalidRequest, root.sys.generate_root, made["keys"][0], nonce="wrong")
assert root.sys.generate_root(made["keys"][0], nonce=nonce)["progress"] == 1
done = root.sys.generate_root(made["keys"][2], nonce=nonce)
assert done["complete"] is True and done["encoded_token"] == done["encoded_root_token"]
encoded = done["encoded_token"]
bits = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
token = bytes(a ^ b for a, b in zip(bits, otp.encode())).decode()
assert client(token).lookup_token()["data"]["policies"] == ["root"]
assert root.sys.read_root_generation_progress()["started"] is False
