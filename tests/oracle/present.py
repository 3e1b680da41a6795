"""How accounts stand now: the reports of docs/measures.md that are about the present.

An account is {"account", "target", "state", "created_at" (of the version that readers get), "last_rotation", "next_rotation", "held_until",
"run": {"due_at", "promoted", "active"}, "policy", "incident"}; a policy, by its name, {"period"} or {"schedule"}, a cron text in UTC whose
fields are numbers or `*`. All times are milliseconds.
"""

import calendar
import datetime
import functools

MILLION = 1_000_000
BOUNDS = (0, 250_000, 500_000, 750_000, 1_000_000, 1_250_000, 2_000_000)
DAY = datetime.timedelta(days=1)


@functools.lru_cache(maxsize=None)
def between(schedule, now):
    """Between the next two occurrences."""
    minute, hour, day, month, weekday = (None if field == "*" else int(field) for field in schedule.split())
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=now)
    date, found = moment.date(), []
    while len(found) < 2:
        fits = month in (None, date.month) and (day in (None, date.day) and weekday in (None, date.isoweekday() % 7))
        for of_hour in range(24) if hour is None else (hour,):
            for of_minute in range(60) if minute is None else (minute,):
                at = calendar.timegm((date.year, date.month, date.day, of_hour, of_minute, 0)) * 1000
                if fits and at > now:
                    found.append(at)
        date += DAY
    return found[1] - found[0]


def period(policy, now):
    if policy is None:
        return None
    return policy["period"] if "period" in policy else between(policy["schedule"], now)


def look(account, policies, now):
    """What a moment's look at an account shows."""
    run, due, held = account["run"], account["next_rotation"], account["held_until"]
    if run and not run["promoted"]:
        due = run["due_at"]
    is_parked = account["state"] == "parked"
    if is_parked or run and run["active"]:
        held = None
    since = None if due is None else max(due, held or due)
    age = None if account["created_at"] is None else max(0, now - account["created_at"])
    lasts = period(policies[account["policy"]], now) if account["policy"] else None
    return {
        "age": age, "period": lasts, "ratio": None if age is None or lasts is None else age * MILLION // lasts,
        "never_rotated": account["last_rotation"] is None, "due_at": due,
        "held_until": held if held is not None and held > now and due is not None and due <= now else None,
        "overdue": now - since if since is not None and since <= now else None, "is_parked": is_parked,
    }


def counts(looks):
    """How old they are, all together."""
    reached = [max(bound for bound in BOUNDS if bound <= one["ratio"]) for one in looks if one["ratio"] is not None]
    return {
        "accounts": len(looks),
        "without_policy": sum(one["period"] is None for one in looks),
        "without_credential": sum(one["age"] is None for one in looks),
        "never_rotated": sum(one["never_rotated"] for one in looks),
        "buckets": [reached.count(bound) for bound in BOUNDS],
    }


def store(asked):
    """Each of the accounts of a store, and all of them together."""
    looks = [look(account, asked["policies"], asked["now"]) for account in asked["accounts"]]
    return [{"each": looks, "counts": counts(looks)}]
