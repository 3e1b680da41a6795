//! Dynamic roles: written and read, and the users that they make.

use std::time::Duration;

use rotators::fake::{Mishap, Verb};
use serde_json::json;

use super::Databases;
use super::dynamic_lease::User;

#[tokio::test]
async fn a_user_is_made_logs_in_and_is_gone_after_the_revocation() {
    let databases = Databases::with_role().await;
    let reply = databases.get("database/creds/app").await;
    let user = User::of(&reply);
    assert_eq!(reply.at("/renewable"), json!(true));
    assert_eq!(reply.at("/lease_duration"), json!(3600));
    assert!(user.lease.starts_with("database/creds/app/") && user.lease.len() == 19 + 24, "{}", user.lease);
    assert!(user.name.starts_with("v-root-app-"), "{}", user.name);
    assert_eq!(user.password.len(), 20);
    assert!(databases.bench.target.accepts(&user.name, &user.password));
    let found = databases.lookup(&user.lease).await;
    assert_eq!(found.at("/data/ttl"), json!(3600));
    assert_eq!(found.at("/data/renewable"), json!(true));
    // Another one is another user.
    assert_ne!(databases.issue().await.name, user.name);
    databases.revoke(&user.lease).await.expect_status(204);
    assert!(!databases.bench.target.accepts(&user.name, &user.password));
    assert_eq!(databases.users().len(), 1);
    let gone = databases.lookup(&user.lease).await;
    gone.expect_status(400);
    assert!(gone.text.contains("invalid lease"));
    databases.revoke(&user.lease).await.expect_status(204);
}

#[tokio::test]
async fn a_template_names_the_users_and_one_that_repeats_itself_is_refused() {
    let databases = Databases::with_role().await;
    for (template, why) in [
        ("{{.RoleName}}-{{random 7}}", "fewer than 8 random characters"),
        ("{{.RoleName", "invalid username template"),
        ("{{.Password}}-{{random 20}}", "invalid username template"),
        ("{{.RoleName}} {{random 20}}", "' ' in it"),
    ] {
        let refused = databases.configure("pg", json!({ "username_template": template })).await;
        refused.expect_status(400);
        assert!(refused.text.contains(why), "{template}: {}", refused.text);
    }
    let template = "{{.DisplayName | uppercase}}_{{.RoleName}}_{{random 20}}";
    databases.configure("pg", json!({ "username_template": template })).await.expect_status(204);
    let user = databases.issue().await;
    assert!(user.name.starts_with("ROOT_app_") && user.name.len() == 29, "{}", user.name);
    assert!(databases.bench.target.accepts(&user.name, &user.password));
    databases.revoke(&user.lease).await.expect_status(204);
    assert!(!databases.bench.target.accepts(&user.name, &user.password));
    // What cannot be a name is told before anything is made.
    let long = "{{.RoleName}}{{printf \"%050d\" 1}}{{random 9}}";
    databases.configure("pg", json!({ "username_template": long })).await.expect_status(204);
    databases.dynamic_role("application", json!({})).await.expect_status(204);
    let refused = databases.get("database/creds/application").await;
    refused.expect_status(400);
    assert!(refused.text.contains("70 bytes"), "{}", refused.text);
    databases.configure("pg", json!({ "username_template": "" })).await.expect_status(204);
    assert!(databases.issue().await.name.starts_with("v-root-app-"));
}

#[tokio::test]
async fn a_role_is_written_read_listed_and_removed_as_clients_do() {
    let databases = Databases::new().await;
    let statements = ["CREATE ROLE \"{{name}}\"", "GRANT x TO \"{{name}}\""];
    let base64 = data_encoding::BASE64.encode(statements[0].as_bytes());
    for (given, want) in [
        (json!(statements), json!(statements)),
        (json!(statements[0]), json!([statements[0]])),
        (json!(base64), json!([statements[0]])),
        (json!(json!(statements).to_string()), json!(statements)),
    ] {
        databases.dynamic_role("app", json!({ "creation_statements": given })).await.expect_status(204);
        let role = databases.get("database/roles/app").await;
        assert_eq!(role.at("/data/creation_statements"), want);
    }
    databases
        .dynamic_role("app", json!({ "default_ttl": 60, "max_ttl": "2m", "revocation_statements": ["DROP"] }))
        .await
        .expect_status(204);
    let role = databases.get("database/roles/app").await;
    assert_eq!(
        role.at("/data"),
        json!({
            "creation_statements": ["make {{name}}"], "credential_type": "password", "db_name": "pg",
            "default_ttl": 60, "max_ttl": 120, "renew_statements": [], "revocation_statements": ["DROP"],
            "rollback_statements": [],
        })
    );
    // What is not given stays.
    databases.post("database/roles/app", json!({ "default_ttl": "0s" })).await.expect_status(204);
    let role = databases.get("database/roles/app").await;
    assert_eq!((role.at("/data/default_ttl"), role.at("/data/max_ttl")), (json!(0), json!(120)));
    assert_eq!(databases.list("database/roles").await.at("/data/keys"), json!(["app"]));
    databases.delete("database/roles/app").await.expect_status(204);
    databases.delete("database/roles/app").await.expect_status(204);
    databases.get("database/roles/app").await.expect_status(404);
    databases.list("database/roles").await.expect_status(404);
}

