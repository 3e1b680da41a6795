"""From an empty server to an unsealed one, sealed again, unsealed again."""

from hvac import exceptions
from story import client, refused, status

root = client("")
assert not root.sys.is_initialized()
assert root.sys.is_sealed()
health = root.sys.read_health_status(method="GET")
assert health.status_code == 501 and health.json()["initialized"] is False
refused(exceptions.InvalidRequest, root.sys.initialize, secret_shares=5, secret_threshold=1)
refused(exceptions.InvalidRequest, root.sys.initialize, secret_shares=2, secret_threshold=3)

made = root.sys.initialize(secret_shares=5, secret_threshold=3)
assert len(made["keys"]) == 5 and len(made["keys_base64"]) == 5
assert root.sys.is_initialized()
refused(exceptions.InvalidRequest, root.sys.initialize, secret_shares=1, secret_threshold=1, text="Vault is already initialized")
assert root.sys.read_health_status(method="GET").status_code == 503
assert root.sys.read_health_status(method="HEAD").status_code == 503
root.token = made["root_token"]
refused(exceptions.VaultDown, root.sys.list_mounted_secrets_engines, text="Vault is sealed")

assert root.sys.submit_unseal_key(made["keys"][0])["progress"] == 1
assert root.sys.submit_unseal_key(made["keys"][0])["progress"] == 1, "one share twice is one share"
assert root.sys.submit_unseal_key(reset=True)["progress"] == 0
refused(exceptions.InvalidRequest, root.sys.submit_unseal_key, "not a key!", text="'key' must be a valid hex or base64 string")
shown = root.sys.submit_unseal_keys([made["keys"][0], made["keys_base64"][1], made["keys"][2]])
assert shown["sealed"] is False and shown["t"] == 3 and shown["n"] == 5 and shown["type"] == "shamir"
assert not root.sys.is_sealed()
seen = root.sys.read_seal_status()
assert seen["cluster_name"] and seen["cluster_id"] and seen["initialized"] is True
assert root.sys.read_health_status(method="GET")["sealed"] is False
assert root.sys.read_health_status().status_code == 200
assert root.is_authenticated()
assert root.ha_status["ha_enabled"] is False
assert root.key_status["term"] == 1
status(root.sys.rotate_encryption_key(), 204)
assert root.key_status["term"] == 2

status(root.sys.seal(), 204)
assert root.sys.is_sealed()
refused(exceptions.VaultDown, root.lookup_token, text="Vault is sealed")
root.sys.submit_unseal_keys(made["keys"][2:5])
assert root.lookup_token()["data"]["policies"] == ["root"]
