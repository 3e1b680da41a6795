#!/usr/bin/env python3
"""The measures of docs/measures.md once more, from its definitions alone: what the vault says is compared with this.

Reads JSON lines. The first is {"windows": [{"from", "to", "now"}], "objective"}; each further one is a record:
  {"record": "incident", "id", "target", "lines": [{"at", "clock", "kind", "class", "staff_minutes", "fault", "started", "into", "alone"}]}
    in the order of their places; `clock` is null where it showed `at`, `fault` and `started` are those of the first line, `into` is
    the incident that this one is merged into by the line, `alone` whether by the line it is merged into none any more
  {"record": "rotation", "target", "at", "attempts", "class"}      class is null where it succeeded
  {"record": "attempt", "target", "at", "succeeded", "class"}
All times are whole milliseconds since 1970. Prints one JSON line for each window; durations are whole microseconds and
shares millionths.
"""

import datetime
import json
import sys

PERIOD_MS = 30 * 24 * 60 * 60 * 1000
MILLION = 1_000_000


def known(incident, until):
    """What the lines before `until` say of an incident; None if it was not detected by then."""
    view = None
    for line in incident["lines"]:
        at, kind = line["at"], line["kind"]
        if at >= until:
            break
        if kind == "opened":
            view = {"detected": at, "fault": line["fault"], "class": line["class"], "notified": None, "acknowledged": None, "mitigated": None,
                    "end": None, "how": "open", "reviewed": None, "minutes": 0, "suspect": line["started"] > at, "into": None}
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
        if line["into"] is not None or line["alone"]:
            view["into"] = line["into"]
        view["minutes"] += line["staff_minutes"]
        if line["clock"] is not None and at - line["clock"] >= 1000:
            view["suspect"] = True
    return view


def together(views):
    """Those that are merged are one incident, the survivor's; `views` are (incident, view) pairs, as the result."""
    known = {incident["id"]: view for incident, view in views}
    first = lambda *times: min((time for time in times if time is not None), default=None)
    for _, view in views:
        one = known.get(view["into"])
        if one is None:
            continue
        for name in ("fault", "detected", "notified", "acknowledged"):
            one[name] = first(one[name], view[name])
        if view["mitigated"] is not None or view["how"] != "withdrawn":
            served = (one["mitigated"], view["mitigated"])
            one["mitigated"] = None if None in served else max(served)
        one["minutes"] += view["minutes"]
        one["suspect"] = one["suspect"] or view["suspect"]
    return [(incident, view) for incident, view in views if view["into"] not in known]


def meets(view, start):
    return view["detected"] >= start or view["end"] is None or view["end"] >= start


def spread(samples, suspect):
    """`samples` are (microseconds, ended) pairs."""
    ended = [value for value, is_over in samples if is_over]
    ordered = sorted(samples, key=lambda sample: (sample[0], not sample[1]))
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


def measures(views, as_of):
    pairs = {"ttd": [], "ttn": [], "tta": [], "ttm": [], "ttr": []}
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
    return {name: spread(pairs[name], doubts[name]) for name in pairs}


def budget(failed, ended, length, objective):
    if ended == 0:
        return None
    burn = failed * MILLION * MILLION // (ended * (MILLION - objective))
    return {"share": failed * MILLION // ended, "burn": burn, "spent": burn * length // PERIOD_MS}


def figures(views, rotations, attempts, window, objective):
    start, to, now = window["from"], window["to"], window["now"]
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
    return {
        "succeeded": len(rotations) - failed, "failed": failed,
        "attempts_of_ended": sum(rotation["attempts"] for rotation in rotations),
        "attempts_succeeded": len(attempts) - missed, "attempts_failed": missed,
        "rotation_budget": budget(failed, len(rotations), length, objective),
        "attempt_budget": budget(missed, len(attempts), length, objective),
        "opened": sum(inside(view["detected"]) for view in views),
        "resolved": sum(inside(view["end"]) for view in repaired),
        "open": len(ages), "oldest_open": max(ages) * 1000 if ages else None,
        "never_acknowledged": sum(view["acknowledged"] is None or view["acknowledged"] > view["end"] for view in repaired),
        "never_notified": sum(view["notified"] is None for view in repaired),
        "reviewed": len(reviewed), "staff_minutes": sum(view["minutes"] for view in reviewed),
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
        yield f"{year:04}-{month:02}", {"from": start, "to": min(millis(datetime.datetime(*after, 1)), window["to"]),
                                        "now": window["now"]}
        year, month = after


def report(records, window, objective):
    of = {name: [record for record in records if record["record"] == name] for name in ("incident", "rotation", "attempt")}

    def part(cut, keep_incident=lambda *_: True, keep=lambda _: True):
        views = [(incident, known(incident, cut["to"])) for incident in of["incident"]]
        views = together([(incident, view) for incident, view in views if view is not None])
        views = [view for incident, view in views if keep_incident(incident, view)]
        return figures(views, list(filter(keep, of["rotation"])), list(filter(keep, of["attempt"])), cut, objective)

    whole = part(window)
    out = {"total": whole, "month": {name: part(cut) for name, cut in months(window)}, "target": {}, "class": {}}
    for target in sorted({record["target"] for record in records}):
        figured = part(window, lambda incident, _, t=target: incident["target"] == t, lambda record, t=target: record["target"] == t)
        out["target"][target] = figured
    classes = {record["class"] for record in of["rotation"] + of["attempt"] if record["class"]} | set(whole["by_class"])
    for name in sorted(classes):
        figured = part(window, lambda _, view, c=name: view["class"] == c, lambda record, c=name: record["class"] == c)
        out["class"][name] = figured
    return out


def main():
    lines = [json.loads(line) for line in sys.stdin if line.strip()]
    asked, records = lines[0], lines[1:]
    for window in asked["windows"]:
        print(json.dumps(report(records, window, asked["objective"]), sort_keys=True))


if __name__ == "__main__":
    main()
