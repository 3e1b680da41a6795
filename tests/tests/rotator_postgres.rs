//! The PostgreSQL rotator against a real private server, also through a proxy that misbehaves.

#![expect(clippy::unwrap_used, reason = "a step of a test that fails is the finding")]

#[path = "rotator_postgres/bench.rs"]
mod bench;
#[path = "rotator_postgres/contract.rs"]
mod contract;
#[path = "rotator_postgres/faults.rs"]
mod faults;
#[path = "rotator_postgres/harness.rs"]
mod harness;
#[path = "rotator_postgres/logins.rs"]
mod logins;
#[path = "rotator_postgres/management.rs"]
mod management;
#[path = "rotator_postgres/policy.rs"]
mod policy;
#[path = "rotator_postgres/provision.rs"]
mod provision;
#[path = "rotator_postgres/reuse.rs"]
mod reuse;
#[path = "rotator_postgres/tls.rs"]
mod tls;