#[tokio::test]
async fn what_cannot_work_is_refused_and_leaves_nothing() {
    let databases = Databases::with_role().await;
    for (body, word) in [
        (json!({ "db_name": "" }), "database name is a required field"),
        (json!({ "default_ttl": "2h", "max_ttl": "1h" }), "default_ttl must not be greater than max_ttl"),
        (json!({ "credential_type": "rsa_private_key" }), "credential_type"),
        (json!({ "credential_config": { "password_policy": "none" } }), "there is no password policy none"),
    ] {
        let reply = databases.dynamic_role("bad", body).await;
        reply.expect_status(400);
        assert!(reply.text.contains(word), "{}", reply.text);
    }
    databases.configure("pg", json!({ "allowed_roles": "app,fails,empty" })).await.expect_status(204);
    databases.dynamic_role("other", json!({})).await.expect_status(204);
    databases
        .dynamic_role("fails", json!({ "creation_statements": ["make {{name}}", "FAIL now"] }))
        .await
        .expect_status(204);
    databases.dynamic_role("empty", json!({ "creation_statements": [] })).await.expect_status(204);
    databases.dynamic_role("lost", json!({ "db_name": "nowhere" })).await.expect_status(204);
    for (role, word) in [
        ("nobody", "unknown role"),
        ("other", "is not an allowed role"),
        ("empty", "has no creation_statements"),
        ("lost", "failed to find entry for connection"),
        ("fails", "preflight"),
    ] {
        let reply = databases.get(&format!("database/creds/{role}")).await;
        reply.expect_status(400);
        assert!(reply.text.contains(word), "{role}: {}", reply.text);
    }
    assert_eq!(databases.users(), Vec::<String>::new());
    databases.list("sys/leases/lookup/database").await.expect_status(404);
    // A batch token could not take its lease with it.
    databases.bench.vault.policy("app", "path \"database/creds/app\" { capabilities = [\"read\"] }").await;
    let token = databases.bench.vault.token(r#"{"type": "batch", "policies": ["app"]}"#).await;
    databases.bench.vault.call("GET", "database/creds/app", &token, "").await.expect_status(400);
}

#[tokio::test]
async fn a_renewal_reaches_the_target_and_stops_at_the_maximum() {
    let databases = Databases::with_role().await;
    let user = databases.issue().await;
    let issued = databases.bench.vault.app.engine.now();
    let on_target = || databases.bench.target.expiration(&user.name).unwrap();
    let after = |seconds: u64| issued.plus(Duration::from_secs(seconds));
    assert_eq!(on_target(), after(3605));
    databases.advance(Duration::from_secs(1800));
    for (increment, lasts, until) in
        [(json!(null), 3600, 1800 + 3605), (json!("2h"), 7200, 1800 + 7205), (json!(10), 10, 1800 + 15)]
    {
        let body = json!({ "lease_id": user.lease, "increment": increment });
        let reply = databases.post("sys/leases/renew", body).await;
        reply.expect_status(200);
        assert_eq!(reply.at("/lease_id"), json!(user.lease));
        assert_eq!(reply.at("/lease_duration"), json!(lasts));
        assert_eq!(on_target(), after(until));
    }
    let reply =
        databases.post("sys/leases/renew", json!({ "lease_id": user.lease, "increment": "48h" })).await;
    assert_eq!(reply.at("/lease_duration"), json!(24 * 3600 - 1800));
    assert!(reply.text.contains("TTL of "), "{}", reply.text);
    assert_eq!(on_target(), after(24 * 3600 + 5));
    // What the target does not confirm is no renewal.
    databases.bench.target.next(Verb::Extend, Mishap::ReplyLost);
    let reply = databases.post("sys/leases/renew", json!({ "lease_id": user.lease, "increment": 60 })).await;
    reply.expect_status(502);
    assert_eq!(databases.lookup(&user.lease).await.at("/data/ttl"), json!(24 * 3600 - 1800));
    databases.advance(Duration::from_secs(24 * 3600));
    let reply = databases.post("sys/leases/renew", json!({ "lease_id": user.lease })).await;
    reply.expect_status(400);
    assert!(reply.text.contains("lease is not renewable"), "{}", reply.text);
}

#[tokio::test]
async fn the_mounts_limits_bound_every_lease() {
    let databases = Databases::with_role().await;
    databases
        .post("sys/mounts/database/tune", json!({ "default_lease_ttl": "5m", "max_lease_ttl": "10m" }))
        .await
        .expect_status(204);
    assert_eq!(databases.get("database/creds/app").await.at("/lease_duration"), json!(600));
    databases.dynamic_role("plain", json!({})).await.expect_status(204);
    assert_eq!(databases.get("database/creds/plain").await.at("/lease_duration"), json!(300));
}
