//! What is particular where the API makes the credentials.

use rotators::http::HttpRotator;
use serde_json::json;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Handles, Job, NO_RIGHTS, Outcome, Probe, Rotator, Verification};
use vault_tests::keys::{ADMIN, ADMIN_SECRET, Key};

use crate::bench::{Bench, class, login, minting, word};

#[tokio::test]
async fn every_page_of_a_list_is_read_and_revoked_keys_are_left_alone() {
    let bench = Bench::start("gitlab").await;
    bench.server.with_account("app", |app| {
        for id in 11..18 {
            let label = if id % 2 == 0 { "of a person" } else { "of a script" }.to_owned();
            let secret = format!("by-hand-{id}");
            app.keys.push(Key { id, label, secret, expires: None, revoked: id == 13 });
        }
    });
    let made = bench.made(bench.job()).await;
    let handles = Handles { pending: Some(&made.handle), ..Handles::default() };
    let adopted = Job { handles, is_adoption: true, ..bench.job() };
    let before = bench.server.requests().len();
    assert_eq!(bench.verify(adopted, made.password.expose(), &NO_RIGHTS).await, Verification::Verified);
    assert_eq!(bench.labels().len(), 1, "{:?}", bench.labels());
    let asked = bench.server.requests().split_off(before);
    let count = |part: &str| asked.iter().filter(|line| line.contains(part)).count();
    // 9 keys, two a page, listed again after the deletions; 8 live ones, of which one is ours.
    assert_eq!((count("GET /api/v4/personal_access_tokens?"), count("DELETE /")), (10, 7), "{asked:#?}");
}

#[tokio::test]
async fn keys_of_people_stay_where_the_settings_say_so() {
    let mut bench = Bench::start("grafana").await;
    bench.spec.settings.insert("other_credentials".to_owned(), "keep".to_owned());
    let made = bench.made(bench.job()).await;
    let handles = Handles { pending: Some(&made.handle), ..Handles::default() };
    let adopted = Job { handles, is_adoption: true, ..bench.job() };
    assert_eq!(bench.verify(adopted, made.password.expose(), &NO_RIGHTS).await, Verification::Verified);
    assert_eq!(bench.labels().len(), 2);
}

#[tokio::test]
async fn an_adoption_that_does_not_know_its_own_key_deletes_none() {
    let bench = Bench::start("grafana").await;
    let made = bench.made(bench.job()).await;
    let adopted = Job { is_adoption: true, ..bench.job() };
    let found = bench.verify(adopted, made.password.expose(), &NO_RIGHTS).await;
    assert!(matches!(found, Verification::Inconclusive(_)), "{found:?}");
    assert_eq!(bench.labels().len(), 2);
}

#[tokio::test]
async fn an_adoption_whose_list_does_not_show_the_label_deletes_nothing() {
    let bench = Bench::start("grafana").await;
    let text = rotators::http::config::preset("grafana").unwrap();
    let mut spec = bench.spec.clone();
    spec.settings.remove("preset");
    for (right, wrong) in [
        ("\"label\": \"/name\"", "\"label\": \"/nam\""),
        ("\"handle\": \"/id\",\n    \"label\"", "\"handle\": \"/user_id\",\n    \"label\""),
    ] {
        assert!(text.contains(right));
        spec.settings.insert("service".to_owned(), text.replace(right, wrong));
        let made = bench.made(bench.job()).await;
        let handles = Handles { pending: Some(&made.handle), ..Handles::default() };
        let adopted = Job { handles, is_adoption: true, spec: &spec, ..bench.job() };
        let before = bench.labels();
        let found = bench.verify(adopted, made.password.expose(), &NO_RIGHTS).await;
        assert!(
            matches!(&found, Verification::Inconclusive(fault) if fault.class == FaultClass::Preflight),
            "{found:?}"
        );
        assert_eq!(bench.labels(), before);
    }
}

#[tokio::test]
async fn a_key_that_came_late_is_taken_away_by_the_next_rotation_and_a_persons_is_not() {
    let bench = Bench::start("grafana").await;
    let late = bench.made(bench.another(1)).await;
    let (old, new) = (bench.made(bench.another(2)).await, bench.made(bench.job()).await);
    let handles = Handles { current: Some(&new.handle), previous: Some(&old.handle), ..Handles::default() };
    let job = Job { handles, ..bench.job() };
    let retired = HttpRotator::new().retire(job, &login("app", old.password.expose())).await;
    assert_eq!(retired, Outcome::Applied);
    for (secret, opens) in [(&late.password, false), (&old.password, false), (&new.password, true)] {
        assert_eq!(bench.server.takes_key("app", secret.expose()), opens);
    }
    assert!(bench.labels().contains(&"by hand".to_owned()));
}

