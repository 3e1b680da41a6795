//! `sys/…`: the vault itself.

use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    read(
        "sys/health",
        "Tells by its status code, and in its body, whether the vault can serve.",
        Raw(Object(HEALTH)),
    )
    .takes(HEALTH_CODES)
    .or(&[(0, Raw(Object(HEALTH)))]),
    read("sys/leader", "Tells which node is active; there is one.", Raw(Object(LEADER))),
    read("sys/init", "Tells whether the vault has keys.", Raw(Object(&[must("initialized", Flag, "")]))),
    write("sys/init", "Makes the keys of a new vault and shows them, once.", Raw(Object(FOUNDED)))
        .takes(SEAL_WANTED),
    read(
        "sys/seal-status",
        "Tells whether the vault is sealed and how many shares were given.",
        Raw(Object(SEAL_STATUS)),
    ),
    write("sys/unseal", "Takes one share of the unseal key, or the passphrase.", Raw(Object(SEAL_STATUS)))
        .takes(&[
            may("key", Secret, "A share, in hex or base64."),
            may("passphrase", Secret, "The passphrase, where the vault was made with one."),
            may("reset", Flag, "Forgets the shares that were given so far."),
            may("migrate", Flag, "Not supported; leave it out."),
        ]),
    write("sys/seal", "Seals the vault.", Nothing),
    read("sys/key-status", "Tells of the key that new records are sealed with.", Top(Object(KEY_STATUS))),
    write("sys/rotate", "Makes a new key for new records.", Nothing),
    write("sys/rotate/keyring", "Makes a new key for new records.", Nothing),
    write(
        "sys/audit-hash/<path...>",
        "Gives the digest under which a text stands in the audit file.",
        Top(Object(&[must("hash", Text, "`hmac-sha256:` and hex.")])),
    )
    .takes(&[must("input", Secret, "The text."), must("path", Text, "The name of an audit device.")]),
    write("sys/audit-search", "Looks for lines of the audit file, the newest first.", data(AUDIT_SEARCH))
        .takes(&[
            may("path", Text, "An account's path, or any path, or its end after a slash."),
            may("principal", Text, "Part of the display name of who asked."),
            may("operation", Text, "`read`, `update`, …, or an act of the vault itself."),
            may("outcome", Word(&["", "succeeded", "failed"]), "How it ended."),
            may("type", Word(&["", "request", "response", "system", "chain"]), "Which lines."),
            may("from", Text, "RFC 3339, or seconds since 1970; included."),
            may("to", Text, "Excluded."),
            may("value", Secret, "A text of which the line holds the digest."),
            may("limit", Count, "How many lines; 50, at most 200."),
            may("cursor", Text, "From where to go on: `next` of the answer before."),
        ])
        .fails(&[409]),
    read("sys/audit", "Lists the audit devices.", Top(Map(&Object(AUDIT_DEVICE)))),
    write("sys/audit/<path...>", "Adds an audit device.", Nothing).takes(&[
        must("path", Text, "Its name."),
        must("type", Word(&["file"]), "Its kind."),
        may("description", Text, "For people."),
        may("local", Flag, "Kept, and without meaning here: nothing is replicated."),
        may("options", Texts, "`file_path` of a `file`."),
    ]),
    delete("sys/audit/<path...>", "Takes an audit device away.", Nothing).takes(&[must(
        "path",
        Text,
        "Its name.",
    )]),
    read("sys/metrics", "Measurements for Prometheus.", Typed("text/plain"))
        .takes(&[may("format", Text, "Of no effect: the form is what `Accept` says.")])
        .or(&[(200, Typed("application/openmetrics-text"))]),
    read("sys/integrity", "Tells what the last check of the store found.", data(INTEGRITY)),
    write("sys/integrity/verify", "Checks that the store holds what was committed.", data(INTEGRITY)),
    write("sys/tools/random", "Gives random bytes.", data(RANDOM)).takes(&[BYTES, SOURCE, FORMAT]),
    write("sys/tools/random/<bytes>", "Gives random bytes.", data(RANDOM)).takes(&[
        must("bytes", Form("^([0-9]{1,6}|platform|seal|all)$"), "How many; or the name of a source."),
        SOURCE,
        FORMAT,
    ]),
    write("sys/tools/random/<source>/<bytes>", "Gives random bytes.", data(RANDOM)).takes(&[
        must("source", Word(SOURCES), "Where they come from."),
        must("bytes", Form("^[0-9]{1,6}$"), "How many."),
        FORMAT,
    ]),
    write("sys/tools/hash", "Gives the digest of some bytes.", data(SUM)).takes(&[
        INPUT,
        may("algorithm", Word(HASHES), "Which digest; `sha2-256` unless named."),
        FORMAT,
    ]),
    write("sys/tools/hash/<algorithm>", "Gives the digest of some bytes.", data(SUM)).takes(&[
        INPUT,
        must("algorithm", Word(HASHES), "Which digest."),
        FORMAT,
    ]),
    read(
        "sys/ha-status",
        "Lists the nodes; there is one.",
        Top(Object(&[must("nodes", List(&Object(NODE)), "")])),
    ),
    read("sys/locked-users", "Lists who cannot log in for a while, after too many failures.", data(LOCKED))
        .takes(&[may("mount_accessor", Text, "Only those of this mount.")]),
    write("sys/locked-users/<accessor>/unlock/<name>", "Lets a user try again at once.", Nothing).takes(&[
        must("accessor", Text, "The accessor of the mount that the user logs in at."),
        must("name", Text, "The user's name, or the role id."),
    ]),
    write("sys/capabilities", "Tells what a token may do on some paths.", Top(CAPABILITIES)).takes(&[
        must("token", Secret, "The token."),
        PATHS,
        PATH,
    ]),
    write("sys/capabilities-self", "Tells what the caller may do on some paths.", Top(CAPABILITIES))
        .takes(&[may("token", Secret, "Of no effect."), PATHS, PATH]),
    write(
        "sys/capabilities-accessor",
        "Tells what the token of an accessor may do on some paths.",
        Top(CAPABILITIES),
    )
    .takes(&[must("accessor", Text, "The accessor."), PATHS, PATH]),
    read("sys/internal/specs/openapi", "This document.", Raw(DOCUMENT)).takes(WISH),
    write("sys/internal/specs/openapi", "This document.", Raw(DOCUMENT)).takes(WISH),
];

