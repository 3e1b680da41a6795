//! What the removal of a lease's user must not do, and what is no proof that it is gone.

use rotators::postgres::PostgresRotator;
use vault_core::clock::Timestamp;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Job, Outcome};
use vault_core::rotation::provisioner::{Made, Order, Presence, Provisioner as _};
use vault_core::secret::SecretString;
use vault_tests::postgres::{PostgresOptions, connect};
use vault_tests::proxy::Mischief;

use crate::bench::{Bench, OLD, class, login, word};

async fn make(bench: &Bench, job: Job<'_>) {
    let creation = [
        "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}'; GRANT CREATE ON SCHEMA public TO \"{{name}}\"; \
         ALTER DEFAULT PRIVILEGES FOR ROLE \"{{name}}\" GRANT SELECT ON TABLES TO PUBLIC"
            .to_owned(),
    ];
    assert_eq!(create(job, &creation).await.outcome, Outcome::Applied);
    assert!(bench.server.accepts(job.username, OLD).await.unwrap());
}

async fn create(job: Job<'_>, creation: &[String]) -> Made {
    let password = SecretString::new(OLD.to_owned());
    let order = Order { creation, password: &password, expiration: Timestamp::from_secs(4_000_000_000) };
    PostgresRotator::new().create(job, order).await
}

async fn remove(job: Job<'_>, revocation: &[&str]) -> Outcome {
    let revocation: Vec<String> = revocation.iter().map(|&text| text.to_owned()).collect();
    PostgresRotator::new().remove(job, &revocation).await
}

async fn presence(job: Job<'_>) -> Result<Presence, Fault> {
    PostgresRotator::new().presence(job).await.map(|sight| sight.presence)
}

async fn server_seen(job: Job<'_>) -> Option<String> {
    PostgresRotator::new().presence(job).await.unwrap().server
}

#[tokio::test]
async fn a_server_is_known_by_its_own_identifier_to_whoever_may_make_users() {
    let mut benches = Vec::new();
    for _ in 0..2 {
        let mut bench = Bench::start_without_account(PostgresOptions::default()).await;
        bench.sql("CREATE ROLE clerk CREATEROLE LOGIN PASSWORD 'c-0'").await;
        bench.management = login("clerk", "c-0");
        benches.push(bench);
    }
    let [first, second] = &benches[..] else { unreachable!() };
    let creation = ["CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}'".to_owned()];
    let made = create(first.job_for("v-there"), &creation).await;
    assert_eq!(made.outcome, Outcome::Applied);
    let identifier = "SELECT system_identifier FROM pg_control_system()";
    assert_eq!(made.server, Some(first.number(identifier).await.to_string()));
    assert_eq!(server_seen(first.job_for("v-there")).await, made.server);
    assert_eq!(server_seen(first.job_for("v-never")).await, made.server);
    let other = server_seen(second.job_for("v-there")).await;
    assert!(other.is_some() && other != made.server, "{other:?}");
    // A server that does not tell it makes and shows users all the same.
    first.sql("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC").await;
    let made = create(first.job_for("v-next"), &creation).await;
    assert_eq!((made.outcome, made.server), (Outcome::Applied, None));
    assert_eq!(server_seen(first.job_for("v-next")).await, None);
    assert_eq!(presence(first.job_for("v-next")).await, Ok(Presence::Live));
}

#[tokio::test]
async fn only_what_certainly_did_not_happen_is_said_not_to_have_been_applied() {
    let bench = Bench::start_without_account(PostgresOptions::default()).await;
    let make = "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}'";
    for (number, (statements, word_of, there)) in [
        (vec![make, "SELECT 1/0"], "not applied: preflight", Presence::Gone),
        (vec![make, "SAVEPOINT own", "SELECT 1/0"], "not applied: preflight", Presence::Gone),
        (vec![make, "/**/ COMMIT AND CHAIN", "SELECT 1/0"], "unknown: preflight", Presence::Live),
        (
            vec![make, "COMMIT AND CHAIN", "SAVEPOINT begun", "SELECT 1/0"],
            "unknown: preflight",
            Presence::Live,
        ),
        (vec![make, "COMMIT", "SELECT 1/0"], "unknown: preflight", Presence::Live),
        (vec![make, "COMMIT AND CHAIN; SELECT 1/0"], "unknown: preflight", Presence::Live),
        (
            vec![make, "COMMIT AND CHAIN", "SELECT pg_terminate_backend(pg_backend_pid())"],
            "unknown: unreachable",
            Presence::Live,
        ),
        (vec![make, "ROLLBACK AND CHAIN"], "unknown: preflight", Presence::Gone),
    ]
    .into_iter()
    .enumerate()
    {
        let username = format!("v-{number}");
        let job = bench.job_for(&username);
        let creation: Vec<String> = statements.iter().map(|&text| text.to_owned()).collect();
        assert_eq!(word(&create(job, &creation).await.outcome), word_of, "{statements:?}");
        assert_eq!(presence(job).await, Ok(there), "{statements:?}");
    }
    // Nor is silence proof of anything.
    let silent = [make.to_owned(), "COMMIT AND CHAIN".to_owned(), "SELECT 4711".to_owned()];
    bench.proxy.set(Mischief::SwallowReply("4711".to_owned())).await.unwrap();
    let job = bench.job_for("v-silent");
    assert_eq!(word(&create(job, &silent).await.outcome), "unknown: unreachable");
    bench.proxy.set(Mischief::None).await.unwrap();
    assert_eq!(remove(job, &[]).await, Outcome::Applied);
    assert_eq!(presence(job).await, Ok(Presence::Gone));
}

