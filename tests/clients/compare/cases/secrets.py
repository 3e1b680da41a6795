"""Wrapping, cubbyhole, leases."""

from steps import delete, get, lists, policy, post, put, token

W = {"w": "wrap_info.token", "wa": "wrap_info.accessor"}
WRAP = {"X-Vault-Wrap-TTL": "60"}

CASES = [
    ("wrapping", [
        post("sys/wrapping/wrap", {"a": "b", "n": 1.0}, headers=WRAP, take=W),
        post("sys/wrapping/lookup", {"token": "$w"}), post("sys/wrapping/lookup", {"token": "$w"}, token=""), get("sys/wrapping/lookup", token="$w"),
        post("sys/wrapping/unwrap", {"token": "$w"}), post("sys/wrapping/unwrap", {"token": "$w"}), post("sys/wrapping/lookup", {"token": "$w"}),
        post("sys/wrapping/wrap", {"a": "b"}, headers={"X-Vault-Wrap-Ttl": "5m"}, take=W), post("sys/wrapping/unwrap", token="$w"), post("sys/wrapping/unwrap", token="$w"),
        post("sys/wrapping/wrap", {"a": "b"}, headers=WRAP, take=W), put("sys/wrapping/unwrap", raw="null", token="$w"),
        post("sys/wrapping/wrap", {"a": "b"}), post("sys/wrapping/wrap", {}, headers=WRAP), post("sys/wrapping/wrap", headers=WRAP),
        post("sys/wrapping/wrap", {"a": "b"}, headers={"X-Vault-Wrap-TTL": "soon"}), post("sys/wrapping/wrap", {"a": "b"}, headers={"X-Vault-Wrap-TTL": "-5"}), post("sys/wrapping/wrap", {"a": "b"}, headers={"X-Vault-Wrap-TTL": "0"}),
        post("sys/wrapping/wrap", {"a": "b"}, headers=WRAP, take=W), post("sys/wrapping/rewrap", {"token": "$w"}, take={"w2": "wrap_info.token"}),
        post("sys/wrapping/unwrap", {"token": "$w"}), post("sys/wrapping/unwrap", {"token": "$w2"}),
        post("sys/wrapping/rewrap", {"token": "nonsense"}), post("sys/wrapping/rewrap", {}), post("sys/wrapping/unwrap", {"token": "nonsense"}), post("sys/wrapping/unwrap", {}), post("sys/wrapping/lookup", {"token": "nonsense"}), post("sys/wrapping/lookup", {}), post("sys/wrapping/lookup", {}, token=""),
        post("auth/token/create", {"policies": ["p"]}, headers=WRAP, take=W), post("sys/wrapping/unwrap", {"token": "$w"}),
        get("sys/mounts", headers=WRAP, take=W), post("sys/wrapping/lookup", {"token": "$w"}),
        get("sys/health", headers=WRAP), get("sys/policies/acl/nothing", headers=WRAP), put("sys/policies/acl/w", {"policy": 'path "x" { capabilities = ["read"] }'}, headers=WRAP, quiet=True),
        get("auth/token/lookup-self", headers=WRAP, take=W), post("auth/token/lookup", {"token": "$w"}, form=("accessor",)), get("auth/token/lookup-self", token="$w"), get("sys/mounts", token="$w"),
        post("auth/token/revoke-accessor", {"accessor": "$wa"}), post("sys/wrapping/unwrap", {"token": "$w"}),
        policy("wrapped", 'path "cubbyhole/must" { capabilities = ["create", "update", "read"]\n min_wrapping_ttl = "10s"\n max_wrapping_ttl = "100s" }'), token("t", policies=["wrapped"]),
        post("cubbyhole/must", {"a": "b"}, token="$t"), get("cubbyhole/must", token="$t"), get("cubbyhole/must", token="$t", headers={"X-Vault-Wrap-TTL": "500"}), get("cubbyhole/must", token="$t", headers={"X-Vault-Wrap-TTL": "50"}),
        put("auth/token/lookup-self", headers={"X-Vault-Wrap-TTL": "60", "X-Vault-Wrap-Format": "jwt"}, quiet=True),
    ]),
    ("cubbyhole", [
        token("t1", policies=["default"]), token("t2", policies=["default"]),
        post("cubbyhole/a", {"k": "v"}, token="$t1"), get("cubbyhole/a", token="$t1"), get("cubbyhole/a", token="$t2"), get("cubbyhole/a"),
        post("cubbyhole/d/x", {"k": "v"}, token="$t1"), lists("cubbyhole", token="$t1"), lists("cubbyhole/d", token="$t1"), lists("cubbyhole", token="$t2"), lists("cubbyhole/nothing", token="$t1"),
        put("cubbyhole/a", {"other": 1.5}, token="$t1"), get("cubbyhole/a", token="$t1"),
        post("cubbyhole/e", {}, token="$t1"), post("cubbyhole", {"k": "v"}, token="$t1"), get("cubbyhole", token="$t1"),
        delete("cubbyhole/a", token="$t1"), delete("cubbyhole/a", token="$t1"), get("cubbyhole/a", token="$t1"),
        post("cubbyhole/ttl", {"ttl": "1h"}, token="$t1"), get("cubbyhole/ttl", token="$t1"),
    ]),
    ("leases", [
        post("sys/leases/lookup", {"lease_id": "nothing"}), post("sys/leases/lookup", {}), put("sys/leases/renew", {"lease_id": "nothing"}), put("sys/leases/renew", {}), put("sys/leases/renew/nothing/x", {}), put("sys/renew/nothing/x"), put("sys/renew", {"lease_id": "nothing"}),
        put("sys/leases/revoke", {"lease_id": "nothing"}), put("sys/leases/revoke", {}), put("sys/leases/revoke/nothing/x"), put("sys/revoke/nothing/x"), put("sys/revoke", {"lease_id": "nothing"}),
        put("sys/leases/revoke-prefix/nothing"), put("sys/leases/revoke-force/nothing"), put("sys/revoke-prefix/nothing"), put("sys/revoke-force/nothing"), post("sys/leases/revoke-prefix/nothing", {"sync": True}),
        lists("sys/leases/lookup/nothing"), lists("sys/leases/lookup"), lists("sys/leases/lookup/"), lists("sys/leases/lookup/auth", quiet=True), lists("sys/leases/lookup/auth/token", quiet=True), get("sys/leases/lookup/auth/token/create?list=true", quiet=True),
        post("sys/leases/tidy"), get("sys/leases/count?type=irrevocable", quiet=True), get("sys/leases", quiet=True),
    ]),
]