#[tokio::test]
async fn a_key_says_when_it_ends_by_the_beginning_of_its_rotation() {
    let mut bench = Bench::start("gitlab").await;
    for (lifetime, day) in [(None, "2027-04-15"), (Some("10d"), "2027-01-25")] {
        bench.spec.settings.extend(lifetime.map(|text| ("lifetime".to_owned(), text.to_owned())));
        let made = bench.made(bench.job()).await;
        let keys = bench.server.live_keys("app");
        let key = keys.iter().find(|key| key.id.to_string() == made.handle).unwrap();
        assert_eq!((key.expires.as_deref(), key.label.starts_with("rotunda-")), (Some(day), true));
    }
}

#[tokio::test]
async fn a_management_key_that_a_person_brought_is_found_by_what_it_tells_of_itself() {
    for (preset, want, left) in [
        ("gitlab", "applied", false),
        // Grafana's tokens do not tell which they are.
        ("grafana", "not applied: old_still_valid", true),
    ] {
        let bench = Bench::start(preset).await;
        let job = Job { username: ADMIN, ..bench.job() };
        let new = bench.made(job).await;
        let management = login(ADMIN, new.password.expose());
        let handles = Handles { current: Some(&new.handle), ..Handles::default() };
        let job = Job { management: &management, handles, ..job };
        let old = login(ADMIN, ADMIN_SECRET);
        let retired = HttpRotator::new().retire(job, &old).await;
        assert_eq!(word(&retired), want, "{preset}: {retired:?}");
        let opens = |secret: &str| bench.server.live_keys(ADMIN).iter().any(|key| key.secret == secret);
        assert_eq!((opens(ADMIN_SECRET), opens(new.password.expose())), (left, true), "{preset}");
    }
}

#[tokio::test]
async fn an_account_that_is_gone_or_disabled_is_told() {
    let bench = Bench::start("grafana").await;
    let made = bench.made(bench.job()).await;
    bench.server.with_account("app", |app| app.disabled = true);
    assert_eq!(class(&bench.preflight().await), Some(FaultClass::AccountLocked));
    assert_eq!(bench.probe(made.password.expose()).await, Probe::Refused);
    bench.server.remove_account("app");
    assert_eq!(class(&bench.preflight().await), Some(FaultClass::AccountMissing));
    assert_eq!(minting(&bench.mint(bench.job()).await), "not made: account_missing");
    assert_eq!(bench.settle(Handles::default()).await, Ok(()), "its keys are gone with it");
}

#[tokio::test]
async fn a_list_whose_pages_do_not_end_or_lead_elsewhere_is_an_error() {
    let bench = Bench::start("gitlab").await;
    let mut service: serde_json::Value =
        serde_json::from_str(rotators::http::config::preset("gitlab").unwrap()).unwrap();
    service["credentials"]["page"] = json!({ "parameter": "offset" });
    // The server knows no such parameter, so each page is the first one again.
    let mut spec = bench.spec.clone();
    spec.settings.remove("preset");
    spec.settings.insert("service".to_owned(), service.to_string());
    let found = HttpRotator::new().preflight(Job { spec: &spec, ..bench.job() }).await;
    let fault = found.unwrap_err();
    assert!(fault.class == FaultClass::Preflight && fault.detail.contains("too many pages"), "{fault}");
    // One that it knows: pages are counted until an empty one.
    service["credentials"]["page"] = json!({ "parameter": "page" });
    spec.settings.insert("service".to_owned(), service.to_string());
    let before = bench.server.requests().len();
    assert!(HttpRotator::new().preflight(Job { spec: &spec, ..bench.job() }).await.is_ok());
    let asked = bench.server.requests().split_off(before);
    assert!(asked.iter().any(|line| line.ends_with("per_page=100&page=2")), "{asked:#?}");
}

#[tokio::test]
async fn what_a_person_is_shown_holds_no_secret() {
    let bench = Bench::start("keycloak").await;
    let report = HttpRotator::new().check(&bench.spec, &bench.management).await.unwrap();
    assert_eq!(report.server, "Keycloak");
    let shown = format!("{report:?} {:?}", rotators::http::config::Config::parse(&bench.spec).unwrap());
    assert!(!shown.contains(ADMIN_SECRET));
    for (status, body) in
        [(400, json!({ "error": ADMIN_SECRET })), (500, json!(ADMIN_SECRET)), (200, json!({}))]
    {
        bench.server.replace("POST /realms/", status, body);
        let fault = HttpRotator::new().check(&bench.spec, &bench.management).await.unwrap_err();
        assert!(!fault.to_string().contains(ADMIN_SECRET), "{status}");
        bench.server.restore();
    }
}

