//! What the directory's password policies (the overlay ppolicy) and rules of access say, and what becomes of it.

use ldap3::Mod;
use ldap3::controls::{MakeCritical, RelaxRules};
use rotators::ldap::LdapRotator;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Login, Outcome, Rotator};
use vault_tests::ldap::{LdapOptions, MANAGEMENT, account_dn};

use crate::bench::{Bench, NEW, OLD, login, probed, word};

async fn under(policy: &[&str]) -> Bench {
    let policy = policy.iter().map(|line| (*line).to_owned()).collect();
    Bench::start_with(LdapOptions { policy, ..LdapOptions::default() }, &[]).await
}

#[tokio::test]
async fn each_reason_of_a_policy_has_its_class_and_the_old_password_stays() {
    for (policy, candidate, class, reason) in [
        (&["pwdMinLength: 20", "pwdCheckQuality: 2"][..], "short-4711", "policy_rejected", "too short"),
        (&["pwdInHistory: 3"], OLD, "applied", ""),
        (&["pwdSafeModify: TRUE"], NEW, "preflight", "pwdSafeModify"),
        (&["pwdMinAge: 3600"], NEW, "unreachable", "pwdMinAge"),
    ] {
        let bench = under(policy).await;
        let outcome = bench.apply_to("app", candidate).await;
        let wanted = if class == "applied" { class.to_owned() } else { format!("not applied: {class}") };
        assert_eq!(word(&outcome), wanted, "{policy:?}: {outcome:?}");
        if let Outcome::NotApplied(fault) = outcome {
            assert!(fault.detail.contains(reason), "{policy:?}: {fault}");
        }
        assert_eq!(bench.opens().await, (true, false), "{policy:?}");
    }
}

#[tokio::test]
async fn a_password_of_the_past_is_refused_and_the_one_that_is_set_is_applied_again() {
    let bench = under(&["pwdInHistory: 3"]).await;
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(bench.apply().await, Outcome::Applied);
    // A candidate is made anew, so one that the directory remembers was set by an earlier attempt: it is not given up.
    assert_eq!(word(&bench.apply_to("app", OLD).await), "unknown: ambiguous");
    assert_eq!(bench.opens().await, (false, true));
}

#[tokio::test]
async fn behind_a_fence_a_policy_sees_a_hash_and_can_only_take_or_refuse_it() {
    for (policy, outcome) in [
        (&["pwdMinLength: 40", "pwdCheckQuality: 1", "pwdInHistory: 3"][..], "applied"),
        (&["pwdCheckQuality: 2", "pwdMinLength: 1"], "not applied: policy_rejected"),
    ] {
        let policy = policy.iter().map(|line| (*line).to_owned()).collect();
        let options = LdapOptions { policy, ..LdapOptions::default() };
        let bench = Bench::start_with(options, &[("fence_attribute", "description")]).await;
        assert_eq!(word(&bench.apply().await), outcome);
        assert_eq!(bench.values("description").await.len(), 0, "the mark is taken away again");
    }
}

#[tokio::test]
async fn a_locked_account_is_told_from_a_wrong_password() {
    let bench = under(&["pwdLockout: TRUE", "pwdMaxFailure: 2"]).await;
    assert!(bench.preflight("app").await.is_ok());
    for _ in 0..2 {
        assert_eq!(probed(&bench.probe("app", NEW).await), "refused");
    }
    assert_eq!(probed(&bench.probe("app", OLD).await), "blocked: account_locked");
    // That lock may end by itself, and a new password ends it; an administrator's is for a person.
    assert!(bench.preflight("app").await.is_ok());
    bench.set("app", "pwdAccountLockedTime", "000001010000Z").await;
    let fault = bench.preflight("app").await.unwrap_err();
    assert_eq!(fault.class, FaultClass::AccountLocked, "{fault}");
}

#[tokio::test]
async fn a_password_that_must_be_changed_after_its_reset_does_not_count_as_working() {
    let bench = under(&["pwdMustChange: TRUE"]).await;
    assert_eq!(probed(&bench.probe("app", OLD).await), "works");
    bench.set("app", "pwdReset", "TRUE").await;
    assert_eq!(probed(&bench.probe("app", OLD).await), "blocked: account_locked");
    assert_eq!(probed(&bench.probe("app", NEW).await), "refused");
}

