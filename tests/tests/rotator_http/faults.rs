//! Each point at which making or setting a credential can break: what the rotator says, and what the server holds.

use serde_json::{Value, json};
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Handles, Minting, Outcome, Verification};
use vault_tests::proxy::Mischief;

use crate::bench::{Bench, NEW, OLD, class, minting, word};

#[tokio::test]
async fn each_fault_point_of_making_has_its_outcome_and_nothing_unknown_stays() {
    let bench = Bench::start("grafana").await;
    let at = |text: &str| text.to_owned();
    let (look, make) = ("GET /api/serviceaccounts/search", "POST /api/serviceaccounts/");
    // How many keys there are afterwards; one was there before.
    for (mischief, outcome, keys) in [
        (Mischief::Refuse, "not made: unreachable", 1),
        (Mischief::Silent, "not made: unreachable", 1),
        (Mischief::CutBefore(at(look)), "not made: unreachable", 1),
        (Mischief::DropReply(at(look)), "not made: unreachable", 1),
        (Mischief::CutBefore(at(make)), "unknown: ambiguous", 1),
        (Mischief::DropReply(at(make)), "unknown: ambiguous", 2),
        (Mischief::SwallowReply(at(make)), "unknown: ambiguous", 2),
        (Mischief::None, "made", 2),
    ] {
        bench.server.create_account("app", OLD);
        bench.proxy.set(mischief.clone()).await.unwrap();
        let found = bench.mint(bench.job()).await;
        assert_eq!(minting(&found), outcome, "{mischief:?}");
        bench.proxy.set(Mischief::None).await.unwrap();
        assert_eq!(bench.labels().len(), keys, "{mischief:?}");
        let handle = if let Minting::Made(made) = &found { Some(made.handle.as_str()) } else { None };
        let known = Handles { pending: handle, ..Handles::default() };
        assert_eq!(bench.settle(known).await, Ok(()), "{mischief:?}");
        assert_eq!(bench.labels().len(), 1 + usize::from(handle.is_some()), "{mischief:?}");
        assert!(bench.labels().contains(&"by hand".to_owned()), "{mischief:?}: a person's key is gone");
    }
}

#[tokio::test]
async fn a_cut_at_any_byte_of_the_answers_is_told_truly() {
    let bench = Bench::start("grafana").await;
    let (mut doubtful, mut done) = (0, 0);
    // Long enough for the second answer; the first one's connection is struck as well.
    for limit in (0..640).step_by(40) {
        bench.server.create_account("app", OLD);
        bench.proxy.set(Mischief::CutAfter(limit)).await.unwrap();
        let found = bench.mint(bench.job()).await;
        bench.proxy.set(Mischief::None).await.unwrap();
        let keys = bench.labels().len();
        match found {
            Minting::Made(made) => {
                assert_eq!(
                    (keys, bench.server.takes_key("app", made.password.expose())),
                    (2, true),
                    "{limit}"
                );
                done += 1;
            }
            Minting::NotMade(fault) => {
                assert_eq!((fault.class, keys), (FaultClass::Unreachable, 1), "{limit}");
            }
            Minting::Unknown(fault) => {
                assert_eq!(fault.class, FaultClass::Ambiguous, "{limit}");
                doubtful += 1;
            }
        }
        assert_eq!(bench.settle(Handles::default()).await, Ok(()), "{limit}");
        assert_eq!(bench.labels(), ["by hand"], "{limit}");
    }
    assert!(done > 0, "{doubtful} doubtful, {done} done: the cuts missed the decisive answer");
}

#[tokio::test]
async fn each_answer_to_making_a_credential_has_its_class() {
    let bench = Bench::start("gitlab").await;
    let nothing = Value::Null;
    for (status, body, want) in [
        (400, &nothing, "not made: preflight"),
        (401, &nothing, "not made: management_auth_refused"),
        (403, &nothing, "not made: permission_denied"),
        (404, &nothing, "not made: account_missing"),
        (429, &nothing, "not made: unreachable"),
        (302, &nothing, "unknown: ambiguous"),
        (408, &nothing, "unknown: ambiguous"),
        (500, &nothing, "unknown: ambiguous"),
        (503, &nothing, "unknown: ambiguous"),
        // Done, it says, and does not tell what.
        (201, &json!({ "id": 7 }), "unknown: ambiguous"),
        (201, &json!({ "id": 7, "token": "" }), "unknown: ambiguous"),
        (201, &json!({ "id": { "a": 1 }, "token": "x" }), "unknown: ambiguous"),
        (200, &nothing, "unknown: ambiguous"),
    ] {
        bench.server.replace("POST /api/v4/users/", status, body.clone());
        let found = bench.mint(bench.job()).await;
        assert_eq!(minting(&found), want, "{status} {body}");
        bench.server.restore();
    }
    assert_eq!(bench.labels(), ["by hand"]);
}

