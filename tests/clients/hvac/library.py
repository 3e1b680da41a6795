"""Check-out sets of a mount of type ldap, by hvac's plain reads and writes. Prints what it had: that must be dead."""

import json

from hvac import exceptions
from story import client, refused, status

root = client()
status(root.sys.enable_secrets_engine("openldap", path="dir"), 204)
assert root.sys.list_mounted_secrets_engines()["data"]["dir/"]["type"] == "ldap"
status(root.write("dir/library/ops", service_account_names=["lib_a", "lib_b"], ttl="10h", max_ttl="20h"), 204)
assert root.read("dir/library/ops")["data"] == {
    "service_account_names": ["lib_a", "lib_b"],
    "ttl": 36000,
    "max_ttl": 72000,
    "disable_check_in_enforcement": False,
}
assert root.list("dir/library")["data"]["keys"] == ["ops"]
refused(
    exceptions.InvalidRequest,
    root.write,
    "dir/library/other",
    service_account_names="lib_a",
    text="is already managed by the secrets engine",
)

policy = 'path "dir/library/ops/*" { capabilities = ["create", "update", "read"] }'
root.sys.create_or_update_policy("ops", policy)
ann = client(root.auth.token.create(policies=["ops"])["auth"]["client_token"])
eve = client(root.auth.token.create(policies=["ops"])["auth"]["client_token"])
first = ann.write("dir/library/ops/check-out", ttl="1h")
assert first["lease_duration"] == 3600 and first["renewable"] and first["lease_id"].startswith("dir/library/ops/check-out/")
assert {"service_account_name", "password"} <= set(first["data"])
second = ann.write("dir/library/ops/check-out")
assert {first["data"]["service_account_name"], second["data"]["service_account_name"]} == {"lib_a", "lib_b"}
refused(
    exceptions.InvalidRequest,
    eve.write,
    "dir/library/ops/check-out",
    text="No service accounts available for check-out",
)
taken = ann.read("dir/library/ops/status")["data"]["lib_a"]
assert taken["available"] is False
assert taken["borrower_client_token"] == ann.auth.token.lookup_self()["data"]["accessor"]
assert ann.token not in json.dumps(taken)

renewed = ann.sys.renew_lease(first["lease_id"], increment=7200)
assert 3600 < renewed["lease_duration"] <= 7200
refused(
    exceptions.InvalidRequest,
    eve.write,
    "dir/library/ops/check-in",
    service_account_names="lib_a",
    text="can't be checked in because it wasn't checked out by the caller",
)
refused(exceptions.InvalidRequest, ann.write, "dir/library/ops/check-in", text="service_account_names")
refused(exceptions.InvalidRequest, root.delete, "dir/library/ops", text="currently checked out")
refused(exceptions.Forbidden, eve.write, "dir/library/manage/ops/check-in", service_account_names="lib_a")
back = ann.write("dir/library/ops/check-in", service_account_names=["lib_a"])
assert back["data"] == {"check_ins": ["lib_a"]}
managed = root.write("dir/library/manage/ops/check-in", service_account_names="lib_b")
assert managed["data"] == {"check_ins": ["lib_b"]}
assert ann.read("dir/library/ops/status")["data"] == {"lib_a": {"available": True}, "lib_b": {"available": True}}

third = ann.write("dir/library/ops/check-out")
status(root.sys.disable_secrets_engine("dir"), 204)
refused(exceptions.InvalidRequest, root.sys.read_lease, first["lease_id"], text="invalid lease")
for lent in (first, second):
    print(json.dumps(lent["data"]))
