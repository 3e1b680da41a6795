//! Static secrets, in both versions.

use crate::http::openapi::words::*;

/// Version 1.
pub const V1: &[About] = &[
    list("", "Lists the secrets of the mount.", Keys).takes(PAGE),
    list("<path...>", "Lists the secrets in a folder.", Keys).takes(PAGE),
    read("<path...>", "Reads a secret.", Data(Open(&[]))),
    write("<path...>", "Writes a secret: the parameters are it.", Nothing).takes_anything(),
    delete("<path...>", "Deletes a secret.", Nothing),
];

/// Version 2.
pub const V2: &[About] = &[
    read("config", "Reads what holds for every secret of the mount.", data(SETTINGS)),
    write("config", "Sets what holds for every secret of the mount.", Nothing).takes(&[
        CAS_REQUIRED,
        MAX_VERSIONS,
        DELETE_AFTER,
    ]),
    read("data/<path...>", "Reads a version of a secret.", data(SECRET))
        .takes(&[may("version", Count, "Which; the newest unless named.")])
        .or(&[(404, data(SECRET))]),
    write("data/<path...>", "Writes a new version of a secret.", data(VERSION)).takes(NEW),
    patch("data/<path...>", "Changes a secret by a merge patch, as a new version.", data(VERSION))
        .takes(NEW)
        .or(&[(404, data(VERSION))]),
    delete("data/<path...>", "Deletes the newest version of a secret; it can be undeleted.", Nothing),
    write("delete/<path...>", "Deletes versions; they can be undeleted.", Nothing).takes(VERSIONS),
    write("undelete/<path...>", "Undeletes versions.", Nothing).takes(VERSIONS),
    write("destroy/<path...>", "Destroys the data of versions, for ever.", Nothing).takes(VERSIONS),
    // Without `list=true` it is none of its paths.
    list("metadata", "Lists the secrets of the mount.", Keys).takes(PAGE).or(&[(404, Bare)]),
    list("metadata/<path...>", "Lists the secrets in a folder.", Keys).takes(PAGE),
    read("metadata/<path...>", "Tells of a secret and its versions.", data(METADATA)),
    write("metadata/<path...>", "Sets what holds for one secret.", Quiet).takes(SETTABLE),
    patch("metadata/<path...>", "Changes what holds for one secret, by a merge patch.", Quiet)
        .takes(SETTABLE),
    delete("metadata/<path...>", "Deletes a secret with all its versions, for ever.", Nothing),
    read("subkeys/<path...>", "Tells the names in a secret without its values.", data(SUBKEYS))
        .takes(&[
            may("version", Count, "Which; the newest unless named."),
            may("depth", Count, "How deep to look; 0 is without limit."),
        ])
        .or(&[(404, data(SUBKEYS))]),
    read("", ELSEWHERE, Nothing).hidden(),
    list("", ELSEWHERE, Nothing).hidden(),
    write("", ELSEWHERE, Nothing).takes_anything().hidden(),
    patch("", ELSEWHERE, Nothing).takes_anything().hidden(),
    delete("", ELSEWHERE, Nothing).hidden(),
    read("<rest...>", ELSEWHERE, Nothing).hidden(),
    list("<rest...>", ELSEWHERE, Nothing).hidden(),
    write("<rest...>", ELSEWHERE, Nothing).takes_anything().hidden(),
    patch("<rest...>", ELSEWHERE, Nothing).takes_anything().hidden(),
    delete("<rest...>", ELSEWHERE, Nothing).hidden(),
];

const ELSEWHERE: &str = "Tells a client of version 1 where else to look.";
const PAGE: &[Field] = &[
    may("after", Text, "Only names after this one."),
    may("limit", Count, "At most so many; 0 is without limit."),
];
const CAS_REQUIRED: Field =
    may("cas_required", OrNull(&Flag), "Whether each write must name the version it follows.");
const MAX_VERSIONS: Field =
    may("max_versions", OrNull(&Count), "How many versions are kept; 0 for what holds without it.");
const DELETE_AFTER: Field = may(
    "delete_version_after",
    OrNull(&Form("^-?([0-9]{1,9}|([0-9]{1,5}(ms|s|m|h|d))*)$")),
    "When a version is deleted by itself.",
);
const SETTABLE: &[Field] = &[
    CAS_REQUIRED,
    MAX_VERSIONS,
    DELETE_AFTER,
    may("custom_metadata", OrNull(&Map(&OrNull(&Text))), "What people note about it."),
];
const SETTINGS: &[Field] = &[
    must("cas_required", Flag, "Whether each write must name the version it follows."),
    must("delete_version_after", Text, "When a version is deleted by itself, such as `3h25m19s`."),
    must("max_versions", Count, "How many versions are kept; 0 for ten."),
];
const NEW: &[Field] = &[
    must("data", OrNull(&Open(&[])), "The secret."),
    may(
        "options",
        OrNull(&Open(&[may("cas", Integer, "The version that it follows; 0 is none.")])),
        "What must hold for it.",
    ),
];
const VERSIONS: &[Field] = &[must("versions", List(&Count), "Which.")];
const VERSION: &[Field] = &[
    must("created_time", Time, "When it was written."),
    must("custom_metadata", OrNull(&Texts), "What people note about the secret."),
    must("deletion_time", Text, "When it was or will be deleted, in RFC 3339; empty is never."),
    must("destroyed", Flag, "Whether its data is gone for ever."),
    must("version", Count, "Its number."),
];
const SECRET: &[Field] = &[
    must("data", OrNull(&Open(&[])), "The secret; null once it is deleted."),
    must("metadata", Object(VERSION), "Its version."),
];
const SUBKEYS: &[Field] = &[
    must("subkeys", OrNull(&Open(&[])), "The names, with null for each value."),
    must("metadata", Object(VERSION), "Its version."),
];
const METADATA: &[Field] = &[
    must("cas_required", Flag, "Whether each write must name the version it follows."),
    must("created_time", Time, "When its first version was written."),
    must("current_version", Count, "The newest version; 0 while there is none."),
    must("custom_metadata", OrNull(&Texts), "What people note about it."),
    must("delete_version_after", Text, "When a version is deleted by itself, such as `3h25m19s`."),
    must("max_versions", Count, "How many versions are kept; 0 for what the mount says."),
    must("oldest_version", Count, "The oldest version that is kept."),
    must("updated_time", Time, "When it was last changed."),
    must(
        "versions",
        Map(&Object(&[
            must("created_time", Time, "When it was written."),
            must("deletion_time", Text, "When it was or will be deleted, in RFC 3339; empty is never."),
            must("destroyed", Flag, "Whether its data is gone for ever."),
        ])),
        "Its versions, by number.",
    ),
];
