"""Response wrapping: wrapped once, unwrapped once."""

from hvac import exceptions
from story import client, refused

root = client()
wrapped = root.sys.wrap({"k": "v", "n": 1.5}, ttl=60)["wrap_info"]
assert wrapped["ttl"] == 60 and wrapped["creation_path"] == "sys/wrapping/wrap" and wrapped["token"] and wrapped["accessor"]
assert root.adapter.post("/v1/sys/wrapping/lookup", json={"token": wrapped["token"]})["data"]["creation_ttl"] == 60
assert root.sys.unwrap(wrapped["token"])["data"] == {"k": "v", "n": 1.5}
refused(exceptions.InvalidRequest, root.sys.unwrap, wrapped["token"], text="wrapping token is not valid or does not exist")

by_itself = root.sys.wrap({"k": "v"}, ttl=60)["wrap_info"]["token"]
assert client(by_itself).sys.unwrap()["data"] == {"k": "v"}
refused(exceptions.VaultError, client(by_itself).sys.unwrap)

answer = root.auth.token.create(policies=["default"], wrap_ttl="5m")
assert answer["auth"] is None and answer["data"] is None and answer["wrap_info"]["ttl"] == 300
assert answer["wrap_info"]["wrapped_accessor"] and answer["wrap_info"]["creation_path"] == "auth/token/create"
made = root.sys.unwrap(answer["wrap_info"]["token"])["auth"]
assert client(made["client_token"]).lookup_token()["data"]["accessor"] == answer["wrap_info"]["wrapped_accessor"]

first = root.sys.wrap({"k": "v"}, ttl=60)["wrap_info"]["token"]
second = root.write("sys/wrapping/rewrap", token=first)["wrap_info"]["token"]
refused(exceptions.InvalidRequest, root.sys.unwrap, first, text="wrapping token is not valid or does not exist")
assert root.sys.unwrap(second)["data"] == {"k": "v"}

gone = root.sys.wrap({"k": "v"}, ttl=60)["wrap_info"]
root.auth.token.revoke_accessor(gone["accessor"])
refused(exceptions.InvalidRequest, root.sys.unwrap, gone["token"], text="wrapping token is not valid or does not exist")
token_only = root.sys.wrap({"k": "v"}, ttl=60)["wrap_info"]["token"]
refused(exceptions.Forbidden, client(token_only).sys.list_mounted_secrets_engines)
refused(exceptions.InvalidRequest, root.sys.unwrap, "nonsense", text="wrapping token is not valid or does not exist")
