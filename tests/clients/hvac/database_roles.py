"""Users that a database makes for a lease: let in while it lasts, gone after it."""

import os

from hvac import exceptions
from story import client, logs_in, refused, status

root = client()
db = root.secrets.database
root.sys.enable_secrets_engine("database", path="db")
db.configure(name="pg", plugin_name="postgresql-database-plugin", mount_point="db", connection_url=os.environ["STORY_POSTGRES"], username="manager", password="m-0", allowed_roles=["app", "bad"])
creation = ["CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';", "GRANT pg_read_all_data TO \"{{name}}\";"]
status(db.create_role("app", "pg", creation, default_ttl="1h", max_ttl="24h", mount_point="db"), 204)
read = db.read_role("app", mount_point="db")["data"]
wanted = {"db_name": "pg", "creation_statements": creation, "default_ttl": 3600, "max_ttl": 86400, "revocation_statements": [], "rollback_statements": [], "renew_statements": []}
assert wanted.items() <= read.items(), read
assert db.list_roles(mount_point="db")["data"]["keys"] == ["app"]

made = db.generate_credentials("app", mount_point="db")
lease, user, password = made["lease_id"], made["data"]["username"], made["data"]["password"]
assert lease.startswith("db/creds/app/") and made["renewable"] is True and made["lease_duration"] == 3600, made
assert user.startswith("v-root-app-") and len(user) <= 63 and len(password) == 20, made
assert logs_in(user, password)
found = root.sys.read_lease(lease)["data"]
assert found["id"] == lease and found["renewable"] and 3590 < found["ttl"] <= 3600, found
renewed = root.sys.renew_lease(lease, increment=7200)
assert renewed["lease_id"] == lease and renewed["lease_duration"] == 7200, renewed
capped = root.sys.renew_lease(lease, increment=48 * 3600)
assert 86390 < capped["lease_duration"] <= 86400 and "TTL of" in capped["warnings"][0], capped
assert logs_in(user, password)
status(root.sys.revoke_lease(lease), 204)
assert not logs_in(user, password)
refused(exceptions.InvalidRequest, root.sys.read_lease, lease, text="invalid lease")

# A role that is not there, not allowed, or that fails half-way.
refused(exceptions.InvalidRequest, db.generate_credentials, "none", mount_point="db", text="unknown role")
status(db.create_role("other", "pg", creation, mount_point="db"), 204)
refused(exceptions.VaultError, db.generate_credentials, "other", mount_point="db", text="is not an allowed role")
status(db.create_role("bad", "pg", creation + ["GRANT no_such_role TO \"{{name}}\";"], mount_point="db"), 204)
refused(exceptions.VaultError, db.generate_credentials, "bad", mount_point="db")

# With its token, by its prefix, with its mount.
root.sys.create_or_update_policy("app", 'path "db/creds/app" { capabilities = ["read"] }')
token = root.auth.token.create(policies=["app"])["auth"]["client_token"]
held = client(token).secrets.database.generate_credentials("app", mount_point="db")["data"]
assert held["username"].startswith("v-token-"), held
assert logs_in(held["username"], held["password"])
root.auth.token.revoke(token)
for _ in range(100):
    if not logs_in(held["username"], held["password"]):
        break
else:
    raise AssertionError("a user outlived its token")
two = [db.generate_credentials("app", mount_point="db")["data"] for _ in range(2)]
status(root.sys.revoke_prefix("db/creds/app"), 204)
assert not any(logs_in(user["username"], user["password"]) for user in two)
last = db.generate_credentials("app", mount_point="db")["data"]
assert logs_in(last["username"], last["password"])
status(db.delete_role("app", mount_point="db"), 204)
refused(exceptions.InvalidPath, db.read_role, "app", mount_point="db")
status(root.sys.disable_secrets_engine("db"), 204)
assert not logs_in(last["username"], last["password"])
