//! kill -9 of the real program with a real PostgreSQL, at random moments of rotations, check-ins, writes
//! and start-ups: nothing acknowledged is lost, nothing is torn, and everybody can log in afterwards.
//!
//! ```text
//!   start ─► many tasks work, and note what was acknowledged ─► kill ─► (start ─► kill)? ─► start
//!     ▲                                                                                      │
//!     └──────────── everything acknowledged is compared ◄── all accounts at rest ◄───────────┘
//! ```
//!
//! `ROTUNDA_KILLS` sets the number of kills for each engine (20 for redb, the default, 5 for sled), `ROTUNDA_KILL_SEED`
//! replays the random decisions of the tasks and the moments of the kills as far as the machine lets it.
//! `tests/kill-9` runs the long version.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a step of a test that fails is the finding"
)]
#![expect(clippy::print_stdout, reason = "the counts are the result")]
#![expect(clippy::print_stderr, reason = "a long run shows how far it is")]

#[path = "kill/borrower.rs"]
mod borrower;
#[path = "kill/chance.rs"]
mod chance;
#[path = "kill/check.rs"]
mod check;
#[path = "kill/clerk.rs"]
mod clerk;
#[path = "kill/fact.rs"]
mod fact;
#[path = "kill/rotator.rs"]
mod rotator;
#[path = "kill/round.rs"]
mod round;
#[path = "kill/worker.rs"]
mod worker;

use vault_tests::vault::Vault;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_a_vault_on_sled_is_killed() {
    let sections = "[store]\nengine = \"sled\"\n[log]\nlevel = \"warn\"\n";
    round::play("sled", Vault::start_configured(sections).await.unwrap(), kills(5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_a_vault_on_redb_is_killed() {
    let sections = "[store]\nengine = \"redb\"\n[log]\nlevel = \"warn\"\n";
    round::play("redb", Vault::start_configured(sections).await.unwrap(), kills(20)).await;
}

fn kills(ordinary: u32) -> u32 {
    std::env::var("ROTUNDA_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(ordinary)
}
