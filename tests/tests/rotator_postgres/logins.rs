//! What a login shows, and how its failures are told apart.

use rotators::postgres::PostgresRotator;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Outcome, Probe, Rights, Rotator, Verification};
use vault_tests::postgres::{PostgresOptions, connect};

use crate::bench::{Bench, NEW, OLD, class, login};

/// `works`, `refused`, or the class of what stood in the way.
fn shown(probe: &Probe) -> String {
    match probe {
        Probe::Works => "works".to_owned(),
        Probe::Refused => "refused".to_owned(),
        Probe::Blocked(fault) => format!("blocked: {}", fault.class),
        Probe::Inconclusive(fault) => format!("inconclusive: {}", fault.class),
    }
}

#[tokio::test]
async fn a_probe_tells_the_password_from_everything_else() {
    let hba = vec![
        "host all banned 127.0.0.1/32 reject".to_owned(),
        "host all peered 127.0.0.1/32 ident".to_owned(),
    ];
    let bench = Bench::start_with(PostgresOptions { hba, ..PostgresOptions::default() }).await;
    bench
        .sql(&format!(
            "CREATE ROLE nologin NOLOGIN PASSWORD '{OLD}'; \
             CREATE ROLE expired LOGIN PASSWORD '{OLD}' VALID UNTIL '2020-01-01'; \
             CREATE ROLE full_up LOGIN PASSWORD '{OLD}' CONNECTION LIMIT 0; \
             CREATE ROLE banned LOGIN PASSWORD '{OLD}'; CREATE ROLE peered LOGIN PASSWORD '{OLD}'; \
             CREATE ROLE no_password LOGIN"
        ))
        .await;
    for (username, password, want) in [
        ("app", OLD, "works"),
        ("app", NEW, "refused"),
        ("nobody", OLD, "refused"),
        ("no_password", OLD, "refused"),
        ("expired", OLD, "refused"),
        ("nologin", NEW, "refused"),
        ("nologin", OLD, "blocked: account_locked"),
        ("full_up", OLD, "inconclusive: unreachable"),
        ("banned", OLD, "inconclusive: preflight"),
        ("peered", OLD, "inconclusive: preflight"),
    ] {
        let probe = bench.probe(username, password).await;
        assert_eq!(shown(&probe), want, "{username} {password}: {probe:?}");
    }
}

#[tokio::test]
async fn a_full_server_is_no_refusal() {
    let config = vec!["max_connections = 5".to_owned(), "superuser_reserved_connections = 2".to_owned()];
    let bench = Bench::start_with(PostgresOptions { config, ..PostgresOptions::default() }).await;
    let mut held = Vec::new();
    while let Ok(session) = connect(bench.server.port(), "app", OLD).await {
        held.push(session);
    }
    assert_eq!(shown(&bench.probe("app", OLD).await), "inconclusive: unreachable");
    assert!(matches!(
        bench.verify("app", OLD, &Rights::default()).await,
        Verification::Inconclusive(fault) if fault.class == FaultClass::Unreachable
    ));
}

#[tokio::test]
async fn preflight_names_what_stands_in_the_way_of_the_account() {
    let bench = Bench::start().await;
    bench
        .sql(
            "CREATE ROLE nologin NOLOGIN; CREATE ROLE expired LOGIN VALID UNTIL '2020-01-01'; \
             CREATE ROLE later LOGIN VALID UNTIL '2999-01-01'; CREATE ROLE outside LOGIN; \
             REVOKE CONNECT ON DATABASE postgres FROM PUBLIC; \
             GRANT CONNECT ON DATABASE postgres TO app, nologin, expired, later",
        )
        .await;
    for (username, want) in [
        ("app", None),
        ("later", None),
        ("nobody", Some(FaultClass::AccountMissing)),
        ("nologin", Some(FaultClass::AccountLocked)),
        ("expired", Some(FaultClass::AccountLocked)),
        ("outside", Some(FaultClass::Preflight)),
        ("pg_monitor", Some(FaultClass::Preflight)),
    ] {
        let found = bench.preflight(username).await;
        assert_eq!(class(&found), want, "{username}: {found:?}");
    }
}

