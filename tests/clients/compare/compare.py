#!/usr/bin/env python3
"""Sends the same requests to OpenBao and to Rotunda, and prints where the answers differ.

    tests/clients/compare/compare.py [--bao PROGRAM] [--rotunda PROGRAM] [-v] [AREA ...]

Both servers are started on free ports, as `… dev` with the same root token, and stopped again. Each case of
cases/*.py is a list of requests that builds on nothing outside the case. Status, Content-Type, Cache-Control and the
JSON body are compared; what is random or a time is compared by its form only. A difference that is wanted stands
with its reason in WANTED (wanted.py). Exit code 1 when there is another one.
"""

import argparse
import difflib
import http.client
import importlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = "root-of-the-comparison"
LINES = 24
AREAS = sorted(file.stem for file in (HERE / "cases").glob("*.py"))


class Server:
    """One of the two, on a free port."""

    def __init__(self, name, command, environment):
        self.name = name
        self.port = free_port()
        self.folder = tempfile.TemporaryDirectory(prefix="compare-")
        log = open(os.path.join(self.folder.name, "log"), "wb")
        address = f"127.0.0.1:{self.port}"
        arguments = [part.format(address=address, data=self.folder.name) for part in command]
        environment = {**os.environ, "HOME": self.folder.name, **environment}
        self.process = subprocess.Popen(arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment)
        self.wait()

    def wait(self):
        for _ in range(400):
            try:
                if self.send("GET", "sys/health")[0] == 200:
                    return
            except OSError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        sys.exit(f"{self.name} does not answer:\n" + pathlib.Path(self.folder.name, "log").read_text()[-2000:])

    def send(self, method, path, body=None, headers=None):
        """Status, headers (names in lower case), body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            raw = path if path.startswith("/") else "/v1/" + path
            connection.request(method, raw, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()


def openbao(program):
    """OpenBao's development server, which may make audit devices and lets the holders of shares in without a token."""
    folder = tempfile.mkdtemp(prefix="compare-config-")
    port = free_port()
    listener = {"address": f"127.0.0.1:{port}", "tls_disable": True, "disable_unauthed_rekey_endpoints": False,
                "disable_unauthed_generate_root_endpoints": False}
    config = pathlib.Path(folder, "config.json")
    config.write_text(json.dumps({"unsafe_allow_api_audit_creation": True, "listener": {"tcp": listener}}))
    command = [program, "server", "-dev", f"-dev-root-token-id={ROOT}", "-dev-listen-address={address}", "-dev-no-store-token",
               f"-config={config}"]
    server = Server("OpenBao", command, {"BAO_LOG_LEVEL": "error"})
    # The second listener is the one with these settings.
    server.port = port
    return server


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Case:
    """The requests of one case on one server, with what was taken from earlier answers."""

    def __init__(self, server):
        self.server = server
        self.taken = {"root": ROOT}

    def fill(self, value):
        if isinstance(value, str):
            return re.sub(r"\$(\w+)", lambda name: str(self.taken.get(name[1], name[0])), value)
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if isinstance(value, dict):
            return {self.fill(key): self.fill(item) for key, item in value.items()}
        return value

    def run(self, step):
        """Sends one request; what came back, in the form that is compared."""
        headers = {key: self.fill(value) for key, value in step.get("headers", {}).items()}
        token = self.fill(step.get("token", "$root"))
        if token:
            headers.setdefault("X-Vault-Token", token)
        body = step.get("body")
        if "raw" in step:
            body = step["raw"].encode()
        elif body is not None:
            body = json.dumps(self.fill(body)).encode()
            headers.setdefault("Content-Type", "application/json")
        wait = step.get("wait", 0)
        for _ in range(1 + wait * 10):
            status, answered, text = self.server.send(step["method"], self.fill(step["path"]), body, headers)
            if not wait or status == step.get("until", 200):
                break
            time.sleep(0.1)
        try:
            parsed = json.loads(text) if text else None
        except ValueError:
            parsed = {"<not JSON>": text.decode(errors="replace")[:200]}
        for name, pointer in step.get("take", {}).items():
            self.taken[name] = dig(parsed, pointer)
        form = {"status": status, "body": normal(parsed, step.get("form", ())) if text else "<none>"}
        for name in ("content-type", "cache-control", *step.get("see", ())):
            # A 204 has nothing whose type could matter.
            if not (status == 204 and name == "content-type"):
                form[name] = answered.get(name)
        if step.get("quiet"):
            form = {"status": status}
        return form


def dig(value, pointer):
    for part in pointer.split("."):
        if isinstance(value, list):
            value = value[int(part)] if int(part) < len(value) else None
        elif isinstance(value, dict):
            value = value.get(part)
        else:
            return None
    return value


FORMS = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d", "<time with an offset>"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid>"),
    (r"hmac-sha256:[0-9a-f]{64}", "<hmac>"),
    (r"(hvs\.|s\.|b\.|hvb\.)[A-Za-z0-9_-]{20,}", "<token>"),
    (r"\b(kv|cubbyhole|identity|system|ns_system|auth_\w+|token|userpass|approle|database|file|audit)_[0-9a-f]{8}\b", "<accessor>"),
    (r"vault-cluster-[0-9a-f]{8}", "<cluster>"),
    (r"[A-Za-z0-9]{24}", "<24>"),
    (r"\b[0-9a-f]{64,66}\b", "<hex key>"),
    (r"[A-Za-z0-9+/]{43,44}={0,2}", "<base64 key>"),
    (r"root-of-the-comparison", "<root>"),
]
# The value of these keys is compared by its type.
BY_TYPE = {"server_time_utc", "creation_time", "version", "encryptions", "storage_type", "request_id", "build_date", "progress_nonce"}


