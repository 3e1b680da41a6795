#!/usr/bin/python3 -I
"""A rotator for Redis ACL users, with nothing but Python's standard library.

connection_url: redis://{{username}}:{{password}}@host:port (or rediss:// with TLS)

Old and new password live side by side until `retire` takes the old one away. Each connection that changes something
bears the rotation's id as its name, so that `settle` can end what an earlier `apply` has left on the server.
"""

import hashlib
import json
import socket
import ssl
import sys
from urllib.parse import urlsplit

TIMEOUT = 5


class Fault(Exception):
    """A failure that the vault is told: class and a sentence without secrets."""

    def __init__(self, klass, detail):
        super().__init__(detail)
        self.fault = {"class": klass, "detail": detail}


class Lost(Exception):
    """Something was sent, and no answer came."""


class Refused(Exception):
    """The server's own words of refusal; only their first, the code, is ever shown."""

    @property
    def code(self):
        return str(self).split(" ", 1)[0]


class Connection:
    def __init__(self, url):
        place = urlsplit(url.replace("{{username}}", "u").replace("{{password}}", "p"))
        try:
            link = socket.create_connection((place.hostname, place.port or 6379), TIMEOUT)
            if place.scheme == "rediss":
                link = ssl.create_default_context().wrap_socket(link, server_hostname=place.hostname)
        except ssl.SSLError:
            raise Fault("tls", "no TLS that can be trusted") from None
        except OSError:
            raise Fault("unreachable", "no connection to the server") from None
        self.link, self.stream = link, link.makefile("rb")

    def ask(self, *words):
        parts = [word if isinstance(word, bytes) else word.encode() for word in words]
        lines = [b"*%d\r\n" % len(parts)] + [b"$%d\r\n%s\r\n" % (len(part), part) for part in parts]
        try:
            self.link.sendall(b"".join(lines))
            return self.read()
        except OSError:
            raise Lost from None

    def read(self):
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise Lost
        kind, rest = line[:1], line[1:-2].decode()
        if kind == b"-":
            raise Refused(rest)
        if kind == b":":
            return int(rest)
        if kind == b"+":
            return rest
        if kind == b"$":
            if rest == "-1":
                return None
            data = self.stream.read(int(rest) + 2)
            if len(data) != int(rest) + 2:
                raise Lost
            return data[:-2].decode()
        if kind == b"*":
            return None if rest == "-1" else [self.read() for _ in range(int(rest))]
        raise Lost


def log_in(url, login):
    """A connection for this login; None when the server refuses the password."""
    connection = Connection(url)
    try:
        connection.ask("AUTH", login["username"], login["password"])
    except Refused as refused:
        if refused.code == "WRONGPASS":
            return None
        raise Fault("unreachable", f"the server answers {refused.code} to a login") from None
    except Lost:
        raise Fault("unreachable", "the server did not answer to a login") from None
    return connection


def manage(request):
    connection = log_in(request["target"]["connection_url"], request["management"])
    if connection is None:
        raise Fault("management_auth_refused", "the server refuses the management credential")
    return connection


def user(connection, name):
    pairs = connection.ask("ACL", "GETUSER", name)
    if pairs is None:
        raise Fault("account_missing", "there is no such user")
    found = dict(zip(pairs[::2], pairs[1::2]))
    if "nopass" in found["flags"]:
        raise Fault("preflight", "any password opens this user (nopass): give it one first")
    if "off" in found["flags"]:
        raise Fault("account_locked", "the user is off")
    return found


def rights(found):
    lines = ["commands " + word for word in found["commands"].split()]
    for what in ("keys", "channels"):
        value = found.get(what) or ""
        lines += [f"{what} {word}" for word in (value.split() if isinstance(value, str) else value)]
    return lines


def stored(password):
    return hashlib.sha256(password.encode()).hexdigest()


def end_marked(connection, rotation):
    for line in (connection.ask("CLIENT", "LIST") or "").splitlines():
        facts = dict(word.split("=", 1) for word in line.split() if "=" in word)
        if facts.get("name") == mark(rotation):
            try:
                connection.ask("CLIENT", "KILL", "ID", facts["id"])
            except Refused:
                pass  # It has ended by itself.


def mark(rotation):
    return "rotunda-" + rotation


