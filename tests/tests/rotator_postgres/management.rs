//! What a management credential may do, by the rules of the server's version, and on a standby.

use rotators::postgres::PostgresRotator;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Outcome, Rotator};
use vault_tests::postgres::connect;

use crate::bench::{Bench, NEW, OLD, class, login, word};

/// A server with managed roles of several kinds.
async fn with_roles() -> (Bench, bool) {
    let bench = Bench::start().await;
    bench
        .sql(&format!(
            "CREATE ROLE plain LOGIN PASSWORD '{OLD}'; \
             CREATE ROLE creator LOGIN CREATEROLE PASSWORD '{OLD}'; \
             CREATE ROLE replica LOGIN REPLICATION PASSWORD '{OLD}'; \
             CREATE ROLE chief LOGIN SUPERUSER PASSWORD '{OLD}'"
        ))
        .await;
    let modern = bench.number("SELECT current_setting('server_version_num')::bigint").await >= 160_000;
    if modern {
        bench.sql("GRANT app TO creator WITH ADMIN OPTION").await;
    }
    (bench, modern)
}

#[tokio::test]
async fn preflight_and_the_server_agree_on_who_may_change_whom() {
    let (mut bench, modern) = with_roles().await;
    for (management, account, may) in [
        ("postgres", "app", true),
        ("postgres", "chief", true),
        ("plain", "app", false),
        ("plain", "plain", true),
        ("creator", "app", true),
        // From version 16 on only with the admin option, which it has on `app` alone.
        ("creator", "plain", !modern),
        ("creator", "replica", false),
        ("creator", "chief", false),
        ("creator", "creator", true),
    ] {
        let password = if management == "postgres" { bench.server.superuser_password() } else { OLD };
        bench.management = login(management, password);
        let case = format!("{management} changes {account}");
        let preflight = class(&bench.preflight(account).await);
        assert_eq!(preflight, (!may).then_some(FaultClass::PermissionDenied), "{case}");
        let want = if may { "applied" } else { "not applied: permission_denied" };
        assert_eq!(word(&bench.apply_to(account, OLD).await), want, "{case}");
    }
}

#[tokio::test]
async fn a_management_role_that_may_not_log_in_is_refused_without_a_retry() {
    let (mut bench, _) = with_roles().await;
    bench.sql("ALTER ROLE creator NOLOGIN").await;
    bench.management = login("creator", OLD);
    assert_eq!(class(&bench.preflight("app").await), Some(FaultClass::ManagementAuthRefused));
    assert_eq!(word(&bench.apply().await), "not applied: management_auth_refused");
    assert_eq!(bench.opens().await, (true, false));
}

#[tokio::test]
async fn ending_sessions_needs_its_own_grant() {
    let (mut bench, _) = with_roles().await;
    bench.management = login("creator", OLD);
    let session = connect(bench.server.port(), "plain", OLD).await.unwrap();
    let rotator = PostgresRotator::new();
    assert_eq!(
        class(&rotator.end_sessions(bench.job_for("plain")).await),
        Some(FaultClass::PermissionDenied)
    );
    session.batch_execute("SELECT 1").await.unwrap();
    bench.sql("GRANT pg_signal_backend TO creator").await;
    assert_eq!(rotator.end_sessions(bench.job_for("plain")).await, Ok(1));
}

#[tokio::test]
async fn check_says_what_the_management_role_can_and_what_is_worth_mending() {
    let (bench, _) = with_roles().await;
    let rotator = PostgresRotator::new();
    let report = rotator.check(&bench.spec, &login("creator", OLD)).await.unwrap();
    assert!(report.passed.iter().any(|line| line.contains("may change other roles")), "{report:?}");
    assert!(report.warnings.iter().any(|line| line.contains("fsync")), "{report:?}");
    let plain = rotator.check(&bench.spec, &login("plain", OLD)).await.unwrap();
    assert!(plain.warnings.iter().any(|line| line.contains("only its own password")), "{plain:?}");
}

#[tokio::test]
async fn a_standby_is_refused_before_anything_is_sent() {
    let mut bench = Bench::start().await;
    bench.server.restart_as_standby().unwrap();
    assert_eq!(class(&bench.preflight("app").await), Some(FaultClass::Unreachable));
    let check = PostgresRotator::new().check(&bench.spec, &bench.management).await;
    assert_eq!(class(&check), Some(FaultClass::Unreachable));
    assert_eq!(word(&bench.apply().await), "not applied: unreachable");
    // Without a look before it the server says the same of a standby as of what it cannot do at all.
    bench.spec.settings.insert("password_hashing".to_owned(), "server".to_owned());
    assert_eq!(word(&bench.apply().await), "not applied: preflight");
    assert_eq!(bench.opens().await, (true, false));
    assert!(!bench.proxy.statements().iter().any(|statement| statement.contains("ALTER ROLE")));
}

#[tokio::test]
async fn defaults_of_the_role_and_the_database_do_not_get_in_the_way() {
    let bench = Bench::start().await;
    bench
        .sql(
            "ALTER ROLE postgres SET default_transaction_read_only = on; \
             ALTER ROLE postgres SET synchronous_commit = off; \
             ALTER ROLE postgres SET standard_conforming_strings = off; \
             CREATE SCHEMA evil; CREATE VIEW evil.pg_roles AS SELECT * FROM pg_catalog.pg_roles WHERE false; \
             CREATE FUNCTION evil.pg_backend_pid() RETURNS int LANGUAGE sql AS 'SELECT 1/0'; \
             ALTER DATABASE postgres SET search_path = evil, pg_catalog",
        )
        .await;
    let rights = bench.preflight("app").await.unwrap();
    assert_eq!(bench.apply_to("app", r"back\slash's").await, Outcome::Applied);
    assert!(bench.server.accepts("app", r"back\slash's").await.unwrap());
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(bench.verify("app", NEW, &rights).await, vault_core::rotation::port::Verification::Verified);
}