def normal(value, by_form=(), key=""):
    """The value without what differs from run to run."""
    if isinstance(value, dict):
        return {normal(k): normal(item, by_form, k) for k, item in sorted(value.items())}
    if isinstance(value, list):
        return [normal(item, by_form, key) for item in value]
    if (key in BY_TYPE or key in by_form) and not isinstance(value, bool) and value not in ("", None):
        return f"<{type(value).__name__}>"
    if isinstance(value, int) and not isinstance(value, bool) and key in ("ttl", "lease_duration", "creation_ttl"):
        # Seconds run while the case runs.
        return f"<about {round((value + 20) / 60) * 60} s>" if value > 30 else value
    if isinstance(value, str):
        for pattern, form in FORMS:
            value = re.sub(pattern, form, value)
    return value


# Texts that clients search for: compared always. Others say the same in other words, and are compared with --texts.
SEARCHED = [
    "permission denied", "already initialized", "path is already in use", "invalid username or password",
    "invalid role or secret", "wrapping token is not valid", "invalid lease", "lease is not renewable",
    "check-and-set parameter", "valid hex or base64", "unknown audit backend", "unknown role", "bad token",
    "invalid accessor", "no handler for route", "unsupported path", "unsupported operation", "lease not found",
    "path already in use", "no backed-up keys", "No secret engine mount", "Vault is sealed",
]
# Keys that only one of the two has, without meaning for a client.
ALONE = {"deprecation_status", "performance_standby", "commit_date", "older_generations", "rewrap",
         "allow_slashes_in_identity_templates", "allow_wildcards_in_identity_templates", "token_strictly_bind_ip",
         "current_metadata_version", "metadata_cas_required"}
POLICY = {"cas_required", "modified", "version"}


def plain(form, texts):
    """The form without what is known to differ everywhere."""
    body = without_alone(form.get("body"))
    if not texts and isinstance(body, dict) and isinstance(body.get("errors"), list):
        body["errors"] = [next((text for text in SEARCHED if text in str(error)), "<text>") for error in body["errors"]]
    # OpenBao calls many refusals of what was asked an error of its own; clients would try those again.
    status = 400 if form["status"] == 500 else form["status"]
    return {**form, "status": status, "body": body}


def without_alone(value):
    if isinstance(value, list):
        return [without_alone(item) for item in value]
    if not isinstance(value, dict):
        return value
    is_policy = "name" in value and ("policy" in value or "rules" in value)
    kept = {key: without_alone(item) for key, item in value.items() if key not in ALONE and not (is_policy and key in POLICY)}
    for key in kept:
        if key in ("running_plugin_version", "entity_id"):
            # There are no entities here: the id is empty.
            kept[key] = f"<{key}>"
        elif key == "options" and kept[key] == {}:
            kept[key] = None
    return kept


def differences(ours, theirs):
    """Lines of both that differ, as a short diff."""
    left = json.dumps(theirs, indent=1, sort_keys=True).splitlines()
    right = json.dumps(ours, indent=1, sort_keys=True).splitlines()
    return [line for line in difflib.unified_diff(left, right, lineterm="", n=1) if not line.startswith(("---", "+++", "@@"))]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parents[2] / "target"))
    arguments.add_argument("--bao", default=str(target / "clients/venv/bin/bao"))
    arguments.add_argument("--rotunda", default=str(target / "debug/rotunda"))
    arguments.add_argument("-v", "--verbose", action="store_true", help="show every answer of OpenBao too")
    arguments.add_argument("--all", action="store_true", help="show the wanted differences too")
    arguments.add_argument("--texts", action="store_true", help="compare the texts of all errors")
    arguments.add_argument("areas", nargs="*", metavar="AREA", help=f"one of {', '.join(AREAS)}; all when none is given")
    chosen = arguments.parse_args()
    sys.path.insert(0, str(HERE))
    wanted = importlib.import_module("wanted").WANTED
    areas = {area: importlib.import_module(f"cases.{area}").CASES for area in (chosen.areas or AREAS)}
    bao = openbao(chosen.bao)
    rotunda = Server("Rotunda", [chosen.rotunda, "dev", "--root-token", ROOT, "--listen", "{address}", "--data", "{data}/data"], {})
    found = known = sent = 0
    try:
        for area, cases in areas.items():
            for name, steps in cases:
                theirs, ours = Case(bao), Case(rotunda)
                for number, step in enumerate(steps, 1):
                    sent += 1
                    left, right = (plain(case.run(step), chosen.texts) for case in (theirs, ours))
                    title = f"{area}/{name} {number}: {step['method']} {step['path']}"
                    if chosen.verbose:
                        print(f"=== {title}\n{json.dumps(left, indent=1, sort_keys=True)}")
                    if left == right:
                        continue
                    reason = next((why for pattern, why in wanted if re.search(pattern, title)), None)
                    known += reason is not None
                    found += reason is None
                    if reason is None or chosen.all:
                        shown = json.dumps(step.get("body", step.get("raw", "")))[:160]
                        note = f" [wanted: {reason}]" if reason else ""
                        print("---", title, "" if shown in ("null", "{}", '""') else shown, note)
                        lines = differences(right, left)
                        cut = [f"… and {len(lines) - LINES} lines more"] if len(lines) > LINES and not chosen.verbose else []
                        print("\n".join("    " + line for line in (lines[:LINES] if cut else lines) + cut))
    finally:
        bao.stop()
        rotunda.stop()
    print(f"{sent} requests, {found} answers differ, {known} more differ as wanted")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
