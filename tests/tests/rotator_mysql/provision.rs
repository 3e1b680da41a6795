//! Users that live as long as a lease, where they are special to these servers.

use mysql_async::prelude::Queryable as _;
use rotators::mysql::MysqlRotator;
use vault_core::clock::Timestamp;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Job, Outcome, Rotator};
use vault_core::rotation::provisioner::{Made, Order, Presence, Provisioner, Sight};
use vault_core::secret::SecretString;
use vault_tests::mysql::connect;
use vault_tests::proxy::Mischief;

use crate::bench::{Bench, OLD, class, login, word};

fn list(statements: &[&str]) -> Vec<String> {
    statements.iter().map(|statement| (*statement).to_owned()).collect()
}

const MAKE: &str =
    "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'; GRANT SELECT ON mysql.* TO '{{name}}'@'%'";

async fn create(job: Job<'_>, creation: &[&str], password: &str) -> Made {
    let password = SecretString::new(password.to_owned());
    let order = Order {
        creation: &list(creation),
        password: &password,
        expiration: Timestamp::from_secs(4_000_000_000),
    };
    MysqlRotator::new().create(job, order).await
}

async fn make(job: Job<'_>) {
    let made = create(job, &[MAKE], OLD).await;
    assert_eq!(made.outcome, Outcome::Applied);
}

async fn remove(job: Job<'_>, revocation: &[&str]) -> Outcome {
    MysqlRotator::new().remove(job, &list(revocation)).await
}

async fn look(job: Job<'_>) -> Sight {
    MysqlRotator::new().presence(job).await.unwrap()
}

