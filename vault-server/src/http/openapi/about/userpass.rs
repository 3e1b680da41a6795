//! People with a password.

use super::approle::TOKEN_TYPES;
use crate::http::openapi::words::*;

/// Relative to the mount.
pub const LINES: &[About] = &[
    write("login/<name>", "Gives a token for a name and a password.", Auth)
        .takes(&[must("password", Secret, "The password."), may("username", Text, "Of no effect.")]),
    list("users", "Lists the users.", Keys),
    read("users/<name>", "Reads a user; nothing of the password.", data(USER)),
    write("users/<name>", "Writes a user: what is left out stays as it is.", Quiet).takes(NEW),
    delete("users/<name>", "Deletes a user.", Nothing),
    write("users/<name>/password", "Sets a user's password.", Nothing).takes(&[must(
        "password",
        Secret,
        "The new password.",
    )]),
    write("users/<name>/policies", "Sets a user's policies.", Nothing).takes(&[POLICIES, OLD_POLICIES]),
];

const POLICIES: Field = may("token_policies", List(&Text), "The policies of the user's tokens.");
const OLD_POLICIES: Field = may("policies", List(&Text), "The old name of `token_policies`.");
const NEW: &[Field] = &[
    may("password", Secret, "The password; needed for a new user."),
    POLICIES,
    OLD_POLICIES,
    may("token_ttl", Span, "How long the user's tokens live unless renewed."),
    may("ttl", Span, "The old name of `token_ttl`."),
    may("token_max_ttl", Span, "How long the user's tokens live at most."),
    may("max_ttl", Span, "The old name of `token_max_ttl`."),
    may("token_bound_cidrs", List(&Text), "From where the user may log in and the tokens be used."),
    may("bound_cidrs", List(&Text), "The old name of `token_bound_cidrs`."),
    may("token_explicit_max_ttl", Span, "How long the user's tokens live at most, for ever."),
    may("token_period", Span, "The user's tokens renew to this span for ever."),
    may("token_no_default_policy", Flag, "Leaves out the policy `default`."),
    may("token_num_uses", Count, "Requests a token may make; 0 is without limit."),
    may("token_type", Word(TOKEN_TYPES), "The kind of the user's tokens."),
];
const USER: &[Field] = &[
    must("token_bound_cidrs", List(&Text), ""),
    must("token_explicit_max_ttl", Count, "Seconds."),
    must("token_max_ttl", Count, "Seconds."),
    must("token_no_default_policy", Flag, ""),
    must("token_num_uses", Count, ""),
    must("token_period", Count, "Seconds."),
    must("token_policies", List(&Text), ""),
    must("token_ttl", Count, "Seconds."),
    must("token_type", Text, ""),
    may("policies", List(&Text), "When set by this name."),
    may("ttl", Count, "Seconds, when set by this name."),
    may("max_ttl", Count, "Seconds, when set by this name."),
    may("bound_cidrs", List(&Text), "When set by this name."),
];
