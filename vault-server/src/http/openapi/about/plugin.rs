//! `sys/plugins/catalog`.

use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    read("sys/plugins/catalog", "Lists the plugins of every type, those that are built in too.", data(ALL)),
    list("sys/plugins/catalog/<type>", "Lists the plugins of a type.", Keys).fails(&[400]),
    read("sys/plugins/catalog/<type>/<name>", "Reads how a plugin is registered.", data(SHOWN)),
    write(
        "sys/plugins/catalog/<type>/<name>",
        "Registers a rotator that is a program of its own, after it has described itself.",
        Nothing,
    )
    .takes(SETTINGS)
    .fails(&[409]),
    delete("sys/plugins/catalog/<type>/<name>", "Forgets a registered plugin.", Nothing).fails(&[409]),
];

const SETTINGS: &[Field] = &[
    may("sha256", Text, "The SHA-256 of its file, in hex; checked at every start. Needed."),
    may("sha_256", Text, "The same, as older clients spell it."),
    may("command", Text, "The file in the plugin directory; the plugin's name when absent."),
    may("args", List(&Text), "Its arguments; they must hold no secret."),
    may(
        "env",
        List(&Text),
        "Its environment, `NAME=VALUE` each; never given back, and no place for a secret.",
    ),
    may("version", Text, "Of no meaning here: the digest says which version it is."),
];
const ALL: &[Field] = &[
    must("auth", List(&Text), ""),
    must("database", List(&Text), ""),
    must("rotator", List(&Text), "Kinds of rotators: those built in, and the registered ones."),
    must("secret", List(&Text), ""),
    must("detailed", List(&Object(ENTRY)), ""),
];
const ENTRY: &[Field] =
    &[must("type", Text, ""), must("name", Text, ""), must("builtin", Flag, ""), must("version", Text, "")];
const SHOWN: &[Field] = &[
    must("name", Text, ""),
    must("command", Text, "The file in the plugin directory."),
    must("args", List(&Text), ""),
    must("sha256", Text, "Of its file."),
    must("builtin", Flag, ""),
    must("version", Text, "As it names it itself."),
    must("rotator", OrNull(&Any), "What it says of itself."),
];