def save(connection):
    """Keeps users over a restart, where the server has a file for them."""
    try:
        connection.ask("ACL", "SAVE")
    except Refused as refused:
        if "not configured to use an ACL file" not in str(refused):
            raise


def change(request, connection, rules):
    """The one statement that counts. From here on only the server knows what happened, until it says so."""
    try:
        connection.ask("ACL", "SETUSER", request["account"]["username"], *rules)
        save(connection)
    except Lost:
        return "unknown", {"fault": {"class": "ambiguous", "detail": "the answer to ACL SETUSER did not come"}}
    except Refused as refused:
        if refused.code == "NOPERM":
            raise Fault("permission_denied", "the management user may not do that") from None
        return "unknown", {"fault": {"class": "ambiguous", "detail": f"the server answers {refused.code}"}}
    return "applied", {}


def describe(_request):
    text = {"bytes_max": 1000}
    return "described", {
        "plugin": {
            "kind": "redis-acl",
            "version": "1.0",
            "overlaps": True,
            "ends_sessions": True,
            "username": {"bytes_max": 1000, "refuses": " "},
            "password": text,
        }
    }


def check(request):
    connection = manage(request)
    info = connection.ask("INFO", "server")
    version = next((line[14:] for line in info.splitlines() if line.startswith("redis_version:")), "?")
    connection.ask("ACL", "GETUSER", request["management"]["username"])
    return "report", {"report": {"server": f"Redis {version}", "passed": ["it logs in", "it may look at users"]}}


def preflight(request):
    return "rights", {"rights": rights(user(manage(request), request["account"]["username"]))}


def apply(request):
    connection = manage(request)
    end_marked(connection, request["rotation"])
    connection.ask("CLIENT", "SETNAME", mark(request["rotation"]))
    user(connection, request["account"]["username"])
    rules = ["resetpass"] if request["adoption"] else []
    return change(request, connection, rules + ["#" + stored(request["candidate"])])


def settle(request):
    end_marked(manage(request), request["rotation"])
    return "settled", {}


def probe(request):
    works = log_in(request["target"]["connection_url"], request["login"])
    return ("works" if works else "refused"), {}


def verify(request):
    if not log_in(request["target"]["connection_url"], request["login"]):
        return "refused", {"fault": {"class": "verify_refused", "detail": "the server refuses the password"}}
    connection = manage(request)
    now = rights(user(connection, request["account"]["username"]))
    lost = [line for line in request["rights"] if line not in now]
    if lost:
        return "rights_lost", {"rights": lost}
    # An attempt that was cut off may have changed the server's memory alone.
    save(connection)
    return "verified", {}


def retire(request):
    connection = manage(request)
    connection.ask("CLIENT", "SETNAME", mark(request["rotation"]))
    there = user(connection, request["account"]["username"])["passwords"]
    old = stored(request["login"]["password"])
    if there == [old]:
        raise Fault("drift", "the old password is the only one that the server knows")
    return change(request, connection, ["!" + old]) if old in there else ("applied", {})


def end_sessions(request):
    connection = manage(request)
    user(connection, request["account"]["username"])
    return "ended", {"sessions": connection.ask("CLIENT", "KILL", "USER", request["account"]["username"])}


VERBS = {
    "describe": describe,
    "check": check,
    "preflight": preflight,
    "apply": apply,
    "settle": settle,
    "probe": probe,
    "verify": verify,
    "retire": retire,
    "end_sessions": end_sessions,
}
# How a failure before anything was changed is said.
NO = {"apply": "not_applied", "retire": "not_applied", "probe": "inconclusive", "verify": "inconclusive"}


def main():
    request = json.load(sys.stdin)
    verb = request["verb"]
    no = NO.get(verb, "fault")
    try:
        if verb not in VERBS:
            raise Fault("preflight", "unknown verb")
        result, more = VERBS[verb](request)
    except Fault as failure:
        result, more = no, {"fault": failure.fault}
    except Refused as refused:
        klass = "permission_denied" if refused.code == "NOPERM" else "preflight"
        result, more = no, {"fault": {"class": klass, "detail": f"the server answers {refused.code}"}}
    except (Lost, OSError):
        result, more = no, {"fault": {"class": "unreachable", "detail": "the connection was lost"}}
    json.dump({"protocol": 1, "id": request["id"], "result": result, **more}, sys.stdout)


if __name__ == "__main__":
    main()
