//! The HTTP rotator against real servers (JupyterHub, RabbitMQ's management API) and a small key server that speaks
//! as Grafana, GitLab and Keycloak do, also through a proxy that misbehaves.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a step of a test that fails is the finding")]

#[path = "rotator_http/bench.rs"]
mod bench;
#[path = "rotator_http/contract.rs"]
mod contract;
#[path = "rotator_http/docs.rs"]
mod docs;
#[path = "rotator_http/faults.rs"]
mod faults;
#[path = "rotator_http/keys.rs"]
mod keys;
#[path = "rotator_http/passwords.rs"]
mod passwords;
#[path = "rotator_http/real.rs"]
mod real;
