//! Who hashes the password: policy plugins, and what reaches the server's logs.

use vault_core::rotation::port::{Outcome, Probe};

use crate::bench::{Bench, login, word};

#[tokio::test]
async fn a_policy_plugin_sees_the_password_and_its_refusal_is_told() {
    let mut bench = Bench::start().await;
    bench.sql("CREATE USER own@'%' IDENTIFIED BY 'o-1'; INSTALL SONAME 'simple_password_check'").await;
    for username in ["app"] {
        for hashing in ["auto", "server"] {
            bench.set("password_hashing", hashing);
            let found = bench.apply_to(username, "short").await;
            assert_eq!(word(&found), "not applied: policy_rejected", "{username} {hashing}: {found:?}");
            let long = format!("Long-enough-{username}-{hashing}-1");
            assert_eq!(bench.apply_to(username, &long).await, Outcome::Applied, "{username} {hashing}");
            assert_eq!(bench.probe(username, &long).await, Probe::Works, "{username} {hashing}");
        }
    }
    bench.management = login("own", "o-1");
    assert_eq!(word(&bench.apply_to("own", "short").await), "not applied: policy_rejected");
    assert_eq!(bench.apply_to("own", "Long-enough-1").await, Outcome::Applied);
}

#[tokio::test]
async fn no_password_reaches_the_servers_logs_unless_the_server_hashes() {
    let options = ["--general-log", "--general-log-file=general.log", "--log-bin=changes"];
    let mut bench = Bench::start_with(&options).await;
    bench.sql("CREATE USER own@'%' IDENTIFIED BY 'o-1'").await;
    let seen = |bench: &Bench, text: &str| {
        ["general.log", "changes.000001"].map(|file| {
            let log = bench.server.data(file).unwrap();
            log.windows(text.len()).any(|window| window == text.as_bytes())
        })
    };
    for username in ["app"] {
        assert_eq!(bench.apply_to(username, "canary-one").await, Outcome::Applied);
    }
    let boss = std::mem::replace(&mut bench.management, login("own", "o-1"));
    assert_eq!(bench.apply_to("own", "canary-one").await, Outcome::Applied);
    bench.management = boss;
    assert_eq!(seen(&bench, "canary-one"), [false, false]);
    assert_eq!(
        seen(&bench, "IDENTIFIED VIA mysql_native_password USING '*"),
        [true, true],
        "the logs are looked at in vain"
    );
    bench.set("password_hashing", "server");
    assert_eq!(bench.apply_to("app", "canary-two").await, Outcome::Applied);
    assert_eq!(seen(&bench, "canary-two"), [true, true]);
}
