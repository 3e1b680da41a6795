//! `static-roles/<name>`, `static-creds/<name>`, `rotate-role/<name>`: an account by the words of Vault.

use rotators::fake::{Mishap, Verb};
use serde_json::{Value, json};
use vault_core::rotation::fault::FaultClass;

use super::Databases;
use crate::vault::seconds;

impl Databases {
    /// Writes `database/static-roles/<role>` for `username`, whom the target knows by `p-0`.
    pub(super) async fn role(&self, role: &str, username: &str, more: Value) -> crate::vault::Reply {
        if self.bench.target.passwords(username).is_empty() && !username.starts_with("no-") {
            self.bench.target.create_account(username, "p-0");
        }
        let mut body = json!({ "db_name": "pg", "username": username });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post(&format!("database/static-roles/{role}"), body).await
    }

    pub(super) async fn hourly(&self, role: &str, username: &str) {
        self.role(role, username, json!({ "rotation_period": "1h" })).await.expect_status(204);
    }
}

#[tokio::test]
async fn a_new_role_is_rotated_at_once_and_is_the_same_account_in_both_dialects() {
    let databases = Databases::new().await;
    databases.hourly("st", "app").await;
    assert!(!databases.bench.target.accepts("app", "p-0"));
    let read = databases.get("database/static-roles/st").await;
    let mut data = read.at("/data");
    let last = data["last_vault_rotation"].take();
    let want = json!({
        "account": "database/st", "credential_type": "password", "db_name": "pg", "last_vault_rotation": null,
        "rotation_period": 3600, "rotation_statements": [], "username": "app",
    });
    assert_eq!(data, want);
    let creds = databases.get("database/static-creds/st").await;
    let password = creds.at("/data/password");
    assert!(databases.bench.target.accepts("app", password.as_str().unwrap()));
    let want = json!({ "username": "app", "password": password, "ttl": 3600, "rotation_period": 3600, "last_vault_rotation": last });
    assert_eq!((creds.at("/data"), creds.at("/lease_id")), (want, json!("")));
    assert_eq!(databases.get("accounts/creds/database/st").await.at("/data/password"), password);
    let config = databases.get("accounts/config/database/st").await;
    assert_eq!(
        (config.at("/data/rotation_period"), config.at("/data/released")),
        (json!(3600), json!(false))
    );
    assert_eq!(databases.get("accounts/status/database/st").await.at("/data/version"), 1);
    databases.get("accounts/history/database/st").await.expect_status(200);
    assert_eq!(databases.list("database/static-roles").await.at("/data/keys"), json!(["st"]));
}

#[tokio::test]
async fn it_rotates_when_its_period_is_over_and_on_demand() {
    let databases = Databases::new().await;
    databases.hourly("st", "app").await;
    let first = databases.get("database/static-creds/st").await.at("/data/password");
    databases.bench.disk.clock.advance(seconds(1800));
    assert_eq!(databases.get("database/static-creds/st").await.at("/data/ttl"), 1800);
    databases.bench.disk.clock.advance(seconds(1801));
    databases.bench.tick().await;
    let second = databases.get("database/static-creds/st").await.at("/data/password");
    assert!(first != second && !databases.bench.target.accepts("app", first.as_str().unwrap()));
    databases.post("database/rotate-role/st", json!({})).await.expect_status(204);
    assert!(!databases.bench.target.accepts("app", second.as_str().unwrap()));
    assert!(databases.opens("app", "database/static-creds/st").await);
    let unknown = databases.post("database/rotate-role/none", json!({})).await;
    assert_eq!((unknown.status, unknown.errors()), (400, json!(["no static role found for role name"])));
}

