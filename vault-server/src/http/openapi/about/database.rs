//! Credentials of databases, by the words of Vault.

use crate::http::openapi::words::*;

/// Relative to the mount.
pub const LINES: &[About] = &[
    list("config", "Lists the configs.", Keys),
    read("config/<name>", "Reads a config, without its password.", data(CONFIG)),
    write("config/<name>", "Writes a config and its target: what is left out stays as it is.", Quiet)
        .takes(NEW_CONFIG)
        // Further settings are those of the rotator.
        .takes_anything()
        .fails(&[409, 502]),
    delete(
        "config/<name>",
        "Deletes a config. Its target stays while it has accounts or leases, or a password that only the vault knows.",
        Nothing,
    ),
    write("rotate-root/<name>", "Rotates the management credential of a config.", Quiet).fails(&[409, 502]),
    write("reset/<name>", "Looks afresh whether the management credential logs in.", Quiet)
        .fails(&[409, 502]),
    list("roles", "Lists the dynamic roles.", Keys),
    read("roles/<name>", "Reads a dynamic role.", data(ROLE)),
    write("roles/<name>", "Writes a dynamic role.", Quiet).takes(NEW_ROLE).fails(&[409]),
    delete("roles/<name>", "Deletes a dynamic role.", Nothing),
    read("creds/<name>", "Makes a user for a while, on a lease.", data(LOGIN))
        .takes(&[may("reason", Text, "Why, for the audit file.")])
        .fails(&[409, 502]),
    list("static-roles", "Lists the static roles.", Keys),
    read("static-roles/<name>", "Reads a static role.", Data(Both(STATIC_ROLE, CADENCE))),
    write(
        "static-roles/<name>",
        "Writes a static role and its account; a new one is rotated at once.",
        Quiet,
    )
    .takes(NEW_STATIC_ROLE)
    .fails(&[409, 502]),
    delete(
        "static-roles/<name>",
        "Deletes a static role. An account that is lent, in a pool, or whose password only the vault knows stays.",
        Nothing,
    ),
    read("static-creds/<name>", "Reads the credential of a static role.", Data(Both(STATIC_LOGIN, CADENCE)))
        .fails(&[409]),
    write("rotate-role/<name>", "Rotates the credential of a static role.", Quiet).fails(&[409, 502]),
];

const NEW_CONFIG: &[Field] = &[
    may(
        "plugin_name",
        Text,
        "`postgresql-database-plugin`, `mysql-database-plugin` or one of its variants; needed for a new one.",
    ),
    may("connection_url", Text, "Where the database is, with `{{username}}` and `{{password}}`."),
    may("username", Text, "The name of the management credential."),
    may("password", Secret, "Its password; never given back."),
    may("verify_connection", Flag, "Whether a new connection or password is tried first; yes unless said."),
    may("allowed_roles", List(&Text), "Which roles may use it, with `*` for any text; none unless said."),
    may("password_policy", Text, "How passwords are made where a role names no policy."),
    may(
        "username_template",
        Text,
        "How names of dynamic users are made: a template as Go's, with Vault's functions.",
    ),
    may("root_rotation_statements", List(&Text), "Only the usual one, which is what is done anyway."),
    may("root_credentials_rotate_statements", List(&Text), "The old name of `root_rotation_statements`."),
    may("max_open_connections", Integer, "When positive, how many accounts are worked on at once."),
    may("max_idle_connections", Integer, "Kept, and without meaning here."),
    may("max_connection_lifetime", Text, "Kept, and without meaning here."),
];
const CONFIG: &[Field] = &[
    must("allowed_roles", List(&Text), "Which roles may use it."),
    must(
        "connection_details",
        Open(&[
            must("connection_url", Text, "Where the database is, with placeholders."),
            must("username", Text, "The name of the management credential."),
        ]),
        "The connection.",
    ),
    must("password_policy", Text, "How passwords are made where a role names no policy."),
    must("plugin_name", Text, ""),
    must("plugin_version", Text, ""),
    must("root_credentials_rotate_statements", List(&Text), ""),
    must("target", Text, "The target below `targets/` that it is."),
];
const NEW_ROLE: &[Field] = &[
    must("name", Text, "The role."),
    may("db_name", Text, "The config; needed for a new one."),
    may("creation_statements", List(&Text), "What makes a user; needed for a new one."),
    may("revocation_statements", List(&Text), "What ends a user, instead of the usual."),
    may(
        "rollback_statements",
        List(&Text),
        "What undoes a creation of which it is not known whether it happened; else as a revocation.",
    ),
    may("renew_statements", List(&Text), "What gives a user more time, instead of the usual."),
    may("default_ttl", Span, "How long its leases last unless renewed."),
    may("max_ttl", Span, "How long its leases last at most."),
    may("credential_type", Word(&["", "password"]), "What users log in by."),
    may("credential_config", Texts, "`password_policy`: how passwords are made."),
];
const POLICY: Field = may(
    "credential_config",
    Object(&[must("password_policy", Text, "How passwords are made.")]),
    "When there is something to tell.",
);
const ROLE: &[Field] = &[
    must("db_name", Text, "The config."),
    must("creation_statements", List(&Text), ""),
    must("revocation_statements", List(&Text), ""),
    must("rollback_statements", List(&Text), ""),
    must("renew_statements", List(&Text), ""),
    must("default_ttl", Count, "Seconds."),
    must("max_ttl", Count, "Seconds."),
    must("credential_type", Text, ""),
    POLICY,
];
const LOGIN: &[Field] = &[must("username", Text, ""), must("password", Secret, "")];
const NEW_STATIC_ROLE: &[Field] = &[
    may("db_name", Text, "The config; needed for a new one, and the same ever after."),
    may("username", Text, "The user; needed for a new one, and the same ever after."),
    may("rotation_period", Span, "How often; at least 5 seconds."),
    may("rotation_schedule", Text, "When, as a cron expression in UTC; instead of a period."),
    may("rotation_window", Span, "How long after a time of the schedule it may begin; at least an hour."),
    may("rotation_statements", List(&Text), "Only the usual one, which is what is done anyway."),
    may("credential_type", Word(&["", "password"]), "What the user logs in by."),
    may("credential_config", Texts, "`password_policy`: how passwords are made."),
    may(
        "skip_import_rotation",
        Flag,
        "Makes a new one without a rotation; a released account that is taken up is rotated all the same.",
    ),
    may(
        "password",
        Secret,
        "The user's password, for a new one that is not rotated at once; not for a released account that is taken up.",
    ),
    may("self_managed_password", Secret, "Refused."),
];
const STATIC_ROLE: &[Field] = &[
    must("account", Text, "The account below `accounts/` that it is."),
    must("db_name", Text, "The config."),
    must("username", Text, "The user."),
    must("rotation_statements", List(&Text), ""),
    must("credential_type", Text, ""),
    may("skip_import_rotation", Flag, "When it was made without a rotation."),
    POLICY,
];
const STATIC_LOGIN: &[Field] = &[
    must("username", Text, "The user."),
    must("password", Secret, "Its password."),
    must("ttl", Count, "Seconds until it is rotated."),
];
const CADENCE: &[Field] = &[
    must("last_vault_rotation", Time, "When it was last rotated; the year 1 for never."),
    may("rotation_period", Count, "Seconds."),
    may("rotation_schedule", Text, "A cron expression in UTC, instead of a period."),
    may("rotation_window", Count, "Seconds, with a schedule; 0 without a window."),
];
