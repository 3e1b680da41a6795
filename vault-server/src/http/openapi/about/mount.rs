//! `sys/mounts`, `sys/auth`, `sys/remount` and what command lines ask about mounts.

use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    read("sys/mounts", "Lists the secrets engines.", Top(Map(&Object(MOUNT)))),
    read("sys/mounts/<path...>", "Tells of a secrets engine.", Top(Object(MOUNT))).takes(&[PATH]),
    write("sys/mounts/<path...>", "Mounts a secrets engine.", Nothing).takes(NEW),
    delete("sys/mounts/<path...>", "Takes a secrets engine away, with all that it holds.", Quiet)
        .takes(&[PATH]),
    read("sys/mounts/<path...>", "Tells the settings in force of a secrets engine.", Top(Object(SETTINGS)))
        .takes(&[PATH])
        .shown_as("sys/mounts/<path...>/tune"),
    write("sys/mounts/<path...>", "Changes the settings of a secrets engine.", Nothing)
        .takes(CHANGE)
        .shown_as("sys/mounts/<path...>/tune"),
    read("sys/auth", "Lists the auth methods.", Top(Map(&Object(MOUNT)))),
    read("sys/auth/<path...>", "Tells of an auth method.", Top(Object(MOUNT))).takes(&[PATH]),
    write("sys/auth/<path...>", "Mounts an auth method.", Nothing).takes(NEW),
    delete("sys/auth/<path...>", "Takes an auth method away, with the tokens that it gave.", Nothing)
        .takes(&[PATH]),
    read("sys/auth/<path...>", "Tells the settings in force of an auth method.", Top(Object(SETTINGS)))
        .takes(&[PATH])
        .shown_as("sys/auth/<path...>/tune"),
    write("sys/auth/<path...>", "Changes the settings of an auth method.", Nothing)
        .takes(CHANGE)
        .shown_as("sys/auth/<path...>/tune"),
    write(
        "sys/remount",
        "Moves a mount; its data, accessor and leases go with it.",
        Top(Object(&[MIGRATION])),
    )
    .takes(&[
        must("from", Text, "Where it is; an auth method with `auth/` before its path."),
        must("to", Text, "Where it shall be."),
    ]),
    read("sys/remount/status/<id>", "Tells how a move went.", data(MOVED)).takes(&[must(
        "id",
        Text,
        "As the move was named.",
    )]),
    read(
        "sys/internal/ui/mounts",
        "Lists the mounts that the caller has something to do with.",
        data(VISIBLE),
    ),
    read(
        "sys/internal/ui/mounts/<path...>",
        "Tells which mount a path belongs to.",
        Data(Both(MOUNT, &[must("path", Text, "The mount's path.")])),
    )
    .takes(&[must("path", Text, "Any path.")]),
];

const PATH: Field = must("path", Text, "The path of the mount.");
const NEW: &[Field] = &[
    PATH,
    must("type", Text, "The engine: `kv`, `kv-v2`, `approle`, `userpass` and so on."),
    may("description", Text, "For people."),
    may("config", Object(CHANGE), "Its settings."),
    may("options", OrNull(&Texts), "Settings of the engine, such as `version` of `kv`."),
    may("local", Flag, "Kept, and without meaning here: nothing is replicated."),
    may("seal_wrap", Flag, "Kept, and without meaning here: every record is sealed."),
    may("plugin_name", Text, "The engine, with the type `plugin`."),
    may("plugin_version", Text, "Of no effect."),
    may("external_entropy_access", Flag, "Of no effect."),
];
const CHANGE: &[Field] = &[
    may("default_lease_ttl", Span, "How long a lease or token lives that asks for nothing."),
    may("max_lease_ttl", Span, "How long one lives at most."),
    may("description", Text, "For people."),
    may("listing_visibility", Word(&["", "unauth", "hidden"]), "Whether anybody may see it in lists."),
    may("token_type", Word(&["", "default-service", "service"]), "The kind of tokens that logins give."),
    may("force_no_cache", Flag, "Of no effect: nothing that could be stale is cached."),
    may("options", OrNull(&Texts), "Settings of the engine, such as `version` of `kv`."),
];
const MOUNT: &[Field] = &[
    must("accessor", Text, "Names the mount wherever it is."),
    must(
        "config",
        Object(&[
            must("default_lease_ttl", Count, "Seconds; 0 when not set."),
            must("force_no_cache", Flag, ""),
            must("max_lease_ttl", Count, "Seconds; 0 when not set."),
            may("listing_visibility", Text, ""),
            may("token_type", Text, ""),
        ]),
        "Its settings.",
    ),
    must("deprecation_status", Text, "`supported`."),
    must("description", Text, "For people."),
    must("external_entropy_access", Flag, "Always false."),
    must("local", Flag, ""),
    must("options", OrNull(&Texts), "Settings of the engine."),
    must("plugin_version", Text, "Always empty."),
    must("running_plugin_version", Text, "The server's version."),
    must("running_sha256", Text, "Always empty."),
    must("seal_wrap", Flag, ""),
    must("type", Text, "The engine."),
    must("uuid", Text, "What its records are stored under."),
];
const SETTINGS: &[Field] = &[
    must("default_lease_ttl", Count, "Seconds."),
    must("description", Text, "For people."),
    must("force_no_cache", Flag, ""),
    must("max_lease_ttl", Count, "Seconds."),
    may("options", Texts, "Settings of the engine."),
    may("listing_visibility", Text, ""),
    may("token_type", Text, ""),
];
const MIGRATION: Field = must("migration_id", Text, "Names the move.");
const MOVED: &[Field] = &[
    MIGRATION,
    must(
        "migration_info",
        Object(&[
            must("source_mount", Text, ""),
            must("target_mount", Text, ""),
            must("status", Word(&["success"]), "It is done before it is answered."),
        ]),
        "How it went.",
    ),
];
const VISIBLE: &[Field] = &[
    must("secret", Map(&Open(SEEN)), "Secrets engines, by path."),
    must("auth", Map(&Open(SEEN)), "Auth methods, by path."),
];
/// What anybody may see; who has a token sees the rest of a mount, too.
const SEEN: &[Field] = &[
    must("description", Text, "For people."),
    must("options", OrNull(&Texts), "Settings of the engine."),
    must("type", Text, "The engine."),
];
