//! `incidents/…`.

use super::silence::SILENCED;
use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    read("incidents", "Lists incidents.", data(LISTING)).takes(&[STATE, TEAM, ORDER, MOST]),
    list("incidents", "Lists incidents.", data(LISTING)).takes(&[STATE, TEAM, ORDER, MOST]),
    read("incidents/<id>", "Reads an incident.", data(INCIDENT)),
    write("incidents/<id>/ack", "Says that somebody looks after an incident.", data(INCIDENT)).fails(&[409]),
    write("incidents/<id>/assign", "Gives an incident to somebody.", data(INCIDENT))
        .takes(&[must("owner", Text, "To whom.")])
        .fails(&[409]),
    write("incidents/<id>/merge", "Merges an incident into another that has the same cause.", data(ACTED))
        .takes(&[must("into", Text, "The incident that stands for both from then on."), DRY_RUN]),
    write("incidents/<id>/unmerge", "Has a merged incident stand for itself again.", data(ACTED))
        .takes(&[DRY_RUN]),
    write("incidents/<id>/note", "Writes a note on an incident.", data(INCIDENT))
        .takes(&[must("text", Text, "The note."), MINUTES]),
    write("incidents/<id>/review", "Says why an incident that is over happened.", data(INCIDENT))
        .takes(&[must("cause", Word(CAUSES), "The kind of cause."), must("text", Text, "In words."), MINUTES])
        .fails(&[409]),
    read("incidents/<id>/events", "Pages through the time line of an incident.", data(LINES_SHOWN)).takes(&[
        may("after", Count, "The place after which to go on; `next` of the page before."),
        may("limit", Count, "How many at most; 1000 at a time."),
    ]),
    read("incidents/<id>/accounts", "Pages through the accounts beneath a target's incident.", data(BENEATH))
        .takes(&[
            may("after", Text, "The account after which to go on; `next` of the page before."),
            may("limit", Count, "How many at most; 1000 at a time."),
        ]),
    read("incidents/<id>/actions", "Tells what may be pressed about an incident.", data(ACTIONS))
        .takes(&[ONE]),
    write("incidents/<id>/act/<action>", "Presses it, or says what that would do.", data(ACTED))
        .takes(&[
            ONE,
            DRY_RUN,
            may("password", Text, "For `set_password`: the password that is known."),
            may("for", Span, "For `maintenance`: how long it lasts, 30 days at most."),
            may("until", Text, "Or when it ends: RFC 3339, or seconds since 1970."),
            may("reason", Text, "And why; needed."),
        ])
        .or(&[(202, data(ACTED))])
        .fails(&[409, 502]),
];

