//! What a login shows, and how its failures are told apart.

use mysql_async::prelude::Queryable as _;
use rotators::mysql::MysqlRotator;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Outcome, Probe, Rights, Rotator, Verification};
use vault_tests::mysql::connect;

use crate::bench::{Bench, NEW, OLD, class, login, word};

/// `works`, `refused`, or the class of what stood in the way.
fn shown(probe: &Probe) -> String {
    match probe {
        Probe::Works => "works".to_owned(),
        Probe::Refused => "refused".to_owned(),
        Probe::Blocked(fault) => format!("blocked: {}", fault.class),
        Probe::Inconclusive(fault) => format!("inconclusive: {}", fault.class),
    }
}

const PLUGINS: [&str; 1] = ["--plugin-load-add=auth_ed25519"];

#[tokio::test]
async fn a_probe_tells_the_password_from_everything_else() {
    let bench = Bench::start().await;
    bench
        .sql(&format!(
            "CREATE USER locked@'%' IDENTIFIED BY '{OLD}' ACCOUNT LOCK; \
             CREATE USER expired@'%' IDENTIFIED BY '{OLD}' PASSWORD EXPIRE; \
             CREATE USER full_up@'%' IDENTIFIED BY '{OLD}' WITH MAX_USER_CONNECTIONS 1; \
             CREATE USER tls@'%' IDENTIFIED BY '{OLD}' REQUIRE SSL; \
             CREATE USER socket@'%' IDENTIFIED VIA unix_socket; \
             CREATE USER far@'10.0.0.%' IDENTIFIED BY '{OLD}'; \
             CREATE USER near@'localhost' IDENTIFIED BY '{OLD}'"
        ))
        .await;
    let _held = connect(bench.server.port(), "full_up", OLD).await.unwrap();
    for (username, password, want) in [
        ("app", OLD, "works"),
        ("app", NEW, "refused"),
        ("nobody", OLD, "refused"),
        ("locked", NEW, "refused"),
        ("locked", OLD, "blocked: account_locked"),
        ("expired", OLD, "blocked: account_locked"),
        ("full_up", OLD, "inconclusive: unreachable"),
        ("tls", OLD, "refused"),
        ("far@10.0.0.%", OLD, "refused"),
        ("near", OLD, "works"),
        ("near@localhost", OLD, "works"),
        ("near@%", OLD, "inconclusive: preflight"),
    ] {
        let probe = bench.probe(username, password).await;
        assert_eq!(shown(&probe), want, "{username} {password}: {probe:?}");
    }
    let socket = shown(&bench.probe("socket", OLD).await);
    assert!(matches!(socket.as_str(), "refused" | "inconclusive: preflight"), "{socket}");
}

#[tokio::test]
async fn preflight_names_what_stands_in_the_way_of_the_account() {
    let bench = Bench::start_with(&PLUGINS).await;
    bench
        .sql(
            "CREATE USER socket@'%' IDENTIFIED VIA unix_socket; CREATE ROLE readers; \
             CREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('x'); \
             CREATE USER either@'%' IDENTIFIED VIA ed25519 USING PASSWORD('x') OR unix_socket; \
             CREATE USER locked@'%' IDENTIFIED BY 'x' ACCOUNT LOCK; CREATE USER expired@'%' IDENTIFIED BY 'x' PASSWORD EXPIRE; \
             CREATE USER later@'%' IDENTIFIED BY 'x' PASSWORD EXPIRE INTERVAL 90 DAY; CREATE USER bare@'%'; \
             CREATE USER tls@'%' IDENTIFIED BY 'x' REQUIRE SSL; CREATE USER card@'%' IDENTIFIED BY 'x' REQUIRE X509; \
             CREATE USER two@'%' IDENTIFIED BY 'x'; CREATE USER two@'localhost' IDENTIFIED BY 'y'; \
             CREATE USER near@'127.0.0.1' IDENTIFIED BY 'x'",
        )
        .await;
    for (username, want, sentence) in [
        ("app", None, ""),
        ("app@%", None, ""),
        ("later", None, ""),
        ("bare", None, ""),
        ("near@127.0.0.1", None, ""),
        ("two@LOCALHOST", None, ""),
        ("nobody", Some(FaultClass::AccountMissing), "no account 'nobody'@'%'"),
        ("app@10.0.0.1", Some(FaultClass::AccountMissing), "no account"),
        ("readers", Some(FaultClass::AccountMissing), "no account"),
        ("locked", Some(FaultClass::AccountLocked), "ACCOUNT LOCK"),
        ("expired", Some(FaultClass::AccountLocked), "PASSWORD EXPIRE"),
        ("socket", Some(FaultClass::Preflight), "plugin 'unix_socket'"),
        ("ed", Some(FaultClass::Preflight), "one in 256"),
        ("either", Some(FaultClass::Preflight), "several plugins (ed25519, unix_socket)"),
        ("tls", Some(FaultClass::Preflight), "asks for TLS"),
        ("card", Some(FaultClass::Preflight), "certificate"),
        ("two", Some(FaultClass::Preflight), "let in as the account 'two'@'localhost'"),
        ("'app'@'%'", Some(FaultClass::Preflight), "without quotes"),
    ] {
        let found = bench.preflight(username).await;
        assert_eq!(class(&found), want, "{username}: {found:?}");
        if let Err(fault) = found {
            assert!(fault.detail.contains(sentence), "{username}: {fault}");
        }
    }
}

