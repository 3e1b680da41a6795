//! Stories from end to end: the real program, a real PostgreSQL, and a proxy that misbehaves between them.

#![expect(clippy::unwrap_used, reason = "a step of a story that fails is the finding")]

#[path = "story/checkout.rs"]
mod checkout;
#[path = "story/cli.rs"]
mod cli;
#[path = "story/lease.rs"]
mod lease;
