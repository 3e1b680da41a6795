//! The first screen after a long time without a look.

use vault_core::rotation::attempt::Attempt;
use vault_core::store::batch::Require;
use vault_server::engine::record::attempt_name;

use super::overview::{overview, part};
use super::safety::failing;
use crate::bench::Bench;
use crate::vault::seconds;

#[tokio::test]
async fn after_hours_of_quiet_the_figures_at_hand_are_told_with_their_time() {
    let (bench, _) = failing().await;
    many_attempts(&bench).await;
    let first = part(&overview(&bench).await, "report");
    assert!(first.contains("just now"), "{first}");
    bench.disk.clock.advance(seconds(2 * 60 * 60));
    // Nobody waits until they are added up anew; that is done behind the answer, once.
    let shown = part(&overview(&bench).await, "report");
    assert!(shown.contains("1 h 59 min ago"), "{shown}");
    until_as_of(&bench).await;
    let shown = part(&overview(&bench).await, "report");
    assert!(shown.contains("just now"), "{shown}");
    // Who wants them no older than that waits.
    bench.disk.clock.advance(seconds(60 * 60));
    assert_eq!(as_of(&bench, "10m").await, now(&bench));
}

#[tokio::test]
async fn the_figures_are_added_up_by_the_clock_while_nobody_looks() {
    let (bench, _) = failing().await;
    many_attempts(&bench).await;
    let app = &bench.vault.app;
    let beside = tokio::spawn(app.reports().prepare_until(app.shutdown.clone()));
    rounds().await;
    let prepared = now(&bench);
    bench.disk.clock.advance(seconds(14 * 60));
    rounds().await;
    assert_eq!(as_of(&bench, "1d").await, prepared, "they are fresh enough");
    until_as_of(&bench).await;
    bench.disk.clock.advance(seconds(15 * 60));
    rounds().await;
    assert_eq!(as_of(&bench, "1d").await, now(&bench), "nobody has looked since");
    beside.abort();
}

/// Some rounds of the loop, by the clock of the runtime: it is stopped, and goes on as soon as nobody works.
async fn rounds() {
    tokio::time::pause();
    tokio::time::sleep(seconds(10)).await;
    tokio::time::resume();
}

/// Of when the figures are that are at hand, and at most so old.
async fn as_of(bench: &Bench, max_age: &str) -> String {
    let told = bench.get(&format!("reports/rotation?max_age={max_age}")).await.at("/data/window/to");
    told.as_str().unwrap_or_default().to_owned()
}

/// The end of a window that ends now.
fn now(bench: &Bench) -> String {
    bench.vault.app.clock.now().plus(std::time::Duration::from_millis(1)).to_rfc3339()
}

/// Waits until what was begun behind a look is done.
async fn until_as_of(bench: &Bench) {
    for _ in 0..2_000 {
        if as_of(bench, "1d").await == now(bench) {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("nothing was added up behind the look");
}

/// More than what is added up in no time.
async fn many_attempts(bench: &Bench) {
    let app = &bench.vault.app;
    let now = app.clock.now();
    for hundred in 0..21 {
        let mut batch = app.barrier.transaction().unwrap();
        for number in 0..100 {
            let attempt = Attempt {
                rotation: vault_core::id::RotationId::generate(now, &*app.entropy),
                number: hundred * 100 + number,
                subject: "a/app".to_owned(),
                target: "t".to_owned(),
                at: now.minus(seconds(u64::from(number) + 1)),
                succeeded: true,
                class: None,
                phase: None,
                team: None,
            };
            batch.put(attempt_name(&attempt), Require::Absent, &attempt);
        }
        app.barrier.commit(batch).await.unwrap();
    }
}