/// Why something failed, beside what it is about.
pub(super) const FAILURE: &[Field] = &[
    may("class", Text, "The class of the failure."),
    may("detail", Text, "What went wrong."),
    may("incident", Text, "The incident about it."),
    may("attempts", Count, "How often it was tried."),
    may("next_attempt", Time, "When it is tried again."),
];
const MOST: Field = may(
    "limit",
    Count,
    "At most so many: those that press most, or the oldest and in the last tenth the newest; all unless named.",
);
const ORDER: Field = may(
    "order",
    Word(&["", "opened", "exposure"]),
    "The oldest first, or first what presses most: exposure x severity x accounts; `opened` unless named.",
);
const STATE: Field = may("state", Word(&["", "open", "closed", "all"]), "Which; `open` unless named.");
const TEAM: Field = may("team", Text, "Only those of this team; `(none)` for those of no team.");
const LISTING: &[Field] = &[
    must("incidents", List(&Object(INCIDENT)), "Which, in the order asked for."),
    must("total", Count, "How many there are."),
    must("unacknowledged", Count, "Of these, those that nobody has acknowledged."),
];
const INCIDENT: &[Field] = &[
    must("id", Text, "Names it."),
    must("subject", Text, "The account or target."),
    must("target", Text, "The target."),
    must("class", Text, "The class of the failure."),
    must(
        "severity",
        Word(&["warning", "error", "critical"]),
        "How bad it was at its worst since it was opened.",
    ),
    must(
        "exposure_seconds",
        Count,
        "For how long it has been, or was, open to harm: from the first evidence to the proof.",
    ),
    must("phase", Text, "Where in the rotation it happened."),
    must("state", Word(&["open", "closed"]), "Whether it is over."),
    must("opened_at", Time, "Since when."),
    must("detail", OrNull(&Text), "What went wrong."),
    must("owner", OrNull(&Text), "Who has it."),
    must("acknowledged_at", OrNull(&Time), "Since when somebody looks after it."),
    must("attempts", Count, "How often it was tried."),
    must("next_attempt", OrNull(&Time), "When it is tried again."),
    must("marks", Map(&OrNull(&Time)), "When each of its stages was reached."),
    must(
        "events",
        List(&Object(LINE)),
        "What happened; of a long time line the first and the newest lines. Empty in lists.",
    ),
    must("events_total", Count, "Lines of the whole time line."),
    must("reopened", Count, "How often it was reopened."),
    may("clock_stepped_back_seconds", Number, "By how much the server's clock was stepped back meanwhile."),
    must("staff_minutes", Count, "Minutes that people have spent on it."),
    may(
        "review",
        Object(&[
            must("by", Text, "Who says so."),
            must("cause", Word(CAUSES), "The kind of cause."),
            must("text", Text, "In words."),
        ]),
        "What people found afterwards.",
    ),
    must("kind", Word(&["account", "target"]), "Whether it is a target's, with accounts beneath it."),
    may(
        "accounts",
        List(&Text),
        "The first 100 of those beneath a target's incident now. Left out of lists.",
    ),
    may("accounts_open", Count, "How many are beneath a target's incident now."),
    may("accounts_total", Count, "How many ever were."),
    may("moved_from", Text, "The target's incident that the account was beneath before."),
    may("merged_into", Text, "The incident that has the same cause and stands for this one as well."),
    may(
        "merged",
        List(&Object(&[
            must("id", Text, "Names it."),
            must("subject", Text, "The account or target; empty where it cannot be read."),
            must("class", Text, "The class of the failure; empty where it cannot be read."),
            must("state", Word(&["open", "closed"]), "Whether it is over."),
            must("opened_at", Text, "Since when."),
        ])),
        "Those that this one stands for as well, each with a proof of its own.",
    ),
    SILENCED,
    may(
        "last_act",
        Object(&[
            must("at", Time, "When."),
            must("kind", Text, "What, such as `probe` or `park`."),
            must("text", Text, "In words that go on from “the vault”."),
        ]),
        "What the vault did last by itself, while it is open.",
    ),
    may("team", Text, "Whose it was when it was opened for the first time."),
];
const DRY_RUN: Field = may("dry_run", Flag, "Whether it is only asked what would be done.");
const ONE: Field = may(
    "account",
    Text,
    "Which account beneath a target's incident: its path, as it is shown, or the target's name for its management credential.",
);
const BENEATH: &[Field] = &[
    must(
        "accounts",
        List(&Object(&[
            must("account", Text, "Which."),
            must(
                "state",
                Word(&["open", "parked", "proven", "moved", "withdrawn"]),
                "Whether it is there, or why not.",
            ),
            must("class", Text, "The class of its last failure."),
            must("phase", Text, "Where in the rotation that happened."),
            must("detail", Text, "What went wrong."),
            must("attempts", Count, "How often it was tried since it joined."),
            may("next_attempt", Time, "When it is tried again."),
            must("joined_at", Time, "Since when it is there."),
            may("mitigated_at", Time, "Since when its consumers can log in again."),
            may("left_at", Time, "Since when it is there no more."),
            may("moved_to", Text, "Its own incident, when it has moved."),
            must("failures", List(&Object(LINE)), "Its failures; those alike are one."),
        ])),
        "Those that are, or were, beneath it.",
    ),
    may("next", Text, "The account to go on after; absent at the end."),
];
const LINES_SHOWN: &[Field] = &[
    must("events", List(&Object(LINE)), "The lines, oldest first."),
    may("next", Count, "The place to go on after; absent at the end."),
];
const LINE: &[Field] = &[
    must("at", Time, "When; never earlier than the line before."),
    must("kind", Text, "What."),
    must("by", OrNull(&Text), "By whom."),
    must("text", OrNull(&Text), "More, in words."),
    may("seq", Count, "Its place, from 0 on."),
    may("clock", Time, "What the server's clock showed, where that was earlier."),
    may("class", Text, "The class of the failure."),
    may("phase", Text, "Where in the rotation it happened."),
    may("attempt", Count, "Which attempt it was."),
    may("staff_minutes", Count, "Minutes of work that it tells of."),
    may("fault_at", Time, "Since when it was wrong; of `opened`."),
    may("started_at", Time, "When the first attempt began, as the clock showed it; of `opened`."),
    may("into", Text, "The incident that this one is merged into; of `merged`."),
];
const MINUTES: Field = may("staff_minutes", Count, "Minutes spent on it.");
const CAUSES: &[&str] = &[
    "target_down",
    "network",
    "credential",
    "policy",
    "permission",
    "changed_outside",
    "consumer",
    "plugin",
    "vault",
    "person",
    "unknown",
];
const STEPS: Shape = List(&Object(&[
    must("text", Text, "What is done."),
    must("history", OrNull(&Text), "The event that the account's history gains by it."),
]));
const ACTIONS: &[Field] = &[
    must("id", Text, "Names the incident."),
    must("subject", Text, "The account or target."),
    must("class", Text, "The class of the failure."),
    must(
        "runbook",
        Object(&[
            must("means", Text, "What the class means."),
            must("by_itself", Text, "What the vault does by itself."),
            must(
                "commands",
                List(&Text),
                "What to type, with the names of this incident; a word in capitals stands for one that is not known.",
            ),
        ]),
        "The short runbook of the class.",
    ),
    must(
        "actions",
        List(&Object(&[
            must("action", Text, "Its word."),
            must("safe", Flag, "Whether nothing can get worse by it."),
            must("why", Text, "Why it is safe, or what may get worse."),
            must("path", Text, "The path of the act itself, to which a right is needed as well."),
            must("permitted", Flag, "Whether the caller has that right."),
            must("steps", STEPS, "What it would do, in order."),
        ])),
        "What may be pressed now.",
    ),
    must("nothing", OrNull(&Text), "Why there is nothing to press that repairs it."),
    may(
        "accounts",
        List(&Object(&[
            must("account", Text, "Which, as `account` takes it."),
            must("class", Text, "The class of its last failure."),
            must(
                "actions",
                List(&Object(&[
                    must("action", Text, "Its word."),
                    must("safe", Flag, "Whether nothing can get worse by it."),
                    must("permitted", Flag, "Whether the caller has the right to the act itself."),
                ])),
                "What may be pressed for it now.",
            ),
        ])),
        "The first 50 beneath a target's incident, each by itself; the management credential comes first.",
    ),
];
const ACTED: &[Field] = &[
    must("action", Text, "The action."),
    must("dry_run", Flag, "Whether nothing was done."),
    must("safe", Flag, "Whether nothing can get worse by it."),
    must("why", Text, "Why it is safe, or what may get worse."),
    must("steps", STEPS, "What it was to do, in order."),
    must("outcome", Word(&["done", "running", "dry_run"]), "What became of it."),
    must("version", Count, "The version that is served; 0 where it is about several accounts."),
    must("state", Text, "How the account stands, or the incident."),
    may("accounts", Count, "How many accounts beneath a target's incident it sets going."),
    may("left_alone", Count, "How many it leaves alone."),
    may("until", Time, "Until when the maintenance lasts that was asked for."),
];