#[tokio::test]
async fn what_a_user_owns_is_neither_handed_on_nor_dropped_unless_the_role_says_so() {
    let bench = Bench::start_without_account(PostgresOptions::default()).await;
    let job = bench.job_for("v-trap");
    make(&bench, job).await;
    let session = connect(bench.server.port(), "v-trap", OLD).await.unwrap();
    let trap = "CREATE FUNCTION trap() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user::text'; \
                CREATE TABLE kept AS SELECT 1 AS one";
    session.batch_execute(trap).await.unwrap();
    let owned = "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner \
                 JOIN pg_proc p ON p.proowner = r.oid AND p.proname = 'trap' \
                 WHERE c.relname = 'kept' AND r.rolname = 'v-trap'";
    let outcome = remove(job, &[]).await;
    assert_eq!(word(&outcome), "not applied: preflight");
    let Outcome::NotApplied(fault) = outcome else { unreachable!() };
    assert!(
        fault.detail.contains("owns 2 objects") && fault.detail.contains("revocation_statements"),
        "{fault}"
    );
    assert_eq!(bench.number(owned).await, 1, "what the user made is where it was");
    assert_eq!(presence(job).await, Ok(Presence::Blocked));
    assert!(session.batch_execute("SELECT 1").await.is_err(), "its session is over");
    // Where a person says what becomes of it, the user goes.
    bench.sql("DROP FUNCTION trap(); ALTER TABLE kept OWNER TO CURRENT_USER").await;
    assert_eq!(remove(job, &[]).await, Outcome::Applied);
    assert_eq!(presence(job).await, Ok(Presence::Gone));
    assert_eq!(bench.number("SELECT count(*) FROM kept").await, 1);
}

#[tokio::test]
async fn an_object_in_another_database_keeps_the_user_as_well() {
    let bench = Bench::start_without_account(PostgresOptions::default()).await;
    let job = bench.job_for("v-far");
    make(&bench, job).await;
    bench.sql("CREATE DATABASE elsewhere OWNER \"v-far\"").await;
    assert_eq!(word(&remove(job, &[]).await), "not applied: preflight");
    bench.sql("DROP DATABASE elsewhere").await;
    assert_eq!(remove(job, &[]).await, Outcome::Applied);
}

#[tokio::test]
async fn a_standby_is_no_witness() {
    let mut bench = Bench::start_without_account(PostgresOptions::default()).await;
    make(&bench, bench.job_for("v-there")).await;
    bench.server.restart_as_standby().unwrap();
    for username in ["v-there", "v-never"] {
        let job = bench.job_for(username);
        assert_eq!(word(&remove(job, &[]).await), "not applied: unreachable", "{username}");
        assert_eq!(class(&presence(job).await), Some(FaultClass::Unreachable), "{username}");
    }
}

#[tokio::test]
async fn whoever_holds_the_turn_only_delays() {
    let bench = Bench::start_without_account(PostgresOptions::default()).await;
    let somebody = bench.server.admin().await.unwrap();
    somebody.batch_execute("SELECT pg_advisory_lock(32210693322073185)").await.unwrap();
    let job = bench.job_for("v-there");
    make(&bench, job).await;
    assert_eq!(presence(job).await, Ok(Presence::Live));
    assert_eq!(remove(job, &[]).await, Outcome::Applied);
    assert_eq!(presence(job).await, Ok(Presence::Gone));
}

#[tokio::test]
async fn a_user_whose_session_cannot_be_ended_is_not_gone() {
    let mut bench = Bench::start_without_account(PostgresOptions::default()).await;
    // The clerk may neither alter nor end a superuser; a function that is lent to it drops users.
    bench
        .sql(
            "CREATE ROLE clerk CREATEROLE LOGIN PASSWORD 'c-0'; CREATE ROLE \"v-root\" SUPERUSER LOGIN PASSWORD 'r-0'; \
             CREATE FUNCTION public.let_go(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER \
             AS 'BEGIN EXECUTE format(''DROP ROLE %I'', name); END'",
        )
        .await;
    bench.management = login("clerk", "c-0");
    let job = bench.job_for("v-root");
    let statements = ["SELECT public.let_go('{{name}}')"];
    let session = connect(bench.server.port(), "v-root", "r-0").await.unwrap();
    assert_eq!(word(&remove(job, &statements).await), "not applied: old_still_valid");
    assert_eq!(presence(job).await, Ok(Presence::Live));
    drop(session);
    let mut outcome = remove(job, &statements).await;
    for _ in 0..50 {
        // The server notices in its own time that the client is gone.
        if outcome == Outcome::Applied {
            break;
        }
        outcome = remove(job, &statements).await;
    }
    assert_eq!(outcome, Outcome::Applied);
    assert_eq!(presence(job).await, Ok(Presence::Gone));
}
