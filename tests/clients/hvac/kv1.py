"""KV version 1: written, read, replaced, listed, deleted."""

from hvac import exceptions
from story import client, refused, status

root = client()
root.sys.enable_secrets_engine("kv", path="one", options={"version": "1"})
kv = root.secrets.kv.v1
data = {"user": "ann", "number": 1.5, "big": 12345678901234567890, "nested": {"list": [1, None, True]}, "text": "ä€𝄞", "": "empty"}
status(kv.create_or_update_secret("app", data, mount_point="one"), 204)
read = kv.read_secret("app", mount_point="one")
assert read["data"] == data and read["lease_duration"] == 2764800 and read["lease_id"] == "" and read["renewable"] is False
status(kv.create_or_update_secret("app", {"only": "this"}, method="PUT", mount_point="one"), 204)
assert kv.read_secret("app", mount_point="one")["data"] == {"only": "this"}
for path in ("dir/a", "dir/b", "dir/deep/c", "with space@x.y"):
    status(kv.create_or_update_secret(path, {"k": path}, mount_point="one"), 204)
assert kv.read_secret("with space@x.y", mount_point="one")["data"] == {"k": "with space@x.y"}
assert kv.list_secrets("", mount_point="one")["data"]["keys"] == ["app", "dir/", "with space@x.y"]
assert kv.list_secrets("dir", mount_point="one")["data"]["keys"] == ["a", "b", "deep/"]
refused(exceptions.InvalidPath, kv.list_secrets, "nothing", mount_point="one")
refused(exceptions.InvalidPath, kv.read_secret, "nothing", mount_point="one")
assert root.read("one/nothing") is None and root.list("one/nothing") is None
status(kv.delete_secret("app", mount_point="one"), 204)
status(kv.delete_secret("app", mount_point="one"), 204)
refused(exceptions.InvalidPath, kv.read_secret, "app", mount_point="one")
refused(exceptions.InvalidPath, kv.read_secret, "app", mount_point="no-such-mount", text="no handler for route")
kv.create_or_update_secret("lived", {"ttl": "1h", "k": "v"}, mount_point="one")
assert kv.read_secret("lived", mount_point="one")["lease_duration"] == 3600

root.sys.create_or_update_policy("reader", 'path "one/dir/*" { capabilities = ["read", "list"] }')
reader = client(root.auth.token.create(policies=["reader"])["auth"]["client_token"])
assert reader.secrets.kv.v1.read_secret("dir/a", mount_point="one")["data"] == {"k": "dir/a"}
assert reader.secrets.kv.v1.list_secrets("dir", mount_point="one")["data"]["keys"] == ["a", "b", "deep/"]
refused(exceptions.Forbidden, reader.secrets.kv.v1.read_secret, "lived", mount_point="one", text="permission denied")
refused(exceptions.Forbidden, reader.secrets.kv.v1.create_or_update_secret, "dir/a", {}, mount_point="one")
refused(exceptions.Forbidden, reader.secrets.kv.v1.delete_secret, "dir/a", mount_point="one")
