//! Stories from end to end: the real program, a real PostgreSQL, and a proxy that misbehaves between them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a step of a story that fails is the finding"
)]

#[path = "story/campaign.rs"]
mod campaign;
#[path = "story/checkout.rs"]
mod checkout;
#[path = "story/cli.rs"]
mod cli;
#[path = "story/clock.rs"]
mod clock;
#[path = "story/concurrency.rs"]
mod concurrency;
#[path = "story/drift.rs"]
mod drift;
#[path = "story/dynamic.rs"]
mod dynamic;
#[path = "story/fault.rs"]
mod fault;
#[path = "story/input.rs"]
mod input;
#[path = "story/lease.rs"]
mod lease;
#[path = "story/lockout.rs"]
mod lockout;
#[path = "story/mail.rs"]
mod mail;
#[path = "story/pool.rs"]
mod pool;
#[path = "story/protection.rs"]
mod protection;
#[path = "story/remedy.rs"]
mod remedy;
#[path = "story/restart.rs"]
mod restart;
#[path = "story/silence.rs"]
mod silence;
#[path = "story/trace.rs"]
mod trace;
#[path = "story/webhook.rs"]
mod webhook;