const WISH: &[Field] = &[
    may("generic_mount_paths", Flag, "Names mounts by a parameter instead of by their paths."),
    may("context", Form("^[A-Za-z0-9_-]{0,64}$"), "Is appended to every operationId."),
];
const DOCUMENT: Shape = Open(&[
    must("openapi", Text, "The version of OpenAPI."),
    must("info", Open(&[]), ""),
    must("paths", Open(&[]), ""),
    must("components", Open(&[]), ""),
]);
const HEALTH_CODES: &[Field] = &[
    may("standbyok", Flag, "Of no effect: there are no standby nodes."),
    may("perfstandbyok", Flag, "Of no effect."),
    may("activecode", Count, "The status code of a vault that serves."),
    may("standbycode", Count, "Of no effect."),
    may("drsecondarycode", Count, "Of no effect."),
    may("performancestandbycode", Count, "Of no effect."),
    may("sealedcode", Count, "The status code of a sealed vault."),
    may("uninitcode", Count, "The status code of a vault without keys."),
];
const HEALTH: &[Field] = &[
    must("initialized", Flag, "Whether the vault has keys."),
    must("sealed", Flag, "Whether they are out of reach."),
    must("standby", Flag, "Always false."),
    must("performance_standby", Flag, "Always false."),
    must("replication_performance_mode", Text, "`disabled`."),
    must("replication_dr_mode", Text, "`disabled`."),
    must("server_time_utc", Integer, "Seconds since 1970."),
    must("version", Text, "The server's version."),
    may("cluster_name", Text, "Known once unsealed."),
    may("cluster_id", Text, "Known once unsealed."),
];
const LEADER: &[Field] = &[
    must("ha_enabled", Flag, "Always false."),
    must("is_self", Flag, "Always false."),
    must("active_time", Time, ""),
    must("leader_address", Text, ""),
    must("leader_cluster_address", Text, ""),
    must("performance_standby", Flag, "Always false."),
    must("performance_standby_last_remote_wal", Count, ""),
];
const FOUNDED: &[Field] = &[
    must("keys", List(&Secret), "The shares in hex; none with a passphrase."),
    must("keys_base64", List(&Secret), "The shares in base64."),
    must("root_token", Secret, "The first token, with the policy `root`."),
];
pub(super) const SEAL_WANTED: &[Field] = &[
    may("secret_shares", Count, "How many shares of the key to make."),
    may("secret_threshold", Count, "How many of them unseal."),
    may("passphrase", Secret, "Unseals alone; instead of shares."),
    may("pgp_keys", OrNull(&List(&Text)), "Not supported; leave it empty."),
    may("root_token_pgp_key", Text, "Not supported; leave it empty."),
    may("recovery_shares", Count, "Not supported; leave it 0."),
    may("recovery_threshold", Count, "Not supported; leave it 0."),
    may("recovery_pgp_keys", OrNull(&List(&Text)), "Not supported; leave it empty."),
    may("stored_shares", Count, "Not supported; leave it 0."),
];
const SEAL_STATUS: &[Field] = &[
    must("type", Word(&["shamir", "passphrase"]), "The kind of seal."),
    must("initialized", Flag, "Whether the vault has keys."),
    must("sealed", Flag, "Whether they are out of reach."),
    must("t", Count, "Shares needed."),
    must("n", Count, "Shares made."),
    must("progress", Count, "Shares given so far."),
    must("nonce", Text, "Names this round of shares; empty outside of one."),
    must("version", Text, "The server's version."),
    must("migration", Flag, "Always false."),
    must("recovery_seal", Flag, "Always false."),
    must("storage_type", Text, "The engine that holds the records."),
    may("cluster_name", Text, "Known once unsealed."),
    may("cluster_id", Text, "Known once unsealed."),
];
const KEY_STATUS: &[Field] = &[
    must("term", Count, "The generation of the key."),
    must("install_time", Time, "When it was made."),
    must("encryptions", Count, "Records sealed with it, estimated."),
    may(
        "rewrap",
        Object(&[must("remaining", Count, "Records still to move."), must("done", Count, "Records moved.")]),
        "How far older records have come.",
    ),
    must("older_generations", Count, "How many older keys are kept."),
];
const AUDIT_DEVICE: &[Field] = &[
    must("type", Text, "Its kind."),
    must("path", Text, "Its name and a slash."),
    must("description", Text, "For people."),
    must("local", Flag, ""),
    must("options", Texts, "Its settings."),
    must(
        "health",
        Object(&[
            must("takes_lines", Flag, "Whether it has taken the last line that it was given."),
            must("behind", Flag, "Whether it does not keep up, so that nobody waits for it."),
            must("failures", Count, "Lines that it has not taken."),
            may("newest_line", Count, "The number of the newest line, of the chained file."),
            may("newest_at", Time, "When it took a line last."),
            may("checked_at", Time, "When each line of the chained file was last looked at."),
            may("checked_line", Count, "The last line that was looked at then."),
            may("findings", Count, "How much was wrong then; 0: each line is as it was written."),
        ]),
        "How it fares.",
    ),
];
const INTEGRITY: &[Field] = &[
    must("ok", OrNull(&Flag), "Whether all is there and unaltered; null before the first check."),
    must("commit", Count, "The commit that was checked."),
    must("records", Count, "How many records there are."),
    must("verified_at", OrNull(&Time), "When."),
    must("findings", List(&Text), "What is wrong."),
];
const SOURCES: &[&str] = &["platform", "seal", "all"];
const BYTES: Field = may("bytes", Count, "How many; 32 unless named.");
const SOURCE: Field = may("source", Word(SOURCES), "Where they come from.");
const FORMAT: Field = may("format", Word(&["hex", "base64"]), "How bytes are written.");
const RANDOM: &[Field] = &[must("random_bytes", Text, "The bytes.")];
const HASHES: &[&str] = &["sha2-224", "sha2-256", "sha2-384", "sha2-512"];
const INPUT: Field = may("input", Secret, "The bytes, in base64.");
const SUM: &[Field] = &[must("sum", Text, "The digest.")];
const NODE: &[Field] = &[
    must("hostname", Text, ""),
    must("api_address", Text, ""),
    must("cluster_address", Text, ""),
    must("active_node", Flag, ""),
    must("last_echo", OrNull(&Time), ""),
    must("version", Text, ""),
];
const LOCKED: &[Field] = &[
    must(
        "by_namespace",
        List(&Object(&[
            must("namespace_id", Text, ""),
            must("namespace_path", Text, ""),
            must("counts", Count, ""),
            must(
                "mount_accessors",
                List(&Object(&[
                    must("mount_accessor", Text, "The mount."),
                    must("counts", Count, "How many."),
                    must("alias_identifiers", List(&Text), "Their names."),
                ])),
                "",
            ),
        ])),
        "One, or none when nobody is locked.",
    ),
    must("total", Count, "How many."),
];
const PATHS: Field = may("paths", List(&Text), "The paths.");
const PATH: Field = may("path", List(&Text), "The old name of `paths`.");
const CAPABILITIES: Shape =
    Map(&List(&Word(&["create", "delete", "deny", "list", "patch", "read", "root", "sudo", "update"])));
const AUDIT_SEARCH: &[Field] = &[
    must("lines", List(&Text), "As they are written, the newest first."),
    must("next", OrNull(&Text), "From where to go on; `null` at the beginning of the file."),
    must("looked_at", Count, "Lines that were looked at."),
    must("unreadable", Count, "What is no line."),
    must("newest_line", Count, "The number of the newest line."),
    must("newest_hash", Text, "Its hash."),
    must("public_key", Text, "The key that signs the checkpoints."),
];
