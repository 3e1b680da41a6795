//! The MySQL rotator against a real private MariaDB server, also through a proxy that misbehaves.

#![expect(clippy::unwrap_used, reason = "a step of a test that fails is the finding")]

#[path = "rotator_mysql/bench.rs"]
mod bench;
#[path = "rotator_mysql/contract.rs"]
mod contract;
#[path = "rotator_mysql/faults.rs"]
mod faults;
#[path = "rotator_mysql/logins.rs"]
mod logins;
#[path = "rotator_mysql/management.rs"]
mod management;
#[path = "rotator_mysql/policy.rs"]
mod policy;
#[path = "rotator_mysql/provision.rs"]
mod provision;
#[path = "rotator_mysql/tls.rs"]
mod tls;
