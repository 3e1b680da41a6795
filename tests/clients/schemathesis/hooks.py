"""What schemathesis is told about a vault: the names of what is there, and what would end the run."""

import atexit
import collections
import json
import os
import zlib

import requests
import schemathesis

THERE = json.loads(os.environ["THERE"])
ADDRESS = os.environ["VAULT_ADDR"]

SESSION = requests.Session()
SESSION.trust_env = False

# What is there under which name, by the beginning of an operation's path; the first that fits.
NAMES = [
    ("/sys/mounts/", {"path": "kv2"}),
    ("/sys/auth/", {"path": "machines"}),
    ("/sys/audit-hash/", {"path": "chain"}),
    ("/sys/internal/ui/mounts/", {"path": "kv2/there"}),
    ("/sys/leases/lookup/", {"prefix": "accounts"}),
    ("/", {"name": "there", "path": "there", "role": "there"}),
]
# What would take away what is there for the others, so that it meets only what is not.
KEPT = (
    "/sys/mounts/{path}",
    "/sys/auth/{path}",
    "/targets/config/{name}",
    "/accounts/config/{path}",
    "/db/config/{name}",
    "/db/rotate-root/{name}",
)
# What a body may hold that means something.
TEXTS = ["token", "accessor", "role_id", "secret_id", "secret_id_accessor", "password"]
# What has a grammar that no schema tells.
BODIES = {
    "/sys/policies/acl/{name}": {"policy": 'path "a" { capabilities = ["read"] }'},
    "/sys/policy/{name}": {"policy": 'path "a" { capabilities = ["read"] }'},
    "/password-policies/{name}": {"policy": 'length = 20\nrule "charset" { charset = "abcdefgh" }'},
    "/rotation-policies/{name}": {"rotation_period": "24h"},
    "/sys/mounts/{path}": {"type": "kv"},
    "/sys/auth/{path}": {"type": "userpass"},
    "/sys/mounts/{path}/tune": {"default_lease_ttl": "1h"},
    "/sys/auth/{path}/tune": {"default_lease_ttl": "1h"},
    "/kv2/data/{path}": {"data": {"a": {"b": [1.0, None]}}},
    "/auth/machines/login": {"role_id": THERE["role_id"], "secret_id": THERE["secret_id"]},
    "/auth/people/users/{name}/policies": {"token_policies": ["there"]},
    "/sys/config/cors": {"allowed_origins": ["https://there.example"]},
    "/sys/generate-root/attempt": {},
}


def chosen(value, one_in=2):
    """Whether to put what is there in the place of a value: so often, and the same way in each run."""
    return zlib.crc32(json.dumps(value, sort_keys=True, default=str).encode()) % one_in == 0


def furnished(case):
    """Gives half of the requests the names of what is there, and some of them a body that is known to be good."""
    path, reads = case.operation.path, case.operation.method.lower() == "get"
    named = reads or case.operation.method.lower() in ("post", "patch") and path not in KEPT
    if case.path_parameters and named and chosen(dict(case.path_parameters)):
        there = next(names for beginning, names in NAMES if path.startswith(beginning))
        case.path_parameters = {name: there.get(name, value) for name, value in case.path_parameters.items()}
    if isinstance(case.body, dict) and "revoke" not in path and "destroy" not in path:
        if path in BODIES and chosen(case.body, 3):
            case.body = BODIES[path]
        elif chosen(case.body):
            case.body = {
                name: THERE[name] if name in TEXTS and isinstance(value, str) else value
                for name, value in case.body.items()
            }


def as_whom(case):
    """Root, or where the token ends with the request, one of its own."""
    if case.operation.path != "/auth/token/revoke-self":
        return THERE["root"]
    headers = {"X-Vault-Token": THERE["root"]}
    reply = SESSION.post(f"{ADDRESS}/v1/auth/token/create", json={"ttl": "1h"}, headers=headers)
    return reply.json()["auth"]["client_token"]


@schemathesis.hook
def before_call(context, case, kwargs):
    furnished(case)
    # schemathesis sends again what it has seen in answers, and root is to stay.
    if "/revoke" in case.operation.path and isinstance(case.body, dict):
        roots = (THERE["root"], THERE["root_accessor"])
        case.body = {name: "another" if value in roots else value for name, value in case.body.items()}
    # Whoever asks for a 5xx of a healthy server gets one.
    if case.operation.path == "/sys/health" and case.query:
        case.query = {name: value for name, value in case.query.items() if name != "activecode"}
    case.headers = {**(case.headers or {}), "X-Vault-Token": as_whom(case)}


# How often each operation was answered with each status; `run.py` looks at it.
SEEN = collections.defaultdict(collections.Counter)


@schemathesis.hook
def after_call(context, case, response):
    # Methods that an operation does not have are tried, too.
    if case.method.upper() == case.operation.method.upper():
        SEEN[f"{case.method} {case.operation.path}"][str(response.status_code)] += 1
    if case.operation.path == "/sys/seal" and response.status_code == 204:
        SESSION.put(f"{ADDRESS}/v1/sys/unseal", json={"key": THERE["share"]})


@atexit.register
def tell():
    with open(os.environ["SEEN"], "w") as file:
        json.dump(SEEN, file)
