//! `pools/…`, and `library/…` of mounts of type `ldap`: accounts that are lent from a common stock.

use super::account::{HOLDER, LENT};
use super::incident::FAILURE;
use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    list("pools/config", "Lists the pools.", Keys),
    read("pools/config/<name>", "Reads a pool's settings.", data(POOL)),
    write("pools/config/<name>", "Makes or changes a pool: what is left out stays as it is.", Nothing)
        .takes(&[may("accounts", List(&Text), "The paths of its accounts.")])
        .and(BOUNDS),
    delete("pools/config/<name>", "Removes a pool of which nothing is lent; its accounts stay.", Nothing),
    write("pools/check-out/<name>", "Lends an account that is free to the caller alone.", Data(POOL_LENT))
        .takes(WISHES)
        .fails(&[409, 502]),
    write("pools/check-in/<name>", "Gives accounts back: their passwords are changed.", data(POOL_RETURNED))
        .takes(&[
            may("accounts", List(&Text), "Which; the caller's only one when none is named."),
            may("lease_id", Text, "The lease; a stale one changes nothing."),
            may("force", Flag, "Takes them from whoever has them; needs `sudo`."),
        ])
        .fails(&[409, 502]),
    read("pools/status/<name>", "Tells which accounts of a pool are free, and why not.", data(STATUS)),
];

/// Relative to the mount.
pub const LIBRARY: &[About] = &[
    list("library", "Lists the sets.", Keys),
    read("library/<name>", "Reads a set.", data(SET)),
    write("library/<name>", "Makes or changes a set: what is left out stays as it is.", Nothing)
        .takes(NAMES)
        .and(BOUNDS),
    delete("library/<name>", "Removes a set of which nothing is lent; its accounts stay.", Nothing),
    write("library/<name>/check-out", "Lends an account that is free to the caller alone.", data(SET_LENT))
        .takes(WISHES)
        .fails(&[409, 502]),
    write("library/<name>/check-in", "Gives accounts back: their passwords are changed.", data(SET_RETURNED))
        .takes(NAMES)
        .fails(&[409, 502]),
    write("library/manage/<name>/check-in", "Ends anybody's check-outs of a set.", data(SET_RETURNED))
        .takes(NAMES)
        .fails(&[409, 502]),
    read("library/<name>/status", "Tells which accounts of a set are free.", Data(Map(&Object(SET_ACCOUNT)))),
];

const NAMES: &[Field] = &[may("service_account_names", List(&Text), "The paths of accounts.")];
const BOUNDS: &[Field] = &[
    may("ttl", Span, "How long a check-out lasts that asks for nothing."),
    may("max_ttl", Span, "How long a check-out lasts at most."),
    may("disable_check_in_enforcement", Flag, "Whether anybody may give back what another has."),
];
const WISHES: &[Field] = &[
    may("ttl", Span, "For how long."),
    may("reason", Text, "Why, for the audit file and for who waits."),
    may("ticket", Text, "The ticket it is for."),
    may("wait", Span, "How long to wait in line for one."),
];
const POOL: &[Field] = &[
    must("accounts", List(&Text), "The paths of its accounts."),
    must(
        "ttl",
        OrNull(&Count),
        "Seconds a check-out lasts that asks for nothing; null for the account's own.",
    ),
    must("max_ttl", OrNull(&Count), "Seconds a check-out lasts at most; null for the account's own."),
    must("disable_check_in_enforcement", Flag, "Whether anybody may give back what another has."),
];
const POOL_LENT: Shape = Both(&[must("account", Text, "The path of the account that was lent.")], LENT);
const POOL_RETURNED: &[Field] = &[must(
    "check_ins",
    List(&Object(&[
        must("account", Text, "The account's path."),
        must("state", Word(&["closed", "revoking"]), "Whether the target was seen to refuse the password."),
    ])),
    "What was given back.",
)];
const STATUS: &[Field] = &[
    must("total", Count, "How many accounts it has."),
    must("available", Count, "How many of them are free."),
    must("accounts", Map(&Both(ACCOUNT, FAILURE)), "Each of them, by path."),
];
const ACCOUNT: &[Field] = &[
    must("available", Flag, "Whether it would be lent."),
    must(
        "state",
        Word(&["free", "lent", "ending", "promised", "changing", "failing", "refused", "not_ready"]),
        "Whether it is free, and why not.",
    ),
    may("holder", Object(HOLDER), "Who has it."),
    may("last_lent", Time, "When it was lent last."),
];
const SET: &[Field] = &[
    must("service_account_names", List(&Text), "The paths of its accounts."),
    must("ttl", Count, "Seconds a check-out lasts that asks for nothing."),
    must("max_ttl", Count, "Seconds a check-out lasts at most."),
    must("disable_check_in_enforcement", Flag, "Whether anybody may give back what another has."),
];
const SET_LENT: &[Field] = &[
    must("service_account_name", Text, "The path of the account that was lent."),
    must("password", Secret, "Its password."),
    must("username", Text, "The account's name on its target."),
];
const SET_RETURNED: &[Field] = &[must("check_ins", List(&Text), "The accounts that were given back.")];
const SET_ACCOUNT: &[Field] = &[
    must("available", Flag, "Whether it would be lent."),
    may("borrower_client_token", Text, "The accessor of the borrower's token."),
    may("borrower_entity_id", Text, "The borrower's entity."),
    may("state", Text, "Why it is not free although nobody has it."),
];
