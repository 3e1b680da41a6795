//! The machine's clock is stepped back under a running vault: what waits, waits no longer, and nothing is hidden.

use std::time::Duration;

use serde_json::json;
use vault_tests::proxy::Mischief;
use vault_tests::vault::Vault;
use vault_tests::world::{Credential, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_stepped_back_keeps_no_lease_alive_and_no_retry_waiting() {
    let world = World::before(Vault::start_by_own_clock().await.unwrap(), &[]).await.unwrap();
    world.adopted("db/lent", "lent").await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    let ann = world.engineer("ann").await.unwrap();
    let answer = world.check_out(&ann, "db/lent", json!({ "ttl": "5s" })).await.unwrap();
    let lent = Credential::of(&answer).unwrap();
    world.proxy.set(Mischief::Refuse).await.unwrap();
    assert!(!world.rotate("db/app").await.unwrap().is_success());
    world.vault.step_clock("-1h").unwrap();
    // What is asked for next is answered by the stepped clock.
    let opened = world.incidents().await.unwrap();
    assert_eq!(opened.len(), 1, "{opened:?}");
    let report = world.vault.get("reports/rotation").await.unwrap();
    assert_eq!(report.data().unwrap()["incidents"]["opened"], 1, "{}", report.body);
    world.proxy.set(Mischief::None).await.unwrap();

    world.until("db/lent", |status| status.get("holder").is_none()).await.unwrap();
    assert!(!world.accepts(&lent).await.unwrap(), "the lease outlived its end");
    world.healed("db/app").await.unwrap();
    let ahead = shown(&world.vault, "vault_clock_ahead_seconds").await;
    assert!((3500..=3600).contains(&ahead), "{ahead} s");
    assert!(world.vault.log().contains("the machine's clock was stepped back"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_days_ahead_is_followed_back_and_that_is_told() {
    let vault = Vault::start_by_own_clock().await.unwrap();
    vault.step_clock("-3d").unwrap();
    assert_eq!(shown(&vault, "vault_clock_stepped_back_total").await, 1);
    assert!(vault.metrics().await.unwrap().contains("\nvault_clock_ahead_seconds 0\n"));
    assert!(vault.log().contains("what waits waits so much longer"));
}

/// What a metric shows, once it is more than nothing: the scheduler looks at both clocks four times a second.
async fn shown(vault: &Vault, metric: &str) -> u64 {
    for _ in 0..200 {
        let text = vault.metrics().await.unwrap();
        let found = text.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
        let figure = found.and_then(|value| value.parse().ok()).unwrap();
        if figure > 0 {
            return figure;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{metric} stays 0");
}