#[tokio::test]
async fn a_schedule_rotates_within_its_window() {
    let databases = Databases::new().await;
    // 1_800_000_000 is Friday 2027-01-15 08:00 UTC.
    let schedule = json!({ "rotation_schedule": "0 0 * * SAT", "rotation_window": "2h" });
    databases.role("st", "app", schedule).await.expect_status(204);
    let creds = databases.get("database/static-creds/st").await.at("/data");
    assert_eq!(
        (&creds["rotation_schedule"], &creds["rotation_window"]),
        (&json!("0 0 * * SAT"), &json!(7200))
    );
    assert_eq!((&creds["ttl"], creds.get("rotation_period")), (&json!(16 * 3600), None));
    // The schedule stays when only the window is written.
    databases.post("database/static-roles/st", json!({ "rotation_window": 3600 })).await.expect_status(204);
    let read = databases.get("database/static-roles/st").await.at("/data");
    assert_eq!((&read["rotation_schedule"], &read["rotation_window"]), (&json!("0 0 * * SAT"), &json!(3600)));
    databases.bench.disk.clock.advance(seconds(16 * 3600 + 60));
    databases.bench.tick().await;
    let after = databases.get("database/static-creds/st").await.at("/data/password");
    assert_ne!(after, creds["password"]);
    databases.post("database/static-roles/st", json!({ "rotation_period": "1h" })).await.expect_status(204);
    assert_eq!(databases.get("database/static-creds/st").await.at("/data/rotation_period"), 3600);
}

