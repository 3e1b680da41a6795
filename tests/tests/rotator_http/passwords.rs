//! What is particular where the vault brings the password.

use rotators::http::HttpRotator;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Job, NO_RIGHTS, Outcome, Probe, Rotator, Verification};
use vault_core::secret::SecretString;

use crate::bench::{Bench, NEW, OLD, class, login, word};

#[tokio::test]
async fn a_login_tells_a_wrong_password_a_disabled_account_and_a_wrong_client_apart() {
    let mut bench = Bench::start("keycloak").await;
    assert_eq!(bench.probe(OLD).await, Probe::Works);
    assert_eq!(bench.probe(NEW).await, Probe::Refused);
    bench.server.with_account("app", |app| app.disabled = true);
    let blocked = bench.probe(OLD).await;
    assert!(
        matches!(&blocked, Probe::Blocked(fault) if fault.class == FaultClass::AccountLocked),
        "{blocked:?}"
    );
    assert_eq!(class(&bench.preflight().await), Some(FaultClass::AccountLocked));
    bench.server.with_account("app", |app| app.disabled = false);
    // A form without its client, as when the realm has none that lets passwords in.
    let text = rotators::http::config::preset("keycloak").unwrap();
    let text = text.replace("\"client_id\": \"{{client_id}}\",", "");
    bench.spec.settings.remove("preset");
    bench.spec.settings.insert("service".to_owned(), text);
    let unknown = bench.probe(OLD).await;
    assert!(
        matches!(&unknown, Probe::Inconclusive(fault) if fault.class == FaultClass::Preflight),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn a_password_that_the_login_cannot_carry_is_refused_before_it_is_set() {
    let bench = Bench::start("keycloak").await;
    let text = rotators::http::config::preset("keycloak").unwrap();
    let mut service: serde_json::Value = serde_json::from_str(text).unwrap();
    service["login"] = serde_json::json!({ "request": "GET /admin/realms/x", "by": { "by": "bearer" } });
    let mut spec = bench.spec.clone();
    spec.settings.remove("preset");
    spec.settings.insert("service".to_owned(), service.to_string());
    let job = Job { spec: &spec, ..bench.job() };
    for password in ["blank at the end ", "sch\u{f6}n"] {
        let found = HttpRotator::new().apply(job, &SecretString::new(password.to_owned())).await;
        assert_eq!(word(&found), "not applied: policy_rejected", "{password}");
    }
    assert!(bench.server.takes_password("app", OLD));
}

#[tokio::test]
async fn the_kinds_of_verbs_do_not_mix() {
    let (keys, passwords) = (Bench::start("grafana").await, Bench::start("keycloak").await);
    let rotator = HttpRotator::new();
    assert!(rotator.mints(&keys.spec) && rotator.overlaps(&keys.spec) && !rotator.ends_sessions(&keys.spec));
    assert!(!rotator.mints(&passwords.spec) && !rotator.overlaps(&passwords.spec));
    assert!(rotator.ends_sessions(&passwords.spec));
    assert_eq!(word(&keys.apply().await), "not applied: preflight");
    assert_eq!(crate::bench::minting(&passwords.mint(passwords.job()).await), "not made: preflight");
    let old = login("app", OLD);
    assert_eq!(rotator.retire(passwords.job(), &old).await, Outcome::Applied);
    assert!(passwords.server.takes_password("app", OLD), "there is nothing to retire");
}

#[tokio::test]
async fn an_account_whose_rights_shrink_is_noticed() {
    let bench = Bench::start("keycloak").await;
    let rights = bench.preflight().await.unwrap();
    assert!(rights.0.contains(&"/*/name = Editor".to_owned()), "{rights:?}");
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(bench.verify(bench.job(), NEW, &rights).await, Verification::Verified);
    bench.server.with_account("app", |app| app.role = "Viewer".to_owned());
    let lost = bench.verify(bench.job(), NEW, &rights).await;
    assert_eq!(lost, Verification::RightsLost(vec!["/*/name = Editor".to_owned()]));
    assert_eq!(bench.verify(bench.job(), NEW, &NO_RIGHTS).await, Verification::Verified);
}
