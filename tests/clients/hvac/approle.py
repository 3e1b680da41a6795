"""AppRole: roles, role ids, secret ids, logins."""

from hvac import exceptions
from story import client, refused, status

root = client()
root.sys.enable_auth_method("approle", path="machines")
at = {"mount_point": "machines"}
roles = root.auth.approle
root.sys.create_or_update_policy("p1", 'path "sys/mounts" { capabilities = ["read"] }')
status(roles.create_or_update_approle("web", token_policies=["p1"], token_ttl="10m", token_max_ttl="20m", secret_id_num_uses=2, secret_id_ttl="1h", **at), 204)
role = roles.read_role("web", **at)["data"]
assert role["token_policies"] == ["p1"] and role["token_ttl"] == 600 and role["token_max_ttl"] == 1200
assert role["secret_id_num_uses"] == 2 and role["secret_id_ttl"] == 3600 and role["bind_secret_id"] is True
assert role["secret_id_bound_cidrs"] is None and role["local_secret_ids"] is False
assert roles.list_roles(**at)["data"]["keys"] == ["web"]
refused(exceptions.InvalidPath, roles.read_role, "nothing", **at)
refused(exceptions.ParamValidationError, roles.create_or_update_approle, "bad", token_type="nonsense", **at)

role_id = roles.read_role_id("web", **at)["data"]["role_id"]
made = roles.generate_secret_id("web", metadata={"host": "a1"}, **at)["data"]
assert made["secret_id_num_uses"] == 2 and made["secret_id_ttl"] == 3600 and made["secret_id"] and made["secret_id_accessor"]
machine = client("")
login = machine.auth.approle.login(role_id=role_id, secret_id=made["secret_id"], **at)["auth"]
assert login["policies"] == ["default", "p1"] and login["lease_duration"] == 600 and login["renewable"] is True
assert login["metadata"] == {"role_name": "web", "host": "a1"} and login["orphan"] is True
assert "sys/" in machine.sys.list_mounted_secrets_engines()["data"], "the client uses the token that it got"
assert machine.lookup_token()["data"]["path"] == "auth/machines/login"
seen = roles.read_secret_id("web", made["secret_id"], **at)["data"]
assert seen["metadata"] == {"host": "a1"} and seen["secret_id_num_uses"] == 1
assert roles.read_secret_id_accessor("web", made["secret_id_accessor"], **at)["data"]["secret_id_accessor"] == made["secret_id_accessor"]
assert made["secret_id_accessor"] in roles.list_secret_id_accessors("web", **at)["data"]["keys"]
client("").auth.approle.login(role_id=role_id, secret_id=made["secret_id"], **at)
nobody = client("").auth.approle
refused(exceptions.InvalidRequest, nobody.login, role_id=role_id, secret_id=made["secret_id"], text="invalid", **at)
refused(exceptions.InvalidRequest, nobody.login, role_id=role_id, secret_id="wrong", text="invalid", **at)
refused(exceptions.InvalidRequest, nobody.login, role_id="wrong", secret_id="wrong", text="invalid", **at)
refused(exceptions.InvalidRequest, nobody.login, role_id=role_id, **at)

custom = roles.create_custom_secret_id("web", "a-secret-of-my-own", metadata={"x": "y"}, **at)["data"]
assert custom["secret_id"] == "a-secret-of-my-own"
nobody.login(role_id=role_id, secret_id="a-secret-of-my-own", **at)
status(roles.destroy_secret_id("web", "a-secret-of-my-own", **at), 204)
refused(exceptions.InvalidRequest, nobody.login, role_id=role_id, secret_id="a-secret-of-my-own", **at)
other = roles.generate_secret_id("web", **at)["data"]
status(roles.destroy_secret_id_accessor("web", other["secret_id_accessor"], **at), 204)
refused(exceptions.InvalidRequest, nobody.login, role_id=role_id, secret_id=other["secret_id"], **at)
refused(exceptions.InvalidPath, roles.read_secret_id_accessor, "web", other["secret_id_accessor"], **at)
status(roles.update_role_id("web", "web-in-production", **at), 204)
assert roles.read_role_id("web", **at)["data"]["role_id"] == "web-in-production"
fresh = roles.generate_secret_id("web", **at)["data"]["secret_id"]
assert nobody.login(role_id="web-in-production", secret_id=fresh, use_token=False, **at)["auth"]["client_token"]
status(roles.delete_role("web", **at), 204)
refused(exceptions.InvalidRequest, nobody.login, role_id="web-in-production", secret_id=fresh, **at)
refused(exceptions.InvalidPath, roles.list_roles, **at)
