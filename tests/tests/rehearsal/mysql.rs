//! Faults seeded on a MariaDB with plugins that check passwords.

use serde_json::{Value, json};
use vault_tests::mysql::{MysqlOptions, MysqlServer, url_template};
use vault_tests::vault::Vault;

use crate::bench::{Seed, judged, rehearsed, wrote};

struct Stage {
    vault: Vault,
    server: MysqlServer,
}

impl Stage {
    async fn new() -> Self {
        let server = MysqlServer::start(&MysqlOptions::default()).unwrap();
        Self { vault: Vault::start().await.unwrap(), server }
    }

    async fn account(&self, n: &str, policy: Option<&str>) -> String {
        self.server
            .sql(&format!(
                "CREATE USER app{n}@'%' IDENTIFIED BY 'Set-by-hand-4711'; \
                 CREATE USER keeper{n}@'%' IDENTIFIED BY 'Of-the-keeper-4711'; \
                 GRANT CREATE USER, PROCESS, CONNECTION ADMIN ON *.* TO keeper{n}@'%'; \
                 GRANT SELECT ON mysql.* TO keeper{n}@'%'"
            ))
            .await
            .unwrap();
        let target = json!({
            "rotator": "mysql", "connection_url": url_template(self.server.port()),
            "username": format!("keeper{n}"), "password": "Of-the-keeper-4711",
        });
        wrote(&self.vault, &format!("targets/config/my{n}"), target).await;
        let mut account = json!({ "target": format!("my{n}"), "username": format!("app{n}@%"), "password": "Set-by-hand-4711" });
        if let Some(policy) = policy {
            wrote(&self.vault, &format!("password-policies/p{n}"), json!({ "policy": policy })).await;
            account["password_policy"] = json!(format!("p{n}"));
        }
        let path = format!("my/app{n}");
        wrote(&self.vault, &format!("accounts/config/{path}"), account).await;
        path
    }

    async fn rehearsed(&self, path: &str) -> Value {
        // Accounts with their hashes, shadows among them.
        let all = "SELECT group_concat(concat(User, '@', Host, ' ', json_value(Priv, '$.authentication_string')) \
                   ORDER BY User, Host) FROM mysql.global_priv";
        let before = self.server.text(all).await.unwrap();
        let report = rehearsed(&self.vault, path).await;
        assert_eq!(self.server.text(all).await.unwrap(), before, "{path}: {report:#}");
        assert!(before.contains("app") && !before.contains("rotunda-shadow"), "{before}");
        report
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_on_mariadb_is_told_and_no_password_has_changed() {
    let stage = Stage::new().await;
    let sound = stage.account("", None).await;
    let report = stage.rehearsed(&sound).await;
    assert_eq!(report["light"], "green", "{report:#}");
    assert!(report["passed"].to_string().contains("clocks agree"), "{report:#}");

    let seeds = seeds();
    let mut paths = Vec::new();
    for (n, seed) in seeds.iter().enumerate() {
        paths.push(stage.account(&n.to_string(), seed.policy).await);
    }
    for (n, seed) in seeds.iter().enumerate() {
        let sql = seed.sql.replace("APP", &format!("app{n}")).replace("KEEPER", &format!("keeper{n}"));
        if !sql.is_empty() {
            stage.server.sql(&sql).await.unwrap();
        }
        judged(seed, &stage.rehearsed(&paths[n]).await);
    }
    assert!(stage.vault.audit_is_intact().unwrap());
}

/// What is seeded on MariaDB; the last ones hold for the whole server.
fn seeds() -> Vec<Seed> {
    let one = r#"length = 12 rule "charset" { charset = "A" }"#;
    let unfit = r#"length = 200 rule "charset" { charset = "äöüÄÖÜßéèà" }"#;
    vec![
        Seed::sql(
            "no right to alter",
            "REVOKE CREATE USER ON *.* FROM KEEPER@'%'",
            "red",
            "permission_denied",
            "CREATE USER",
        ),
        Seed::sql(
            "account locked",
            "ALTER USER APP@'%' ACCOUNT LOCK",
            "red",
            "account_locked",
            "ACCOUNT LOCK",
        ),
        Seed::sql(
            "account expired",
            "ALTER USER APP@'%' PASSWORD EXPIRE",
            "red",
            "account_locked",
            "expired",
        ),
        Seed::sql(
            "another proof than a password",
            "ALTER USER APP@'%' IDENTIFIED VIA unix_socket",
            "red",
            "preflight",
            "unix_socket",
        ),
        Seed::sql(
            "management locked",
            "ALTER USER KEEPER@'%' ACCOUNT LOCK",
            "red",
            "management_auth_refused",
            "locked",
        ),
        Seed {
            policy: Some(one),
            ..Seed::sql(
                "history: the same password again",
                "INSTALL SONAME 'password_reuse_check'",
                "red",
                "candidates_repeat",
                "same password",
            )
        },
        Seed {
            policy: Some(unfit),
            ..Seed::sql("policy makes what no account can have", "", "red", "candidate_unfit", "256 bytes")
        },
        Seed::sql(
            "length rule",
            "INSTALL SONAME 'simple_password_check'; SET GLOBAL simple_password_check_minimal_length = 100",
            "red",
            "policy_rejected",
            "policy refused",
        ),
        Seed::sql("read-only replica", "SET GLOBAL read_only = 1", "red", "preflight", "read-only"),
    ]
}
