"""Reports as they are printed, read back and held against the JSON of the same report.

One of `printed` is {"form": "csv", "markdown" or "table", "of": "rotation", "standing", "ages" or "due", "report": its JSON, "text"}; a
`table` is what the command line shows. The answer is {"cells": how many were compared, "wrong": a sentence for each that says something else}.

CSV is read by the standard library, a Markdown table by the rules of GitHub's, columns by where their headings begin.
"""

import csv
import decimal
import io
import re
import unicodedata

FORMULA = "=+-@\t\r\n"
MEASURES = ("ttd", "ttn", "tta", "ttm", "ttr")
SPREAD = ("n", "completed", "censored", "suspect", "mean", "p50", "p50_is_floor", "p90", "p90_is_floor", "max", "max_is_floor")
ROTATION = {
    "name": "name", "from": "window.from", "to": "window.to",
    "rotations_succeeded": "rotations.succeeded", "rotations_failed": "rotations.failed",
    "rotation_failure_share": "rotations.failure_share",
    "attempts_succeeded": "attempts.succeeded", "attempts_failed": "attempts.failed", "attempt_failure_share": "attempts.failure_share",
    "burn_rate": "budget.rotations.rate", "budget_spent": "budget.rotations.spent",
    "incidents_opened": "incidents.opened", "incidents_resolved": "incidents.resolved", "incidents_open": "incidents.open",
    **{name: f"incidents.{name}" for name in ("oldest_open_seconds", "never_acknowledged", "never_notified", "withdrawn")},
    **{name: f"work.{name}" for name in ("reviewed", "unreviewed", "staff_minutes", "cost")},
    "currency": "currency",
    **{f"{measure}_{name}": f"{measure}.{name}" for measure in MEASURES for name in SPREAD},
}
AGED = ("account", "target", "age_seconds", "period_seconds", "ratio", "never_rotated")
DUE = ("account", "target", "state", "due_at", "overdue_seconds", "held_until", "never_rotated", "incident")
STANDING = ("accounts", "failing", "overdue", "soon", "never_rotated", "held", "lent", "lent_late", "revoking")


def at(record, path):
    for name in path.split("."):
        record = None if record is None else record[name]
    return record


def bound(bucket):
    return f"{bucket['from']:g}" + ("" if bucket["to"] is None else f" to {bucket['to']:g}")


def of_rotation(report):
    def row(kind, part):
        currency = report.get("currency") if part["work"]["cost"] is not None else None
        return [kind, *(at({**part, "currency": currency}, path) for path in ROTATION.values())]

    rows = [row("total", {**report, "name": "total"}), *(row("part", part) for part in report["groups"])]
    return ["kind", *ROTATION], rows + beyond(report, ["kind", *ROTATION])


def beyond(report, head):
    """So many more are not in the file."""
    return [["left_out", str(report["left_out"]), *[None] * (len(head) - 2)]] if report.get("left_out") else []


def of_standing(report):
    consumers, leases = report["consumers"], report["leases"]
    rows = [["total", name, report[name]] for name in STANDING]
    rows += [["state", *state] for state in sorted(report["by_state"].items())]
    rows += [["consumers", name, consumers[name]] for name in ("current", "lagging")]
    rows += [["behind", *behind] for behind in sorted(consumers["behind"].items())]
    rows += [["age", bound(bucket), bucket["accounts"]] for bucket in report["ages"]["buckets"]]
    if leases.get("as_of"):
        kinds = (("lease", "account"), ("dynamic_lease", "dynamic"))
        rows += [[kind, name, leases[of][name]] for kind, of in kinds for name in ("live", "overdue", "stuck")]
    return ["kind", "name", "count"], rows


def of_ages(report):
    return [*AGED], [[one[name] for name in AGED] for one in report["oldest"]] + beyond(report, AGED)


def of_due(report):
    return [*DUE], [[one[name] for name in DUE] for one in report["listed"]] + beyond(report, DUE)


SHEETS = {"rotation": of_rotation, "standing": of_standing, "ages": of_ages, "due": of_due}