#[tokio::test]
async fn what_an_account_may_do_is_the_same_to_both_and_a_loss_is_told_by_its_line() {
    let bench = Bench::start_with(&PLUGINS).await;
    bench
        .sql(
            "CREATE DATABASE ledger; CREATE TABLE ledger.t (a INT, b INT); CREATE ROLE readers; \
             GRANT SELECT ON ledger.* TO readers; GRANT readers TO app@'%'; SET DEFAULT ROLE readers FOR app@'%'; \
             GRANT PROCESS ON *.* TO app@'%'; GRANT INSERT (a, b), UPDATE ON ledger.t TO app@'%'; \
             GRANT DELETE ON ledger.* TO app@'%' WITH GRANT OPTION; \
             ALTER USER app@'%' WITH MAX_USER_CONNECTIONS 9 PASSWORD EXPIRE INTERVAL 90 DAY",
        )
        .await;
    let before = bench.preflight("app").await.unwrap();
    for line in [
        "let in by mysql_native_password",
        "account WITH MAX_USER_CONNECTIONS 9 PASSWORD EXPIRE INTERVAL 90 DAY",
        "role `readers`",
        "grant PROCESS on *.*",
        "grant UPDATE on `ledger`.`t`",
        "grant DELETE on `ledger`.* with grant option",
    ] {
        assert!(before.0.iter().any(|found| found == line), "{line} is not in {before:?}");
    }
    assert!(!before.0.iter().any(|line| line.contains("PASSWORD '") || line.contains("*D")), "{before:?}");
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(bench.verify("app", NEW, &before).await, Verification::Verified);
    bench.sql("GRANT SELECT ON ledger.* TO app@'%'").await;
    assert_eq!(bench.verify("app", NEW, &before).await, Verification::Verified, "one more right is no loss");
    bench.sql("REVOKE readers FROM app@'%'; REVOKE PROCESS ON *.* FROM app@'%'").await;
    let Verification::RightsLost(lost) = bench.verify("app", NEW, &before).await else { panic!() };
    assert!(
        lost.contains(&"role `readers`".to_owned()) && lost.contains(&"grant PROCESS on *.*".to_owned()),
        "{lost:?}"
    );
    assert!(lost.iter().all(|line| line.contains("readers") || line.contains("PROCESS")), "{lost:?}");
    bench.sql("ALTER USER app@'%' ACCOUNT LOCK").await;
    assert!(matches!(
        bench.verify("app", NEW, &before).await,
        Verification::Refused(fault) if fault.class == FaultClass::AccountLocked
    ));
}

#[tokio::test]
async fn a_login_that_the_driver_cannot_do_proves_nothing() {
    let bench = Bench::start_with(&PLUGINS).await;
    bench.sql(&format!("CREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('{OLD}')")).await;
    for password in [OLD, NEW] {
        assert_eq!(shown(&bench.probe("ed", password).await), "inconclusive: preflight");
    }
    assert_eq!(word(&bench.apply_to("ed", NEW).await), "not applied: preflight");
}

