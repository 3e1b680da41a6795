//! `incidents/…` and `reports/rotation`.

use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    read("incidents", "Lists incidents.", data(LISTING)).takes(&[STATE]),
    list("incidents", "Lists incidents.", data(LISTING)).takes(&[STATE]),
    read("incidents/<id>", "Reads an incident.", data(INCIDENT)),
    write("incidents/<id>/ack", "Says that somebody looks after an incident.", data(INCIDENT)),
    write("incidents/<id>/assign", "Gives an incident to somebody.", data(INCIDENT))
        .takes(&[must("owner", Text, "To whom.")]),
    write("incidents/<id>/note", "Writes a note on an incident.", data(INCIDENT)).takes(&[must(
        "text",
        Text,
        "The note.",
    )]),
    read("reports/rotation", "Tells how often rotations failed and how long repair took.", data(REPORT))
        .takes(&[
            may("from", Text, "Since when: RFC 3339, or seconds since 1970."),
            may("to", Text, "Until when."),
        ]),
];

/// Why something failed, beside what it is about.
pub(super) const FAILURE: &[Field] = &[
    may("class", Text, "The class of the failure."),
    may("detail", Text, "What went wrong."),
    may("incident", Text, "The incident about it."),
    may("attempts", Count, "How often it was tried."),
    may("next_attempt", Time, "When it is tried again."),
];
const STATE: Field = may("state", Word(&["", "open", "closed", "all"]), "Which; `open` unless named.");
const LISTING: &[Field] = &[must("incidents", List(&Object(INCIDENT)), "Which.")];
const INCIDENT: &[Field] = &[
    must("id", Text, "Names it."),
    must("subject", Text, "The account or target."),
    must("target", Text, "The target."),
    must("class", Text, "The class of the failure."),
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
        List(&Object(&[
            must("at", Time, "When."),
            must("kind", Text, "What."),
            must("by", OrNull(&Text), "By whom."),
            must("text", OrNull(&Text), "More, in words."),
        ])),
        "What happened.",
    ),
    may("accounts", List(&Text), "The accounts that it stops."),
];
const REPORT: &[Field] = &[
    must("window", Object(&[must("from", Time, ""), must("to", Time, "")]), "What it covers."),
    must(
        "rotations",
        Object(&[must("succeeded", Count, ""), must("failed", Count, ""), must("attempts", Count, "")]),
        "",
    ),
    must(
        "incidents",
        Object(&[
            must("opened", Count, ""),
            must("resolved", Count, ""),
            must("open", Count, ""),
            must("oldest_open_seconds", OrNull(&Count), ""),
        ]),
        "",
    ),
    must("by_class", Map(&Count), "Incidents by class."),
    must("ttd", SPREAD, "Seconds to detect."),
    must("tta", SPREAD, "Seconds to acknowledge."),
    must("ttm", SPREAD, "Seconds to mitigate."),
    must("ttr", SPREAD, "Seconds to resolve."),
];
const SPREAD: Shape = Object(&[
    must("n", Count, "How many are over."),
    must("censored", Count, "How many are not."),
    must("mean", OrNull(&Number), ""),
    must("p50", OrNull(&Number), ""),
    must("p90", OrNull(&Number), ""),
    must("max", OrNull(&Number), ""),
]);
