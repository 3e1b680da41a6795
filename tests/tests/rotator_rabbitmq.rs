//! The RabbitMQ rotator against a real private server, also through a proxy that misbehaves.

#![expect(clippy::unwrap_used, reason = "a step of a test that fails is the finding")]

#[path = "rotator_rabbitmq/bench.rs"]
mod bench;
#[path = "rotator_rabbitmq/contract.rs"]
mod contract;
#[path = "rotator_rabbitmq/faults.rs"]
mod faults;
#[path = "rotator_rabbitmq/logins.rs"]
mod logins;
#[path = "rotator_rabbitmq/tls.rs"]
mod tls;
