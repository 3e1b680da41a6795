//! Machines with a role id and a secret id.

use crate::http::openapi::words::*;

/// Relative to the mount.
pub const LINES: &[About] = &[
    write("login", "Gives a token for a role id and a secret id.", Auth).takes(&[
        must("role_id", Text, "The role id."),
        may("secret_id", Secret, "A secret id; needed unless the role says that none is."),
    ]),
    list("role", "Lists the roles.", Keys),
    read("role/<name>", "Reads a role.", data(ROLE)),
    write("role/<name>", "Writes a role: what is left out stays as it is.", Quiet)
        .takes(SETTINGS)
        .and(NEW_ROLE),
    delete("role/<name>", "Deletes a role with its secret ids.", Nothing),
    read("role/<name>/role-id", "Reads the role id.", data(&[must("role_id", Text, "The role id.")])),
    write("role/<name>/role-id", "Chooses the role id.", Nothing).takes(&[must(
        "role_id",
        Text,
        "The role id.",
    )]),
    read("role/<name>/<field>", "Reads one setting of a role.", data(SETTING)).takes(&[FIELD]),
    write("role/<name>/<field>", "Writes one setting of a role.", Nothing).takes(&[FIELD]).and(SETTINGS),
    delete("role/<name>/<field>", "Sets one setting of a role to what it is when nothing is said.", Nothing)
        .takes(&[FIELD]),
    list("role/<name>/secret-id", "Lists the accessors of a role's secret ids.", Keys),
    write("role/<name>/secret-id", "Makes a secret id.", data(ISSUED)).takes(NEW_SECRET_ID),
    write("role/<name>/custom-secret-id", "Stores a chosen secret id.", data(ISSUED)).takes(CHOSEN),
    write("role/<name>/secret-id/lookup", "Tells of a secret id.", data(SECRET_ID))
        .takes(SHOWN)
        .or(&[(204, Nothing)]),
    write("role/<name>/secret-id/destroy", "Ends a secret id.", Nothing).takes(SHOWN),
    delete("role/<name>/secret-id/destroy", "Ends a secret id.", Nothing).takes(SHOWN),
    write("role/<name>/secret-id-accessor/lookup", "Tells of the secret id of an accessor.", data(SECRET_ID))
        .takes(ACCESSOR)
        .or(UNKNOWN),
    write("role/<name>/secret-id-accessor/destroy", "Ends the secret id of an accessor.", Nothing)
        .takes(ACCESSOR)
        .or(UNKNOWN),
    delete("role/<name>/secret-id-accessor/destroy", "Ends the secret id of an accessor.", Nothing)
        .takes(ACCESSOR)
        .or(UNKNOWN),
    write("tidy/secret-id", "Begins to take away what is of no use any more.", Started),
];

const FIELD: Field = must(
    "field",
    Word(&[
        "policies",
        "period",
        "token-bound-cidrs",
        "token-num-uses",
        "token-ttl",
        "token-max-ttl",
        "secret-id-bound-cidrs",
        "bound-cidr-list",
        "secret-id-num-uses",
        "secret-id-ttl",
        "bind-secret-id",
        "local-secret-ids",
    ]),
    "Which setting.",
);
const SETTINGS: &[Field] = &[
    may("bind_secret_id", Flag, "Whether a login needs a secret id."),
    may("secret_id_bound_cidrs", OrNull(&List(&Text)), "From where a login may come."),
    may("bound_cidr_list", List(&Text), "The old name of `secret_id_bound_cidrs`."),
    may("secret_id_num_uses", Count, "How often a secret id can be used; 0 is without limit."),
    may("secret_id_ttl", Span, "How long a secret id lives."),
    may("token_policies", List(&Text), "The policies of its tokens."),
    may("policies", List(&Text), "The old name of `token_policies`."),
    may("token_period", Span, "Its tokens renew to this span for ever."),
    may("period", Span, "The old name of `token_period`."),
    may("token_ttl", Span, "How long its tokens live unless renewed."),
    may("token_max_ttl", Span, "How long its tokens live at most."),
    may("token_num_uses", Count, "Requests a token may make; 0 is without limit."),
    may("token_bound_cidrs", List(&Text), "From where its tokens may be used."),
];
const NEW_ROLE: &[Field] = &[
    may("role_id", Text, "Chooses the role id."),
    may("local_secret_ids", Flag, "Kept, and without meaning here; only when the role is made."),
    may("token_explicit_max_ttl", Span, "How long its tokens live at most, for ever."),
    may("token_no_default_policy", Flag, "Leaves out the policy `default`."),
    may("token_type", Word(TOKEN_TYPES), "The kind of its tokens."),
];
pub(super) const TOKEN_TYPES: &[&str] =
    &["", "default", "service", "batch", "default-service", "default-batch"];