#[tokio::test]
async fn each_answer_to_setting_a_password_has_its_class() {
    let bench = Bench::start("keycloak").await;
    for (status, want) in [
        (204, "applied"),
        (400, "not applied: policy_rejected"),
        (409, "not applied: policy_rejected"),
        (422, "not applied: policy_rejected"),
        (401, "not applied: management_auth_refused"),
        (403, "not applied: permission_denied"),
        (404, "not applied: account_missing"),
        (405, "not applied: preflight"),
        (429, "not applied: unreachable"),
        (307, "unknown: ambiguous"),
        (500, "unknown: ambiguous"),
    ] {
        bench.server.replace("/reset-password", status, Value::Null);
        // The set needs a management session of an account that may manage.
        assert_eq!(word(&bench.apply().await), want, "{status}");
        bench.server.restore();
    }
    bench.server.refuse_passwords_with("0815");
    assert_eq!(word(&bench.apply().await), "not applied: policy_rejected");
    assert!(bench.server.takes_password("app", OLD) && !bench.server.takes_password("app", NEW));
}

#[tokio::test]
async fn each_answer_to_a_look_has_its_class() {
    let bench = Bench::start("gitlab").await;
    let all = "GET /api/v4/users?";
    for (part, status, body, want) in [
        (all, 401, Value::Null, FaultClass::ManagementAuthRefused),
        (all, 403, Value::Null, FaultClass::PermissionDenied),
        (all, 429, Value::Null, FaultClass::Unreachable),
        (all, 500, Value::Null, FaultClass::Unreachable),
        (all, 301, Value::Null, FaultClass::Preflight),
        (all, 200, json!([]), FaultClass::AccountMissing),
        (all, 200, json!({ "users": [] }), FaultClass::Preflight),
        (all, 200, json!([{ "username": "application", "id": 1 }]), FaultClass::AccountMissing),
        (
            all,
            200,
            json!([{ "username": "app", "id": 1 }, { "username": "app", "id": 2 }]),
            FaultClass::Preflight,
        ),
        (all, 200, json!([{ "username": "app" }]), FaultClass::Preflight),
        (all, 200, json!([{ "username": "app", "id": 1, "state": "blocked" }]), FaultClass::AccountLocked),
        ("GET /api/v4/personal_access_tokens?", 403, Value::Null, FaultClass::PermissionDenied),
        ("GET /api/v4/personal_access_tokens?", 200, json!([{ "name": "x" }]), FaultClass::Preflight),
        ("/memberships", 500, Value::Null, FaultClass::Unreachable),
    ] {
        bench.server.replace(part, status, body.clone());
        assert_eq!(class(&bench.preflight().await), Some(want), "{part} {status} {body}");
        bench.server.restore();
    }
    assert!(bench.preflight().await.is_ok());
}

#[tokio::test]
async fn an_old_credential_whose_deletion_is_not_known_is_deleted_again() {
    use rotators::http::HttpRotator;
    use vault_core::rotation::port::{Job, Rotator as _};

    let bench = Bench::start("grafana").await;
    let (old, new) = (bench.made(bench.job()).await, bench.made(bench.another(9)).await);
    let handles = Handles { current: Some(&new.handle), previous: Some(&old.handle), ..Handles::default() };
    let job = Job { handles, ..bench.another(9) };
    let old_login = crate::bench::login("app", old.password.expose());
    let delete = "DELETE /api/serviceaccounts/";
    for (mischief, want) in [
        (Mischief::CutBefore(delete.to_owned()), "unknown: ambiguous"),
        (Mischief::DropReply(delete.to_owned()), "unknown: ambiguous"),
        (Mischief::None, "applied"),
        (Mischief::None, "applied"),
    ] {
        bench.proxy.set(mischief.clone()).await.unwrap();
        let found: Outcome = HttpRotator::new().retire(job, &old_login).await;
        assert_eq!(word(&found), want, "{mischief:?}");
    }
    assert!(!bench.server.takes_key("app", old.password.expose()));
    let rights = vault_core::rotation::port::NO_RIGHTS.clone();
    assert_eq!(bench.verify(job, new.password.expose(), &rights).await, Verification::Verified);
}
