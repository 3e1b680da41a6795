//! Users that are made for a lease: how they end, whatever fails and dies.

mod elsewhere;
mod line;
mod unreadable;

use std::time::Duration;

use rotators::fake::{Mishap, Verb};
use serde_json::{Value, json};
use vault_core::rotation::fault::FaultClass;

use super::Databases;
use crate::bench::until;
use crate::vault::Reply;

impl Databases {
    /// With the dynamic role `app`.
    pub(super) async fn with_role() -> Self {
        let databases = Self::new().await;
        databases
            .dynamic_role("app", json!({ "default_ttl": "1h", "max_ttl": "24h" }))
            .await
            .expect_status(204);
        databases
    }

    pub(super) async fn dynamic_role(&self, name: &str, more: Value) -> Reply {
        let mut body = json!({ "db_name": "pg", "creation_statements": "make {{name}}" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post(&format!("database/roles/{name}"), body).await
    }

    /// A user by the role `app`.
    pub(super) async fn issue(&self) -> User {
        User::of(&self.get("database/creds/app").await)
    }

    pub(super) fn users(&self) -> Vec<String> {
        self.bench.target.usernames().into_iter().filter(|name| name.starts_with("v-")).collect()
    }

    /// Lets the scheduler look until nothing that is due is left undone.
    pub(super) async fn settle(&self) {
        // A look begins what there is room for at the target.
        for _ in 0..12 {
            self.bench.tick().await;
        }
    }

    pub(super) async fn lookup(&self, id: &str) -> Reply {
        self.post("sys/leases/lookup", json!({ "lease_id": id })).await
    }

    pub(super) async fn revoke(&self, id: &str) -> Reply {
        self.post("sys/leases/revoke", json!({ "lease_id": id })).await
    }

    pub(super) async fn incidents(&self) -> Vec<Value> {
        let reply = self.list("incidents").await;
        reply.expect_status(200);
        reply.at("/data/incidents").as_array().unwrap().clone()
    }

    pub(super) async fn irrevocable(&self) -> Value {
        let reply = self.get("sys/leases?type=irrevocable").await;
        reply.at("/data/lease_count")
    }

    pub(super) fn advance(&self, span: Duration) {
        self.bench.disk.clock.advance(span);
    }
}

pub(super) struct User {
    pub(super) lease: String,
    pub(super) name: String,
    pub(super) password: String,
}

impl User {
    #[track_caller]
    pub(super) fn of(reply: &Reply) -> Self {
        reply.expect_status(200);
        let text = |place: &str| reply.at(place).as_str().unwrap().to_owned();
        Self { lease: text("/lease_id"), name: text("/data/username"), password: text("/data/password") }
    }
}

#[tokio::test]
async fn a_lease_ends_with_its_time_and_with_its_token() {
    let databases = Databases::with_role().await;
    let expired = databases.issue().await;
    let policy = json!({ "policy": "path \"database/creds/app\" { capabilities = [\"read\"] }" });
    databases.post("sys/policy/app", policy).await.expect_status(204);
    let token = |ttl: &str| databases.post("auth/token/create", json!({ "policies": ["app"], "ttl": ttl }));
    let mut of_tokens = Vec::new();
    for ttl in ["24h", "90m"] {
        let token = token(ttl).await.at("/auth/client_token").as_str().unwrap().to_owned();
        let reply = databases.bench.vault.call("GET", "database/creds/app", &token, "").await;
        let user = User::of(&reply);
        databases
            .post("sys/leases/renew", json!({ "lease_id": user.lease, "increment": "20h" }))
            .await
            .expect_status(200);
        of_tokens.push((token, user));
    }
    let [(revoked, of_revoked), (_, of_expiring)] = of_tokens.try_into().ok().unwrap();
    // The answer waits for no target, and the lease is ending when it comes.
    databases.bench.target.break_down(FaultClass::Unreachable);
    databases.post("auth/token/revoke", json!({ "token": revoked })).await.expect_status(204);
    assert_eq!(databases.lookup(&of_revoked.lease).await.at("/data/state"), json!("revoking"));
    databases.bench.target.heal();
    databases.settle().await;
    assert!(!databases.users().contains(&of_revoked.name));
    assert_eq!(databases.users().len(), 2);
    databases.advance(Duration::from_secs(3600));
    databases.settle().await;
    assert_eq!(databases.users(), std::slice::from_ref(&of_expiring.name), "{} ran out", expired.name);
    databases.advance(Duration::from_secs(1800));
    let now = databases.bench.vault.app.engine.now();
    databases.bench.vault.app.tokens.sweep(now).await.unwrap();
    databases.settle().await;
    assert_eq!(databases.users(), Vec::<String>::new());
    assert_eq!(databases.incidents().await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_cannot_be_revoked_stays_visible_and_heals_by_itself() {
    let databases = Databases::with_role().await;
    let users = [databases.issue().await, databases.issue().await];
    databases.bench.target.break_down(FaultClass::Unreachable);
    for user in &users {
        let reply = databases.revoke(&user.lease).await;
        reply.expect_status(200);
        assert!(reply.text.contains("is ending"), "{}", reply.text);
        assert_eq!(databases.lookup(&user.lease).await.at("/data/state"), json!("revoking"));
    }
    // One dead target is one incident.
    let open = databases.incidents().await;
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0]["class"], "unreachable");
    assert_eq!(open[0]["subject"], "dynamic leases on database.pg");
    assert_eq!(databases.irrevocable().await, json!(2));
    // The target cannot go before them, nor the config's target be forgotten.
    databases.delete("database/config/pg").await.expect_status(204);
    let reply = databases.delete("targets/config/database.pg").await;
    assert!(reply.text.contains("2 dynamic leases"), "{}", reply.text);
    databases.bench.target.heal();
    // Not before its time, and then by itself; a seal in between changes nothing.
    databases.settle().await;
    assert_eq!(databases.users().len(), 2);
    let mut databases = databases;
    databases.bench.restart().await;
    databases.advance(Duration::from_secs(600));
    databases.settle().await;
    assert_eq!(databases.users(), Vec::<String>::new());
    assert_eq!(databases.incidents().await, Vec::<Value>::new());
    assert_eq!(databases.irrevocable().await, json!(0));
}

#[tokio::test]
async fn a_revocation_that_cannot_work_waits_for_a_person_and_for_better_statements() {
    let databases = Databases::with_role().await;
    databases
        .dynamic_role("app", json!({ "revocation_statements": ["FAIL {{name}}"] }))
        .await
        .expect_status(204);
    let user = databases.issue().await;
    databases.revoke(&user.lease).await.expect_status(200);
    for _ in 0..10 {
        databases.advance(Duration::from_secs(600));
        databases.settle().await;
    }
    let calls = databases.bench.target.calls(Verb::Remove);
    assert_eq!(calls, 6, "tried so often, then parked");
    assert_eq!(databases.irrevocable().await, json!(1));
    let id = databases.incidents().await[0]["id"].as_str().unwrap().to_owned();
    let kinds = databases.get(&format!("incidents/{id}")).await.at("/data/events").to_string();
    assert!(kinds.contains("parked"), "{kinds}");
    databases.dynamic_role("app", json!({ "revocation_statements": [] })).await.expect_status(204);
    databases.revoke(&user.lease).await.expect_status(204);
    assert_eq!(databases.users(), Vec::<String>::new());
    assert_eq!(databases.incidents().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_user_of_which_nothing_is_known_is_removed() {
    let databases = Databases::with_role().await;
    for mishap in [Mishap::ReplyLost, Mishap::RequestLost, Mishap::InFlight] {
        databases.bench.target.next(Verb::Create, mishap);
        let reply = databases.get("database/creds/app").await;
        reply.expect_status(503);
        until(|| databases.bench.vault.app.engine.dynamic_keys(b"").unwrap().is_empty()).await;
        databases.bench.target.deliver();
        assert_eq!(databases.users(), Vec::<String>::new(), "{mishap:?}");
    }
}

#[tokio::test]
async fn a_process_that_dies_while_a_user_is_made_leaves_none() {
    for mishap in [Mishap::Hangs, Mishap::HangsAfterwards] {
        let mut databases = Databases::with_role().await;
        databases.bench.target.next(Verb::Create, mishap);
        {
            let asked = databases.get("database/creds/app");
            let mut asked = std::pin::pin!(asked);
            let hangs = until(|| databases.bench.target.hanging() == 1);
            tokio::select! {
                _ = &mut asked => panic!("answered although the target hangs"),
                () = hangs => {}
            }
        }
        let there = databases.users().len();
        assert_eq!(there, usize::from(mishap == Mishap::HangsAfterwards));
        let stored = databases.bench.vault.app.engine.dynamic_keys(b"").unwrap();
        assert_eq!(stored.len(), 1, "on disk before the target heard of it");
        // What hangs stays so: nothing of the first process goes on.
        databases.bench.vault.app.seal.seal().await;
        databases.bench.restart().await;
        databases.settle().await;
        assert_eq!(databases.users(), Vec::<String>::new());
        databases.list("sys/leases/lookup/database").await.expect_status(404);
    }
}

#[tokio::test]
async fn a_user_whose_asker_hung_up_goes_again() {
    let databases = Databases::with_role().await;
    databases.bench.target.next(Verb::Create, Mishap::HangsAfterwards);
    {
        let mut asked = std::pin::pin!(databases.get("database/creds/app"));
        tokio::select! {
            reply = &mut asked => panic!("{}", reply.text),
            () = until(|| databases.bench.target.hanging() == 1) => {}
        }
    }
    assert_eq!(databases.users().len(), 1);
    databases.bench.target.release();
    until(|| databases.users().is_empty()).await;
    databases.bench.rest().await;
    assert_eq!(databases.bench.vault.app.engine.dynamic_keys(b"").unwrap().len(), 0);
    assert_eq!(databases.incidents().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_seal_while_a_user_is_made_leaves_none() {
    for mishap in [Mishap::Hangs, Mishap::HangsAfterwards] {
        let mut databases = Databases::with_role().await;
        databases.bench.target.next(Verb::Create, mishap);
        let seal = async {
            until(|| databases.bench.target.hanging() == 1).await;
            databases.bench.vault.app.seal.seal().await;
            databases.bench.target.release();
        };
        let (reply, ()) = tokio::join!(databases.get("database/creds/app"), seal);
        assert!(reply.status >= 500, "{}", reply.text);
        databases.bench.restart().await;
        databases.settle().await;
        assert_eq!(databases.users(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_token_that_ends_while_its_user_is_made_gets_none() {
    let databases = Databases::with_role().await;
    let policy = json!({ "policy": "path \"database/creds/app\" { capabilities = [\"read\"] }" });
    databases.post("sys/policy/app", policy).await.expect_status(204);
    let token = databases.post("auth/token/create", json!({ "policies": ["app"] })).await;
    let token = token.at("/auth/client_token").as_str().unwrap().to_owned();
    databases.bench.target.next(Verb::Create, Mishap::HangsAfterwards);
    let asked = databases.bench.vault.call("GET", "database/creds/app", &token, "");
    let ended = async {
        until(|| databases.bench.target.hanging() == 1).await;
        databases.post("auth/token/revoke", json!({ "token": token })).await.expect_status(204);
        databases.bench.target.release();
    };
    let (reply, ()) = tokio::join!(asked, ended);
    reply.expect_status(403);
    databases.settle().await;
    until(|| databases.users().is_empty()).await;
}

#[tokio::test]
async fn a_disabled_mount_takes_its_users_along_and_stays_visible_until_they_are_gone() {
    let databases = Databases::with_role().await;
    let kept = databases.issue().await;
    databases.bench.target.next(Verb::Remove, Mishap::Fails(FaultClass::Unreachable));
    let reply = databases.delete("sys/mounts/database").await;
    reply.expect_status(200);
    assert!(reply.text.contains("1 leases of the mount are not over yet"), "{}", reply.text);
    databases.get("database/creds/app").await.expect_status(404);
    assert_eq!(databases.lookup(&kept.lease).await.at("/data/state"), json!("revoking"));
    assert_eq!(databases.irrevocable().await, json!(1));
    for _ in 0..2 {
        databases.advance(Duration::from_secs(600));
        databases.settle().await;
    }
    assert_eq!(databases.users(), Vec::<String>::new());
    assert_eq!(databases.irrevocable().await, json!(0));
}

#[tokio::test]
async fn leases_move_with_their_mount_and_are_found_by_prefix() {
    let databases = Databases::with_role().await;
    let (first, second) = (databases.issue().await, databases.issue().await);
    let keys = |reply: Reply| reply.at("/data/keys").as_array().map_or(0, Vec::len);
    assert_eq!(databases.list("sys/leases/lookup/database/creds").await.at("/data/keys"), json!(["app/"]));
    assert_eq!(keys(databases.list("sys/leases/lookup/database/creds/app").await), 2);
    let body = json!({ "from": "database", "to": "team/db" });
    databases.post("sys/remount", body).await.expect_status(200);
    databases.lookup(&first.lease).await.expect_status(400);
    let moved = first.lease.replacen("database/", "team/db/", 1);
    databases.lookup(&moved).await.expect_status(200);
    let renewed = databases.post("sys/leases/renew", json!({ "lease_id": moved })).await;
    assert_eq!(renewed.at("/lease_id"), json!(moved));
    databases.post("sys/leases/revoke-prefix/team/db/creds/ap", json!({})).await.expect_status(204);
    assert_eq!(databases.users().len(), 2, "a prefix ends at a slash");
    databases.post("sys/leases/revoke-prefix/team/db/creds/app", json!({})).await.expect_status(204);
    assert_eq!(databases.users(), Vec::<String>::new(), "{} too", second.name);
}

#[tokio::test]
async fn who_when_and_why_stand_in_the_audit_trail_and_the_counters() {
    let databases = Databases::with_role().await;
    let user = User::of(&databases.get("database/creds/app?reason=monthly+report").await);
    databases.revoke(&user.lease).await.expect_status(204);
    let entries = databases.bench.system_entries();
    for event in ["lease_requested", "lease_created", "lease_closing", "lease_closed", "target_call"] {
        let of_lease = |entry: &&Value| {
            let text = entry.to_string();
            text.contains(&format!("\"{event}\"")) && text.contains(&user.lease)
        };
        let entry = entries.iter().find(of_lease).unwrap_or_else(|| panic!("no {event}"));
        if event == "lease_requested" {
            let text = entry.to_string();
            assert!(text.contains("\"principal\":\"root\"") && text.contains("monthly report"), "{text}");
        }
        assert!(!entry.to_string().contains(&user.password));
    }
    let kept = databases.issue().await;
    databases.bench.vault.app.engine.count_dynamic().await.unwrap();
    databases.bench.vault.app.engine.count_accounts().await.unwrap();
    let standing = databases.get("reports/standing").await.at("/data/leases");
    assert_eq!(standing["dynamic"], json!({ "live": 1, "overdue": 0, "stuck": 0 }), "{standing}");
    let metrics = databases.get("sys/metrics").await;
    for line in [
        "rotunda_dynamic_leases{state=\"active\"} 1",
        "rotunda_dynamic_lease_events_total{kind=\"lease_created\",class=\"\"} 2",
        "rotunda_dynamic_lease_events_total{kind=\"lease_closed\",class=\"\"} 1",
    ] {
        assert!(metrics.text.contains(line), "{line}\n{}", metrics.text);
    }
    assert!(!metrics.text.contains(&kept.name));
}
