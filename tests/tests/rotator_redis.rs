//! The Redis rotator against a real private server, also through a proxy that misbehaves.

#![expect(clippy::unwrap_used, reason = "a step of a test that fails is the finding")]

#[path = "rotator_redis/bench.rs"]
mod bench;
#[path = "rotator_redis/contract.rs"]
mod contract;
#[path = "rotator_redis/faults.rs"]
mod faults;
#[path = "rotator_redis/logins.rs"]
mod logins;
#[path = "rotator_redis/persistence.rs"]
mod persistence;
#[path = "rotator_redis/tls.rs"]
mod tls;