#[tokio::test]
async fn whoever_hashes_the_account_keeps_its_plugin_and_rights() {
    let mut bench = Bench::start().await;
    for hashing in ["auto", "server"] {
        bench.set("password_hashing", hashing);
        let before = bench.preflight("app").await.unwrap();
        assert_eq!(bench.apply_to("app", hashing).await, Outcome::Applied, "{hashing}");
        assert_eq!(bench.verify("app", hashing, &before).await, Verification::Verified, "{hashing}");
    }
}

#[tokio::test]
async fn an_account_of_one_host_is_another_than_that_of_all() {
    let bench = Bench::start().await;
    bench.sql(&format!("CREATE USER app@'localhost' IDENTIFIED BY '{OLD}'")).await;
    assert_eq!(bench.apply_to("app@localhost", NEW).await, Outcome::Applied);
    let hosts = "SELECT COUNT(DISTINCT JSON_VALUE(Priv, '$.authentication_string')) FROM mysql.global_priv WHERE User = 'app'";
    assert_eq!(bench.server.text(hosts).await.unwrap(), "2", "only one of the two was changed");
    let rights = bench.preflight("app@localhost").await.unwrap();
    assert_eq!(bench.verify("app@localhost", NEW, &rights).await, Verification::Verified);
    // Whoever comes from here is the other one.
    let other = bench.verify("app@%", NEW, &Rights::default()).await;
    assert!(matches!(other, Verification::Refused(fault) if fault.class == FaultClass::VerifyRefused));
}

#[tokio::test]
async fn sessions_of_the_account_end_and_others_stay() {
    let bench = Bench::start().await;
    bench.sql(&format!("CREATE USER other@'%' IDENTIFIED BY '{OLD}'")).await;
    let port = bench.server.port();
    let mut first = connect(port, "app", OLD).await.unwrap();
    let _second = connect(port, "app", OLD).await.unwrap();
    let mut other = connect(port, "other", OLD).await.unwrap();
    assert_eq!(MysqlRotator::new().end_sessions(bench.job()).await, Ok(2));
    assert!(first.query_drop("SELECT 1").await.is_err());
    other.query_drop("SELECT 1").await.unwrap();
    // Of the management account, all but the one that asks; some that were closed a moment ago may still be listed.
    let mut admin = bench.server.admin().await.unwrap();
    assert!(MysqlRotator::new().end_sessions(bench.job_for("boss")).await.unwrap() >= 1);
    assert!(admin.query_drop("SELECT 1").await.is_err());
}

#[tokio::test]
async fn a_management_credential_rotates_itself_and_the_old_one_is_dead() {
    let bench = Bench::start().await;
    assert_eq!(bench.apply_to("boss", NEW).await, Outcome::Applied);
    assert_eq!(bench.probe("boss", NEW).await, Probe::Works);
    let old = MysqlRotator::new().check(&bench.spec, &bench.management).await;
    assert_eq!(class(&old), Some(FaultClass::ManagementAuthRefused));
    let new = MysqlRotator::new().check(&bench.spec, &login("boss", NEW)).await.unwrap();
    assert!(new.server.starts_with("MariaDB "), "{new:?}");
}

#[tokio::test]
async fn second_passwords_are_refused_where_the_server_has_none() {
    let mut bench = Bench::start().await;
    assert!(!MysqlRotator::new().overlaps(&bench.spec));
    bench.set("dual_password", "true");
    let rotator = MysqlRotator::new();
    assert!(rotator.overlaps(&bench.spec));
    let found = bench.preflight("app").await.unwrap_err();
    assert!(found.class == FaultClass::Preflight && found.detail.contains("dual_password"), "{found}");
    assert_eq!(class(&rotator.check(&bench.spec, &bench.management).await), Some(FaultClass::Preflight));
    assert_eq!(word(&bench.apply().await), "not applied: preflight");
    assert_eq!(word(&rotator.retire(bench.job(), &login("app", OLD)).await), "not applied: preflight");
    assert_eq!(bench.opens().await, (true, false));
}
