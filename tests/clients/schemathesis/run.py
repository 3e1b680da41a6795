"""Lets schemathesis try a Rotunda by its own OpenAPI document.

Begins with an empty server at VAULT_ADDR: makes its keys, puts something of each kind into it (`hooks.py` names it, so
that requests meet what is there), and gives schemathesis the document of all of that. What would end the run is put
right again by `hooks.py`: a seal is unsealed, and a token that revokes itself is one of its own.

    SCHEMATHESIS_EXAMPLES   random requests for each operation (8)
    SCHEMATHESIS_SECONDS    instead: every edge of every schema, then random requests, for so long
    SCHEMATHESIS_SEED       what they are drawn from (1)
    TARGET                  settings of a target, as JSON, with a role `there` to manage
"""

import collections
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import requests

HERE = Path(__file__).resolve().parent
ADDRESS = os.environ["VAULT_ADDR"]

# Off: `negative_data_rejection`, since Vault's clients send numbers, truths, lists and durations in several spellings,
# and parameters that are not known; all are taken. `positive_data_acceptance`, since what a request names need not be
# there, and some texts have a grammar (policies, schedules) that no schema tells.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
]


class Vault:
    """Whoever has a token."""

    def __init__(self, token=""):
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["X-Vault-Token"] = token

    def call(self, method, path, body=None):
        reply = self.session.request(method, f"{ADDRESS}/v1/{path}", json=body)
        if not reply.ok:
            sys.exit(f"{method} {path}: {reply.status_code} {reply.text}")
        return reply.json() if reply.text else {}


MAKE_USER = "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"


def furnish():
    """Makes the keys of the vault, and one thing of each kind."""
    keys = Vault().call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
    share, root = keys["keys"][0], keys["root_token"]
    vault = Vault(root)
    vault.call("PUT", "sys/unseal", {"key": share})
    for path, body in {
        "sys/mounts/kv1": {"type": "kv"},
        "sys/mounts/kv2": {"type": "kv-v2"},
        "sys/mounts/db": {"type": "database"},
        "sys/mounts/sets": {"type": "ldap"},
        "sys/auth/machines": {"type": "approle"},
        "sys/auth/people": {"type": "userpass"},
        "sys/policies/acl/there": {"policy": 'path "kv2/*" { capabilities = ["read"] }'},
        "kv1/there": {"a": "b", "ttl": "1h"},
        "kv2/data/there": {"data": {"a": {"b": 1}}},
        "cubbyhole/there": {"a": "b"},
        "auth/token/roles/there": {"allowed_policies": ["there"]},
        "auth/machines/role/there": {"token_policies": ["there"]},
        "auth/people/users/there": {"password": "there-there", "policies": ["there"]},
        "rotation-policies/there": {"rotation_period": "24h"},
        "password-policies/there": {"policy": 'length = 20\nrule "charset" { charset = "abcdefgh" }'},
    }.items():
        vault.call("POST", path, body)
    if "TARGET" in os.environ:
        vault.call("POST", "targets/config/there", json.loads(os.environ["TARGET"]))
        vault.call("POST", "accounts/config/there", {"target": "there", "username": "there"})
        vault.call("POST", "sets/library/there", {"service_account_names": ["there"]})
        plugin = {"plugin_name": "postgresql-database-plugin", "allowed_roles": "*"}
        login = {"username": "maker", "password": "makers own"}
        url = json.loads(os.environ["TARGET"])["connection_url"]
        vault.call("POST", "db/config/there", {"connection_url": url} | plugin | login)
        vault.call("POST", "db/roles/there", {"db_name": "there", "creation_statements": MAKE_USER})
    child = vault.call("POST", "auth/token/create", {"policies": ["default"], "ttl": "1h"})["auth"]
    secret = vault.call("POST", "auth/machines/role/there/secret-id", {"num_uses": 0})["data"]
    there = {
        "root": root,
        "root_accessor": vault.call("GET", "auth/token/lookup-self")["data"]["accessor"],
        "share": share,
        "token": child["client_token"],
        "accessor": child["accessor"],
        "role_id": vault.call("GET", "auth/machines/role/there/role-id")["data"]["role_id"],
        "secret_id": secret["secret_id"],
        "secret_id_accessor": secret["secret_id_accessor"],
        "password": "there-there",
    }
    return vault, there


def main():
    vault, there = furnish()
    examples = os.environ.get("SCHEMATHESIS_EXAMPLES", "1000" if "SCHEMATHESIS_SECONDS" in os.environ else "8")
    seconds = os.environ.get("SCHEMATHESIS_SECONDS")
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "openapi.json"
        document.write_text(json.dumps(vault.call("GET", "sys/internal/specs/openapi")))
        command = [
            str(Path(sys.executable).parent / "schemathesis"),
            "run",
            str(document),
            f"--url={ADDRESS}/v1",
            f"--checks={','.join(CHECKS)}",
            f"--max-examples={examples}",
            f"--seed={os.environ.get('SCHEMATHESIS_SEED', '1')}",
            f"--phases={'coverage,fuzzing' if seconds else 'fuzzing'}",
            "--generation-database=none",
            "--generation-with-security-parameters=false",
            "--request-timeout=30",
            "--suppress-health-check=all",
            "--warnings=off",
            "--continue-on-failure",
            "--no-color",
        ]
        if seconds:
            command += [f"--max-time={seconds}"]
        environment = dict(os.environ)
        environment["SCHEMATHESIS_HOOKS"] = "hooks"
        environment["PYTHONPATH"] = str(HERE)
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        environment["THERE"] = json.dumps(there)
        environment["SEEN"] = str(Path(folder) / "seen.json")
        ended = subprocess.run(command, cwd=folder, env=environment).returncode
        seen = json.loads((Path(folder) / "seen.json").read_text())
    health = vault.session.get(f"{ADDRESS}/v1/sys/health").status_code
    print(f"afterwards sys/health is {health}")
    if not report(seen) or ended or health != 200:
        sys.exit(1)


def report(seen):
    """Prints what was answered; False when so little succeeded that the run says nothing."""
    total = collections.Counter()
    for statuses in seen.values():
        total.update(statuses)
    barren = sorted(
        operation for operation, statuses in seen.items() if not any(status.startswith("2") for status in statuses)
    )
    print(f"{sum(total.values())} answers to {len(seen)} operations:", dict(sorted(total.items())))
    print(f"{len(barren)} operations never succeeded:", *barren, sep="\n    ")
    return len(barren) < len(seen) / 2


if __name__ == "__main__":
    main()
