//! `library/…` of mounts of type `ldap`: the shapes and texts of Vault's LDAP engine, over accounts of any target.

use serde_json::{Value, json};

use super::bench::Bench;
use super::vault::{Reply, seconds};

/// A vault with the accounts `a` and `b`, and the set `ops` of both at the mount `dir`.
async fn library() -> Bench {
    let bench = Bench::new().await;
    for name in ["a", "b", "c"] {
        bench.account(name, "p-1").await;
    }
    bench.post("sys/mounts/dir", json!({ "type": "openldap" })).await.expect_status(204);
    assert_eq!(bench.get("sys/mounts/dir").await.at("/data/type"), "ldap");
    let set = json!({ "service_account_names": "a, b", "ttl": "10h", "max_ttl": "20h" });
    bench.post("dir/library/ops", set).await.expect_status(204);
    bench
}

async fn check_out(bench: &Bench, token: &str) -> Reply {
    bench.vault.call("PUT", "dir/library/ops/check-out", token, "").await
}

#[tokio::test]
async fn a_set_is_written_read_listed_and_removed_as_in_vault() {
    let bench = library().await;
    let want = json!({
        "service_account_names": ["a", "b"], "ttl": 36000, "max_ttl": 72000, "disable_check_in_enforcement": false
    });
    assert_eq!(bench.get("dir/library/OPS").await.at("/data"), want);
    for (method, path) in
        [("LIST", "dir/library"), ("LIST", "dir/library/"), ("GET", "dir/library?list=true")]
    {
        assert_eq!(bench.vault.root(method, path, "").await.at("/data/keys"), json!(["ops"]), "{method}");
    }
    let plain = json!({ "service_account_names": ["c"] });
    bench.vault.root("PUT", "dir/library/Plain", &plain.to_string()).await.expect_status(204);
    let read = bench.get("dir/library/plain").await;
    assert_eq!((read.at("/data/ttl"), read.at("/data/max_ttl")), (json!(86400), json!(86400)));
    bench.vault.root("DELETE", "dir/library/plain", "").await.expect_status(204);
    bench.vault.root("DELETE", "dir/library/plain", "").await.expect_status(204);
    bench.get("dir/library/plain").await.expect_status(404);
    for (path, body, why) in [
        ("x", json!({}), r#""service_account_names" must be provided"#),
        ("x", json!({ "service_account_names": ["a"] }), r#""a" is already managed by the secrets engine"#),
        ("ops", json!({ "max_ttl": 60 }), "max_ttl (60 seconds) may not be less than ttl (36000 seconds)"),
    ] {
        let refused = bench.post(&format!("dir/library/{path}"), body).await;
        refused.expect_status(400);
        assert!(refused.errors()[0].as_str().unwrap().starts_with(why), "{}", refused.text);
    }
    for path in ["none/check-out", "none/check-in"] {
        let refused = bench.post(&format!("dir/library/{path}"), json!({})).await;
        refused.expect_status(400);
        assert_eq!(refused.errors(), json!([r#""none" doesn't exist"#]));
    }
    assert_eq!(bench.get("dir/library/none/status").await.errors(), json!([r#""none" doesn't exist"#]));
    for path in ["config", "static-role/x", "role/x", "static-cred/x", "creds/x"] {
        let refused = bench.get(&format!("dir/{path}")).await;
        assert_eq!((refused.status, refused.text.contains("unsupported path")), (404, true), "{path}");
    }
}

#[tokio::test]
async fn check_out_status_and_check_in_have_the_shapes_of_vault() {
    let bench = library().await;
    let bob = bench.vault.token(r#"{"policies":["root"]}"#).await;
    let accessor = bench.vault.call("GET", "auth/token/lookup-self", &bob, "").await.at("/data/accessor");
    let out = check_out(&bench, &bob).await;
    out.expect_status(200);
    let password = out.at("/data/password").as_str().unwrap().to_owned();
    assert_eq!(
        out.at("/data"),
        json!({ "service_account_name": "a", "password": password, "username": "a" })
    );
    assert!(out.at("/lease_id").as_str().unwrap().starts_with("dir/library/ops/check-out/"));
    assert_eq!((out.at("/lease_duration"), out.at("/renewable")), (json!(36000), json!(true)));
    let status = bench.get("dir/library/ops/status").await;
    let want =
        json!({ "a": { "available": false, "borrower_client_token": accessor }, "b": { "available": true } });
    assert_eq!(status.at("/data"), want);

    check_out(&bench, &bob).await.expect_status(200);
    let refused = check_out(&bench, &bob).await;
    assert_eq!(
        (refused.status, refused.errors()),
        (400, json!(["No service accounts available for check-out."]))
    );
    let refused = bench.vault.call("POST", "dir/library/ops/check-in", &bob, "").await;
    refused.expect_status(400);
    assert!(refused.text.contains("when multiple service accounts are checked out"), "{}", refused.text);
    let body = json!({ "service_account_names": ["b", "a"] });
    let foreign = bench.post("dir/library/ops/check-in", body.clone()).await;
    foreign.expect_status(400);
    let why = json!([r#""b" can't be checked in because it wasn't checked out by the caller"#]);
    assert_eq!(foreign.errors(), why);
    let back = bench.vault.call("POST", "dir/library/ops/check-in", &bob, &body.to_string()).await;
    assert_eq!(back.at("/data"), json!({ "check_ins": ["b", "a"] }));
    assert!(!bench.target.accepts("a", &password));
    let nothing = bench.vault.call("POST", "dir/library/ops/check-in", &bob, "").await;
    assert_eq!(nothing.at("/data"), json!({ "check_ins": [] }));

    check_out(&bench, &bob).await.expect_status(200);
    let managed = bench.post("dir/library/manage/ops/check-in", json!({})).await;
    assert_eq!(managed.at("/data/check_ins").as_array().unwrap().len(), 1, "{}", managed.text);
}

#[tokio::test]
async fn a_request_asks_for_less_than_the_ttl_of_its_set_and_not_for_more() {
    let bench = library().await;
    for (asked, want) in [(json!("5m"), 300), (json!(72000), 36000), (json!(0), 36000), (Value::Null, 36000)]
    {
        let out = bench.post("dir/library/ops/check-out", json!({ "ttl": asked })).await;
        assert_eq!(out.at("/lease_duration"), want, "{asked}");
        bench.post("dir/library/ops/check-in", json!({})).await.expect_status(200);
    }
    bench.post("sys/mounts/dir/tune", json!({ "max_lease_ttl": "1h" })).await.expect_status(204);
    let out = check_out(&bench, &bench.vault.root).await;
    assert_eq!(out.at("/lease_duration"), 3600, "the mount's maximum");
}

#[tokio::test]
async fn a_set_takes_no_account_of_a_pool_nor_the_other_way_round() {
    let bench = library().await;
    let refused = bench.post("pools/config/p", json!({ "accounts": ["a"] })).await;
    refused.expect_status(400);
    bench.post("pools/config/p", json!({ "accounts": ["c"] })).await.expect_status(204);
    let refused = bench.post("dir/library/x", json!({ "service_account_names": ["c"] })).await;
    refused.expect_status(400);
    assert_eq!(bench.get("accounts/status/a").await.at("/data/pool"), "dir/library/ops");
}

#[tokio::test]
async fn a_mount_takes_its_check_outs_with_it_and_leaves_the_accounts() {
    let bench = library().await;
    let out = check_out(&bench, &bench.vault.root).await;
    let password = out.at("/data/password").as_str().unwrap().to_owned();
    // A move leaves the lease as it was handed out.
    let moved = json!({ "from": "dir", "to": "moved" });
    bench.post("sys/remount", moved).await.expect_status(200);
    assert_eq!(bench.get("moved/library/ops/status").await.at("/data/a/available"), false);
    let renewed = bench.post("sys/leases/renew", json!({ "lease_id": out.at("/lease_id") })).await;
    renewed.expect_status(200);
    let direct = bench.post("accounts/check-out/b", json!({})).await;
    direct.expect_status(200);
    bench.vault.root("DELETE", "sys/mounts/moved", "").await.expect_status(204);
    bench.rest().await;
    assert!(!bench.target.accepts("a", &password));
    assert!(!bench.record("a").lending.is_held());
    assert!(bench.record("b").lending.is_lent(), "what was not lent by the set");
    bench.post("pools/config/p", json!({ "accounts": ["a", "b"] })).await.expect_status(204);
}

#[tokio::test]
async fn a_disabled_mount_whose_target_is_down_ends_its_leases_when_it_can() {
    let bench = library().await;
    check_out(&bench, &bench.vault.root).await.expect_status(200);
    bench.target.break_down(vault_core::rotation::fault::FaultClass::Unreachable);
    bench.vault.root("DELETE", "sys/mounts/dir", "").await.expect_status(204);
    bench.rest().await;
    let status = bench.get("accounts/status/a").await;
    assert_eq!(status.at("/data/holder/state"), "revoking");
    bench.target.heal();
    bench.disk.clock.advance(seconds(3600));
    bench.tick().await;
    assert!(!bench.record("a").lending.is_held());
}
