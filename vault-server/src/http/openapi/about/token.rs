//! `auth/token/…`.

use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    write("auth/token/create", "Makes a token below the caller's.", Auth).takes(CREATE),
    write("auth/token/create-orphan", "Makes a token that outlives the caller's.", Auth).takes(CREATE),
    write("auth/token/create/<role>", "Makes a token by the rules of a role.", Auth).takes(CREATE),
    list("auth/token/roles", "Lists the roles.", Keys),
    read("auth/token/roles/<role>", "Reads a role.", data(ROLE)),
    write("auth/token/roles/<role>", "Writes a role: what is left out stays as it is.", Quiet)
        .takes(NEW_ROLE),
    delete("auth/token/roles/<role>", "Deletes a role.", Nothing),
    write("auth/token/tidy", "Begins to end what is due.", Started),
    write("auth/token/lookup", "Tells of a token.", data(INFO)).takes(&[TOKEN_OR_OWN]),
    read("auth/token/lookup", "Tells of a token.", data(INFO)).takes(&[TOKEN_OR_OWN]),
    read("auth/token/lookup-self", "Tells of the caller's token.", data(INFO)).takes(&[UNUSED]),
    write("auth/token/lookup-self", "Tells of the caller's token.", data(INFO)).takes(&[UNUSED]),
    write("auth/token/lookup-accessor", "Tells of the token of an accessor.", data(INFO)).takes(&[ACCESSOR]),
    list("auth/token/accessors", "Lists the accessors of all tokens.", Keys),
    write("auth/token/renew", "Gives a token more time.", Auth).takes(&[TOKEN, INCREMENT]),
    write("auth/token/renew-self", "Gives the caller's token more time.", Auth).takes(&[UNUSED, INCREMENT]),
    write("auth/token/renew-accessor", "Gives the token of an accessor more time.", Auth)
        .takes(&[ACCESSOR, INCREMENT]),
    write("auth/token/revoke", "Ends a token, with its children and all that they hold.", Nothing)
        .takes(&[TOKEN]),
    write(
        "auth/token/revoke-self",
        "Ends the caller's token, with its children and all that they hold.",
        Nothing,
    )
    .takes(&[UNUSED]),
    write(
        "auth/token/revoke-accessor",
        "Ends the token of an accessor, with its children and all that they hold.",
        Quiet,
    )
    .takes(&[ACCESSOR]),
    write("auth/token/revoke-orphan", "Ends a token, and leaves its children as orphans.", Nothing)
        .takes(&[TOKEN]),
];

const TOKEN: Field = must("token", Secret, "The token.");
const TOKEN_OR_OWN: Field = may("token", Secret, "The token; the caller's own when it is left out.");
const UNUSED: Field = may("token", Secret, "Of no effect.");
const ACCESSOR: Field = must("accessor", Text, "The accessor.");
const INCREMENT: Field = may("increment", Span, "How long from now.");
const CREATE: &[Field] = &[
    may("id", Secret, "Chooses the token itself; for root tokens only."),
    may("policies", List(&Text), "Its policies."),
    may("meta", Texts, "Is written to the audit file with each use."),
    may("metadata", Texts, "Another name of `meta`."),
    may("ttl", Span, "How long it lives unless renewed."),
    may("lease", Span, "The old name of `ttl`."),
    may("explicit_max_ttl", Span, "How long it lives at most, for ever."),
    may("period", Span, "Renews to this span for ever."),
    may("num_uses", Count, "Requests it may make; 0 is without limit."),
    may("no_parent", Flag, "Makes an orphan."),
    may("no_default_policy", Flag, "Leaves out the policy `default`."),
    may("display_name", Text, "Shown with `token-` before it."),
    may("renewable", Flag, "Whether it can be renewed; it can unless this says no."),
    may("type", Word(&["", "service", "batch"]), "Its kind; `service` unless named."),
    may("entity_alias", Text, "Not supported; leave it empty."),
];
const NEW_ROLE: &[Field] = &[
    may("allowed_policies", List(&Text), "What its tokens may have."),
    may("allowed_policies_glob", List(&Text), "The same, as patterns."),
    may("disallowed_policies", List(&Text), "What its tokens may not have."),
    may("disallowed_policies_glob", List(&Text), "The same, as patterns."),
    may("allowed_entity_aliases", List(&Text), "Kept, and without meaning here."),
    may("orphan", Flag, "Whether its tokens are orphans."),
    may("renewable", Flag, "Whether its tokens can be renewed."),
    may("path_suffix", Text, "Ends the path of its tokens."),
    may("token_num_uses", Count, "Requests a token may make."),
    may("token_no_default_policy", Flag, "Leaves out the policy `default`."),
    may(
        "token_type",
        Word(&["default-service", "default-batch", "service", "batch"]),
        "The kind of its tokens.",
    ),
    may("token_period", Span, "Its tokens renew to this span for ever."),
    may("period", Span, "The old name of `token_period`."),
    may("token_explicit_max_ttl", Span, "How long its tokens live at most, for ever."),
    may("explicit_max_ttl", Span, "The old name of `token_explicit_max_ttl`."),
    may("token_bound_cidrs", List(&Text), "From where its tokens may be used."),
    may("bound_cidrs", List(&Text), "The old name of `token_bound_cidrs`."),
];
const ROLE: &[Field] = &[
    must("allowed_entity_aliases", OrNull(&List(&Text)), ""),
    must("allowed_policies", List(&Text), ""),
    must("allowed_policies_glob", List(&Text), ""),
    must("disallowed_policies", List(&Text), ""),
    must("disallowed_policies_glob", List(&Text), ""),
    must("explicit_max_ttl", Count, "Seconds, when set by this name."),
    must("name", Text, ""),
    must("orphan", Flag, ""),
    must("path_suffix", Text, ""),
    must("period", Count, "Seconds, when set by this name."),
    must("renewable", Flag, ""),
    must("token_explicit_max_ttl", Count, "Seconds."),
    must("token_no_default_policy", Flag, ""),
    must("token_period", Count, "Seconds."),
    must("token_type", Text, ""),
    may("token_bound_cidrs", List(&Text), ""),
    may("bound_cidrs", List(&Text), ""),
    may("token_num_uses", Count, ""),
];
const INFO: &[Field] = &[
    must("accessor", Text, "Names the token without being one; empty for a batch token."),
    must("creation_time", Integer, "Seconds since 1970."),
    must("creation_ttl", Count, "Seconds it was made for."),
    must("display_name", Text, "For people."),
    must("entity_id", Text, "Empty."),
    must("expire_time", OrNull(&Time), "When it ends; null is never."),
    must("explicit_max_ttl", Count, "Seconds it lives at most; 0 is without limit."),
    must("id", Secret, "The token; empty when looked up by accessor."),
    may("issue_time", Time, "When it was made; the first root token has none."),
    must("meta", OrNull(&Texts), "What its maker wrote about it."),
    must("num_uses", Count, "Requests left; 0 is without limit."),
    must("orphan", Flag, "Whether it outlives the token that made it."),
    must("path", Text, "The path that made it."),
    must("policies", List(&Text), "Its policies, sorted."),
    may("renewable", Flag, "Whether it can be renewed."),
    may("period", Count, "The span to which it renews for ever, in seconds."),
    may("bound_cidrs", List(&Text), "From where it may be used."),
    may("role", Text, "The role that made it."),
    may("last_renewal", Time, "When it was last renewed."),
    may("last_renewal_time", Integer, "The same in seconds since 1970."),
    must("ttl", Count, "Seconds left; 0 is without limit."),
    must("type", Word(&["service", "batch"]), "Its kind."),
];
