"""The cubbyhole: each token's own, gone with the token."""

from hvac import exceptions
from story import client, refused, status

root = client()
tokens = [root.auth.token.create(policies=["default"])["auth"]["client_token"] for _ in range(2)]
ann, bob = (client(token) for token in tokens)
status(ann.write("cubbyhole/note", k="v"), 204)
status(ann.write("cubbyhole/dir/deep", k="w"), 204)
assert ann.read("cubbyhole/note")["data"] == {"k": "v"}
assert ann.list("cubbyhole")["data"]["keys"] == ["dir/", "note"] and ann.list("cubbyhole/dir")["data"]["keys"] == ["deep"]
assert bob.read("cubbyhole/note") is None and root.read("cubbyhole/note") is None and bob.list("cubbyhole") is None
status(bob.write("cubbyhole/note", k="mine"), 204)
assert ann.read("cubbyhole/note")["data"] == {"k": "v"}
ann.delete("cubbyhole/note")
ann.delete("cubbyhole/note")
assert ann.read("cubbyhole/note") is None and bob.read("cubbyhole/note")["data"] == {"k": "mine"}
root.auth.token.revoke(tokens[1])
refused(exceptions.Forbidden, bob.read, "cubbyhole/note", text="permission denied")
