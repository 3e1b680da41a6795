//! The SSH rotator against a real private OpenSSH server with real accounts, also with the connection cut and the
//! account tools held up.

#![expect(clippy::unwrap_used, reason = "a step of a test that fails is the finding")]

#[path = "rotator_ssh/bench.rs"]
mod bench;
#[path = "rotator_ssh/contract.rs"]
mod contract;
#[path = "rotator_ssh/faults.rs"]
mod faults;
#[path = "rotator_ssh/harness.rs"]
mod harness;
#[path = "rotator_ssh/keys.rs"]
mod keys;
#[path = "rotator_ssh/logins.rs"]
mod logins;
#[path = "rotator_ssh/management.rs"]
mod management;
