"""Tokens: made, looked up, renewed, revoked, counted; with roles."""

from hvac import exceptions
from story import client, refused, status

root = client()
tokens = root.auth.token
me = tokens.lookup_self()["data"]
assert me["policies"] == ["root"] and me["ttl"] == 0 and me["expire_time"] is None and me["orphan"] is True
assert root.is_authenticated() and not client("nonsense").is_authenticated() and not client("").is_authenticated()
refused(exceptions.Forbidden, client("nonsense").auth.token.lookup_self, text="permission denied")

root.sys.create_or_update_policy("p1", 'path "auth/token/create" { capabilities = ["create", "update", "sudo"] }')
made = tokens.create(policies=["p1"], ttl="1h", meta={"team": "db"}, display_name="ann", renewable=True)
auth = made["auth"]
assert auth["policies"] == ["default", "p1"] and auth["token_policies"] == ["default", "p1"]
assert auth["metadata"] == {"team": "db"} and auth["lease_duration"] == 3600 and auth["renewable"] is True
assert auth["token_type"] == "service" and auth["orphan"] is False and auth["accessor"] and auth["num_uses"] == 0
ann = client(auth["client_token"])
seen = ann.lookup_token()["data"]
assert seen["display_name"] == "token-ann" and seen["meta"] == {"team": "db"} and 3590 < seen["ttl"] <= 3600
assert seen["id"] == auth["client_token"] and seen["path"] == "auth/token/create" and seen["type"] == "service"
by_accessor = tokens.lookup_accessor(auth["accessor"])["data"]
assert by_accessor["id"] == "" and by_accessor["accessor"] == auth["accessor"]
assert auth["accessor"] in tokens.list_accessors()["data"]["keys"]
assert tokens.lookup(auth["client_token"])["data"]["accessor"] == auth["accessor"]
refused(exceptions.Forbidden, tokens.lookup, "nonsense", text="bad token")
refused(exceptions.VaultError, tokens.lookup_accessor, "nonsense", text="invalid accessor")

assert ann.auth.token.renew_self(increment="2h")["auth"]["lease_duration"] == 7200
assert tokens.renew(auth["client_token"], increment=1800)["auth"]["lease_duration"] == 1800
assert tokens.renew_accessor(auth["accessor"], increment="10m")["auth"]["lease_duration"] == 600
period = tokens.create(policies=["p1"], period="1h")["auth"]["client_token"]
assert tokens.renew(period, increment="5m")["auth"]["lease_duration"] == 3600
fixed = tokens.create(policies=["p1"], renewable=False)["auth"]["client_token"]
refused(exceptions.InvalidRequest, tokens.renew, fixed, text="lease is not renewable")
capped = tokens.create(policies=["p1"], ttl="9000h")
assert capped["auth"]["lease_duration"] == 2764800 and capped["warnings"]

child = ann.auth.token.create(policies=["p1"], ttl="5m")["auth"]["client_token"]
orphan = ann.auth.token.create(policies=["p1"], no_parent=True)["auth"]["client_token"]
refused(exceptions.VaultError, ann.auth.token.create, policies=["root"])
status(tokens.revoke(auth["client_token"]), 204)
refused(exceptions.Forbidden, tokens.lookup, child)
assert tokens.lookup(orphan)["data"]["orphan"] is True
status(client(orphan).auth.token.revoke_self(), 204)
refused(exceptions.Forbidden, client(orphan).auth.token.lookup_self, text="permission denied")
parent = tokens.create(policies=["p1"])["auth"]["client_token"]
left = client(parent).auth.token.create()["auth"]["client_token"]
status(tokens.revoke_and_orphan_children(parent), 204)
assert tokens.lookup(left)["data"]["orphan"] is True
status(tokens.revoke_accessor(tokens.lookup(left)["data"]["accessor"]), 204)

counted = client(tokens.create(policies=["p1"], num_uses=2)["auth"]["client_token"])
assert counted.auth.token.lookup_self() and counted.auth.token.lookup_self()
refused(exceptions.Forbidden, counted.auth.token.lookup_self, text="permission denied")
own = tokens.create(id="a-name-of-my-own", policies=["p1"])["auth"]["client_token"]
assert own == "a-name-of-my-own"
assert tokens.create_orphan(policies=["p1"])["auth"]["orphan"] is True

status(tokens.create_or_update_role("deploy", allowed_policies="p1,p2", orphan=True, token_period="30m", renewable=True), 204)
role = tokens.read_role("deploy")["data"]
assert role["allowed_policies"] == ["p1", "p2"] and role["orphan"] is True and role["token_period"] == 1800
assert tokens.list_roles()["data"]["keys"] == ["deploy"]
deployed = tokens.create(role_name="deploy", policies=["p1"])["auth"]
assert deployed["orphan"] is True and deployed["lease_duration"] == 1800
assert tokens.lookup(deployed["client_token"])["data"]["role"] == "deploy"
refused(exceptions.InvalidRequest, tokens.create, role_name="deploy", policies=["other"])
status(tokens.delete_role("deploy"), 204)
refused(exceptions.InvalidPath, tokens.read_role, "deploy")