const ROLE: &[Field] = &[
    must("bind_secret_id", Flag, "Whether a login needs a secret id."),
    must("secret_id_bound_cidrs", OrNull(&List(&Text)), "From where a login may come."),
    must("secret_id_num_uses", Count, "How often a secret id can be used; 0 is without limit."),
    must("secret_id_ttl", Count, "Seconds a secret id lives; 0 is without limit."),
    must("local_secret_ids", Flag, ""),
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
    may("period", Count, "Seconds, when set by this name."),
];
const SETTING: &[Field] = &[
    may("bind_secret_id", Flag, ""),
    may("secret_id_bound_cidrs", OrNull(&List(&Text)), ""),
    may("secret_id_num_uses", Count, ""),
    may("secret_id_ttl", Count, "Seconds."),
    may("local_secret_ids", Flag, ""),
    may("token_bound_cidrs", List(&Text), ""),
    may("token_max_ttl", Count, "Seconds."),
    may("token_num_uses", Count, ""),
    may("token_period", Count, "Seconds."),
    may("token_policies", List(&Text), ""),
    may("token_ttl", Count, "Seconds."),
    may("policies", List(&Text), "When set by this name."),
    may("period", Count, "Seconds, when set by this name."),
];
const NEW_SECRET_ID: &[Field] = &[METADATA, CIDRS, TOKEN_CIDRS, ITS_USES, ITS_TTL];
const CHOSEN: &[Field] =
    &[must("secret_id", Secret, "The secret id."), METADATA, CIDRS, TOKEN_CIDRS, ITS_USES, ITS_TTL];
const METADATA: Field = may(
    "metadata",
    Text,
    "Names with texts, as a JSON object in a string; written to the audit file with each login.",
);
const CIDRS: Field = may("cidr_list", List(&Text), "From where a login may come.");
const TOKEN_CIDRS: Field = may("token_bound_cidrs", List(&Text), "From where its tokens may be used.");
const ITS_USES: Field = may("num_uses", Count, "How often it can be used; the role's unless named.");
const ITS_TTL: Field = may("ttl", Span, "How long it lives; the role's unless named.");
const ISSUED: &[Field] = &[
    must("secret_id", Secret, "The secret id; shown once."),
    must("secret_id_accessor", Text, "Names it without being it."),
    must("secret_id_num_uses", Count, "How often it can be used; 0 is without limit."),
    must("secret_id_ttl", Count, "Seconds it lives; 0 is without limit."),
];
const SHOWN: &[Field] = &[must("secret_id", Secret, "The secret id.")];
const ACCESSOR: &[Field] = &[must("secret_id_accessor", Text, "The accessor.")];
const UNKNOWN: &[(u16, Reply)] = &[(404, data(&[must("error", Text, "That the accessor is unknown.")]))];
const SECRET_ID: &[Field] = &[
    must("secret_id_accessor", Text, "Names it without being it."),
    must("secret_id_num_uses", Count, "How often it can still be used; 0 is without limit."),
    must("secret_id_ttl", Count, "Seconds it was made for; 0 is without limit."),
    must("creation_time", Time, "When it was made."),
    must("expiration_time", Time, "When it ends; the year 1 is never."),
    must("last_updated_time", Time, "When it was last used or changed."),
    must("metadata", Texts, "What its maker wrote about it."),
    must("cidr_list", List(&Text), "From where a login may come."),
    must("token_bound_cidrs", List(&Text), "From where its tokens may be used."),
];
