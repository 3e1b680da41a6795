#!/usr/bin/env python3
"""The measures of docs/measures.md once more, from its definitions alone: what the vault says is compared with this.

Reads JSON lines, each of them a store:
  {"asks": [{"from", "to", "now", "by", "objective", "hourly_cost"}], "events": [...]}
`by` is a list of what parts are asked for: "month", "class", "target", "rotator", "team" or "account"; `hourly_cost` is in hundredths or null.
The events come in any order, and each as often as it likes. What one is called says which of them are the same:
  {"record": "incident", "id", "kind", "subject", "target", "team"}         kind is "account", or "target" where it is about a whole target
  {"record": "line", "incident", "seq", "at", "clock", "kind", "class", "staff_minutes", "fault", "started", "into"}
    `clock` is null where it showed `at`; `fault` and `started` are those of the line `opened`, `into` the incident that one is merged
    into by the line `merged`
  {"record": "rotation", "rotation", "subject", "target", "team", "at", "attempts", "class"}    class is null where it succeeded
  {"record": "attempt", "rotation", "number", "subject", "target", "team", "at", "succeeded", "class"}
  {"record": "target", "name", "rotator"}                                             as it is configured now
`subject` is the account or management credential, and something else where an incident is about neither; `team` is null for none.
All times are whole milliseconds since 1970. Prints one JSON line for each store, with an answer to each ask: {"total", "parts": {by:
{name: figures}}}. Durations are whole microseconds, shares and cost millionths.

A store that was read from the vault's own interface has {"asks", "told"} instead, and is answered in the interface's words: see `api.py`.
Error budgets alone are {"budgets": [[failed, ended, milliseconds, objective in millionths]]}. Accounts as they stand now are {"present": {"now", "accounts", "policies"}}: see `present.py`. Reports that were printed are {"printed": [...]}: see `printed.py`.
"""

import datetime
import json
import sys

import api
import present
import printed

PERIOD_MS = 30 * 24 * 60 * 60 * 1000
MILLION = 1_000_000
REPAIRS_MAX = 200
NO_TEAM = "(none)"
MEASURES = ("ttd", "ttn", "tta", "ttm", "ttr")
NAMES = {"incident": ("id",), "line": ("incident", "seq"), "rotation": ("rotation", "at"),
         "attempt": ("rotation", "number", "at"), "target": ("name",)}


def read(events):
    """Each record once, by kind; incidents with their lines in the order of their places."""
    found = {}
    for event in events:
        kind = event["record"]
        name = (kind, *(event[key] for key in NAMES[kind]))
        if found.setdefault(name, event) != event:
            raise SystemExit(f"two records that differ have one name: {name}")
    of = {kind: [event for (this, *_), event in found.items() if this == kind] for kind in NAMES}
    rotators = {target["name"]: target["rotator"] for target in of["target"]}
    for kind in ("incident", "rotation", "attempt"):
        of[kind] = [{**record, "rotator": rotators.get(record["target"], "unknown"), "team": record["team"] or NO_TEAM,
                     "account": credential(record)} for record in of[kind]]
    incidents = {incident["id"]: incident for incident in of["incident"]}
    for incident in incidents.values():
        incident["lines"] = []
    for line in sorted(of["line"], key=lambda line: line["seq"]):
        incidents[line["incident"]]["lines"].append(line)
    for incident in incidents.values():
        if [line["seq"] for line in incident["lines"]] != list(range(len(incident["lines"]))):
            raise SystemExit(f"lines of {incident['id']} are missing")
    return of


def credential(record):
    """The account or management credential that a record is about; None where it is a target or its dynamic leases."""
    is_other = record.get("kind") == "target" or record["subject"] == f"dynamic leases on {record['target']}"
    return None if is_other else record["subject"]


def known(incident, until):
    """What the lines before `until` say of an incident; None if it was not detected by then."""
    view, own = None, None
    for line in incident["lines"]:
        at, kind = line["at"], line["kind"]
        if at >= until:
            break
        if kind == "opened":
            view = {"detected": at, "fault": line["fault"], "class": line["class"], "notified": None, "acknowledged": None,
                    "mitigated": None, "end": None, "how": "open", "reviewed": None, "minutes": 0, "suspect": line["started"] > at,
                    "into": None}
        elif kind in ("failed", "reopened"):
            view["class"] = line["class"]
        if kind == "reopened":
            view.update(how="open", end=None, mitigated=None, reviewed=None)
        elif kind == "joined":
            view["mitigated"] = None
        elif kind == "class_changed":
            view["class"] = line["class"]
        elif kind == "notified" and view["notified"] is None:
            view["notified"] = at
        elif kind == "acknowledged" and view["acknowledged"] is None:
            view["acknowledged"] = at
        elif kind in ("mitigated", "own_proven") and view["mitigated"] is None:
            view["mitigated"] = at
        elif kind == "remediated":
            if view["mitigated"] is None:
                view["mitigated"] = at
            view.update(how="remediated", end=at)
        elif kind in ("withdrawn", "dissolved") and view["how"] == "open":
            view.update(how="withdrawn", end=at)
        elif kind == "reviewed":
            view["reviewed"] = at
        # Lines of these names without `into` tell the survivor of one beneath it.
        elif kind == "merged" and line["into"] is not None:
            view["into"], own = line["into"], view["acknowledged"]
        elif kind == "unmerged" and view["into"] is not None:
            view["into"], view["acknowledged"] = None, own
        view["minutes"] += line["staff_minutes"]
        if line["clock"] is not None and at - line["clock"] >= 1000:
            view["suspect"] = True
    return view


