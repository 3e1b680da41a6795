//! `silences/…` and `targets/maintenance/…`.

use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    read("silences", "Lists silences and maintenance windows.", data(LISTING)),
    list("silences", "Lists silences and maintenance windows.", data(LISTING)),
    write(
        "silences",
        "Keeps notifications back for a while; of a target in maintenance, rotations too.",
        data(SILENCE),
    )
    .takes(&[
        may("target", Text, "Everything on this target."),
        may("accounts", Text, "The accounts whose path fits; `*` stands for any text."),
        may("mode", Word(&["", "silence", "maintenance"]), "`silence` unless named."),
        may("from", Text, "When it begins: RFC 3339, or seconds since 1970; at once unless named."),
    ])
    .and(HOW),
    read("silences/<id>", "Reads a silence.", data(SILENCE)),
    delete("silences/<id>", "Ends a silence now.", Nothing),
    read("targets/maintenance/<name>", "Reads the maintenance that a target is in.", data(SILENCE)),
    write(
        "targets/maintenance/<name>",
        "Begins the maintenance of a target, or gives it another end.",
        data(SILENCE),
    )
    .takes(HOW),
    delete("targets/maintenance/<name>", "Ends the maintenance of a target now.", Nothing),
];

const HOW: &[Field] = &[
    may("until", Text, "When it ends: RFC 3339, or seconds since 1970."),
    may("for", Span, "Or how long it lasts: 30 days at most."),
    must("reason", Text, "Why."),
    may("dry_run", Flag, "Whether it is only asked what it would do: then nothing is made or changed."),
];
const LISTING: &[Field] = &[must("silences", List(&Object(SILENCE)), "Those that are not over.")];
const SILENCE: &[Field] = &[
    must("id", Text, "Names it; empty of one that is not made."),
    must("mode", MODE, "What it does."),
    must("state", Word(&["planned", "active", "ending"]), "Where it stands."),
    may("target", Text, "The target that it is about."),
    may("accounts", Text, "The accounts that it is about."),
    must("from", Time, "When it begins, or began."),
    must("until", Time, "When it ends by itself."),
    must("by", Text, "Who said so."),
    must("reason", Text, "Why."),
    may("ended_by", Text, "Who ended it before its time."),
    may("dry_run", Flag, "Whether it was only asked what it would do."),
    may("steps", List(&Text), "What it would do, and what not, in order; told when that is asked."),
];
/// By what something is silenced, beside what is told of it.
pub(super) const SILENCED: Field = may(
    "silenced",
    Object(&[
        must("id", Text, "The silence."),
        must("mode", MODE, "What it does."),
        must("until", Time, "Until when."),
        must("by", Text, "Who said so."),
        must("reason", Text, "Why."),
    ]),
    "The silence or maintenance that keeps its notifications back.",
);
const MODE: Shape = Word(&["silence", "maintenance"]);
