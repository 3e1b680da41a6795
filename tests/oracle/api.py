"""What the vault's own interface tells, as the records that `measures.py` reads; and its figures in the interface's words.

A record of `told` is an answer of the interface, or a part of one: {"kind", "data"}, with "incident" where it is a line:
  incident  GET incidents/<id>                          line      of GET incidents/<id>/events
  rotation  of GET reports/rotation/ended               attempt   of GET reports/rotation/attempts
  target    GET targets/config/<name>, with its name    account   of LIST accounts/status, with its name
  team      {"of" ("accounts" or "targets"), "name", "team"}: what somebody has said of it, null for nobody's
The last of these counts from then on: teams, incidents, rotations and attempts bear the "step" at which they were seen first.
  policy    GET rotation-policies/<name>, with its name
What no answer tells in one place is of the stored record, in the order of the records:
  stored    an account or management credential as `present.py` has it
"""

import datetime

import present

MILLION = 1_000_000
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def millis(text):
    if text is None:
        return None
    since = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - EPOCH
    return (since.days * 86400 + since.seconds) * 1000 + since.microseconds // 1000


def text(at):
    moment = EPOCH + datetime.timedelta(milliseconds=at)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


class Teams:
    """Whose something was at a step: the account's own team, or its target's."""

    def __init__(self, told):
        said = [(one["step"], one["data"]) for one in told if one["kind"] == "team"]
        self.said = sorted(said, key=lambda one: one[0])

    def own(self, of, name, step):
        teams = [data["team"] for since, data in self.said if (data["of"], data["name"]) == (of, name) and since <= step]
        return teams[-1] if teams else None

    def whose(self, told):
        data, step = told["data"], told["step"]
        is_accounts = data.get("kind", "account") == "account"
        team = (self.own("accounts", data["subject"], step) if is_accounts else None) or self.own("targets", data["target"], step)
        if data.get("team") != team:
            raise SystemExit(f"{data} is of {team} by what was said before")
        return team


def event(told, teams):
    kind, data = told["kind"], told["data"]
    if kind == "incident":
        return {"record": kind, "id": data["id"], "kind": data["kind"], "subject": data["subject"], "target": data["target"],
                "team": teams.whose(told)}
    if kind == "line":
        return {"record": kind, "incident": told["incident"], "seq": data["seq"], "at": millis(data["at"]), "clock": millis(data.get("clock")),
                "kind": data["kind"], "class": data.get("class"), "staff_minutes": data.get("staff_minutes", 0),
                "fault": millis(data.get("fault_at")), "started": millis(data.get("started_at")), "into": data.get("into")}
    if kind == "rotation":
        return {"record": kind, "rotation": data["rotation"], "subject": data["subject"], "target": data["target"],
                "team": teams.whose(told), "at": millis(data["ended_at"]), "attempts": data["attempts"], "class": data["class"]}
    if kind == "attempt":
        return {"record": kind, "rotation": data["rotation"], "number": data["number"], "subject": data["subject"],
                "target": data["target"], "team": teams.whose(told), "at": millis(data["at"]), "succeeded": data["succeeded"],
                "class": data["class"]}
    return {"record": "target", "name": data["name"], "rotator": data["rotator"]}


def events(told):
    teams = Teams(told)
    return [event(one, teams) for one in told if one["kind"] not in ("account", "policy", "stored", "team")]


def seconds(micros):
    return None if micros is None else micros / MILLION


def spread(told):
    out = {name: told[name] for name in ("n", "completed", "censored", "suspect")}
    out["mean"] = seconds(told["mean"])
    for rank in ("p50", "p90", "max"):
        out[rank] = seconds(told[rank]["micros"]) if told[rank] else None
        out[f"{rank}_is_floor"] = bool(told[rank] and told[rank]["is_floor"])
    return out


