//! The AWS rotator against a private imitation of IAM and STS that checks signatures and policies, also through a proxy
//! that misbehaves.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a step of a test that fails is the finding")]

#[path = "rotator_aws/bench.rs"]
mod bench;
#[path = "rotator_aws/contract.rs"]
mod contract;
#[path = "rotator_aws/faults.rs"]
mod faults;
#[path = "rotator_aws/keys.rs"]
mod keys;
#[path = "rotator_aws/management.rs"]
mod management;
#[path = "rotator_aws/tls.rs"]
mod tls;
