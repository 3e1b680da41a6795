//! Who hashes the password: policy modules, and what reaches the server's log.

use vault_core::rotation::port::Outcome;
use vault_tests::postgres::PostgresOptions;

use crate::bench::{Bench, word};

#[tokio::test]
async fn a_policy_module_refuses_a_weak_password_only_when_it_can_see_it() {
    let config = vec!["shared_preload_libraries = 'passwordcheck'".to_owned()];
    let mut bench =
        Bench::start_without_account(PostgresOptions { config, ..PostgresOptions::default() }).await;
    bench.sql("CREATE ROLE app LOGIN").await;
    assert_eq!(bench.apply_to("app", "weak").await, Outcome::Applied);
    bench.spec.settings.insert("password_hashing".to_owned(), "server".to_owned());
    assert_eq!(word(&bench.apply_to("app", "short").await), "not applied: policy_rejected");
    assert!(bench.server.accepts("app", "weak").await.unwrap());
    assert_eq!(bench.apply_to("app", "long-enough-4711").await, Outcome::Applied);
    assert!(bench.server.accepts("app", "long-enough-4711").await.unwrap());
}

#[tokio::test]
async fn no_password_reaches_the_servers_log_unless_the_server_hashes() {
    let config = vec!["log_statement = 'all'".to_owned(), "log_min_duration_statement = 0".to_owned()];
    let mut bench = Bench::start_with(PostgresOptions { config, ..PostgresOptions::default() }).await;
    assert_eq!(bench.apply_to("app", "canary-one").await, Outcome::Applied);
    let log = bench.server.log_until_now().await.unwrap();
    assert!(log.contains("ALTER ROLE \"app\" PASSWORD 'SCRAM-SHA-256$"), "{log}");
    assert!(!log.contains("canary-one"), "{log}");
    bench.spec.settings.insert("password_hashing".to_owned(), "server".to_owned());
    assert_eq!(bench.apply_to("app", "canary-two").await, Outcome::Applied);
    assert!(bench.server.log_until_now().await.unwrap().contains("canary-two"));
}
