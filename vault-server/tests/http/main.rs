//! The shell of the server, driven through its router: what clients send and what they must get back.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests are tests too; clippy knows it of functions under #[test] only"
)]

mod about;
mod approle;
mod audit;
mod audit_device;
mod audited_header;
mod bench;
mod campaign;
mod circuit;
mod clients;
mod configure;
mod consumer;
mod cors;
mod cubbyhole;
mod dashboard;
mod database;
mod described;
mod dialect;
mod generate_root;
mod grace;
mod heartbeat;
mod incident;
mod kv;
mod lease;
mod lend;
mod library;
mod listen;
mod lockout;
mod lockout_guard;
#[expect(clippy::indexing_slicing, reason = "the places are within their lists")]
#[path = "../../../vault-core/tests/oracle/made.rs"]
mod made;
mod measured;
mod merge;
mod mount;
mod offboard;
mod openapi;
mod oracle;
mod outage;
mod policy;
mod pool;
mod process;
#[path = "../../../vault-core/tests/oracle/program.rs"]
mod program;
mod rehearsal;
mod rekey;
mod remedy;
mod report;
mod rewrap;
mod rotation;
mod seal;
mod silence;
mod target;
mod team;
mod token;
mod token_role;
mod tools;
mod userpass;
mod vault;
mod watch;
mod webhook;
mod wrapping;
