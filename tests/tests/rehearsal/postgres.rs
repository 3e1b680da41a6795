//! Faults seeded on a PostgreSQL with a module that checks passwords.

use serde_json::{Value, json};
use vault_tests::postgres::{PostgresOptions, PostgresServer};
use vault_tests::proxy::{FaultProxy, Mischief};
use vault_tests::vault::Vault;

use crate::bench::{Seed, judged, rehearsed, wrote};

/// A server, and a vault beside it.
pub(crate) struct Stage {
    pub(crate) vault: Vault,
    pub(crate) server: PostgresServer,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let config = vec!["shared_preload_libraries = 'passwordcheck'".to_owned()];
        let server = PostgresServer::start_with(&PostgresOptions { config, ..PostgresOptions::default() });
        Self { vault: Vault::start().await.unwrap(), server: server.unwrap() }
    }

    pub(crate) async fn sql(&self, text: &str) {
        self.server.admin().await.unwrap().batch_execute(text).await.unwrap();
    }

    /// The account `app<n>`, adopted on the target `pg<n>` by the management role `keeper<n>`, which may make roles.
    pub(crate) async fn account(&self, n: &str, more: Value, policy: Option<&str>) -> String {
        let (app, keeper) = (format!("app{n}"), format!("keeper{n}"));
        self.sql(&format!(
            "CREATE ROLE {app} LOGIN PASSWORD 'set-by-hand-4711'; \
             CREATE ROLE {keeper} LOGIN CREATEROLE PASSWORD 'as-it-was-at-1st'; \
             GRANT pg_signal_backend TO {keeper}"
        ))
        .await;
        let mut target = json!({
            "rotator": "postgresql", "connection_url": self.server.url_template(),
            "username": keeper, "password": "as-it-was-at-1st",
        });
        target.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        wrote(&self.vault, &format!("targets/config/pg{n}"), target).await;
        let mut account =
            json!({ "target": format!("pg{n}"), "username": app, "password": "set-by-hand-4711" });
        if let Some(policy) = policy {
            wrote(&self.vault, &format!("password-policies/p{n}"), json!({ "policy": policy })).await;
            account["password_policy"] = json!(format!("p{n}"));
        }
        let path = format!("db/app{n}");
        wrote(&self.vault, &format!("accounts/config/{path}"), account).await;
        path
    }

    /// What the server stores of every role but the shadows, and the names of those.
    pub(crate) async fn hashes(&self) -> (Vec<(String, Option<String>)>, Vec<String>) {
        let admin = self.server.admin().await.unwrap();
        let rows = admin.query("SELECT rolname, rolpassword FROM pg_authid ORDER BY 1", &[]).await.unwrap();
        let all = rows.iter().map(|row| (row.get::<_, String>(0), row.get(1)));
        let (shadows, others): (Vec<_>, Vec<_>) =
            all.partition(|(name, _)| name.starts_with("rotunda-shadow-"));
        (others, shadows.into_iter().map(|(name, _)| name).collect())
    }

    /// Rehearses; nobody's password has changed by that, and no shadow is left.
    pub(crate) async fn rehearsed(&self, path: &str) -> Value {
        let before = self.hashes().await;
        let report = rehearsed(&self.vault, path).await;
        assert_eq!(self.hashes().await, before, "{path}: {report:#}");
        assert_eq!(before.1, Vec::<String>::new());
        report
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_account_is_green_and_the_shadow_was_rotated_twice() {
    let stage = Stage::new().await;
    let path = stage.account("", json!({}), None).await;
    let report = stage.rehearsed(&path).await;
    assert_eq!((&report["light"], &report["findings"]), (&json!("green"), &json!([])), "{report:#}");
    let passed = report["passed"].to_string();
    for word in ["clocks agree", "rotated twice", "end sessions", "shadow account was removed"] {
        assert!(passed.contains(word), "{passed}");
    }
    // What the server saw of it: made, changed, gone, in this order, and of the account nothing but a login.
    let calls = std::fs::read_to_string(stage.vault.audit_file()).unwrap();
    for step in ["RehearseCheck", "RehearsePreflight", "RehearseMake", "RehearseApply", "RehearseRemove"] {
        assert!(calls.contains(step), "{step} is not in the audit trail");
    }
    assert!(calls.contains("account_rehearsed") && stage.vault.audit_is_intact().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_on_postgresql_is_told_and_no_password_has_changed() {
    let stage = Stage::new().await;
    let seeds = seeds();
    for (n, seed) in seeds.iter().enumerate() {
        let n = n.to_string();
        let path = stage.account(&n, seed.target.clone(), seed.policy).await;
        let sql = seed.sql.replace("APP", &format!("app{n}")).replace("KEEPER", &format!("keeper{n}"));
        stage.sql(&sql).await;
        let report = stage.rehearsed(&path).await;
        judged(seed, &report);
    }
    // A refused management credential was tried once, by all of that.
    let again = stage.rehearsed("db/app6").await;
    assert_eq!(again["findings"][0]["code"], "management_auth_refused", "{again:#}");
    let log = stage.server.log_until_now().await.unwrap();
    let refusals = log.matches("password authentication failed for user \"keeper6\"").count();
    assert_eq!(refusals, 1, "the refused management credential was tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_red() {
    let mut stage = Stage::new().await;
    let path = stage.account("", json!({}), None).await;
    stage.server.restart_as_standby().unwrap();
    let report = stage.rehearsed(&path).await;
    judged(&Seed::sql("read-only replica", "", "red", "unreachable", "standby"), &report);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_shadow_fails_by_is_amber() {
    let stage = Stage::new().await;
    let path = stage.account("", json!({}), None).await;
    stage.sql("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC; GRANT CONNECT ON DATABASE postgres TO app, keeper").await;
    let report = stage.rehearsed(&path).await;
    judged(&Seed::sql("shadow may not connect", "", "amber", "shadow_blocked", "may not connect"), &report);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_leaves_a_doubt_and_no_shadow() {
    let stage = Stage::new().await;
    let proxy = FaultProxy::start(stage.server.port()).await.unwrap();
    let more = json!({ "connection_url": proxy.url_template() });
    let path = stage.account("", more, None).await;
    for (mischief, code) in [
        (Mischief::DropReply("COMMIT".to_owned()), "outcome_unknown"),
        (Mischief::CutBefore("ALTER ROLE \"rotunda-shadow-".to_owned()), "unreachable"),
    ] {
        proxy.set(mischief.clone()).await.unwrap();
        let report = stage_report(&stage, &path).await;
        assert!(report["findings"].to_string().contains(code), "{mischief:?}: {report:#}");
        proxy.set(Mischief::None).await.unwrap();
        crate::crash::until_no_shadow(&stage).await;
    }
    proxy.set(Mischief::Refuse).await.unwrap();
    judged(
        &Seed::sql("nobody listens", "", "red", "unreachable", "127.0.0.1"),
        &stage.rehearsed(&path).await,
    );
}

/// Rehearses while the proxy strikes: a shadow may be left for a moment.
async fn stage_report(stage: &Stage, path: &str) -> Value {
    let before = stage.hashes().await.0;
    let report = rehearsed(&stage.vault, path).await;
    assert_eq!(stage.hashes().await.0, before);
    report
}

/// What is seeded on PostgreSQL, each on an account and a management role of its own.
fn seeds() -> Vec<Seed> {
    let hashing = json!({ "password_hashing": "server" });
    let seven = r#"length = 7 rule "charset" { charset = "abcdefghijklmnop0123456789" }"#;
    let unfit = r#"length = 256 rule "charset" { charset = "😀😁😂😃😄😅😆😇😈😉" }"#;
    vec![
        Seed::sql(
            "no right to alter",
            "ALTER ROLE KEEPER NOCREATEROLE",
            "red",
            "permission_denied",
            "CREATEROLE",
        ),
        Seed::sql(
            "account is a superuser",
            "ALTER ROLE APP SUPERUSER",
            "red",
            "permission_denied",
            "superuser",
        ),
        Seed::sql("account missing", "DROP ROLE APP", "red", "account_missing", "no role"),
        Seed::sql("account may not log in", "ALTER ROLE APP NOLOGIN", "red", "account_locked", "NOLOGIN"),
        Seed::sql(
            "account expired",
            "ALTER ROLE APP VALID UNTIL '2001-01-01'",
            "red",
            "account_locked",
            "expired",
        ),
        Seed::sql(
            "account full",
            "ALTER ROLE APP CONNECTION LIMIT 0",
            "red",
            "unreachable",
            "no connection is free",
        ),
        Seed::sql(
            "management password changed",
            "ALTER ROLE KEEPER PASSWORD 'another-one-1'",
            "red",
            "management_auth_refused",
            "refused",
        ),
        Seed::sql(
            "management expired",
            "ALTER ROLE KEEPER VALID UNTIL '2001-01-01'",
            "red",
            "management_auth_refused",
            "expired",
        ),
        Seed::sql(
            "account changed outside",
            "ALTER ROLE APP PASSWORD 'by-somebody-1'",
            "amber",
            "current_refused",
            "outside",
        ),
        Seed {
            target: hashing,
            policy: Some(seven),
            ..Seed::sql("password rule too strict", "", "amber", "policy_refused_once", "stricter")
        },
        Seed {
            policy: Some(unfit),
            ..Seed::sql("policy makes what no role can have", "", "red", "candidate_unfit", "900 bytes")
        },
    ]
}
