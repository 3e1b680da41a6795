//! Leases whose target, or role, leads to another server by now.

use std::time::Duration;

use rotators::fake::{Mishap, Verb};
use serde_json::{Value, json};

use crate::bench::until;
use crate::database::Databases;

#[tokio::test]
async fn a_role_that_makes_its_users_elsewhere_by_now_says_nothing_about_those_here() {
    let databases = Databases::with_role().await;
    let [kept, ended] = [databases.issue().await, databases.issue().await];
    databases.configure("other", json!({})).await.expect_status(204);
    let moved = json!({
        "db_name": "other", "renew_statements": ["FAIL {{name}}"], "revocation_statements": ["FAIL {{name}}"],
    });
    databases.dynamic_role("app", moved).await.expect_status(204);
    databases.post("sys/leases/renew", json!({ "lease_id": kept.lease })).await.expect_status(200);
    databases.revoke(&ended.lease).await.expect_status(204);
    // Back on the lease's own target it is asked again.
    databases.dynamic_role("app", json!({ "db_name": "pg" })).await.expect_status(204);
    databases.revoke(&kept.lease).await.expect_status(200);
}

#[tokio::test]
async fn a_user_that_is_missing_at_another_address_is_not_taken_for_gone() {
    let databases = Databases::with_role().await;
    let (kept, lost) = (databases.issue().await, databases.issue().await);
    let unanswered = databases.issue().await;
    let other = json!({ "connection_url": "fake://{{username}}:{{password}}@db2" });
    databases.configure("pg", other).await.expect_status(204);
    // What is at the new address goes, as after a failover.
    databases.revoke(&kept.lease).await.expect_status(204);
    // What was seen there and removed there is gone, though the answer was lost.
    databases.bench.target.next(Verb::Remove, Mishap::ReplyLost);
    databases.revoke(&unanswered.lease).await.expect_status(200);
    databases.advance(Duration::from_secs(600));
    databases.settle().await;
    databases.lookup(&unanswered.lease).await.expect_status(400);
    assert_eq!(databases.incidents().await, Vec::<Value>::new());
    databases.bench.target.remove_account(&lost.name);
    databases.revoke(&lost.lease).await.expect_status(200);
    assert_eq!(databases.incidents().await[0]["class"], "preflight");
    assert_eq!(databases.lookup(&lost.lease).await.at("/data/state"), json!("revoking"));
}

#[tokio::test]
async fn a_user_that_is_missing_on_another_server_at_the_same_address_is_not_taken_for_gone() {
    let databases = Databases::with_role().await;
    let target = &databases.bench.target;
    target.become_server("blue");
    let [renamed, lost, kept, between] =
        [databases.issue().await, databases.issue().await, databases.issue().await, databases.issue().await];
    // The same server under another name: what is missing there is gone.
    let other = json!({ "connection_url": "fake://{{username}}:{{password}}@db2" });
    databases.configure("pg", other).await.expect_status(204);
    target.remove_account(&renamed.name);
    databases.revoke(&renamed.lease).await.expect_status(204);
    databases.configure("pg", json!({})).await.expect_status(204);
    // Another server under the same name: what is missing there may live on.
    target.become_server("green");
    target.remove_account(&lost.name);
    let reply = databases.revoke(&lost.lease).await;
    reply.expect_status(200);
    assert_eq!(databases.lookup(&lost.lease).await.at("/data/state"), json!("revoking"));
    let open = databases.incidents().await;
    assert_eq!((open.len(), &open[0]["class"]), (1, &json!("preflight")));
    assert!(open[0].to_string().contains("server blue"), "{}", open[0]);
    // What was moved along goes, and the word of the server where it was found counts.
    databases.revoke(&kept.lease).await.expect_status(204);
    assert!(!databases.users().contains(&kept.name));
    // Each call has a connection of its own: the last look may have been at another server.
    target.become_server("blue");
    target.next(Verb::Presence, Mishap::LosesRight);
    target.next(Verb::Presence, Mishap::Hangs);
    let moves = async {
        until(|| target.hanging() == 1).await;
        target.become_server("green");
        target.release();
    };
    let (reply, ()) = tokio::join!(databases.revoke(&between.lease), moves);
    reply.expect_status(200);
    assert_eq!(databases.lookup(&between.lease).await.at("/data/state"), json!("revoking"));
    // Once the name leads to the first server again, both are seen to be gone.
    target.become_server("blue");
    for user in [&lost, &between] {
        databases.revoke(&user.lease).await.expect_status(204);
    }
    assert_eq!(databases.incidents().await, Vec::<Value>::new());
}
