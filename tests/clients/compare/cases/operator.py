"""Rekey, generate-root, audit devices."""

from steps import delete, get, lists, post, put, token

F = ("encoded_token", "encoded_root_token", "otp", "progress_nonce")

CASES = [
    ("generate-root", [step for base in ("sys/generate-root", "sys/generate-root-token") for step in [
        get(f"{base}/attempt", token=""), delete(f"{base}/attempt", token=""),
        put(f"{base}/attempt", {}, token="", take={"n": "nonce"}, form=F), get(f"{base}/attempt", token=""), put(f"{base}/attempt", {}, token=""),
        put(f"{base}/update", {"key": "00", "nonce": "$n"}, token=""), put(f"{base}/update", {"key": "nonsense!", "nonce": "$n"}, token=""), put(f"{base}/update", {"key": "0102030405060708091011121314151617181920212223242526272829303132", "nonce": "wrong"}, token=""), put(f"{base}/update", {"nonce": "$n"}, token=""), put(f"{base}/update", {"key": "0102030405060708091011121314151617181920212223242526272829303132", "nonce": "$n"}, token=""),
        delete(f"{base}/attempt", token=""), put(f"{base}/update", {"key": "0102030405060708091011121314151617181920212223242526272829303132"}, token=""),
        put(f"{base}/attempt", {"otp": "short"}, token=""), put(f"{base}/attempt", {"otp": "A" * 26}, token="", quiet=True), delete(f"{base}/attempt", token=""),
        put(f"{base}/attempt", {"pgp_key": "nonsense"}, token=""), put(f"{base}/attempt", token="", quiet=True), delete(f"{base}/attempt", token="")]]),
    ("rekey", [
        get("sys/rekey/init", token=""), delete("sys/rekey/init", token=""), get("sys/rekey/verify", token=""), get("sys/rekey/backup"), delete("sys/rekey/backup"), get("sys/rekey/recovery-key-backup", quiet=True),
        put("sys/rekey/init", {"secret_shares": 3, "secret_threshold": 2}, token="", take={"n": "nonce"}), get("sys/rekey/init", token=""), put("sys/rekey/init", {"secret_shares": 3, "secret_threshold": 2}, token=""),
        put("sys/rekey/update", {"key": "nonsense!", "nonce": "$n"}, token=""), put("sys/rekey/update", {"key": "00", "nonce": "$n"}, token=""), put("sys/rekey/update", {"nonce": "$n"}, token=""), put("sys/rekey/update", {"key": "0102030405060708091011121314151617181920212223242526272829303132", "nonce": "wrong"}, token=""), put("sys/rekey/update", {"key": "0102030405060708091011121314151617181920212223242526272829303132", "nonce": "$n"}, token=""),
        get("sys/rekey/init", token=""), delete("sys/rekey/init", token=""), get("sys/rekey/init", token=""),
        put("sys/rekey/update", {"key": "0102030405060708091011121314151617181920212223242526272829303132", "nonce": "$n"}, token=""), put("sys/rekey/verify", {"key": "0102030405060708091011121314151617181920212223242526272829303132", "nonce": "$n"}, token=""), delete("sys/rekey/verify", token=""),
        *[put("sys/rekey/init", body, token="") for body in ({}, {"secret_shares": 0, "secret_threshold": 0}, {"secret_shares": 2, "secret_threshold": 3}, {"secret_shares": 5, "secret_threshold": 1}, {"secret_shares": 300, "secret_threshold": 3}, {"secret_shares": 2, "secret_threshold": 2, "backup": True}, {"secret_shares": 1, "secret_threshold": 1, "pgp_keys": ["nonsense"]})],
        put("sys/rekey/init", {"secret_shares": 3, "secret_threshold": 2, "require_verification": True, "pgp_keys": None, "backup": False}, token=""), get("sys/rekey/init", token=""), delete("sys/rekey/init", token=""),
    ]),
    ("audit", [
        get("sys/audit"), put("sys/audit/f1", {"type": "file", "description": "one", "options": {"file_path": "/dev/null"}}), get("sys/audit"), put("sys/audit/f1", {"type": "file", "options": {"file_path": "/dev/null"}}),
        post("sys/audit-hash/f1", {"input": "x"}), post("sys/audit-hash/nothing", {"input": "x"}), post("sys/audit-hash/f1", {}),
        put("sys/audit/f2", {"type": "nonsense", "options": {}}), put("sys/audit/f2", {"type": "file"}), put("sys/audit/f2", {"type": "file", "options": {"file_path": "/nonexistent/x/y"}}), put("sys/audit/f2", {}),
        delete("sys/audit/f1"), delete("sys/audit/f1"), delete("sys/audit/nothing"), get("sys/audit/f1", quiet=True),
    ]),
]
