"""KV version 2: versions, check-and-set, patch, delete, undelete, destroy, metadata, configuration."""

import time

from hvac import exceptions
from story import client, refused, status

root = client()
root.sys.enable_secrets_engine("kv", path="two", options={"version": "2"})
kv = root.secrets.kv.v2
for _ in range(100):
    try:
        assert kv.read_configuration(mount_point="two")["data"]["max_versions"] == 0
        break
    except exceptions.VaultError:
        time.sleep(0.1)


def read(path, version=None):
    return kv.read_secret_version(path, version=version, mount_point="two", raise_on_deleted_version=True)["data"]


def write(path, data, cas=None):
    return kv.create_or_update_secret(path, data, cas=cas, mount_point="two")["data"]


made = write("app", {"k": "1", "number": 1.5})
assert made["version"] == 1 and made["destroyed"] is False and made["deletion_time"] == "" and made["created_time"].endswith("Z")
assert write("app", {"k": "2"})["version"] == 2 and write("app", {"k": "3"}, cas=2)["version"] == 3
refused(exceptions.InvalidRequest, write, "app", {"k": "4"}, cas=2, text="check-and-set parameter did not match the current version")
refused(exceptions.InvalidRequest, write, "app", {"k": "4"}, cas=0, text="check-and-set parameter did not match the current version")
assert write("new", {"k": "1"}, cas=0)["version"] == 1
assert read("app")["data"] == {"k": "3"} and read("app", 1)["data"] == {"k": "1", "number": 1.5}
assert read("app")["metadata"]["version"] == 3
refused(exceptions.InvalidPath, read, "app", 9)
refused(exceptions.InvalidPath, read, "nothing")

assert kv.patch("app", {"extra": "x"}, mount_point="two")["data"]["version"] == 4
assert read("app")["data"] == {"k": "3", "extra": "x"}
refused(exceptions.InvalidPath, kv.patch, "nothing", {"extra": "x"}, mount_point="two")

status(kv.delete_latest_version_of_secret("app", mount_point="two"), 204)
gone = refused(exceptions.InvalidPath, read, "app")
assert gone.json["data"]["data"] is None and gone.json["data"]["metadata"]["version"] == 4
shown = kv.read_secret_version("app", mount_point="two", raise_on_deleted_version=False)
assert shown["data"]["data"] is None and shown["data"]["metadata"]["deletion_time"]
refused(exceptions.InvalidPath, kv.patch, "app", {"extra": "x"}, mount_point="two")
status(kv.undelete_secret_versions("app", [4], mount_point="two"), 204)
assert read("app")["data"]["extra"] == "x"
status(kv.delete_secret_versions("app", [1, 2], mount_point="two"), 204)
refused(exceptions.InvalidPath, read, "app", 1)
status(kv.undelete_secret_versions("app", [2], mount_point="two"), 204)
assert read("app", 2)["data"] == {"k": "2"}
status(kv.destroy_secret_versions("app", [1], mount_point="two"), 204)
status(kv.undelete_secret_versions("app", [1], mount_point="two"), 204)
refused(exceptions.InvalidPath, read, "app", 1)
meta = kv.read_secret_metadata("app", mount_point="two")["data"]
assert meta["current_version"] == 4 and meta["oldest_version"] == 0 or meta["oldest_version"] == 1
assert meta["versions"]["1"]["destroyed"] is True and meta["versions"]["2"]["deletion_time"] == "" and len(meta["versions"]) == 4

status(kv.update_metadata("app", max_versions=2, cas_required=True, delete_version_after="3h25m19s", custom_metadata={"owner": "ann"}, mount_point="two"), 204)
meta = kv.read_secret_metadata("app", mount_point="two")["data"]
assert (meta["max_versions"], meta["cas_required"], meta["delete_version_after"]) == (2, True, "3h25m19s")
assert meta["custom_metadata"] == {"owner": "ann"}
refused(exceptions.InvalidRequest, write, "app", {"k": "5"}, text="check-and-set parameter required for this call")
assert write("app", {"k": "5"}, cas=4)["version"] == 5
assert set(kv.read_secret_metadata("app", mount_point="two")["data"]["versions"]) == {"4", "5"}
assert read("app")["metadata"]["custom_metadata"] == {"owner": "ann"} and read("app")["metadata"]["deletion_time"]

write("dir/a", {"k": "v"})
write("dir/deep/b", {"k": "v"})
assert kv.list_secrets("", mount_point="two")["data"]["keys"] == ["app", "dir/", "new"]
assert kv.list_secrets("dir", mount_point="two")["data"]["keys"] == ["a", "deep/"]
refused(exceptions.InvalidPath, kv.list_secrets, "nothing", mount_point="two")
status(kv.delete_metadata_and_all_versions("app", mount_point="two"), 204)
status(kv.delete_metadata_and_all_versions("app", mount_point="two"), 204)
refused(exceptions.InvalidPath, kv.read_secret_metadata, "app", mount_point="two")
assert write("app", {"k": "again"})["version"] == 1

status(kv.configure(max_versions=3, cas_required=True, delete_version_after="30m", mount_point="two"), 204)
seen = kv.read_configuration(mount_point="two")["data"]
assert (seen["max_versions"], seen["cas_required"], seen["delete_version_after"]) == (3, True, "30m0s")
refused(exceptions.InvalidRequest, write, "new", {"k": "2"}, text="check-and-set parameter required for this call")

refused(exceptions.InvalidPath, root.secrets.kv.v1.read_secret, "app", mount_point="two", text="Invalid path for a versioned K/V secrets engine")