def read_csv(text, wrong):
    if not text.endswith("\r\n"):
        wrong.append("the last line has no end")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    for cell in (cell for row in rows for cell in row):
        if cell[:1] and cell[0] in FORMULA:
            wrong.append(f"a spreadsheet reckons {cell!r}")
    return [[cell[1:] if cell[:1] == "'" else cell for cell in row] for row in rows]


def read_markdown(text, wrong):
    def cells(line):
        # A `|` ends a cell unless a `\` stands before it, which then goes; what is left is read as text, where a `\` goes before
        # what would be markup.
        parts = re.split(r"(?<!\\)\|", line)
        if parts[0] or parts[-1]:
            wrong.append(f"no row: {line!r}")
        parts = [part.replace("\\|", "|").strip(" \t") for part in parts[1:-1]]
        for part in parts:
            if re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]<>&~#]", part):
                wrong.append(f"markup: {part!r}")
        return [re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", part) for part in parts]

    head, rule, *rows = text.removesuffix("\n").split("\n")
    if rule != "|" + "---|" * len(cells(head)):
        wrong.append(f"no rule beneath the head: {rule!r}")
    return [cells(row) for row in [head, *rows]]


def says(cell, value, form):
    """Whether a cell says what the JSON does."""
    if value is None:
        return cell == ""
    if isinstance(value, bool):
        return cell == str(value).lower()
    if isinstance(value, float):
        return re.fullmatch(r"\d+(\.\d+)?", cell) is not None and float(cell) == value
    if isinstance(value, str) and form == "markdown":
        value = value.replace("\r", " ").replace("\n", " ").strip(" \t")
    return cell == str(value)


def sheet(one, wrong):
    form = one["form"]
    head, rows = SHEETS[one["of"]](one["report"])
    told = {"csv": read_csv, "markdown": read_markdown}[form](one["text"], wrong)
    if len(told) != len(rows) + 1 or any(len(row) != len(head) for row in told):
        wrong.append(f"{len(told)} rows of {[len(row) for row in told]} cells; {len(rows) + 1} of {len(head)} are wanted")
        return 0
    for cells, values in zip(told, [head, *rows]):
        wrong.extend(f"{name}: {cell!r}, and {value!r} in the JSON" for name, cell, value in zip(head, cells, values)
                     if not says(cell, value, form))
    return len(told) * len(head)


def compared(one):
    wrong = []
    cells = table(one, wrong) if one["form"] == "table" else sheet(one, wrong)
    return {"cells": cells, "wrong": wrong}


# The command line.


def shown(text):
    named = {"\t": "\\t", "\r": "\\r", "\n": "\\n"}
    return "".join(named.get(letter, f"\\u{{{ord(letter):x}}}") if unicodedata.category(letter) == "Cc" else letter for letter in text)


def optional(value, form):
    return "-" if value is None else form(value)


def percent(share):
    """One digit after the point, and up to four where what is not 0 % or 100 % would look like it."""
    part = decimal.Decimal(repr(share)) * 100
    for digits in range(1, 5):
        told = f"{share * 100:.{digits}f}"
        if all((decimal.Decimal(told) == end) == (part == end) for end in (0, 100)):
            return f"{told} %"
    return "< 0.0001 %" if part < 50 else "> 99.9999 %" if part < 100 else "> 100.0000 %"


def brief(seconds):
    """In the two largest units, rounded down."""
    units = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
    place = next((place for place, (_, size) in enumerate(units) if seconds >= size), 3)
    out = ""
    for name, size in units[place:place + 2]:
        amount, seconds = divmod(seconds, size)
        out += f"{amount}{name}" if amount or not out else ""
    return out


def whole(seconds):
    """In all units that there are any of."""
    out = ""
    for name, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        amount, seconds = divmod(seconds, size)
        out += f"{amount}{name}" if amount else ""
    return out or "0s"


def lasted(seconds, is_floor=False):
    if seconds is None:
        return "-"
    return (">" if is_floor else "") + (f"{seconds:.1f}s" if seconds < 60 else brief(int(seconds)))


def price(report):
    currency = report.get("currency")
    return lambda cost: f"{cost:.2f}" + (f" {shown(currency)}" if currency is not None else "")


def spent_on(work):
    return whole(60 * work["staff_minutes"])


def rotation_tables(report):
    ended = lambda of: f"{of['succeeded']} succeeded, {of['failed']} failed ({optional(of['failure_share'], percent)})"
    burn = lambda of: optional(of, lambda of: f"burn {of['rate']:.2f}, {percent(of['spent'])} of 30 days spent")
    incidents, work, groups = report["incidents"], report["work"], report["groups"]
    cost = "" if work["cost"] is None else f", cost {price(report)(work['cost'])}"
    yield {
        "window": f"{shown(report['window']['from'])} to {shown(report['window']['to'])}",
        "rotations": ended(report["rotations"]), "attempts": ended(report["attempts"]),
        "objective": f"{report['budget']['objective']:g} %",
        "  rotations": burn(report["budget"]["rotations"]), "  attempts": burn(report["budget"]["attempts"]),
        "incidents": f"{incidents['opened']} opened, {incidents['resolved']} resolved, {incidents['open']} open",
        "apart": f"{incidents['never_acknowledged']} never acknowledged, {incidents['never_notified']} never notified, "
                 f"{incidents['withdrawn']} withdrawn",
        "oldest open": optional(incidents["oldest_open_seconds"], brief),
        "staff time": f"{spent_on(work)} on {work['reviewed']} reviewed, {work['unreviewed']} not reviewed{cost}",
    }
    names = ("detect (TTD)", "notify (TTN)", "ack (TTA)", "mitigate (TTM)", "repair (TTR)")
    of_measure = lambda of: [str(of[name]) for name in ("n", "completed", "censored", "suspect")] + [lasted(of["mean"])] + [
        lasted(of[rank], of[f"{rank}_is_floor"]) for rank in ("p50", "p90", "max")]
    yield [["TIME TO", "N", "ENDED", "OPEN", "SUSPECT", "MEAN", "P50", "P90", "MAX"],
           *([name, *of_measure(report[measure])] for name, measure in zip(names, MEASURES))]
    if report["by_class"] and not groups:
        yield [["CLASS", "INCIDENTS"], *([shown(name), str(count)] for name, count in sorted(report["by_class"].items()))]
    yield from group_tables(report)
    for word, also in sorted(report.get("also", {}).items()):
        yield f"By {shown(word)}, {shown(also['window']['from'])} to {shown(also['window']['to'])}"
        yield from group_tables(also)


def group_tables(report):
    groups = report["groups"]

    def row(part):
        change = part["change"] or {}
        since = lambda name: f" ({change[name]:+})" if change else ""
        failed = lambda of: f"{of['failed']} of {of['failed'] + of['succeeded']}"
        ttr = part["ttr"]
        return [shown(part["name"]), failed(part["rotations"]) + since("failed_rotations"),
                failed(part["attempts"]) + since("failed_attempts"), f"{part['incidents']['opened']}{since('opened')}",
                str(part["incidents"]["open"]), lasted(ttr["p50"], ttr["p50_is_floor"]), lasted(ttr["p90"], ttr["p90_is_floor"])]

    if groups:
        yield [["PART", "ROT FAILED", "ATT FAILED", "OPENED", "OPEN", "TTR P50", "TTR P90"], *map(row, groups)]
    if any(part["work"]["staff_minutes"] for part in groups):
        spent = lambda part, work: [shown(part["name"]), str(work["reviewed"]), str(work["unreviewed"]), spent_on(work),
                                    optional(work["cost"], price(report))]
        yield [["PART", "REVIEWED", "NOT REVIEWED", "STAFF TIME", "COST"], *(spent(part, part["work"]) for part in groups)]
    yield from more(report)


def more(report):
    if report.get("left_out"):
        yield f"{report['left_out']} more are left out: --limit"


def standing_tables(report):
    consumers, leases, ages = report["consumers"], report["leases"], report["ages"]
    behind = "".join(f"; {count} behind by {shown(by)}" for by, count in sorted(consumers["behind"].items()))
    yield {
        "as of": shown(report["as_of"]), "accounts": str(report["accounts"]), "failing": str(report["failing"]),
        "overdue": str(report["overdue"]), "held": f"{report['held']} by a maintenance of their target",
        "due soon": f"{report['soon']} within {whole(report['within_seconds'])}", "never rotated": str(report["never_rotated"]),
        "checked out": f"{report['lent']}, {report['lent_late']} beyond their time, {report['revoking']} ending",
        "consumers": f"{consumers['current']} with the current version, {consumers['lagging']} with another{behind}",
    }
    yield [["STATE", "ACCOUNTS"], *([shown(state), str(count)] for state, count in sorted(report["by_state"].items()))]
    if leases.get("as_of"):
        kinds = (("of accounts", leases["account"]), ("dynamic", leases["dynamic"]))
        yield [["LEASES", "LIVE", "OVERDUE", "STUCK"],
               *([name, *(str(of[count]) for count in ("live", "overdue", "stuck"))] for name, of in kinds)]
    if ages.get("as_of"):
        yield buckets(ages)


def buckets(ages):
    return [["AGE BY PERIOD", "ACCOUNTS"], *([bound(bucket), str(bucket["accounts"])] for bucket in ages["buckets"])]


def ages_tables(report):
    names = ("accounts", "without_policy", "without_credential", "never_rotated")
    yield {"as of": shown(report["as_of"]), **{name.replace("_", " "): str(report[name]) for name in names}}
    yield buckets(report)
    yield [["ACCOUNT", "TARGET", "AGE", "PERIOD", "RATIO"],
           *([shown(one["account"]), shown(one["target"]), brief(one["age_seconds"]), brief(one["period_seconds"]), f"{one['ratio']:.2f}"]
             for one in report["oldest"])]
    yield from more(report)


def due_tables(report):
    yield {
        "as of": shown(report["as_of"]), "accounts": str(report["accounts"]), "overdue": str(report["overdue"]),
        "held": f"{report['held']} by a maintenance of their target",
        "due soon": f"{report['soon']} within {whole(report['within_seconds'])}",
        "never rotated": str(report["never_rotated"]), "parked": str(report["parked"]),
    }
    late = lambda one: "held" if one["held_until"] is not None else optional(one["overdue_seconds"], brief)
    minute = lambda time: time[:16].replace("T", " ")
    yield [["ACCOUNT", "TARGET", "STATE", "DUE (UTC)", "OVERDUE"],
           *([shown(one["account"]), shown(one["target"]), shown(one["state"]), optional(one["due_at"], minute), late(one)]
             for one in report["listed"])]
    yield from more(report)


TABLES = {"rotation": rotation_tables, "standing": standing_tables, "ages": ages_tables, "due": due_tables}


def columns(lines):
    """Cells by where the headings begin; words of one heading have one blank between them."""
    begins = [found.start() for found in re.finditer(r"\S+(?: \S+)*", lines[0])]
    return [[line[begin:end].rstrip() for begin, end in zip(begins, [*begins[1:], None])] for line in lines]


def pairs(lines, names):
    width = max(map(len, names))
    return {line[:width].rstrip(): line[width + 2:] for line in lines}


def table(one, wrong):
    wanted = list(TABLES[one["of"]](one["report"]))
    parts = [part.split("\n") for part in one["text"].removesuffix("\n").split("\n\n")]
    if len(parts) != len(wanted):
        wrong.append(f"{len(parts)} parts, and {len(wanted)} are wanted: {one['text']!r}")
        return 0
    count = 0
    for lines, want in zip(parts, wanted):
        if isinstance(want, dict):
            told = pairs(lines, want)
        elif isinstance(want, list):
            told = columns(lines)
            # Blanks at the end of a line are not printed.
            want = [[cell.rstrip() for cell in row] for row in want]
        else:
            told = "\n".join(lines)
        if told != want:
            wrong.append(f"{told!r}, and {want!r} by the JSON")
        count += len(want) if isinstance(want, (dict, str)) else sum(map(len, want))
    return count
