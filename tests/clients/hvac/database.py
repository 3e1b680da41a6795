"""A database: its config, a static role, its credential, and how they rotate and go."""

import os
from datetime import datetime

from hvac import exceptions
from story import client, logs_in, refused, status

root = client()
db = root.secrets.database
root.sys.enable_secrets_engine("database", path="db")
usual = dict(name="pg", plugin_name="postgresql-database-plugin", mount_point="db", connection_url=os.environ["STORY_POSTGRES"], username="manager")

refused(exceptions.InvalidRequest, db.configure, **usual, password="wrong", allowed_roles=["*"], text="error verifying connection")
refused(exceptions.InvalidPath, db.read_connection, "pg", mount_point="db")
refused(exceptions.InvalidPath, db.list_connections, mount_point="db")
status(db.configure(**usual, password="m-0", allowed_roles=["st", "dyn-*"], max_open_connections=5, verify_connection=True), 204)
read = db.read_connection("pg", mount_point="db")["data"]
assert read["plugin_name"] == "postgresql-database-plugin" and read["allowed_roles"] == ["st", "dyn-*"], read
details = read["connection_details"]
assert details["username"] == "manager" and details["max_open_connections"] == 5 and "password" not in details, details
assert "m-0" not in str(read)
assert db.list_connections(mount_point="db")["data"]["keys"] == ["pg"]

# A static role is rotated as it is made.
statements = ["ALTER USER \"{{name}}\" WITH PASSWORD '{{password}}';"]
role = dict(name="st", db_name="pg", username="app", rotation_statements=statements, mount_point="db")
refused(exceptions.InvalidRequest, db.create_static_role, **role, rotation_period="4s", text="rotation_period must be 5 seconds or more")
status(db.create_static_role(**role, rotation_period="24h"), 204)
assert not logs_in("app", "a-0")
read = db.read_static_role("st", mount_point="db")["data"]
wanted = {"db_name": "pg", "username": "app", "rotation_period": 86400, "rotation_statements": statements}
assert wanted.items() <= read.items(), read
assert db.list_static_roles(mount_point="db")["data"]["keys"] == ["st"]
first = db.get_static_credentials("st", mount_point="db")["data"]
assert first["username"] == "app" and first["rotation_period"] == 86400 and 86300 < first["ttl"] <= 86400, first
datetime.fromisoformat(first["last_vault_rotation"][:19])
assert logs_in("app", first["password"])

status(db.rotate_static_role_credentials("st", mount_point="db"), 204)
second = db.get_static_credentials("st", mount_point="db")["data"]["password"]
assert second != first["password"] and logs_in("app", second) and not logs_in("app", first["password"])
status(db.create_static_role(**role, rotation_period=7200), 204)
assert db.get_static_credentials("st", mount_point="db")["data"]["password"] == second, "a change of settings rotates nothing"
refused(exceptions.InvalidRequest, db.create_static_role, **{**role, "username": "app2"}, rotation_period="1h", text="cannot update static account username")
refused(exceptions.InvalidRequest, db.get_static_credentials, "none", mount_point="db", text="unknown role")

# Who may read the credential may do nothing else.
root.sys.create_or_update_policy("reader", 'path "db/static-creds/st" { capabilities = ["read"] }')
reader = client(root.auth.token.create(policies=["reader"])["auth"]["client_token"])
assert reader.secrets.database.get_static_credentials("st", mount_point="db")["data"]["password"] == second
refused(exceptions.Forbidden, reader.secrets.database.rotate_static_role_credentials, "st", mount_point="db")

# The management password: nobody knows the new one, and everything goes on with it.
status(db.rotate_root_credentials("pg", mount_point="db"), 204)
assert not logs_in("manager", "m-0")
status(db.reset_connection("pg", mount_point="db"), 204)
status(db.rotate_static_role_credentials("st", mount_point="db"), 204)
third = db.get_static_credentials("st", mount_point="db")["data"]["password"]
assert logs_in("app", third) and not logs_in("app", second)

# Password policies.
root.adapter.put("/v1/sys/policies/password/letters", json={"policy": 'length = 30\nrule "charset" { charset = "abcdef" }'})
assert set(root.read("sys/policies/password/letters/generate")["data"]["password"]) <= set("abcdef")
with_policy = {**role, "name": "dyn-2", "username": "app2"}
root.adapter.post("/v1/db/static-roles/dyn-2", json={"db_name": "pg", "username": "app2", "rotation_period": "1h", "credential_config": {"password_policy": "letters"}})
made = db.get_static_credentials("dyn-2", mount_point="db")["data"]["password"]
assert len(made) == 30 and set(made) <= set("abcdef") and logs_in("app2", made)

for role in ("st", "dyn-2", "none"):
    status(db.delete_static_role(role, mount_point="db"), 204)
refused(exceptions.InvalidPath, db.read_static_role, "st", mount_point="db")
assert logs_in("app", third), "deleting a role changes nothing in the database"
status(db.delete_connection("pg", mount_point="db"), 204)
refused(exceptions.InvalidPath, db.read_connection, "pg", mount_point="db")
root.adapter.delete("/v1/sys/policies/password/letters")

# The account outlives its role: nothing is lost, and it says so.
if os.environ.get("STORY_SERVER") == "rotunda":
    kept = root.read("accounts/creds/db/st")["data"]
    assert (kept["username"], kept["password"]) == ("app", third), kept
root.sys.disable_secrets_engine("db")
assert "db/" not in root.sys.list_mounted_secrets_engines()["data"]
