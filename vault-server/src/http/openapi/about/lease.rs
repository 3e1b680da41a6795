//! `sys/leases/…`, and its paths before Vault 0.8.

use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    read("sys/leases", "Lists leases that are ending and not proven dead yet.", data(ENDING))
        .takes(&[TYPE, CHILDREN, may("limit", Form("^([1-9][0-9]{0,8}|none)?$"), "At most so many.")])
        .or(&[(204, Nothing)]),
    read("sys/leases/count", "Counts leases that are ending and not proven dead yet.", data(COUNT))
        .takes(&[TYPE, CHILDREN])
        .or(&[(204, Nothing)]),
    write("sys/leases/lookup", "Tells of a lease.", data(INFO)).takes(&[ID]),
    list("sys/leases/lookup", "Lists leases.", Keys),
    list("sys/leases/lookup/<prefix...>", "Lists leases below a path.", Keys),
    write("sys/leases/renew", "Gives a lease more time.", Bare).takes(&[ID, INCREMENT]).fails(&[409, 502]),
    write("sys/leases/renew/<id...>", "Gives a lease more time.", Bare)
        .takes(&[ID, INCREMENT])
        .fails(&[409, 502]),
    write("sys/leases/revoke", "Ends a lease.", Quiet).takes(&[ID, SYNC]).fails(&[409, 502]),
    write("sys/leases/revoke/<id...>", "Ends a lease.", Quiet).takes(&[ID, SYNC]).fails(&[409, 502]),
    write("sys/leases/revoke-prefix/<prefix...>", "Ends all leases below a path.", Quiet)
        .takes(&[SYNC])
        .fails(&[409, 502]),
    write("sys/leases/revoke-force/<prefix...>", "Ends all leases below a path, whatever fails.", Quiet),
    write("sys/leases/tidy", "Begins to end what is due.", Started),
    write("sys/renew", "Gives a lease more time.", Bare).takes(&[ID, INCREMENT]).fails(&[409, 502]),
    write("sys/renew/<id...>", "Gives a lease more time.", Bare).takes(&[ID, INCREMENT]).fails(&[409, 502]),
    write("sys/revoke", "Ends a lease.", Quiet).takes(&[ID, SYNC]).fails(&[409, 502]),
    write("sys/revoke/<id...>", "Ends a lease.", Quiet).takes(&[ID, SYNC]).fails(&[409, 502]),
    write("sys/revoke-prefix/<prefix...>", "Ends all leases below a path.", Quiet)
        .takes(&[SYNC])
        .fails(&[409, 502]),
    write("sys/revoke-force/<prefix...>", "Ends all leases below a path, whatever fails.", Quiet),
];

const TYPE: Field = may("type", Word(&["irrevocable"]), "Must be `irrevocable` for an answer.");
const CHILDREN: Field = may("include_child_namespaces", Flag, "Of no effect: there are no namespaces.");
const ID: Field = may("lease_id", Text, "The lease.");
const INCREMENT: Field = may("increment", Span, "How long from now.");
const SYNC: Field = may("sync", Flag, "Of no effect: the answer waits for the proof, bounded.");
const COUNT: &[Field] = &[
    must("lease_count", Count, "How many."),
    must("counts", Map(&Count), "By the accessor of their mount."),
];
const ENDING: &[Field] = &[
    must("lease_count", Count, "How many."),
    must(
        "leases",
        List(&Object(&[
            must("lease_id", Text, "Which."),
            must("mount_id", Text, "The accessor of its mount."),
            must("error", Text, "Why it is still there."),
        ])),
        "Which.",
    ),
];
const INFO: &[Field] = &[
    must("id", Text, "Which."),
    must("issue_time", Time, "Since when."),
    must("expire_time", OrNull(&Time), "Until when unless renewed."),
    must("last_renewal", OrNull(&Time), "When it was last renewed."),
    must("renewable", Flag, "Whether it can be renewed."),
    must("ttl", Count, "Seconds left."),
    may("state", Word(&["active", "revoking", "closed"]), "Whether it is being ended."),
];