#[tokio::test]
async fn a_handle_that_would_lead_elsewhere_is_told_and_no_request_is_made() {
    let bench = Bench::start("grafana").await;
    let made = bench.made(bench.job()).await;
    let deletions = || bench.server.requests().iter().filter(|line| line.starts_with("DELETE ")).count();
    let old = login("app", "gone");
    for handle in [".", ".."] {
        let handles = Handles { current: Some(&made.handle), previous: Some(handle), ..Handles::default() };
        let retired = HttpRotator::new().retire(Job { handles, ..bench.job() }, &old).await;
        assert_eq!(word(&retired), "not applied: preflight", "{handle}: {retired:?}");
        bench.server.replace("/tokens", 200, json!([{ "id": handle, "name": "x" }]));
        let fault = bench.preflight().await.unwrap_err();
        assert!(
            fault.class == FaultClass::Preflight && fault.detail.contains("no address can name"),
            "{fault}"
        );
        bench.server.restore();
        bench.server.replace(
            "POST /api/serviceaccounts/",
            200,
            json!({ "id": handle, "name": "x", "key": "k" }),
        );
        assert_eq!(minting(&bench.mint(bench.job()).await), "unknown: ambiguous", "{handle}");
        bench.server.restore();
        let account = json!({ "serviceAccounts": [{ "id": handle, "name": "app" }] });
        bench.server.replace("/serviceaccounts/search", 200, account);
        assert_eq!(class(&bench.preflight().await), Some(FaultClass::Preflight), "{handle}");
        bench.server.restore();
    }
    assert_eq!(deletions(), 0);
}

#[tokio::test]
async fn the_keys_of_another_target_on_the_account_and_those_without_a_mark_are_left_alone() {
    let bench = Bench::start("gitlab").await;
    let mut spec = bench.spec.clone();
    spec.settings.insert("scope".to_owned(), "read_api".to_owned());
    let other = bench.made(Job { spec: &spec, ..bench.another(1) }).await;
    let unmarked = format!("rotunda-{}", bench.another(2).rotation);
    bench.server.with_account("app", |app| {
        let (label, secret) = (unmarked.clone(), "of-before".to_owned());
        app.keys.push(Key { id: 90, label, secret, expires: None, revoked: false });
    });
    let (late, old) = (bench.made(bench.another(3)).await, bench.made(bench.another(4)).await);
    let new = bench.made(bench.job()).await;
    let handles = Handles { current: Some(&new.handle), previous: Some(&old.handle), ..Handles::default() };
    let job = Job { handles, ..bench.job() };
    let retired = HttpRotator::new().retire(job, &login("app", old.password.expose())).await;
    assert_eq!(retired, Outcome::Applied);
    for (secret, opens) in [
        (other.password.expose(), true),
        ("of-before", true),
        (new.password.expose(), true),
        (late.password.expose(), false),
        (old.password.expose(), false),
    ] {
        assert_eq!(bench.server.takes_key("app", secret), opens, "{secret}");
    }
}

#[tokio::test]
async fn a_deletion_that_deleted_nothing_is_told() {
    let bench = Bench::start("grafana").await;
    let (old, new) = (bench.made(bench.another(1)).await, bench.made(bench.job()).await);
    let handles = Handles { current: Some(&new.handle), previous: Some(&old.handle), ..Handles::default() };
    let job = Job { handles, ..bench.job() };
    let old_login = login("app", old.password.expose());
    let alone = Handles::default();
    for answer in [404, 200] {
        bench.server.replace("DELETE /api/serviceaccounts/", answer, json!({}));
        let retired = HttpRotator::new().retire(job, &old_login).await;
        assert_eq!(word(&retired), "not applied: unreachable", "{answer}");
        assert_eq!(class(&bench.settle(alone).await), Some(FaultClass::Unreachable), "{answer}");
        bench.server.restore();
    }
    assert_eq!(HttpRotator::new().retire(job, &old_login).await, Outcome::Applied);
    assert_eq!(bench.settle(alone).await, Ok(()));
    assert_eq!(bench.labels(), ["by hand"]);
}