#[tokio::test]
async fn a_user_is_made_and_removed_on_the_server_that_names_itself() {
    let bench = Bench::start().await;
    let job = bench.job_for("v-1");
    let made = create(job, &[MAKE], r#"it's "a" \ b"#).await;
    assert_eq!(made.outcome, Outcome::Applied);
    let identifier = bench.server.text("SELECT @@server_uid").await.unwrap();
    assert_eq!(made.server.as_deref(), Some(identifier.as_str()));
    assert_eq!(look(job).await, Sight { presence: Presence::Live, server: Some(identifier) });
    assert!(bench.server.accepts("v-1", r#"it's "a" \ b"#).await.unwrap());
    assert_eq!(remove(job, &[]).await, Outcome::Applied);
    assert_eq!(look(job).await.presence, Presence::Gone);
    let rotator = MysqlRotator::new();
    let place = rotator.provisioner().unwrap().place(&bench.spec);
    assert_eq!(place, format!("127.0.0.1:{}", bench.proxy.port()));
}

#[tokio::test]
async fn what_was_made_before_a_statement_failed_is_taken_back() {
    let bench = Bench::start().await;
    for (username, bad, want) in [
        ("v-1", "GRANT SELECT ON mysql.no_such_table TO '{{name}}'@'%'", "not applied: preflight"),
        (
            "v-2",
            "CREATE USER '{{name}}'@'localhost' IDENTIFIED BY '{{password}}'; nonsense",
            "not applied: preflight",
        ),
        ("v-3", "KILL CONNECTION CONNECTION_ID() -- {{name}}", "unknown: ambiguous"),
    ] {
        let job = bench.job_for(username);
        let made = create(job, &[MAKE, bad], OLD).await;
        assert_eq!(word(&made.outcome), want, "{username}: {made:?}");
        let is_there = want.starts_with("unknown");
        assert_eq!(look(job).await.presence == Presence::Live, is_there, "{username}");
        assert_eq!(remove(job, &[]).await, Outcome::Applied);
        assert_eq!(look(job).await.presence, Presence::Gone);
    }
}

#[tokio::test]
async fn somebody_elses_user_of_that_name_is_left_alone() {
    let bench = Bench::start().await;
    bench.sql(&format!("CREATE USER 'v-1'@'10.0.0.1' IDENTIFIED BY '{OLD}'")).await;
    let made = create(bench.job_for("v-1"), &[MAKE], OLD).await;
    assert_eq!(word(&made.outcome), "not applied: preflight");
    assert_eq!(look(bench.job_for("v-1")).await.presence, Presence::Live);
    for name in ["it's", "back\\slash", "tick`", "dou\"ble"] {
        let made = create(bench.job_for(name), &[MAKE], OLD).await;
        assert_eq!(word(&made.outcome), "not applied: preflight", "{name}");
    }
}

#[tokio::test]
async fn a_user_in_a_session_is_out_before_it_is_gone() {
    let mut bench = Bench::start().await;
    make(bench.job_for("v-1")).await;
    let mut session = connect(bench.server.port(), "v-1", OLD).await.unwrap();
    assert_eq!(
        remove(bench.job_for("v-1"), &["REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{{name}}'@'%'"]).await,
        remove_was_not_done(&bench)
    );
    assert!(session.query_drop("SELECT 1").await.is_err(), "its session is over");
    assert_eq!(look(bench.job_for("v-1")).await.presence, Presence::Blocked);
    assert_eq!(remove(bench.job_for("v-1"), &["DROP USER '{{username}}'@'%'"]).await, Outcome::Applied);
    // Who may not see sessions does not say that there are none.
    bench
        .sql("CREATE USER clerk@'%' IDENTIFIED BY 'm-1'; GRANT CREATE USER ON *.* TO clerk@'%'; GRANT SELECT ON mysql.* TO clerk@'%' WITH GRANT OPTION")
        .await;
    bench.management = login("clerk", "m-1");
    make(bench.job_for("v-2")).await;
    assert_eq!(word(&remove(bench.job_for("v-2"), &[]).await), "not applied: permission_denied");
    assert_eq!(look(bench.job_for("v-2")).await.presence, Presence::Blocked);
    bench.sql("GRANT PROCESS, CONNECTION ADMIN ON *.* TO clerk@'%'").await;
    assert_eq!(remove(bench.job_for("v-2"), &[]).await, Outcome::Applied);
}

/// Statements that leave the user where it was are told.
fn remove_was_not_done(bench: &Bench) -> Outcome {
    let what = format!("127.0.0.1:{}: the statements ran, and the user is still there", bench.proxy.port());
    Outcome::NotApplied(vault_core::rotation::fault::Fault::new(FaultClass::OldStillValid, what))
}

#[tokio::test]
async fn a_renewal_runs_what_the_role_says_and_only_for_who_is_there() {
    let bench = Bench::start().await;
    let job = bench.job_for("v-1");
    let rotator = MysqlRotator::new();
    let until = Timestamp::from_secs(4_000_000_000);
    assert_eq!(word(&rotator.extend(job, &[], until).await), "not applied: account_missing");
    make(job).await;
    assert_eq!(rotator.extend(job, &[], until).await, Outcome::Applied);
    let renew = list(&["ALTER USER '{{name}}'@'%' WITH MAX_USER_CONNECTIONS 7"]);
    assert_eq!(rotator.extend(job, &renew, until).await, Outcome::Applied);
    let limit = "SELECT JSON_VALUE(Priv, '$.max_user_connections') FROM mysql.global_priv WHERE User = 'v-1'";
    assert_eq!(bench.server.text(limit).await.unwrap(), "7");
    let bad = list(&["ALTER USER '{{name}}'@'%' nonsense"]);
    assert_eq!(word(&rotator.extend(job, &bad, until).await), "not applied: preflight");
}

#[tokio::test]
async fn a_replica_is_no_witness() {
    let bench = Bench::start().await;
    make(bench.job_for("v-there")).await;
    bench.sql("SET GLOBAL read_only = 1").await;
    for username in ["v-there", "v-never"] {
        let job = bench.job_for(username);
        assert_eq!(word(&remove(job, &[]).await), "not applied: unreachable", "{username}");
        assert_eq!(
            class(&MysqlRotator::new().presence(job).await),
            Some(FaultClass::Unreachable),
            "{username}"
        );
    }
}

#[tokio::test]
async fn wherever_a_creation_breaks_a_removal_ends_it() {
    let bench = Bench::start().await;
    let job = bench.job_for("v-1");
    let at = |text: &str| text.to_owned();
    for (mischief, want) in [
        (Mischief::CutBefore(at("GET_LOCK")), "not applied: unreachable"),
        (Mischief::DropReply(at("SELECT User, Host")), "not applied: unreachable"),
        (Mischief::CutBefore(at("CREATE USER 'v-1'")), "unknown: ambiguous"),
        (Mischief::DropReply(at("CREATE USER 'v-1'")), "unknown: ambiguous"),
        (Mischief::CutBefore(at("GRANT")), "unknown: ambiguous"),
        (Mischief::DropReply(at("GRANT")), "unknown: ambiguous"),
        (Mischief::SwallowReply(at("GRANT")), "unknown: ambiguous"),
    ] {
        bench.proxy.set(mischief.clone()).await.unwrap();
        let [create_user, grant] = [
            "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'",
            "GRANT SELECT ON mysql.* TO '{{name}}'@'%'",
        ];
        let made = create(job, &[create_user, grant], OLD).await;
        assert_eq!(word(&made.outcome), want, "{mischief:?}: {made:?}");
        bench.proxy.set(Mischief::None).await.unwrap();
        assert_eq!(remove(job, &[]).await, Outcome::Applied, "{mischief:?}");
        assert_eq!(look(job).await.presence, Presence::Gone, "{mischief:?}");
    }
}
