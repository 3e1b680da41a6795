//! Receivers for some accounts hear of the incident that stands for one of theirs.

use serde_json::json;
use vault_core::rotation::fault::FaultClass;

use super::told::{hook, told};
use super::{fail, later, merge, prove, state, two};
use crate::bench::Bench;

#[tokio::test]
async fn a_receiver_for_some_accounts_hears_of_the_one_that_stands_for_an_account_of_its_own() {
    let (bench, app, job) = two().await;
    for (name, accounts) in [("mine", "jo*"), ("others", "else/*")] {
        hook(&bench, name, json!({ "accounts": accounts, "escalate_after": "15m" })).await;
    }
    bench.target.break_down(FaultClass::StoreFailed);
    bench.tick().await;
    merge(&bench, &job, &app).await.expect_status(200);
    later(&bench, 1200).await;
    assert_eq!(
        told(&bench, "mine", "incident.escalated").await,
        1,
        "the watch was armed before it was merged"
    );
    bench.post(&format!("incidents/{app}/ack"), json!({})).await.expect_status(200);
    assert_eq!(told(&bench, "mine", "incident.acknowledged").await, 2, "of both");
    prove(&bench, "app").await;
    prove(&bench, "job").await;
    assert_eq!(
        (state(&bench, &app).await, told(&bench, "mine", "incident.closed").await),
        (json!("closed"), 2)
    );
    fail(&bench, "job").await;
    assert_eq!(state(&bench, &app).await, "open");
    assert_eq!(
        told(&bench, "mine", "incident.opened").await,
        1,
        "it failed again, and the other speaks for it"
    );
    bench.post(&format!("incidents/{job}/unmerge"), json!({})).await.expect_status(200);
    fail(&bench, "app").await;
    assert_eq!(told(&bench, "mine", "incident.opened").await, 2, "its own, and nothing of what it has left");
    for kind in ["opened", "closed", "acknowledged", "escalated"] {
        assert_eq!(told(&bench, "others", &format!("incident.{kind}")).await, 0, "{kind}");
    }
}

#[tokio::test]
async fn a_receiver_for_some_accounts_hears_of_the_one_that_stands_for_the_target_on_which_they_are() {
    let bench = Bench::new().await;
    for account in ["app", "job", "idle"] {
        bench.account(account, "p-1").await;
    }
    let app = fail(&bench, "app").await;
    let body =
        json!({ "rotator": "fake", "connection_url": "fake://u", "username": "manager", "password": "m-1" });
    bench.vault.root("POST", "targets/config/u", &body.to_string()).await.expect_status(204);
    bench.target.create_account("far", "p-1");
    let body = json!({ "target": "u", "username": "far", "password": "p-1" });
    bench.post("accounts/config/far", body).await.expect_status(200);
    let far = fail(&bench, "far").await;
    bench.target.break_down(FaultClass::Unreachable);
    bench.post("accounts/rotate/job", json!({})).await.expect_status(502);
    bench.rest().await;
    let group = bench.get("accounts/status/job").await.at("/data/incident").as_str().unwrap().to_owned();
    assert_ne!(group, app);
    bench.target.heal();
    hook(&bench, "idle", json!({ "accounts": "idle" })).await;
    merge(&bench, &group, &far).await.expect_status(200);
    bench.post(&format!("incidents/{far}/ack"), json!({})).await.expect_status(200);
    assert_eq!(
        told(&bench, "idle", "incident.acknowledged").await,
        2,
        "the target's, and what stands for it"
    );
}
