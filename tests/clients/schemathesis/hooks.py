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

# Each of these is there under this name.
NAMES = {"name": "there", "path": "there", "role": "there", "prefix": "there"}
# What a body may hold that means something: used in half of the requests.
TEXTS = ["token", "accessor", "role_id", "secret_id", "secret_id_accessor", "password"]


def chosen(value):
    """Whether to put what is there in the place of a value: in half of the cases, and the same way in each run."""
    return zlib.crc32(json.dumps(value, sort_keys=True, default=str).encode()) % 2 == 0


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    path = context.operation.path
    # What is there should still be there for the others.
    if not path_parameters or context.operation.method.lower() == "delete" or path.startswith(("/sys/mounts", "/sys/auth")):
        return path_parameters
    return {
        name: NAMES[name] if name in NAMES and chosen(value) else value for name, value in path_parameters.items()
    }


@schemathesis.hook
def map_body(context, body):
    path = context.operation.path
    if not isinstance(body, dict) or not chosen(body) or "revoke" in path or "destroy" in path:
        return body
    return {name: THERE[name] if name in TEXTS and isinstance(value, str) else value for name, value in body.items()}


def as_whom(case):
    """Root, or where the token ends with the request, one of its own."""
    if case.operation.path != "/auth/token/revoke-self":
        return THERE["root"]
    headers = {"X-Vault-Token": THERE["root"]}
    reply = SESSION.post(f"{ADDRESS}/v1/auth/token/create", json={"ttl": "1h"}, headers=headers)
    return reply.json()["auth"]["client_token"]


@schemathesis.hook
def before_call(context, case, kwargs):
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
