"""Secret engines and ways in: enabled, read, tuned, moved, disabled."""

import time

from hvac import exceptions
from story import client, refused, status

root = client()
sys = root.sys
mounts = sys.list_mounted_secrets_engines()["data"]
assert {"cubbyhole/", "sys/"} <= mounts.keys() and "token/" in sys.list_auth_methods()["data"]
assert sys.list_mounted_secrets_engines()["sys/"]["type"] == "system", "the keys are at the top level too"

status(sys.enable_secrets_engine("kv", path="team", description="of a team", config={"max_lease_ttl": "2h"}), 204)
refused(exceptions.InvalidRequest, sys.enable_secrets_engine, "kv", path="team", text="path is already in use at team/")
refused(exceptions.InvalidRequest, sys.enable_secrets_engine, "nonsense", path="other")
seen = sys.list_mounted_secrets_engines()["data"]["team/"]
assert seen["type"] == "kv" and seen["description"] == "of a team" and seen["config"]["max_lease_ttl"] == 7200
for key in ("accessor", "config", "local", "options", "seal_wrap", "uuid", "external_entropy_access"):
    assert key in seen, key
assert sys.read_mount_configuration("team")["data"]["default_lease_ttl"] in (2764800, 7200)
status(sys.tune_mount_configuration("team", default_lease_ttl="1800s", max_lease_ttl="3600s", description="tuned"), 204)
tuned = sys.read_mount_configuration("team")["data"]
assert (tuned["default_lease_ttl"], tuned["max_lease_ttl"]) == (1800, 3600)
refused(exceptions.InvalidRequest, sys.tune_mount_configuration, "team", default_lease_ttl="3h")
refused(exceptions.InvalidRequest, sys.tune_mount_configuration, "nothing", default_lease_ttl="3h")

root.secrets.kv.v1.create_or_update_secret("app", {"k": "v"}, mount_point="team")
moved = sys.move_backend("team", "crew")
assert moved["data"]["migration_id"] == moved["migration_id"]
for _ in range(50):
    mounts = sys.list_mounted_secrets_engines()["data"]
    if "crew/" in mounts and "team/" not in mounts:
        break
    time.sleep(0.05)
assert "team/" not in mounts and mounts["crew/"]["accessor"] == seen["accessor"]
assert root.secrets.kv.v1.read_secret("app", mount_point="crew")["data"] == {"k": "v"}
refused(exceptions.InvalidPath, root.secrets.kv.v1.read_secret, "app", mount_point="team")
status(sys.disable_secrets_engine("crew"), 204)
status(sys.disable_secrets_engine("crew"), 204)
refused(exceptions.InvalidPath, root.secrets.kv.v1.read_secret, "app", mount_point="crew")

status(sys.enable_auth_method("approle", path="machines", description="for machines"), 204)
refused(exceptions.InvalidRequest, sys.enable_auth_method, "approle", path="machines", text="path is already in use at machines/")
refused(exceptions.InvalidRequest, sys.enable_auth_method, "nonsense")
assert sys.list_auth_methods()["data"]["machines/"]["type"] == "approle"
status(sys.tune_auth_method("machines", default_lease_ttl="1h", max_lease_ttl="2h", description="tuned"), 204)
assert sys.read_auth_method_tuning("machines")["data"]["max_lease_ttl"] == 7200
assert sys.list_auth_methods()["data"]["machines/"]["description"] == "tuned"
status(sys.disable_auth_method("machines"), 204)
assert "machines/" not in sys.list_auth_methods()["data"]
