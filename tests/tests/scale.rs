//! Start-up and memory with many accounts and leases: the real program on a store with 1,000 of each and on
//! one with 100,000, started in turns.
//!
//! The assertions are generous, since a busy machine is slow at random; the measured figures are printed and
//! stand in `docs/performance.md`. `ROTUNDA_SCALE=N` sets another number of accounts than 100,000.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a step of a test that fails is the finding"
)]
#![expect(clippy::print_stdout, reason = "the figures are the result")]

#[path = "scale/fill.rs"]
mod fill;
#[path = "scale/measure.rs"]
mod measure;

use measure::{Figures, Measured};
use vault_tests::vault::Vault;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn start_up_and_memory_do_not_grow_with_accounts_and_leases_on_sled() {
    compare("sled").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn start_up_and_memory_do_not_grow_with_accounts_and_leases_on_redb() {
    compare("redb").await;
}

async fn compare(engine: &str) {
    let (few, many) = (1_000, asked());
    let (mut small, small_read) = stored(engine, few).await;
    let (mut large, large_read) = stored(engine, many).await;
    let (mut of_small, mut of_large) = (Figures::default(), Figures::default());
    for _ in 0..ROUNDS {
        of_small.add(Measured::of(&mut small).await);
        of_large.add(Measured::of(&mut large).await);
    }
    println!("{engine}, {ROUNDS} starts each in turns (least – median – most)");
    println!("{few:>8} accounts and leases: {of_small}");
    println!("{many:>8} accounts and leases: {of_large}");
    println!("   ratio of the medians: start {:.2}", of_large.start() / of_small.start());
    println!(
        "   resident after every record was read, with a cache of {CACHE_MIB} MiB: {small_read:.1} and {large_read:.1} MiB"
    );
    assert!(
        of_large.start() < of_small.start() * START_FACTOR + START_ALLOWANCE_SECONDS,
        "start-up grows with the number of leases: {of_small} against {of_large}"
    );
    assert!(
        of_large.memory() < of_small.memory() + MEMORY_ALLOWANCE_MIB,
        "memory grows with the number of leases: {of_small} against {of_large}"
    );
    assert!(
        large_read < small_read + READ_ALLOWANCE_MIB,
        "the cache does not let go of what was read: {small_read:.1} against {large_read:.1} MiB"
    );
}

/// A stopped vault with this many accounts, each of them lent; and the memory it held once it had read all.
async fn stored(engine: &str, count: u32) -> (Vault, f64) {
    let sections =
        format!("[store]\nengine = \"{engine}\"\ncache_mib = {CACHE_MIB}\n[log]\nlevel = \"warn\"\n");
    let mut vault = Vault::start_configured(&sections).await.unwrap();
    vault.terminate().unwrap();
    fill::fill(&vault, count).await;
    // The program itself reads what was put there, and finds every record in order.
    vault.start_again().await.unwrap();
    fill::look(&vault, count).await;
    let read = measure::resident_mib(&vault);
    vault.terminate().unwrap();
    (vault, read)
}

fn asked() -> u32 {
    std::env::var("ROTUNDA_SCALE").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000)
}

const ROUNDS: u32 = 5;
const CACHE_MIB: u32 = 32;
const START_FACTOR: f64 = 2.0;
const START_ALLOWANCE_SECONDS: f64 = 1.0;
const MEMORY_ALLOWANCE_MIB: f64 = 64.0;
/// For the pages that sled keeps in memory and what its cache is slow to evict: 116 to 133 were measured.
const READ_ALLOWANCE_MIB: f64 = 170.0;
