//! What each parser of outside input must keep to, whatever bytes it is given.
//!
//! One function for each parser, which panics when a promise is broken. libFuzzer calls them through
//! `fuzz_targets/`; the ordinary tests play the stored inputs in `corpus/` through the very same functions
//! (`tests/tests/fuzz.rs`), so what was found once stays mended. `docs/fuzzing.md` says what is covered.

mod parts;

pub mod allowed_roles;
pub mod audit_log;
pub mod aws_reply;
pub mod cidr;
pub mod command_line;
pub mod config_file;
pub mod connection_url;
pub mod fields;
pub mod keyring;
pub mod kv_data;
pub mod ldap_names;
pub mod password_policy;
pub mod path;
pub mod pem;
pub mod policy;
pub mod quoting;
pub mod redis_reply;
pub mod request;
pub mod rotation_policy;
pub mod schedule;
pub mod seal_config;
pub mod sealed_record;
pub mod side_file;
pub mod span;
pub mod statement;
pub mod timestamp;
pub mod token;
pub mod unseal_share;
pub mod unseal_text;
pub mod username_template;
pub mod wire;

/// A target by the name of its program and of its corpus.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 31] = [
    ("allowed_roles", allowed_roles::run),
    ("audit_log", audit_log::run),
    ("aws_reply", aws_reply::run),
    ("cidr", cidr::run),
    ("command_line", command_line::run),
    ("config_file", config_file::run),
    ("connection_url", connection_url::run),
    ("fields", fields::run),
    ("keyring", keyring::run),
    ("kv_data", kv_data::run),
    ("ldap_names", ldap_names::run),
    ("password_policy", password_policy::run),
    ("path", path::run),
    ("pem", pem::run),
    ("policy", policy::run),
    ("quoting", quoting::run),
    ("redis_reply", redis_reply::run),
    ("request", request::run),
    ("rotation_policy", rotation_policy::run),
    ("schedule", schedule::run),
    ("seal_config", seal_config::run),
    ("sealed_record", sealed_record::run),
    ("side_file", side_file::run),
    ("span", span::run),
    ("statement", statement::run),
    ("timestamp", timestamp::run),
    ("token", token::run),
    ("unseal_share", unseal_share::run),
    ("unseal_text", unseal_text::run),
    ("username_template", username_template::run),
    ("wire", wire::run),
];
