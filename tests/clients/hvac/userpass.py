"""Userpass: users, passwords, policies, logins."""

from hvac import exceptions
from story import client, refused, status

root = client()
root.sys.enable_auth_method("userpass")
users = root.auth.userpass
status(users.create_or_update_user("Ann", password="secret-1", policies="p1,p2"), 204)
assert users.list_user()["data"]["keys"] == ["ann"]
seen = users.read_user("ann")["data"]
assert seen["token_policies"] == ["p1", "p2"] and "password" not in seen
person = client("")
login = person.auth.userpass.login("ann", "secret-1")["auth"]
assert login["policies"] == ["default", "p1", "p2"] and login["metadata"] == {"username": "ann"} and login["orphan"] is True
assert person.lookup_token()["data"]["display_name"] == "userpass-ann"
assert client("").auth.userpass.login("ANN", "secret-1")["auth"]["metadata"] == {"username": "ann"}
nobody = client("").auth.userpass
refused(exceptions.InvalidRequest, nobody.login, "ann", "wrong", text="invalid username or password")
refused(exceptions.InvalidRequest, nobody.login, "nobody", "wrong", text="invalid username or password")
status(users.update_password_on_user("ann", "secret-2"), 204)
refused(exceptions.InvalidRequest, nobody.login, "ann", "secret-1", text="invalid username or password")
assert nobody.login("ann", "secret-2", use_token=False)["auth"]["client_token"]
status(root.write("auth/userpass/users/ann/policies", policies="p3"), 204)
assert users.read_user("ann")["data"]["token_policies"] == ["p3"]
assert users.read_user("ann")["data"]["token_no_default_policy"] is False
status(users.delete_user("ann"), 204)
refused(exceptions.InvalidRequest, nobody.login, "ann", "secret-2", text="invalid username or password")
refused(exceptions.InvalidPath, users.read_user, "ann")
status(root.sys.disable_auth_method("userpass"), 204)
refused(exceptions.VaultError, person.lookup_token, text="permission denied")