#[tokio::test]
async fn what_cannot_be_a_static_role_says_why_and_leaves_nothing() {
    let databases = Databases::new().await;
    databases.configure("few", json!({ "allowed_roles": "other,team-*" })).await.expect_status(204);
    databases.bench.target.create_account("app", "p-0");
    let period = json!({ "db_name": "pg", "username": "app", "rotation_period": "1h" });
    let with = |more: Value| {
        let mut body = period.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (body, why) in [
        (json!({}), "database name is a required field"),
        (json!({ "db_name": "pg" }), "username is a required field"),
        (json!({ "db_name": "pg", "username": "app" }), "rotation_period is required"),
        (with(json!({ "rotation_period": "4s" })), "rotation_period must be 5 seconds or more"),
        (with(json!({ "rotation_schedule": "0 0 * * *" })), "mutually exclusive fields"),
        (with(json!({ "rotation_window": "1h" })), "rotation_window is invalid with use of rotation_period"),
        (
            with(json!({ "rotation_period": null, "rotation_schedule": "nonsense" })),
            "could not parse rotation_schedule",
        ),
        (
            with(
                json!({ "rotation_period": null, "rotation_schedule": "0 0 * * *", "rotation_window": "10s" }),
            ),
            "3600 seconds or more",
        ),
        (with(json!({ "db_name": "none" })), "failed to find entry for connection with name: \\\"none\\\""),
        (with(json!({ "db_name": "few" })), "\\\"st\\\" is not an allowed role"),
        (with(json!({ "credential_type": "rsa_private_key" })), "unsupported credential_type"),
        (
            with(json!({ "credential_config": { "password_policy": "none" } })),
            "password policy none is not configured",
        ),
        (
            with(json!({ "rotation_statements": ["ALTER ROLE \"{{name}}\" NOLOGIN"] })),
            "rotation_statements are not run",
        ),
        (with(json!({ "username": "manager" })), "is already managed"),
    ] {
        let reply = databases.post("database/static-roles/st", body.clone()).await;
        reply.expect_status(400);
        assert!(reply.text.contains(why), "{body}: {}", reply.text);
        databases.get("database/static-roles/st").await.expect_status(404);
        databases.get("accounts/status/database/st").await.expect_status(404);
    }
    assert!(databases.bench.target.accepts("app", "p-0"));
    let usual = with(
        json!({ "db_name": "few", "rotation_statements": ["ALTER USER \"{{name}}\" WITH PASSWORD '{{password}}';"] }),
    );
    databases.post("database/static-roles/team-a", usual).await.expect_status(204);
    let unknown = databases.get("database/static-creds/none").await;
    assert_eq!((unknown.status, unknown.errors()), (400, json!(["unknown role: none"])));
}

#[tokio::test]
async fn user_and_config_of_a_role_stay_and_the_rest_changes() {
    let databases = Databases::new().await;
    databases.hourly("st", "app").await;
    let before = databases.get("database/static-creds/st").await.at("/data/password");
    let other = databases.role("st", "other", json!({ "rotation_period": "1h" })).await;
    assert_eq!((other.status, other.errors()), (400, json!(["cannot update static account username"])));
    databases.post("database/static-roles/st", json!({ "db_name": "x" })).await.expect_status(400);
    databases.role("st", "app", json!({ "rotation_period": 7200 })).await.expect_status(204);
    let creds = databases.get("database/static-creds/st").await;
    assert_eq!((creds.at("/data/ttl"), creds.at("/data/rotation_period")), (json!(7200), json!(7200)));
    assert_eq!(creds.at("/data/password"), before, "a change of settings rotates nothing");
}

#[tokio::test]
async fn an_import_that_fails_before_anything_was_done_leaves_nothing() {
    let databases = Databases::new().await;
    let missing = databases.role("st", "no-such", json!({ "rotation_period": "1h" })).await;
    missing.expect_status(400);
    assert!(missing.text.contains("error setting credentials"), "{}", missing.text);
    databases.bench.target.always(Verb::Preflight, Mishap::Fails(FaultClass::Unreachable));
    databases.role("st", "app", json!({ "rotation_period": "1h" })).await.expect_status(502);
    databases.get("database/static-roles/st").await.expect_status(404);
    databases.get("accounts/status/database/st").await.expect_status(404);
    databases.bench.target.heal();
    databases.hourly("st", "app").await;
}

#[tokio::test]
async fn an_import_in_doubt_keeps_the_role_and_is_resolved() {
    let mut databases = Databases::new().await;
    databases.bench.target.next(Verb::Apply, Mishap::ReplyLost);
    databases.bench.target.always(Verb::Probe, Mishap::Fails(FaultClass::Unreachable));
    databases.role("st", "app", json!({ "rotation_period": "1h" })).await.expect_status(502);
    databases.get("database/static-roles/st").await.expect_status(200);
    let again = databases.role("st", "app", json!({ "rotation_period": "1h" })).await;
    again.expect_status(502);
    databases.bench.target.heal();
    databases.bench.restart().await;
    databases.bench.disk.clock.advance(seconds(600));
    databases.bench.tick().await;
    assert!(databases.opens("app", "database/static-creds/st").await);
}

#[tokio::test]
async fn a_role_may_be_made_without_a_rotation() {
    let databases = Databases::new().await;
    let skip = json!({ "rotation_period": "1h", "skip_import_rotation": true });
    databases.role("later", "app", skip.clone()).await.expect_status(204);
    assert!(databases.bench.target.accepts("app", "p-0"));
    let creds = databases.get("database/static-creds/later").await;
    creds.expect_status(400);
    assert!(creds.text.contains("no password yet"), "{}", creds.text);
    databases.bench.disk.clock.advance(seconds(3601));
    databases.bench.tick().await;
    assert!(databases.opens("app", "database/static-creds/later").await);
    let mut known = skip;
    known["password"] = json!("p-0");
    databases.role("known", "app2", known).await.expect_status(204);
    let creds = databases.get("database/static-creds/known").await;
    assert_eq!(
        (creds.at("/data/password"), creds.at("/data/last_vault_rotation")),
        (json!("p-0"), json!("0001-01-01T00:00:00Z"))
    );
}

#[tokio::test]
async fn passwords_are_made_by_the_roles_policy_or_the_configs() {
    let databases = Databases::new().await;
    for (name, text) in [
        ("p8", "length = 8\nrule \"charset\" { charset = \"ab\" }"),
        ("p9", "length = 9\nrule \"charset\" { charset = \"cd\" }"),
    ] {
        databases
            .post(&format!("sys/policies/password/{name}"), json!({ "policy": text }))
            .await
            .expect_status(204);
    }
    databases.configure("pg", json!({ "password_policy": "p8" })).await.expect_status(204);
    assert_eq!(databases.get("database/config/pg").await.at("/data/password_policy"), "p8");
    databases.hourly("of-config", "app").await;
    databases
        .role(
            "own",
            "app2",
            json!({ "rotation_period": "1h", "credential_config": { "password_policy": "p9" } }),
        )
        .await
        .expect_status(204);
    for (role, length, letter) in [("of-config", 8, 'a'), ("own", 9, 'c')] {
        let password = databases.get(&format!("database/static-creds/{role}")).await.at("/data/password");
        let password = password.as_str().unwrap().to_owned();
        assert_eq!(password.len(), length);
        assert!(
            password.chars().all(|sign| sign == letter || u32::from(sign) == u32::from(letter) + 1),
            "{password}"
        );
    }
    assert_eq!(
        databases.get("database/static-roles/own").await.at("/data/credential_config"),
        json!({ "password_policy": "p9" })
    );
    for used in ["p8", "p9"] {
        databases.delete(&format!("sys/policies/password/{used}")).await.expect_status(409);
    }
    databases.delete("database/static-roles/own").await.expect_status(204);
    databases.delete("sys/policies/password/p9").await.expect_status(204);
}

#[tokio::test]
async fn a_role_that_its_config_allows_no_more_reads_nothing() {
    let databases = Databases::new().await;
    databases.hourly("st", "app").await;
    databases.post("database/config/pg", json!({ "allowed_roles": "other" })).await.expect_status(204);
    let creds = databases.get("database/static-creds/st").await;
    creds.expect_status(400);
    assert!(creds.text.contains("is not an allowed role"), "{}", creds.text);
}

#[tokio::test]
async fn policies_of_the_mount_decide_and_a_password_is_a_digest_in_the_trail() {
    let databases = Databases::new().await;
    databases.hourly("st", "app").await;
    databases
        .bench
        .vault
        .policy("reader", r#"path "database/static-creds/st" { capabilities = ["read"] }"#)
        .await;
    let token = databases.bench.vault.token(r#"{"policies":["reader"]}"#).await;
    let call =
        async |method: &str, path: &str| databases.bench.vault.call(method, path, &token, "{}").await.status;
    assert_eq!(call("GET", "database/static-creds/st").await, 200);
    for (method, path) in [
        ("GET", "database/static-creds/other"),
        ("GET", "accounts/creds/database/st"),
        ("POST", "database/rotate-role/st"),
        ("GET", "database/config/pg"),
    ] {
        assert_eq!(call(method, path).await, 403, "{method} {path}");
    }
    let password = databases.bench.password("database/st").await;
    let audit = std::fs::read_to_string(&databases.bench.vault.app.config.audit_file).unwrap();
    assert!(!audit.contains(&password) && !audit.contains("m-1"));
}

#[tokio::test]
async fn password_policies_are_the_same_in_both_dialects() {
    let databases = Databases::new().await;
    let text = "length = 12\nrule \"charset\" { charset = \"abc\" }";
    databases.list("sys/policies/password").await.expect_status(404);
    databases.post("sys/policies/password/pp", json!({ "policy": text })).await.expect_status(204);
    assert_eq!(databases.get("password-policies/pp").await.at("/data"), json!({ "policy": text }));
    assert_eq!(databases.get("sys/policies/password/pp").await.at("/data"), json!({ "policy": text }));
    assert_eq!(databases.list("sys/policies/password").await.at("/data/keys"), json!(["pp"]));
    let made = databases.get("sys/policies/password/pp/generate").await.at("/data/password");
    assert_eq!(made.as_str().unwrap().len(), 12);
    for body in [json!({}), json!({ "policy": "" }), json!({ "policy": "length=2" })] {
        databases.post("sys/policies/password/bad", body).await.expect_status(400);
    }
    databases.get("sys/policies/password/none/generate").await.expect_status(404);
    databases.delete("sys/policies/password/pp").await.expect_status(204);
    databases.get("sys/policies/password/pp").await.expect_status(404);
}

#[tokio::test]
async fn a_password_policy_that_something_uses_is_not_deleted() {
    let databases = Databases::new().await;
    let policy = json!({ "policy": "length = 12\nrule \"charset\" { charset = \"abc\" }" });
    databases.post("sys/policies/password/pp", policy).await.expect_status(204);
    let of_role = |policy: &str| json!({ "credential_config": { "password_policy": policy } });
    databases.dynamic_role("other", json!({})).await.expect_status(204);
    databases.dynamic_role("app", of_role("pp")).await.expect_status(204);
    for path in ["sys/policies/password/pp", "password-policies/pp"] {
        let refused = databases.delete(path).await;
        refused.expect_status(409);
        assert!(refused.text.contains("used by the dynamic role database/roles/app"), "{}", refused.text);
    }
    databases.delete("database/roles/app").await.expect_status(204);
    databases.configure("pg", json!({ "password_policy": "pp" })).await.expect_status(204);
    let refused = databases.delete("sys/policies/password/pp").await;
    refused.expect_status(409);
    assert!(refused.text.contains("used by the target database.pg"), "{}", refused.text);
    databases.configure("pg", json!({ "password_policy": "" })).await.expect_status(204);
    databases.delete("sys/policies/password/pp").await.expect_status(204);
}
