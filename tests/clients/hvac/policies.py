"""Policies: written, read back byte for byte, listed, deleted, and obeyed."""

import json

from hvac import exceptions
from story import client, refused, status

root = client()
text = '# for the app\npath "secret/data/app" {\n  capabilities = ["read"]\n}\n'
status(root.sys.create_or_update_policy("App", text), 204)
assert root.sys.read_policy("app")["data"] | {"name": "app", "rules": text} == root.sys.read_policy("app")["data"]
assert root.sys.read_policy("app")["rules"] == text
assert root.sys.read_acl_policy("app")["data"]["policy"] == text
assert {"app", "default", "root"} <= set(root.sys.list_policies()["policies"])
assert "app" in root.sys.list_policies()["data"]["keys"] and "app" in root.sys.list_acl_policies()["data"]["keys"]
assert root.get_policy("app", parse=False) == text

as_json = {"path": {"sys/mounts": {"capabilities": ["read"]}, "sys/policies/acl/*": {"capabilities": ["read", "list"]}}}
status(root.sys.create_or_update_policy("looker", as_json), 204)
assert json.loads(root.sys.read_policy("looker")["data"]["rules"]) == as_json
for wrong in ('path "x" { capabilities = ["fly"] }', "", 'path "x" {'):
    refused(exceptions.InvalidRequest, root.sys.create_or_update_policy, "wrong", wrong)
refused(exceptions.InvalidRequest, root.sys.create_or_update_policy, "root", text)
refused(exceptions.InvalidRequest, root.sys.delete_policy, "default")
refused(exceptions.InvalidRequest, root.sys.delete_policy, "root")
refused(exceptions.InvalidPath, root.sys.read_policy, "wrong")

made = root.auth.token.create(policies=["looker"])["auth"]["client_token"]
looker = client(made)
assert "sys/" in looker.sys.list_mounted_secrets_engines()["data"]
assert looker.sys.read_acl_policy("app")["data"]["policy"] == text
refused(exceptions.Forbidden, looker.sys.list_auth_methods, text="permission denied")
refused(exceptions.Forbidden, looker.sys.create_or_update_acl_policy, "app", text, text="permission denied")
refused(exceptions.Forbidden, looker.sys.delete_acl_policy, "nothing", text="permission denied")
seen = looker.adapter.post("/v1/sys/capabilities-self", json={"paths": ["sys/mounts", "sys/policies/acl/x", "secret/x"]})["data"]
assert seen["sys/mounts"] == ["read"] and seen["sys/policies/acl/x"] == ["list", "read"] and seen["secret/x"] == ["deny"]

status(root.sys.delete_policy("app"), 204)
status(root.sys.delete_policy("app"), 204)
refused(exceptions.InvalidPath, root.sys.read_acl_policy, "app")
status(root.sys.delete_acl_policy("looker"), 204)
refused(exceptions.Forbidden, looker.sys.list_mounted_secrets_engines, text="permission denied")
