//! `sys/wrapping/…`: answers that are put away under a token of their own.

use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    write("sys/wrapping/wrap", "Puts the parameters away.", Wrapped).takes_anything().hears(&[must(
        "X-Vault-Wrap-TTL",
        Span,
        "For how long.",
    )]),
    write("sys/wrapping/lookup", "Tells of a wrapping token without opening it.", data(LOOKUP)).takes(TOKEN),
    read("sys/wrapping/lookup", "Tells of a wrapping token without opening it.", data(LOOKUP)).takes(TOKEN),
    write("sys/wrapping/unwrap", "Gives what was put away, once.", Whole).takes(TOKEN),
    write("sys/wrapping/rewrap", "Puts it away anew, under another token.", Wrapped).takes(TOKEN),
];

const TOKEN: &[Field] = &[may("token", Secret, "The wrapping token; the caller's own when it is left out.")];
const LOOKUP: &[Field] = &[
    must("creation_ttl", Count, "Seconds it was made for."),
    must("creation_time", Time, "When it was made."),
    must("creation_path", Text, "What was asked for that is inside."),
];