def together(views):
    """Those that are merged are one incident, the survivor's; `views` are (incident, view) pairs, as the result."""
    by_id = {incident["id"]: view for incident, view in views}
    first = lambda *times: min((time for time in times if time is not None), default=None)
    for _, view in views:
        one = by_id.get(view["into"])
        if one is None:
            continue
        for name in ("fault", "detected", "notified", "acknowledged"):
            one[name] = first(one[name], view[name])
        if view["mitigated"] is not None or view["how"] != "withdrawn":
            served = (one["mitigated"], view["mitigated"])
            one["mitigated"] = None if None in served else max(served)
        one["minutes"] += view["minutes"]
        one["suspect"] = one["suspect"] or view["suspect"]
    return [(incident, view) for incident, view in views if view["into"] not in by_id]


def meets(view, start):
    return view["detected"] >= start or view["end"] is None or view["end"] >= start


def in_order(samples):
    """`samples` are (microseconds, ended) pairs; what has not ended comes after what has, of the same length."""
    return sorted(samples, key=lambda sample: (sample[0], not sample[1]))


def spread(samples, suspect):
    ended = [value for value, is_over in samples if is_over]
    ordered = in_order(samples)
    out = {"n": len(samples), "completed": len(ended), "censored": len(samples) - len(ended),
           "suspect": suspect, "mean": sum(ended) // len(ended) if ended else None}
    for name, percent in (("p50", 50), ("p90", 90), ("max", 100)):
        if not ordered:
            out[name] = None
            continue
        rank = max(1, -(-len(ordered) * percent // 100))
        up_to = ordered[:rank]
        out[name] = {"micros": up_to[-1][0], "is_floor": not all(is_over for _, is_over in up_to)}
    return out


def few(samples):
    """Single durations in order, of more than there is room for some evenly in between."""
    ordered = in_order(samples)
    last = len(ordered) - 1
    if len(ordered) > REPAIRS_MAX:
        ordered = [ordered[step * last // (REPAIRS_MAX - 1)] for step in range(REPAIRS_MAX)]
    return [{"micros": value, "open": not is_over} for value, is_over in ordered]


def measures(views, as_of):
    pairs = {name: [] for name in MEASURES}
    doubts = dict.fromkeys(pairs, 0)

    def sample(name, start, end, is_over):
        if view["suspect"] or end < start:
            doubts[name] += 1
        else:
            pairs[name].append(((end - start) * 1000, is_over))

    for view in views:
        is_open, detected = view["how"] == "open", view["detected"]
        sample("ttd", view["fault"], detected, True)
        acknowledged = view["acknowledged"]
        if acknowledged is not None and not is_open and acknowledged > view["end"]:
            acknowledged = None
        for name, at in (("ttn", view["notified"]), ("tta", acknowledged), ("ttm", view["mitigated"])):
            if at is not None:
                sample(name, detected, at, True)
            elif is_open:
                sample(name, detected, as_of, False)
        if is_open:
            sample("ttr", detected, as_of, False)
        elif view["how"] == "remediated":
            sample("ttr", detected, view["end"], True)
    return {**{name: spread(pairs[name], doubts[name]) for name in pairs}, "repairs": few(pairs["ttr"])}


def budget(failed, ended, length, objective):
    if ended == 0:
        return None
    # Rounded down, but what is more than nothing is never told as nothing.
    least = 1 if failed else 0
    burn = max(least, failed * MILLION * MILLION // (ended * (MILLION - objective)))
    return {"share": max(least, failed * MILLION // ended), "burn": burn,
            "spent": max(least if length else 0, burn * length // PERIOD_MS)}


def budgets(asked):
    """[failed, ended, length, objective] each."""
    return [budget(*one) for one in asked]


def figures(views, rotations, attempts, window, ask):
    start, to, now = window["from"], window["to"], ask["now"]
    as_of = min(to, now)
    inside = lambda at: start <= at < to
    reviewed = [view for view in views if view["reviewed"] is not None and inside(view["reviewed"])]
    views = [view for view in views if meets(view, start)]
    rotations = [rotation for rotation in rotations if inside(rotation["at"])]
    attempts = [attempt for attempt in attempts if inside(attempt["at"])]
    ages = [max(0, as_of - view["detected"]) for view in views if view["how"] == "open"]
    repaired = [view for view in views if view["how"] == "remediated"]
    classes = {}
    for view in views:
        classes[view["class"]] = classes.get(view["class"], 0) + 1
    failed = sum(rotation["class"] is not None for rotation in rotations)
    missed = sum(not attempt["succeeded"] for attempt in attempts)
    length = max(0, as_of - start)
    minutes = sum(view["minutes"] for view in reviewed)
    cost = None if ask["hourly_cost"] is None else minutes * ask["hourly_cost"] * MILLION // (60 * 100)
    return {
        "window": [start, to],
        "succeeded": len(rotations) - failed, "failed": failed,
        "attempts_of_ended": sum(rotation["attempts"] for rotation in rotations),
        "attempts_succeeded": len(attempts) - missed, "attempts_failed": missed,
        "rotation_budget": budget(failed, len(rotations), length, ask["objective"]),
        "attempt_budget": budget(missed, len(attempts), length, ask["objective"]),
        "opened": sum(inside(view["detected"]) for view in views),
        "resolved": sum(inside(view["end"]) for view in repaired),
        "open": len(ages), "oldest_open": max(ages) * 1000 if ages else None,
        "never_acknowledged": sum(view["acknowledged"] is None or view["acknowledged"] > view["end"] for view in repaired),
        "never_notified": sum(view["notified"] is None for view in repaired),
        "reviewed": len(reviewed), "staff_minutes": minutes, "cost": cost,
        "unreviewed": sum(view["reviewed"] is None for view in repaired),
        "withdrawn": sum(view["how"] == "withdrawn" for view in views),
        "by_class": classes, **measures(views, as_of),
    }


def months(window):
    """The calendar months (UTC) of a window that have begun, each cut to the window."""
    millis = lambda moment: round((moment - datetime.datetime(1970, 1, 1)).total_seconds()) * 1000
    begin = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=window["from"])
    year, month = begin.year, begin.month
    while True:
        first = datetime.datetime(year, month, 1)
        after = (year + 1, 1) if month == 12 else (year, month + 1)
        start = max(millis(first), window["from"])
        if start >= window["to"] or start > window["now"]:
            return
        yield f"{year:04}-{month:02}", {"from": start, "to": min(millis(datetime.datetime(*after, 1)), window["to"])}
        year, month = after


def changes(months):
    """Each month with what became of it since the one before."""
    before, out = None, {}
    for name, figured in months.items():
        less = lambda figure: figured[figure] - before[figure]
        out[name] = {**figured, "change": before and {
            "failed_rotations": less("failed"), "failed_attempts": less("attempts_failed"), "opened": less("opened")}}
        before = figured
    return out


class Store:
    """What is known of a store, at any time."""

    def __init__(self, events):
        self.of = read(events)
        self.seen = {}

    def views(self, until):
        if until not in self.seen:
            views = [(incident, known(incident, until)) for incident in self.of["incident"]]
            self.seen[until] = together([(incident, view) for incident, view in views if view is not None])
        return self.seen[until]

    def figures(self, window, ask):
        """Of the whole."""
        views = [view for _, view in self.views(window["to"])]
        return figures(views, self.of["rotation"], self.of["attempt"], window, ask)

    def parts(self, ask, by):
        """Of each part."""
        parts = {name: ([], [], []) for name in self.names(ask, by)}
        told = [(view["class"] if by == "class" else incident[by], 0, view) for incident, view in self.views(ask["to"])]
        told += [(record[by], place, record) for place, kind in ((1, "rotation"), (2, "attempt")) for record in self.of[kind]]
        for name, place, one in told:
            if name in parts:
                parts[name][place].append(one)
        return {name: {**figures(*part, ask, ask), "change": None} for name, part in parts.items()}

    def names(self, ask, by):
        """The parts that anything of is in the window."""
        inside = lambda at: at is not None and ask["from"] <= at < ask["to"]
        told = {record[by] for kind in ("rotation", "attempt") for record in self.of[kind] if inside(record["at"])}
        for incident, view in self.views(ask["to"]):
            if meets(view, ask["from"]) or inside(view["reviewed"]):
                told.add(view["class"] if by == "class" else incident[by])
        return sorted(name for name in told if name is not None)

    def report(self, ask):
        parts = {}
        for by in ask["by"]:
            if by == "month":
                parts[by] = changes({name: self.figures(cut, ask) for name, cut in months(ask)})
            else:
                parts[by] = self.parts(ask, by)
        return {"total": self.figures(ask, ask), "parts": parts}


def main():
    for line in filter(str.strip, sys.stdin):
        asked = json.loads(line)
        if "printed" in asked:
            answers = [printed.compared(one) for one in asked["printed"]]
        elif "budgets" in asked:
            answers = budgets(asked["budgets"])
        elif "present" in asked:
            answers = present.store(asked["present"])
        elif "told" in asked:
            told, store = asked["told"], Store(api.events(asked["told"]))
            answers = [api.of_present(ask, told) if "report" in ask else api.answer(ask, store.report(ask)) for ask in asked["asks"]]
        else:
            store = Store(asked["events"])
            answers = [store.report(ask) for ask in asked["asks"]]
        print(json.dumps(answers, sort_keys=True))


if __name__ == "__main__":
    main()
