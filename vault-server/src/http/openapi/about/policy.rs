//! `sys/policies/acl` and the older `sys/policy`.

use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    list("sys/policies/acl", "Lists the policies.", data(NAMES)),
    read(
        "sys/policies/acl/<name>",
        "Reads a policy.",
        data(&[must("name", Text, ""), must("policy", Text, "Its text.")]),
    ),
    write("sys/policies/acl/<name>", "Writes a policy.", Quiet).takes(TEXT),
    delete("sys/policies/acl/<name>", "Deletes a policy.", Nothing),
    read("sys/policy", "Lists the policies.", Top(Object(NAMES))),
    list("sys/policy", "Lists the policies.", Top(Object(NAMES))),
    read(
        "sys/policy/<name>",
        "Reads a policy.",
        Top(Object(&[must("name", Text, ""), must("rules", Text, "Its text.")])),
    ),
    write("sys/policy/<name>", "Writes a policy.", Quiet).takes(TEXT),
    delete("sys/policy/<name>", "Deletes a policy.", Nothing),
];

const TEXT: &[Field] = &[
    must("name", Form("^[^/,]+$"), "Its name, in any case of letters."),
    may("policy", Text, "Its text in HCL or JSON, or that in base64."),
    may("rules", Text, "The old name of `policy`."),
];
const NAMES: &[Field] =
    &[must("keys", List(&Text), "Their names."), must("policies", List(&Text), "The same.")];