def share(failed, succeeded):
    return max(1 if failed else 0, failed * MILLION // (failed + succeeded)) / MILLION if failed + succeeded else None


def figures(told, ask, is_class=False):
    """Of the whole or of a part. What succeeded is of no class, so of a class there is no share and no budget."""
    burn = lambda budget: None if is_class or budget is None else {"rate": budget["burn"] / MILLION, "spent": budget["spent"] / MILLION}
    lot = lambda failed, succeeded: None if is_class else share(failed, succeeded)
    start, to = told["window"]
    oldest = told["oldest_open"]
    return {
        "window": {"from": text(start), "to": text(to)},
        "rotations": {"succeeded": told["succeeded"], "failed": told["failed"], "attempts": told["attempts_of_ended"],
                      "failure_share": lot(told["failed"], told["succeeded"])},
        "attempts": {"succeeded": told["attempts_succeeded"], "failed": told["attempts_failed"],
                     "failure_share": lot(told["attempts_failed"], told["attempts_succeeded"])},
        "budget": {"objective": ask["objective"] / 10_000, "rotations": burn(told["rotation_budget"]),
                   "attempts": burn(told["attempt_budget"])},
        "incidents": {**{name: told[name] for name in ("opened", "resolved", "open", "never_acknowledged", "never_notified", "withdrawn")},
                      "oldest_open_seconds": None if oldest is None else oldest // MILLION},
        "work": {**{name: told[name] for name in ("reviewed", "unreviewed", "staff_minutes")}, "cost": seconds(told["cost"])},
        **{name: spread(told[name]) for name in ("ttd", "ttn", "tta", "ttm", "ttr")},
    }


def answer(ask, told):
    """GET reports/rotation, `by` one thing or nothing. By account there are those that the caller may read (`may`; null for all), and of
    these as many as `limit` says: those that took most of people's time, and of those alike the one with more incidents."""
    groups, left_out = [], 0
    for by in ask["by"]:
        parts = sorted(told["parts"][by].items())
        if by == "account":
            parts = [(name, part) for name, part in parts if ask["may"] is None or name in ask["may"]]
            parts.sort(key=lambda part: (-part[1]["staff_minutes"], -part[1]["opened"]))
            left_out, parts = max(0, len(parts) - ask["limit"]), parts[:ask["limit"]]
        for name, part in parts:
            group = {"name": name, **figures(part, ask, by == "class"), "change": part["change"]}
            if ask["durations"] and part["repairs"]:
                group["repairs"] = [{"seconds": seconds(one["micros"]), "open": one["open"]} for one in part["repairs"]]
            groups.append(group)
    beyond = {"left_out": left_out} if left_out else {}
    # What the vault's own price is counted in; of a price that was asked with that is not known.
    if ask["currency"]:
        beyond["currency"] = ask["currency"]
    return {**figures(told["total"], ask), "by_class": told["total"]["by_class"], "groups": groups, **beyond}


def policies(told):
    out = {}
    for data in (one["data"] for one in told if one["kind"] == "policy"):
        schedule = data["rotation_schedule"]
        out[data["name"]] = {"schedule": schedule} if schedule else {"period": data["rotation_period"] * 1000}
    return out


def looks(ask, told):
    """Each account with what a look shows of it, in the order of the records; those of management among them."""
    known = policies(told)
    return [(one["data"], present.look(one["data"], known, ask["now"])) for one in told if one["kind"] == "stored"]


def buckets(counts):
    ends = (*(bound / MILLION for bound in present.BOUNDS[1:]), None)
    return [{"from": bound / MILLION, "to": end, "accounts": count} for bound, end, count in zip(present.BOUNDS, ends, counts["buckets"])]


def standing(ask, told):
    """GET reports/standing, but for `consumers` and `leases`: from the status of each account, and its ages from the records."""
    now, within = ask["now"], ask["within"] * 1000
    accounts = list({one["data"]["name"]: one["data"] for one in told if one["kind"] == "account"}.values())
    due = lambda account: millis(account["next_rotation"])
    count = lambda is_one: sum(bool(is_one(account)) for account in accounts)

    def is_overdue(account):
        is_kept = account.get("held_until") or account.get("holder")
        is_over_a_minute = due(account) is not None and now - due(account) >= 60_000
        return is_over_a_minute and not is_kept and account["state"] in ("idle", "due", "backoff")

    states = {}
    for account in accounts:
        states[account["state"]] = states.get(account["state"], 0) + 1
    ages = present.counts([look for _, look in looks(ask, told)])
    return {
        "as_of": text(now), "within_seconds": ask["within"], "accounts": len(accounts),
        "failing": count(lambda account: account.get("incident")),
        "overdue": count(is_overdue),
        "soon": count(lambda account: due(account) is not None and now <= due(account) < now + within),
        "never_rotated": count(lambda account: account["last_rotation"] is None),
        "held": count(lambda account: account.get("held_until")),
        "lent": count(lambda account: account.get("holder")),
        "lent_late": count(lambda account: account.get("holder") and millis(account["holder"]["expires_at"]) <= now),
        "revoking": count(lambda account: account.get("holder") and account["holder"]["state"] == "revoking"),
        "by_state": states,
        "ages": {"as_of": text(now), **{name: ages[name] for name in ("accounts", "without_policy", "without_credential")},
                 "buckets": buckets(ages)},
    }


def ages(ask, told):
    """GET reports/ages."""
    both = looks(ask, told)
    counts = present.counts([look for _, look in both])
    aged = [(look["ratio"], {
        "account": account["account"], "target": account["target"], "age_seconds": look["age"] // 1000,
        "period_seconds": look["period"] // 1000, "ratio": look["ratio"] / MILLION, "never_rotated": look["never_rotated"],
    }) for account, look in both if look["ratio"] is not None]
    oldest = [one for _, one in sorted(aged, key=lambda aged: -aged[0])]
    return {"as_of": text(ask["now"]), **counts, "buckets": buckets(counts), **cut("oldest", oldest, ask["limit"])}


def cut(name, found, limit):
    return {name: found[:limit], **({"left_out": len(found) - limit} if len(found) > limit else {})}


def due(ask, told):
    """GET reports/due."""
    now, soon, both = ask["now"], ask["now"] + ask["within"] * 1000, looks(ask, told)
    out = {"as_of": text(now), "within_seconds": ask["within"], "accounts": len(both), "parked": 0, "soon": 0, "overdue": 0, "held": 0,
           "never_rotated": sum(look["never_rotated"] for _, look in both)}
    listed = []
    for account, look in both:
        at, late, held = look["due_at"], look["overdue"], look["held_until"]
        is_soon = at is not None and now < at < soon
        is_one = {"parked": look["is_parked"], "soon": is_soon, "overdue": late is not None, "held": held is not None}
        for name, is_so in is_one.items():
            out[name] += is_so
        if any(is_one.values()):
            listed.append((now if at is None else at, {
                "account": account["account"], "target": account["target"], "state": account["state"],
                "due_at": None if at is None else text(at), "overdue_seconds": None if late is None else late // 1000,
                "held_until": None if held is None else text(held), "never_rotated": look["never_rotated"],
                "incident": account["incident"]}))
    return {**out, **cut("listed", [one for _, one in sorted(listed, key=lambda listed: listed[0])], ask["limit"])}


def of_present(ask, told):
    """What is asked of the present."""
    return {"standing": standing, "ages": ages, "due": due}[ask["report"]](ask, told)
