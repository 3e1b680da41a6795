#!/usr/bin/python3 -I
"""A plugin for tests: faithful, unless its target's file says how it misbehaves.

The file (connection_url: file:///…) is JSON: {"mode": "what@verb", "users": {name: {"passwords": [], "rights": []}}}.
"""

import json
import os
import subprocess
import sys
import time

request = json.load(sys.stdin)
verb = request["verb"]


def reply(result, **more):
    more.setdefault("protocol", 1)
    more.setdefault("id", request["id"])
    json.dump({"result": result, **more}, sys.stdout)
    sys.stdout.flush()
    sys.exit(0)


def fault(result, klass, detail="as it was told"):
    reply(result, fault={"class": klass, "detail": detail})


if verb == "describe" and len(sys.argv) < 2:
    reply("described", plugin={"kind": "liar", "ends_sessions": False})

path = request["target"]["connection_url"][7:] if "target" in request else sys.argv[1]
try:
    state = json.load(open(path))
except FileNotFoundError:
    no = {"apply": "not_applied", "retire": "not_applied", "probe": "inconclusive", "verify": "inconclusive"}
    fault(no.get(verb, "fault"), "unreachable")
what, _, when = state.get("mode", "").partition("@")
if when not in ("", verb):
    what = ""


def keep():
    with open(path + ".new", "w") as out:
        json.dump(state, out)
    os.replace(path + ".new", path)


def note(name, text):
    with open(path + "." + name, "w") as out:
        out.write(text)


if what == "crash":
    os.kill(os.getpid(), 11)
elif what == "exit":
    sys.exit(3)
elif what == "silence":
    sys.exit(0)
elif what == "garbage":
    print("Traceback (most recent call last): " + request.get("candidate", ""))
    sys.exit(0)
elif what == "flood":
    while True:
        sys.stdout.write("x" * 65536)
elif what == "greedy":
    hoard = b"x" * (1 << 30)
elif what == "hang":
    # Something that leaves the plugin's session and its family.
    orphan = "import os, time\nif os.fork(): os._exit(0)\nos.setsid()\nopen(%r, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    subprocess.run([sys.executable, "-c", orphan % (path + ".orphan")], check=True)
    note("pid", str(os.getpid()))
    time.sleep(600)
elif what == "other-id":
    reply("applied", id="0")
elif what == "other-protocol":
    reply("applied", protocol=2)
elif what == "unknown-field":
    reply("applied", really=True)
elif what == "unfit":
    reply("ok")
elif what == "tells":
    fault("not_applied", "policy_rejected", "may not be " + request["candidate"])
elif what == "stderr":
    print(request, file=sys.stderr)
elif what == "nosy":
    facts = {
        # As it was given, without what Python adds.
        "env": sorted(open("/proc/self/environ").read().split("\0")[:-1]),
        "cwd": os.listdir("."),
        "uid": [os.getresuid(), os.getresgid(), os.getgroups()],
        "group": os.getpgrp() == os.getpid() == os.getsid(0),
        "privileges": [line.split()[1] for line in open("/proc/self/status") if line.startswith("NoNewPrivs")],
        "capabilities": dict(line.split() for line in open("/proc/self/status") if line.startswith("Cap")),
        "argv": open("/proc/self/cmdline").read().split("\0"),
        "parents": open(f"/proc/{os.getppid()}/cmdline").read().split("\0"),
    }
    reply("report", report={"server": json.dumps(facts), "passed": ["nosy"]})

if verb == "describe":
    reply("described", plugin={"kind": "liar", "ends_sessions": False})

users = state["users"]
no = {"apply": "not_applied", "retire": "not_applied", "probe": "inconclusive", "verify": "inconclusive"}.get(verb, "fault")
login = request.get("login", {})


def accepts(name, password):
    return password in users.get(name, {}).get("passwords", [])


if "management" in request and not accepts(request["management"]["username"], request["management"]["password"]):
    fault(no, "management_auth_refused")
name = request.get("account", login).get("username")
if verb in ("preflight", "apply", "end_sessions") and name not in users:
    fault(no, "account_missing")

if verb == "check":
    reply("report", report={"server": "liar", "passed": ["it is let in"]})
elif verb == "preflight":
    reply("rights", rights=users[name]["rights"])
elif verb == "apply":
    there = users[name]["passwords"]
    if what == "says-applied":
        reply("applied")
    if what == "forgets" and there == [request["candidate"]]:
        fault("not_applied", "policy_rejected", "that is the password already")
    if what == "loses-right":
        users[name]["rights"] = users[name]["rights"][1:]
    users[name]["passwords"] = [request["candidate"]] + (there if what == "keeps-old" else [])
    keep()
    if what == "loses-answer":
        os.kill(os.getpid(), 9)
    reply("applied")
elif verb == "settle":
    reply("settled")
elif verb == "probe":
    reply("works" if what == "always-works" or accepts(name, login["password"]) else "refused")
elif verb == "verify":
    if what != "always-verified":
        if not accepts(name, login["password"]):
            fault("refused", "verify_refused")
        lost = [right for right in request["rights"] if right not in users[name]["rights"]]
        if lost:
            reply("rights_lost", rights=lost)
    reply("verified")
elif verb == "retire":
    reply("applied")
elif verb == "end_sessions":
    fault("fault", "permission_denied")