#[tokio::test]
async fn an_account_that_may_not_change_its_own_password_is_told() {
    let mut bench = under(&["pwdAllowUserChange: FALSE"]).await;
    assert_eq!(bench.apply().await, Outcome::Applied);
    bench.management = login("app", NEW);
    assert_eq!(word(&bench.apply_to("app", OLD).await), "not applied: permission_denied");
}

#[tokio::test]
async fn an_expired_password_is_told_from_a_wrong_one() {
    let bench = under(&["pwdMaxAge: 3600"]).await;
    let past = Mod::Replace("pwdChangedTime".to_owned(), ["20200101000000Z".to_owned()].into());
    let mut admin = bench.server.admin().await.unwrap();
    let changed =
        admin.ldap.with_controls(RelaxRules.critical()).modify(&account_dn("app"), vec![past]).await;
    changed.unwrap().success().unwrap();
    assert_eq!(probed(&bench.probe("app", OLD).await), "blocked: account_locked");
    assert_eq!(probed(&bench.probe("app", NEW).await), "refused");
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(probed(&bench.probe("app", NEW).await), "works");
}

#[tokio::test]
async fn what_the_management_credential_may_not_is_told() {
    let rule = format!("access to dn.exact={} attrs=userPassword by * auth", account_dn("app"));
    let bench = Bench::start_with(LdapOptions { config: vec![rule], ..LdapOptions::default() }, &[]).await;
    assert_eq!(word(&bench.apply().await), "not applied: permission_denied");
    let writes = |attribute: &str, access: &str| {
        format!("access to attrs={attribute} by dn.exact={MANAGEMENT} {access} by * read")
    };
    for (attribute, rule, outcome) in [
        ("title", writes("title", "read"), "not applied: permission_denied"),
        // It may write there, and no entry of this class has such an attribute.
        ("title", writes("title", "write"), "not applied: preflight"),
        // It may write there and not read, so it could not find a mark to take it away.
        ("description", writes("description", "=w"), "not applied: permission_denied"),
    ] {
        let options = LdapOptions { config: vec![rule.clone()], ..LdapOptions::default() };
        let bench = Bench::start_with(options, &[("fence_attribute", attribute)]).await;
        assert_eq!(word(&bench.apply().await), outcome, "{rule}");
        assert_eq!(bench.opens().await, (true, false), "{rule}");
        assert_eq!(bench.values(attribute).await.len(), 0, "{rule}");
    }
}

#[tokio::test]
async fn a_directory_that_takes_no_passwords_is_a_matter_for_a_person() {
    let restricted = vec!["restrict extended=1.3.6.1.4.1.4203.1.11.1".to_owned()];
    let bench = Bench::start_with(LdapOptions { config: restricted, ..LdapOptions::default() }, &[]).await;
    assert_eq!(word(&bench.apply().await), "not applied: preflight");
    // A replica: it knows only whom to ask.
    let replica = vec![
        "syncrepl rid=1 provider=ldap://127.0.0.1:1 type=refreshOnly interval=99:00:00:00 retry=\"9999 +\" \
         searchbase=dc=example,dc=org bindmethod=simple"
            .to_owned(),
        "updateref ldap://primary.example".to_owned(),
    ];
    let bench = Bench::start_empty(LdapOptions { config: replica, ..LdapOptions::default() }, &[]).await;
    let outcome = bench.apply_to(MANAGEMENT, NEW).await;
    let Outcome::NotApplied(fault) = outcome else { panic!("{outcome:?}") };
    assert_eq!(fault.class, FaultClass::Preflight);
    assert!(fault.detail.contains("name the primary"), "{fault}");
}

#[tokio::test]
async fn no_message_of_a_refused_login_or_change_shows_a_password_or_the_servers_words() {
    let bench = under(&["pwdMinLength: 40", "pwdCheckQuality: 2"]).await;
    let wrong = Login { username: "app".to_owned(), password: bench.management.password.duplicate() };
    let fault = LdapRotator::new().check(&bench.spec, &wrong).await.unwrap_err();
    for said in [format!("{fault:?}"), format!("{:?}", bench.apply().await)] {
        for secret in [NEW, OLD, bench.server.password(), "Password fails"] {
            assert!(!said.contains(secret), "{said}");
        }
    }
}
