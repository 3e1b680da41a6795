//! The LDAP rotator against a real private OpenLDAP, also through a proxy that misbehaves.

#![expect(clippy::unwrap_used, reason = "a step of a test that fails is the finding")]

#[path = "rotator_ldap/bench.rs"]
mod bench;
#[path = "rotator_ldap/contract.rs"]
mod contract;
#[path = "rotator_ldap/faults.rs"]
mod faults;
#[path = "rotator_ldap/harness.rs"]
mod harness;
#[path = "rotator_ldap/logins.rs"]
mod logins;
#[path = "rotator_ldap/policy.rs"]
mod policy;
#[path = "rotator_ldap/tls.rs"]
mod tls;
