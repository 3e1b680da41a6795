//! `rotation-policies/…` and `password-policies/…`.

use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    list("rotation-policies", "Lists the rotation policies.", Keys),
    read("rotation-policies/<name>", "Reads a rotation policy.", data(RULE)),
    write("rotation-policies/<name>", "Writes a rotation policy.", Nothing).takes(NEW_RULE),
    delete("rotation-policies/<name>", "Deletes a rotation policy.", Nothing).fails(&[409]),
    list("sys/policies/password", "Lists the password policies.", Keys),
    read("sys/policies/password/<name>", "Reads a password policy.", data(PASSWORD)),
    write("sys/policies/password/<name>", "Writes a password policy.", Nothing).takes(NEW_PASSWORD),
    delete("sys/policies/password/<name>", "Deletes a password policy.", Nothing).fails(&[409]),
    read("sys/policies/password/<name>/generate", "Makes a password by a password policy.", data(MADE)),
    list("password-policies", "Lists the password policies.", Keys),
    read("password-policies/<name>", "Reads a password policy.", data(PASSWORD)),
    write("password-policies/<name>", "Writes a password policy.", Nothing).takes(NEW_PASSWORD),
    delete("password-policies/<name>", "Deletes a password policy.", Nothing).fails(&[409]),
    read("password-policies/<name>/generate", "Makes a password by a password policy.", data(MADE)),
];

const NEW_RULE: &[Field] = &[
    may("rotation_period", Span, "How often."),
    may("rotation_schedule", Text, "When, as a cron expression; instead of a period."),
    may("time_zone", Text, "Where the schedule's hours are."),
    may("rotation_window", Span, "How long after a time of the schedule it may begin."),
    may("jitter", Span, "At most so much later, so that not all begin at once."),
    may("retries", Count, "Attempts before a person is asked."),
    may("retry_base", Span, "How long until the first retry."),
    may("retry_cap", Span, "How long between retries at most."),
    may("grace", Span, "How long the old password may live on, where two can."),
    may(
        "early_after",
        Span,
        "The grace ends early once every live consumer has had the new one for so long; 30s.",
    ),
    may("hold", Span, "How long after the grace the old one is kept for consumers that lag; not at all."),
];
const RULE: &[Field] = &[
    must("rotation_period", OrNull(&Count), "Seconds."),
    must("rotation_schedule", OrNull(&Text), "A cron expression."),
    must("time_zone", OrNull(&Text), ""),
    must("rotation_window", OrNull(&Count), "Seconds."),
    must("jitter", OrNull(&Count), "Seconds."),
    must("retries", OrNull(&Count), ""),
    must("retry_base", OrNull(&Count), "Seconds."),
    must("retry_cap", OrNull(&Count), "Seconds."),
    must("grace", OrNull(&Count), "Seconds."),
    must("early_after", OrNull(&Count), "Seconds."),
    must("hold", OrNull(&Count), "Seconds."),
];
const PASSWORD: &[Field] = &[must("policy", Text, "Its text in HCL.")];
const NEW_PASSWORD: &[Field] = &[
    must("policy", Text, "Its text in HCL, JSON, or base64 of these."),
    may("entropy_source", Text, "Of no meaning here: randomness is the operating system's."),
];
const MADE: &[Field] = &[must("password", Secret, "Stored nowhere.")];
