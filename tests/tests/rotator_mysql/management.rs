//! What a management credential needs, and a server that takes no changes.

use rotators::mysql::MysqlRotator;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Outcome, Rotator, Verification};
use vault_tests::mysql::connect;

use crate::bench::{Bench, NEW, OLD, class, login, word};

#[tokio::test]
async fn each_right_that_lacks_is_told_before_the_change() {
    let mut bench = Bench::start().await;
    bench
        .sql(
            "CREATE USER full@'%' IDENTIFIED BY 'm-1'; GRANT CREATE USER ON *.* TO full@'%'; GRANT SELECT ON mysql.* TO full@'%'; \
             CREATE USER blind@'%' IDENTIFIED BY 'm-1'; GRANT CREATE USER ON *.* TO blind@'%'; \
             CREATE USER weak@'%' IDENTIFIED BY 'm-1'; GRANT SELECT ON mysql.* TO weak@'%'",
        )
        .await;
    for (management, account, preflight, apply) in [
        ("full", "app", None, "applied"),
        ("blind", "app", Some(FaultClass::PermissionDenied), "not applied: permission_denied"),
        ("weak", "app", Some(FaultClass::PermissionDenied), "not applied: permission_denied"),
        // Its own password needs no right.
        ("weak", "weak", None, "applied"),
        ("blind", "blind", None, "applied"),
    ] {
        bench.management = login(management, "m-1");
        let case = format!("{management} changes {account}");
        assert_eq!(class(&bench.preflight(account).await), preflight, "{case}");
        let found = bench.apply_to(account, "m-1").await;
        assert_eq!(word(&found), apply, "{case}: {found:?}");
    }
}

#[tokio::test]
async fn a_role_may_carry_the_rights() {
    let mut bench = Bench::start().await;
    bench
        .sql(
            "CREATE ROLE admins; GRANT CREATE USER ON *.* TO admins; GRANT SELECT ON mysql.* TO admins; \
             CREATE USER clerk@'%' IDENTIFIED BY 'm-1'; GRANT admins TO clerk@'%'; SET DEFAULT ROLE admins FOR clerk@'%'",
        )
        .await;
    bench.management = login("clerk", "m-1");
    let rights = bench.preflight("app").await.unwrap();
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(bench.verify("app", NEW, &rights).await, Verification::Verified);
}

#[tokio::test]
async fn ending_sessions_needs_its_own_grants_and_finds_none_only_where_it_could_see_them() {
    let mut bench = Bench::start().await;
    bench.sql("CREATE USER clerk@'%' IDENTIFIED BY 'm-1'; GRANT CREATE USER ON *.* TO clerk@'%'").await;
    bench.management = login("clerk", "m-1");
    let _session = connect(bench.server.port(), "app", OLD).await.unwrap();
    let rotator = MysqlRotator::new();
    for grant in ["PROCESS", "CONNECTION ADMIN"] {
        let found = rotator.end_sessions(bench.job()).await;
        assert_eq!(class(&found), Some(FaultClass::PermissionDenied), "without {grant}: {found:?}");
        bench.sql(&format!("GRANT {grant} ON *.* TO clerk@'%'")).await;
    }
    assert_eq!(rotator.end_sessions(bench.job()).await, Ok(1));
}

#[tokio::test]
async fn check_says_what_the_management_credential_can_and_what_is_worth_mending() {
    let mut bench = Bench::start_with(&["--log-bin", "--innodb-flush-log-at-trx-commit=2"]).await;
    bench.set("password_hashing", "server");
    let rotator = MysqlRotator::new();
    let report = rotator.check(&bench.spec, &bench.management).await.unwrap();
    for word in ["as the account 'boss'@'%'", "may change other accounts", "sees all sessions"] {
        assert!(report.passed.iter().any(|line| line.contains(word)), "{word}: {report:?}");
    }
    for word in ["flush", "binary log"] {
        assert!(report.warnings.iter().any(|line| line.contains(word)), "{word}: {report:?}");
    }
    let plain = rotator.check(&bench.spec, &login("app", OLD)).await.unwrap();
    for word in ["only its own password", "PROCESS"] {
        assert!(plain.warnings.iter().any(|line| line.contains(word)), "{word}: {plain:?}");
    }
}

#[tokio::test]
async fn a_management_credential_that_may_not_log_in_is_refused_without_a_retry() {
    let mut bench = Bench::start().await;
    bench.sql("CREATE USER clerk@'%' IDENTIFIED BY 'm-1' ACCOUNT LOCK").await;
    bench.management = login("clerk", "m-1");
    let before = bench.proxy.connections();
    assert_eq!(class(&bench.preflight("app").await), Some(FaultClass::ManagementAuthRefused));
    assert_eq!(bench.proxy.connections(), before + 1);
    assert_eq!(word(&bench.apply().await), "not applied: management_auth_refused");
    bench.sql("ALTER USER clerk@'%' ACCOUNT UNLOCK PASSWORD EXPIRE").await;
    assert_eq!(class(&bench.preflight("app").await), Some(FaultClass::ManagementAuthRefused));
    assert_eq!(bench.opens().await, (true, false));
}

#[tokio::test]
async fn a_read_only_server_is_refused_before_anything_is_sent() {
    let bench = Bench::start().await;
    bench.sql("SET GLOBAL read_only = 1").await;
    assert_eq!(class(&bench.preflight("app").await), Some(FaultClass::Preflight));
    let check = MysqlRotator::new().check(&bench.spec, &bench.management).await;
    assert_eq!(class(&check), Some(FaultClass::Preflight));
    assert_eq!(word(&bench.apply().await), "not applied: preflight");
    assert_eq!(bench.opens().await, (true, false));
    assert!(!bench.proxy.statements().iter().any(|statement| statement.contains("ALTER USER")));
}
