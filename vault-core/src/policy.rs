//! Path policies: Vault's language and its matching rules, decided without I/O.
//!
//! ```text
//!  text ──Policy::parse──► Policy ──┐
//!  text ──Policy::parse──► Policy ──┴─Acl::new──► Acl ──decide(path, operation, data)──► Decision
//!                                                                                        └─► Authorized
//! ```
//!
//! What is not granted is refused; `deny` beats every grant on the same path; only the policy named
//! `root` allows all. A policy that cannot be understood whole is refused whole: an ignored word might
//! have been the one that protects.

mod acl;
mod authorized;
mod builtin;
mod capability;
mod document;
mod explain;
mod grant;
mod parameter;
mod pattern;
mod prefix;
mod reach;
mod rule;
mod segments;
mod syntax;
mod wrapping;

pub use acl::Acl;
pub use authorized::{Authorized, Decision, Denied, Refusal};
pub use builtin::{
    DEFAULT_POLICY_NAME, DEFAULT_POLICY_TEXT, ROOT_POLICY_NAME, WRAPPING_POLICY_NAME, WRAPPING_POLICY_TEXT,
};
pub use capability::{Capabilities, Capability, Operation};
pub use document::{POLICY_BYTES_MAX, POLICY_NAME_BYTES_MAX, Policy, PolicyError, policy_name};
pub use explain::{DecidingRule, Explanation};
pub use rule::{RULE_PATH_BYTES_MAX, RuleProblem};
