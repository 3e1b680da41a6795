//! `accounts/rehearse/…`.

use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    write(
        "accounts/rehearse/<path...>",
        "Tries a rotation on a shadow account, and tells as a light whether that of the account would work.",
        data(REPORT),
    )
    .or(&[(202, data(REPORT))]),
    read("accounts/rehearse/<path...>", "Reads what the last rehearsal came to.", data(REPORT)),
];

const REPORT: &[Field] = &[
    must("outcome", Word(&["rehearsed", "running"]), "Whether it is done."),
    may("light", LIGHT, "The worst of all findings."),
    may("began_at", Time, "When it began."),
    may("ended_at", Time, "When it ended."),
    must("passed", List(&Text), "What was done and went well, in order."),
    must("findings", List(&Object(FINDING)), "What was found, the worst first."),
    may("shadow", Text, "The shadow account that may still be on the target."),
];
pub(super) const FINDING: &[Field] = &[
    must("light", LIGHT, "How bad it is."),
    must("code", Text, "What kind; stable."),
    must("what", Text, "What it is."),
    must("mend", Text, "What to mend."),
];
pub(super) const LAST: &[Field] = &[
    must("light", LIGHT, "Its light."),
    must("at", Time, "When it ended."),
    must("codes", List(&Text), "The codes of its findings, the worst first."),
];
pub(super) const LIGHT: Shape = Word(&["green", "amber", "red"]);
