//! Pools: any free account, the longest unlent first; given back by whom, and what stays.

mod race;

use serde_json::{Value, json};
use vault_core::rotation::fault::FaultClass;

use super::bench::Bench;
use super::vault::{Reply, seconds};

const BORROWER: &str = r#"
    path "pools/check-out/*" { capabilities = ["update"] }
    path "pools/check-in/*" { capabilities = ["update"] }
    path "pools/status/*" { capabilities = ["read"] }
"#;

/// A vault with these accounts and the pool `p` of them all.
pub(super) async fn pool_of(names: &[&str]) -> Bench {
    let bench = Bench::new().await;
    for name in names {
        bench.account(name, "p-1").await;
    }
    bench.post("pools/config/p", json!({ "accounts": names })).await.expect_status(204);
    bench.vault.policy("borrower", BORROWER).await;
    bench
}

pub(super) async fn borrower(bench: &Bench) -> String {
    bench.vault.token(r#"{"policies":["borrower"],"display_name":"bob"}"#).await
}

pub(super) async fn lent(bench: &Bench, token: &str) -> (String, String) {
    let reply = bench.vault.call("POST", "pools/check-out/p", token, "").await;
    reply.expect_status(200);
    let text = |pointer| reply.at(pointer).as_str().unwrap().to_owned();
    (text("/data/account"), text("/lease_id"))
}

pub(super) async fn given_back(bench: &Bench, token: &str, body: Value) -> Reply {
    bench.vault.call("POST", "pools/check-in/p", token, &body.to_string()).await
}

async fn states(bench: &Bench) -> Value {
    let status = bench.get("pools/status/p").await;
    let accounts = status.at("/data/accounts");
    accounts.as_object().unwrap().iter().map(|(path, one)| (path.clone(), one["state"].clone())).collect()
}

#[tokio::test]
async fn a_pool_is_written_read_listed_and_removed() {
    let bench = pool_of(&["a", "b"]).await;
    let read = bench.get("pools/config/p").await;
    let want = json!({
        "accounts": ["a", "b"], "ttl": null, "max_ttl": null, "disable_check_in_enforcement": false
    });
    assert_eq!(read.at("/data"), want);
    let change = json!({ "ttl": "10m", "max_ttl": 3600, "disable_check_in_enforcement": "true" });
    bench.post("pools/config/p", change).await.expect_status(204);
    let read = bench.get("pools/config/p").await;
    let want = json!({
        "accounts": ["a", "b"], "ttl": 600, "max_ttl": 3600, "disable_check_in_enforcement": true
    });
    assert_eq!(read.at("/data"), want);
    assert_eq!(bench.vault.root("LIST", "pools/config", "").await.at("/data/keys"), json!(["p"]));
    assert_eq!(bench.get("accounts/status/a").await.at("/data/pool"), "pools/p");
    for _ in 0..2 {
        bench.vault.root("DELETE", "pools/config/p", "").await.expect_status(204);
    }
    bench.get("pools/config/p").await.expect_status(404);
    bench.get("pools/status/p").await.expect_status(404);
    bench.post("pools/check-out/p", json!({})).await.expect_status(404);
    bench.vault.root("LIST", "pools/config", "").await.expect_status(404);
    // Free again.
    bench.post("pools/config/q", json!({ "accounts": "b,a" })).await.expect_status(204);
}

#[tokio::test]
async fn a_pool_that_cannot_be_so_is_refused_and_changes_nothing() {
    let bench = pool_of(&["a", "b"]).await;
    bench.account("c", "p-1").await;
    for (path, body, why) in [
        ("q", json!({}), "at least one service account must be configured"),
        ("q", json!({ "accounts": ["a"] }), "already managed by the secrets engine"),
        ("q", json!({ "accounts": ["c", "c"] }), "c is named twice"),
        ("q", json!({ "accounts": ["none"] }), "there is no account \"none\""),
        ("q", json!({ "accounts": ["c"], "ttl": 60, "max_ttl": 30 }), "max_ttl (30 seconds) may not be less"),
        ("p", json!({ "accounts": [] }), "at least one service account must be configured"),
        ("x y", json!({ "accounts": ["c"] }), "not allowed"),
    ] {
        let path = format!("pools/config/{}", path.replace(' ', "%20"));
        let refused = bench.post(&path, body.clone()).await;
        refused.expect_status(400);
        assert!(refused.text.replace("\\\"", "\"").contains(why), "{body}: {}", refused.text);
    }
    assert_eq!(bench.get("pools/config/p").await.at("/data/accounts"), json!(["a", "b"]));
    bench.get("pools/config/q").await.expect_status(404);
}

#[tokio::test]
async fn only_who_may_configure_an_account_may_put_it_into_a_pool() {
    let bench = pool_of(&["team/a"]).await;
    bench.account("team/b", "p-1").await;
    bench.account("root/c", "p-1").await;
    let tenant = r#"
        path "pools/config/*" { capabilities = ["create", "update"] }
        path "accounts/config/team/*" { capabilities = ["update"] }
        path "accounts/check-out/team/*" { capabilities = ["update"] }
    "#;
    bench.vault.policy("tenant", tenant).await;
    let tenant = bench.vault.token(r#"{"policies":["tenant"]}"#).await;
    for (accounts, status) in [
        (json!(["team/a", "root/c"]), 403),
        (json!(["team/a", "no/such"]), 403),
        (json!(["team/a", "team/b"]), 204),
    ] {
        let body = json!({ "accounts": accounts }).to_string();
        bench.vault.call("POST", "pools/config/p", &tenant, &body).await.expect_status(status);
    }
    assert_eq!(bench.get("pools/config/p").await.at("/data/accounts"), json!(["team/a", "team/b"]));
}

#[tokio::test]
async fn accounts_are_lent_in_turn_and_die_when_they_come_back() {
    let bench = pool_of(&["a", "b", "c"]).await;
    let bob = borrower(&bench).await;
    let mut order = Vec::new();
    for _ in 0..6 {
        bench.disk.clock.advance(seconds(1));
        let reply = bench.vault.call("POST", "pools/check-out/p", &bob, r#"{"reason":"x"}"#).await;
        reply.expect_status(200);
        let (account, password) = (reply.at("/data/account"), reply.at("/data/password"));
        let (account, password) = (account.as_str().unwrap(), password.as_str().unwrap());
        assert_eq!(reply.at("/data/username"), account);
        assert!(bench.target.accepts(account, password));
        let id = reply.at("/lease_id");
        assert!(id.as_str().unwrap().starts_with("pools/check-out/p/"), "{id}");
        let back = given_back(&bench, &bob, json!({})).await;
        assert_eq!(back.at("/data/check_ins"), json!([{ "account": account, "state": "closed" }]));
        assert!(!bench.target.accepts(account, password), "{account}");
        order.push(account.to_owned());
    }
    assert_eq!(order, ["a", "b", "c", "a", "b", "c"]);
}

#[tokio::test]
async fn an_account_whose_rotation_failed_is_not_lent_until_it_is_healed() {
    let bench = pool_of(&["a", "b"]).await;
    let bob = borrower(&bench).await;
    assert_eq!(lent(&bench, &bob).await.0, "a");
    bench.target.break_down(FaultClass::Unreachable);
    let back = given_back(&bench, &bob, json!({})).await;
    assert_eq!(back.at("/data/check_ins/0/state"), "revoking");
    assert!(back.at("/warnings/0").as_str().unwrap().contains("not been seen to refuse"), "{}", back.text);
    bench.rest().await;
    assert_eq!(states(&bench).await, json!({ "a": "ending", "b": "free" }));
    let status = bench.get("pools/status/p").await;
    assert_eq!(status.at("/data/accounts/a/class"), "unreachable");
    assert_eq!((status.at("/data/total"), status.at("/data/available")), (json!(2), json!(1)));
    // Nobody lends `b` either once its own rotation failed, although nobody has it.
    bench.post("accounts/rotate/b", json!({})).await.expect_status(502);
    assert_eq!(states(&bench).await, json!({ "a": "ending", "b": "failing" }));
    let refused = bench.vault.call("POST", "pools/check-out/p", &bob, "").await;
    refused.expect_status(400);
    assert!(refused.text.contains("of 2 accounts 1 are lent"), "{}", refused.text);
    assert!(refused.text.contains("1 are not healthy"), "{}", refused.text);
    bench.target.heal();
    bench.disk.clock.advance(seconds(3600));
    bench.tick().await;
    assert_eq!(states(&bench).await, json!({ "a": "free", "b": "free" }));
    lent(&bench, &bob).await;
}

#[tokio::test]
async fn only_the_borrower_gives_back_unless_the_pool_or_sudo_says_otherwise() {
    let bench = pool_of(&["a", "b"]).await;
    let (bob, eve) = (borrower(&bench).await, borrower(&bench).await);
    let (account, lease) = lent(&bench, &bob).await;
    let refused = given_back(&bench, &eve, json!({ "accounts": account })).await;
    refused.expect_status(403);
    // Without a name there is nothing of hers.
    assert_eq!(given_back(&bench, &eve, json!({})).await.at("/data/check_ins"), json!([]));
    given_back(&bench, &eve, json!({ "lease_id": lease })).await.expect_status(409);
    given_back(&bench, &eve, json!({ "accounts": account, "force": true })).await.expect_status(403);
    given_back(&bench, &eve, json!({ "accounts": "c" })).await.expect_status(400);
    assert!(bench.record("a").lending.is_lent());
    let root = bench.vault.root.clone();
    let forced = given_back(&bench, &root, json!({ "accounts": account, "force": true })).await;
    assert_eq!(forced.at("/data/check_ins/0/state"), "closed");
    bench.post("pools/config/p", json!({ "disable_check_in_enforcement": true })).await.expect_status(204);
    let (account, _) = lent(&bench, &bob).await;
    let ended = given_back(&bench, &eve, json!({ "accounts": account })).await;
    assert_eq!(ended.at("/data/check_ins/0/account"), account);
    // What was lent by its own name is not the pool's to end.
    bench.post("accounts/check-out/a", json!({})).await.expect_status(200);
    given_back(&bench, &eve, json!({ "accounts": "a" })).await.expect_status(403);
    given_back(&bench, &root, json!({ "accounts": "a" })).await.expect_status(200);
    // What is not lent is left alone.
    assert_eq!(
        given_back(&bench, &bob, json!({ "accounts": account })).await.at("/data/check_ins"),
        json!([])
    );
}

#[tokio::test]
async fn who_has_several_says_which_and_a_stale_lease_changes_nothing() {
    let bench = pool_of(&["a", "b"]).await;
    let bob = borrower(&bench).await;
    let (first, stale) = lent(&bench, &bob).await;
    lent(&bench, &bob).await;
    given_back(&bench, &bob, json!({})).await.expect_status(400);
    given_back(&bench, &bob, json!({ "accounts": first })).await.expect_status(200);
    let (again, _) = lent(&bench, &bob).await;
    assert_eq!(again, first);
    given_back(&bench, &bob, json!({ "lease_id": stale })).await.expect_status(409);
    given_back(&bench, &bob, json!({ "accounts": first, "lease_id": stale })).await.expect_status(409);
    let both = given_back(&bench, &bob, json!({ "accounts": ["b", "a"] })).await;
    let want = json!([{ "account": "b", "state": "closed" }, { "account": "a", "state": "closed" }]);
    assert_eq!(both.at("/data/check_ins"), want);
}

#[tokio::test]
async fn what_is_lent_stays_in_its_pool_and_an_account_of_a_pool_is_not_deleted() {
    let bench = pool_of(&["a", "b"]).await;
    let bob = borrower(&bench).await;
    assert_eq!(lent(&bench, &bob).await.0, "a");
    for refused in [
        bench.vault.root("DELETE", "pools/config/p", "").await,
        bench.post("pools/config/p", json!({ "accounts": ["b"] })).await,
    ] {
        refused.expect_status(400);
        assert!(refused.text.contains("can't be deleted because it is currently checked out"));
    }
    let deleted = bench.vault.root("DELETE", "accounts/config/b?disposal=hand-over", "").await;
    deleted.expect_status(409);
    assert!(deleted.text.contains("belongs to a pool"), "{}", deleted.text);
    bench.post("pools/config/p", json!({ "accounts": ["a"] })).await.expect_status(204);
    bench.handed_over("accounts/config/b").await;
}

#[tokio::test]
async fn a_damaged_account_does_not_hold_up_the_others_of_its_pool() {
    let bench = pool_of(&["a", "b"]).await;
    let bob = borrower(&bench).await;
    bench.damage("a").await;
    assert_eq!(states(&bench).await, json!({ "a": "failing", "b": "free" }));
    let (account, _) = lent(&bench, &bob).await;
    assert_eq!(account, "b");
    let none = bench.vault.call("POST", "pools/check-out/p", &bob, "").await;
    none.expect_status(400);
    assert!(none.text.contains("1 are not healthy"), "{}", none.text);
    given_back(&bench, &bob, json!({})).await.expect_status(200);
    // What may be lent without a record of it is not told to be given back.
    assert!(given_back(&bench, &bob, json!({})).await.status >= 500);
    bench.post("pools/config/p", json!({ "accounts": ["b"] })).await.expect_status(204);
    assert_eq!(states(&bench).await, json!({ "b": "free" }));
}

#[tokio::test]
async fn a_disabled_mount_ends_what_it_lent_beside_a_damaged_account() {
    let bench = Bench::new().await;
    bench.post("sys/mounts/ldap", json!({ "type": "ldap" })).await.expect_status(204);
    for name in ["a", "b"] {
        bench.account(name, "p-1").await;
        let set = json!({ "service_account_names": [name] });
        bench.post(&format!("ldap/library/{name}"), set).await.expect_status(204);
        bench.post(&format!("ldap/library/{name}/check-out"), json!({})).await.expect_status(200);
    }
    bench.damage("a").await;
    assert!(bench.vault.root("DELETE", "sys/mounts/ldap", "").await.status >= 500);
    bench.rest().await;
    assert!(!bench.target.accepts("b", "p-1"));
}

#[tokio::test]
async fn who_puts_an_account_into_a_pool_may_both_configure_and_lend_it() {
    let bench = pool_of(&["b"]).await;
    bench.account("a", "p-1").await;
    let put = json!({ "accounts": ["b", "a"] }).to_string();
    for (name, more, status) in
        [("half", "", 403), ("whole", r#"path "accounts/check-out/a" { capabilities = ["update"] }"#, 204)]
    {
        let base = r#"
            path "pools/config/*" { capabilities = ["create", "update"] }
            path "accounts/config/a" { capabilities = ["update"] }
        "#;
        bench.vault.policy(name, &format!("{base}{more}")).await;
        let token = bench.vault.token(&json!({ "policies": [name] }).to_string()).await;
        bench.vault.call("POST", "pools/config/p", &token, &put).await.expect_status(status);
    }
}

#[tokio::test]
async fn a_lease_of_a_pool_is_one_like_any_other() {
    let bench = pool_of(&["a"]).await;
    bench.post("pools/config/p", json!({ "ttl": 60, "max_ttl": 100 })).await.expect_status(204);
    let bob = borrower(&bench).await;
    let asked = bench.vault.call("POST", "pools/check-out/p", &bob, r#"{"ttl":"1h"}"#).await;
    assert_eq!((asked.at("/lease_duration"), asked.at("/renewable")), (json!(100), json!(true)));
    assert!(asked.at("/warnings/0").as_str().unwrap().contains("capped"), "{}", asked.text);
    given_back(&bench, &bob, json!({})).await.expect_status(200);

    let (_, lease) = lent(&bench, &bob).await;
    let looked = bench.post("sys/leases/lookup", json!({ "lease_id": lease })).await;
    assert_eq!((looked.at("/data/ttl"), looked.at("/data/renewable")), (json!(60), json!(true)));
    bench.disk.clock.advance(seconds(30));
    let renewed = bench.post("sys/leases/renew", json!({ "lease_id": lease })).await;
    assert_eq!(renewed.at("/lease_duration"), 60);
    bench.disk.clock.advance(seconds(30));
    let renewed = bench.post("sys/leases/renew", json!({ "lease_id": lease })).await;
    assert_eq!(renewed.at("/lease_duration"), 40, "the pool's maximum counts from the beginning");
    let listed = bench.vault.root("LIST", "sys/leases/lookup/pools/check-out", "").await;
    assert_eq!(listed.at("/data/keys"), json!(["p/"]));
    bench.post("sys/leases/revoke-prefix/pools/check-out/p", json!({})).await.expect_status(204);
    assert!(!bench.record("a").lending.is_held());

    // It ends with its time, and with its token.
    lent(&bench, &bob).await;
    bench.disk.clock.advance(seconds(61));
    bench.tick().await;
    assert_eq!(states(&bench).await, json!({ "a": "free" }));
    lent(&bench, &bob).await;
    bench.post("auth/token/revoke", json!({ "token": bob })).await.expect_status(204);
    bench.rest().await;
    assert_eq!(states(&bench).await, json!({ "a": "free" }));
    assert_eq!(bench.record("a").lending.generation, 4);
}

#[tokio::test]
async fn the_id_of_a_lease_is_told_to_its_holder_alone() {
    let bench = pool_of(&["a"]).await;
    let (bob, eve) = (borrower(&bench).await, borrower(&bench).await);
    let (_, lease) = lent(&bench, &bob).await;
    for (token, is_told) in [(&bob, true), (&eve, false), (&bench.vault.root, true)] {
        let status = bench.vault.call("GET", "pools/status/p", token, "").await;
        assert_eq!(status.at("/data/accounts/a/holder/principal"), "token-bob");
        assert_eq!(status.text.contains(&lease), is_told, "{}", status.text);
        assert!(!status.text.contains(&bob), "a token");
    }
}

#[tokio::test]
async fn a_batch_token_borrows_nothing() {
    let bench = pool_of(&["a"]).await;
    let batch = bench.vault.token(r#"{"policies":["borrower"],"type":"batch"}"#).await;
    let refused = bench.vault.call("POST", "pools/check-out/p", &batch, "").await;
    refused.expect_status(400);
    assert!(!bench.record("a").lending.is_held());
}