#[tokio::test]
async fn verify_tells_a_lost_right_a_lost_login_and_a_lost_database_apart() {
    let bench = Bench::start().await;
    bench.sql("CREATE ROLE readers; GRANT readers TO app; ALTER ROLE app CREATEDB").await;
    let before = bench.preflight("app").await.unwrap();
    assert_eq!(bench.verify("app", OLD, &before).await, Verification::Verified);

    bench.sql("REVOKE readers FROM app; ALTER ROLE app NOCREATEDB CONNECTION LIMIT 7").await;
    assert_eq!(
        bench.verify("app", OLD, &before).await,
        Verification::RightsLost(
            ["attribute CREATEDB", "connection limit none", "member of readers"].map(str::to_owned).to_vec()
        )
    );
    bench.sql("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC").await;
    assert_eq!(
        bench.verify("app", OLD, &before).await,
        Verification::RightsLost(vec!["connect to database postgres".to_owned()])
    );
    bench.sql("ALTER ROLE app NOLOGIN").await;
    assert!(matches!(
        bench.verify("app", OLD, &before).await,
        Verification::Refused(fault) if fault.class == FaultClass::AccountLocked
    ));
}

#[tokio::test]
async fn management_and_the_role_itself_read_the_same_rights() {
    let bench = Bench::start().await;
    bench
        .sql(
            "CREATE ROLE readers; CREATE ROLE writers; GRANT readers TO app WITH ADMIN OPTION; GRANT writers TO app; \
             ALTER ROLE app CREATEDB NOINHERIT CONNECTION LIMIT 9 VALID UNTIL '2999-12-31 23:00:00+00'; \
             ALTER ROLE app SET search_path = a, b; ALTER ROLE app IN DATABASE postgres SET work_mem = '5MB'; \
             ALTER ROLE app SET my.key = 'do-not-show'; ALTER ROLE app SET timezone = 'Asia/Tokyo'; \
             ALTER ROLE app SET datestyle = 'German'",
        )
        .await;
    let rights = bench.preflight("app").await.unwrap();
    assert_eq!(bench.verify("app", OLD, &rights).await, Verification::Verified);
    assert!(!rights.0.iter().any(|line| line.contains("do-not-show")));
    for line in [
        "attribute LOGIN",
        "attribute CREATEDB",
        "connection limit 9",
        "password valid until 2999-12-31T23:00:00Z",
        "setting search_path=a, b",
        "setting work_mem=5MB in database postgres",
        "setting my.key",
        "connect to database postgres",
    ] {
        assert!(rights.0.iter().any(|found| found == line), "{line} is not in {rights:?}");
    }
    assert!(
        rights.0.iter().any(|line| line.starts_with("member of readers with admin option")),
        "{rights:?}"
    );
    assert!(!rights.0.iter().any(|line| line == "attribute INHERIT" || line == "attribute SUPERUSER"));
}

#[tokio::test]
async fn sessions_of_the_account_end_and_others_stay() {
    let bench = Bench::start().await;
    bench.sql(&format!("CREATE ROLE other LOGIN PASSWORD '{OLD}'")).await;
    let port = bench.server.port();
    let first = connect(port, "app", OLD).await.unwrap();
    let _second = connect(port, "app", OLD).await.unwrap();
    let other = connect(port, "other", OLD).await.unwrap();
    assert_eq!(PostgresRotator::new().end_sessions(bench.job()).await, Ok(2));
    assert!(first.batch_execute("SELECT 1").await.is_err());
    other.batch_execute("SELECT 1").await.unwrap();
    // Of the management role, all but the one that asks: also the rotator's own that waits for its next use.
    let _admin = bench.server.admin().await.unwrap();
    assert_eq!(PostgresRotator::new().end_sessions(bench.job_for("postgres")).await, Ok(2));
}

#[tokio::test]
async fn a_management_credential_rotates_itself_and_the_old_one_is_dead() {
    let bench = Bench::start().await;
    assert_eq!(bench.apply_to("postgres", NEW).await, Outcome::Applied);
    assert_eq!(bench.probe("postgres", NEW).await, Probe::Works);
    let old = PostgresRotator::new().check(&bench.spec, &bench.management).await;
    assert_eq!(class(&old), Some(FaultClass::ManagementAuthRefused));
    let new = PostgresRotator::new().check(&bench.spec, &login("postgres", NEW)).await.unwrap();
    assert!(new.server.starts_with("PostgreSQL "), "{new:?}");
}
