//! What a login shows, whose passwords may be changed, by whom, and what stays as it was.

use reqwest::Method;
use rotators::rabbitmq::RabbitRotator;
use serde_json::json;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Outcome, Probe, Rotator, Verification};
use vault_tests::rabbitmq::{Connection, permissions};

use crate::bench::{Bench, NEW, OLD, class, login, word};

/// Many stories on one server, since each takes seconds to start.
#[tokio::test]
async fn logins_rights_and_sessions_are_told_as_they_are() {
    let mut bench = Bench::start().await;
    logins(&mut bench).await;
    preflights(&mut bench).await;
    rights(&bench).await;
    sessions(&bench).await;
    checks(&mut bench).await;
    no_password_in_the_log(&bench).await;
}

async fn logins(bench: &mut Bench) {
    bench.server.create_user("untagged", OLD, "").await.unwrap();
    for way in ["amqp", "management"] {
        bench.spec.settings.insert("login".to_owned(), way.to_owned());
        for (username, password, want) in [
            ("app", OLD, Probe::Works),
            ("app", NEW, Probe::Refused),
            ("untagged", OLD, Probe::Works),
            ("untagged", NEW, Probe::Refused),
            ("nobody", OLD, Probe::Refused),
        ] {
            assert_eq!(bench.probe(username, password).await, want, "{way}: {username} {password}");
        }
    }
    bench.spec.settings.remove("login");
    // Another protocol's port is neither a refusal nor a success.
    let amqp_port = bench.spec.settings.insert("amqp_port".to_owned(), bench.proxy.port().to_string());
    let found = bench.probe("app", OLD).await;
    assert!(matches!(&found, Probe::Inconclusive(_)), "{found:?}");
    bench.spec.settings.insert("amqp_port".to_owned(), amqp_port.unwrap());
}

async fn preflights(bench: &mut Bench) {
    let bare = json!({ "password_hash": "", "tags": "" });
    bench.server.admin(Method::PUT, "users/bare", Some(bare)).await.unwrap();
    for (username, want) in [
        ("app", None),
        ("nobody", Some(FaultClass::AccountMissing)),
        ("bare", Some(FaultClass::AccountLocked)),
        ("a:b", Some(FaultClass::Preflight)),
        ("..", Some(FaultClass::Preflight)),
    ] {
        let found = bench.preflight(username).await;
        assert_eq!(class(&found), want, "{username}: {found:?}");
    }
    let admin = std::mem::replace(&mut bench.management, login("app", OLD));
    for tags in ["monitoring", ""] {
        bench.server.create_user("app", OLD, tags).await.unwrap();
        assert_eq!(class(&bench.preflight("untagged").await), Some(FaultClass::PermissionDenied), "{tags}");
        assert_eq!(word(&bench.apply_to("untagged", NEW).await), "not applied: permission_denied", "{tags}");
        let check = RabbitRotator::new().check(&bench.spec, &bench.management).await;
        assert_eq!(class(&check), Some(FaultClass::PermissionDenied), "{tags}");
    }
    bench.management = admin;
    bench.reset_account().await;
}

async fn rights(bench: &Bench) {
    let admin = |path: &'static str, body| bench.server.admin(Method::PUT, path, Some(body));
    admin("users/app", json!({ "password": OLD, "tags": "monitoring,own tag" })).await.unwrap();
    admin("user-limits/app/max-connections", json!({ "value": 5 })).await.unwrap();
    let topic = json!({ "exchange": "amq.topic", "write": "^a", "read": ".*" });
    admin("topic-permissions/%2F/app", topic).await.unwrap();
    let before = bench.preflight("app").await.unwrap();
    for line in [
        "tag monitoring",
        "tag own tag",
        "limit max-connections 5",
        "configure '.*' in vhost /",
        "write topics '^a' of exchange 'amq.topic' in vhost /",
    ] {
        assert!(before.0.iter().any(|found| found == line), "{line} is not in {before:?}");
    }
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(bench.verify(NEW, &before).await, Verification::Verified);
    assert_eq!(bench.preflight("app").await.unwrap(), before, "tags and all else stay");
    let fewer = json!({ "configure": ".*", "write": "", "read": ".*" });
    bench.server.admin(Method::PUT, &permissions("app"), Some(fewer)).await.unwrap();
    admin("users/app", json!({ "password": NEW, "tags": "monitoring" })).await.unwrap();
    assert_eq!(
        bench.verify(NEW, &before).await,
        Verification::RightsLost(["tag own tag", "write '.*' in vhost /"].map(str::to_owned).to_vec())
    );
    bench.server.admin(Method::DELETE, "user-limits/app/max-connections", None).await.unwrap();
    bench.reset_account().await;
}

async fn sessions(bench: &Bench) {
    let port = bench.server.amqp_port();
    let mut first = Connection::open(port, "app", OLD).await.unwrap().unwrap();
    let mut second = Connection::open(port, "app", OLD).await.unwrap().unwrap();
    let _other = Connection::open(port, "untagged", OLD).await.unwrap().unwrap();
    assert_eq!(RabbitRotator::new().end_sessions(bench.job()).await, Ok(2));
    first.ended().await.unwrap();
    second.ended().await.unwrap();
    assert_eq!(RabbitRotator::new().end_sessions(bench.job_for("untagged")).await, Ok(1));
}

async fn checks(bench: &mut Bench) {
    let report = RabbitRotator::new().check(&bench.spec, &bench.management).await.unwrap();
    assert!(report.server.starts_with("RabbitMQ ") && report.warnings.is_empty(), "{report:?}");
    bench.spec.settings.insert("login".to_owned(), "management".to_owned());
    bench.spec.settings.insert("password_hashing".to_owned(), "server".to_owned());
    let report = RabbitRotator::new().check(&bench.spec, &bench.management).await.unwrap();
    assert_eq!(report.warnings.len(), 2, "{report:?}");
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(bench.opens().await, (false, true));
    bench.spec.settings.remove("login");
    bench.spec.settings.remove("password_hashing");
}

async fn no_password_in_the_log(bench: &Bench) {
    let log = bench.server.log_until_now().await.unwrap();
    assert!(!log.contains(OLD) && !log.contains(NEW));
    // The proxy sees what is sent: no password but in the way that a login has.
    bench.reset_account().await;
    let before = bench.proxy.statements().len();
    assert_eq!(bench.apply().await, Outcome::Applied);
    let sent = bench.proxy.statements().split_off(before).concat();
    assert!(sent.contains("password_hash") && !sent.contains(NEW), "{sent}");
}
