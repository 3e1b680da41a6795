//! What a login shows: the host, the ways of logging in, and each state that an account can be in.

use rotators::ssh::SshRotator;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Outcome, Probe, Rights, Rotator, Verification};
use vault_tests::ssh::SshOptions;

use crate::bench::{Bench, NEW, OLD, class, login, word};

fn options(sshd: &[&str]) -> SshOptions {
    SshOptions { sshd: sshd.iter().map(|line| (*line).to_owned()).collect(), ..SshOptions::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_pinned_host_is_told_anything() {
    let mut bench = Bench::start().await;
    let key = bench.server.host_key().unwrap();
    let print = |name: &str| {
        let line = bench.root(&format!("ssh-keygen -lf /etc/ssh/{name}.pub"));
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    let (print, ecdsa_print) = (print("host_ed25519"), print("host_ecdsa"));
    let ecdsa = std::fs::read_to_string(bench.server.etc("ssh/host_ecdsa.pub")).unwrap();
    let other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKSZ1FlnmZZkzC5ptARIMspDdsTHuM7fAeF5Z7J3LOYH";
    for (pins, accepted) in [
        (key.clone(), true),
        (print.clone(), true),
        (format!("{other},{print}"), true),
        (format!("{other}\n{key}\n"), true),
        (ecdsa.trim().to_owned(), true),
        (other.to_owned(), false),
        // Of a fingerprint it is not known which kind of key it is: the best one is asked for.
        (ecdsa_print, false),
    ] {
        bench.set("host_key", &pins);
        let found = bench.probe("app", OLD).await;
        match &found {
            Probe::Works => assert!(accepted, "{pins}"),
            Probe::Inconclusive(fault) => {
                assert_eq!((accepted, fault.class), (false, FaultClass::Tls), "{pins}: {fault}");
                assert!(fault.detail.contains(&print), "{fault}");
            }
            other => panic!("{pins}: {other:?}"),
        }
    }
    let before = bench.server.log().matches("Accepted").count();
    bench.set("host_key", "ask");
    let asked = SshRotator::new().check(&bench.spec, &bench.management).await.unwrap_err();
    assert_eq!(asked.class, FaultClass::Preflight);
    assert!(asked.detail.contains(&print), "{asked}");
    assert_eq!(word(&bench.apply().await), "not applied: preflight");
    assert_eq!(bench.server.log().matches("Accepted").count(), before);
    assert_eq!(bench.opens(), (true, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_state_of_an_account_is_told() {
    let bench = Bench::start().await;
    // What happens to the account, what preflight says, what apply says, and what undoes it.
    for (script, said, applied, undo) in [
        ("usermod -L app", FaultClass::AccountLocked, "not applied: account_locked", "usermod -U app"),
        (
            "chage -E 2020-01-01 app",
            FaultClass::AccountLocked,
            "not applied: account_locked",
            "chage -E -1 app",
        ),
        (
            "cp /etc/shadow /etc/keep; usermod -p \"*\" app",
            FaultClass::AccountLocked,
            "not applied: account_locked",
            "cp /etc/keep /etc/shadow",
        ),
        (
            "cp /etc/shadow /etc/keep; sed -i /^app:/d /etc/shadow",
            FaultClass::Preflight,
            "not applied: preflight",
            "cp /etc/keep /etc/shadow",
        ),
        (
            "cp /etc/passwd /etc/keep; sed -i /^app:/d /etc/passwd",
            FaultClass::AccountMissing,
            "not applied: account_missing",
            "cp /etc/keep /etc/passwd",
        ),
    ] {
        bench.root(script);
        let found = bench.preflight("app").await;
        assert_eq!(class(&found), Some(said), "{script}: {found:?}");
        let outcome = bench.apply().await;
        assert_eq!(word(&outcome), applied, "{script}: {outcome:?}");
        bench.root(undo);
        assert_eq!(bench.opens(), (true, false), "{script}");
    }
    // A password that has expired is renewed by the change.
    bench.root("chage -d 2020-01-01 -M 30 app");
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(bench.opens(), (false, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_pam_does_not_let_in_is_blocked_and_not_refused() {
    let bench = Bench::start().await;
    bench.root("chage -E 2020-01-01 app");
    let found = bench.probe("app", OLD).await;
    assert!(matches!(&found, Probe::Blocked(fault) if fault.class == FaultClass::AccountLocked), "{found:?}");
    assert_eq!(bench.probe("app", NEW).await, Probe::Refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_sent_once_by_whichever_way_the_server_takes() {
    for sshd in [
        &["PasswordAuthentication yes"][..],
        &["PasswordAuthentication yes", "KbdInteractiveAuthentication yes"],
        &["PasswordAuthentication no", "KbdInteractiveAuthentication yes"],
        &["PasswordAuthentication yes", "MaxAuthTries 1"],
        &["PasswordAuthentication no", "KbdInteractiveAuthentication yes", "MaxAuthTries 1"],
    ] {
        let bench = Bench::start_with(&options(sshd)).await;
        assert_eq!(bench.probe("app", OLD).await, Probe::Works, "{sshd:?}");
        assert_eq!(bench.server.refused("app").unwrap(), 0, "{sshd:?}");
        assert_eq!(bench.probe("app", NEW).await, Probe::Refused, "{sshd:?}");
        assert_eq!(bench.server.refused("app").unwrap(), 1, "{sshd:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_that_is_not_offered_says_nothing_about_the_password() {
    let mut bench = Bench::start_with(&options(&["Match User app", "PasswordAuthentication no"])).await;
    for password in [OLD, NEW] {
        let found = bench.probe("app", password).await;
        assert!(
            matches!(&found, Probe::Inconclusive(fault) if fault.class == FaultClass::Preflight),
            "{found:?}"
        );
    }
    assert_eq!(bench.server.refused("app").unwrap(), 0);
    assert_eq!(class(&bench.preflight("app").await), Some(FaultClass::Preflight));
    // Two in a row: the first is taken and does not suffice.
    bench = Bench::start_with(&options(&[
        "KbdInteractiveAuthentication yes",
        "Match User app",
        "AuthenticationMethods password,keyboard-interactive",
    ]))
    .await;
    let found = bench.probe("app", OLD).await;
    assert!(matches!(&found, Probe::Blocked(_)), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_by_pam_is_one_of_policy_and_changes_nothing() {
    let rule = "password requisite pam_deny.so".to_owned();
    let bench = Bench::start_with(&SshOptions { pam_password: vec![rule], ..SshOptions::default() }).await;
    assert_eq!(word(&bench.apply().await), "not applied: policy_rejected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_pam_remembers_is_not_given_up() {
    // The new password must be none of the last ones, as many sites want it.
    let rule = "password requisite pam_pwhistory.so remember=5 enforce_for_root".to_owned();
    let bench = Bench::start_with(&SshOptions { pam_password: vec![rule], ..SshOptions::default() }).await;
    assert_eq!(bench.apply().await, Outcome::Applied);
    // A candidate is made anew, so one that was there before was set by an earlier attempt.
    assert_eq!(word(&bench.apply_to("app", OLD).await), "unknown: ambiguous");
    assert_eq!(bench.opens(), (false, true));
    assert_eq!(bench.apply_to("app", "another-4711").await, Outcome::Applied);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_whose_shell_runs_nothing_are_verified_all_the_same() {
    let bench = Bench::start().await;
    bench.root("usermod -s /usr/sbin/nologin app");
    let rights = bench.preflight("app").await.unwrap();
    assert!(rights.0.contains(&"shell /usr/sbin/nologin".to_owned()), "{rights:?}");
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(bench.verify("app", NEW, &rights).await, Verification::Verified);
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_are_groups_home_shell_expiry_and_what_sudo_allows() {
    let bench = Bench::start().await;
    let rights = bench.preflight("app").await.unwrap();
    for line in
        ["member of readers", "shell /bin/sh", "account expires never", "sudo (root) NOPASSWD: /bin/sh"]
    {
        assert!(rights.0.contains(&line.to_owned()), "{line}: {rights:?}");
    }
    assert!(rights.0.iter().any(|line| line.starts_with("home /") && line.ends_with("/app")), "{rights:?}");
    bench.root("usermod -s /bin/bash app; gpasswd -d app readers");
    let lost = bench.verify("app", OLD, &rights).await;
    let wanted = ["member of readers", "shell /bin/sh", "sudo (root) NOPASSWD: /bin/sh"];
    assert_eq!(lost, Verification::RightsLost(wanted.map(str::to_owned).to_vec()));
    assert_eq!(bench.verify("app", OLD, &Rights::default()).await, Verification::Verified);
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_with_every_sign_that_a_line_can_hold_arrive_as_they_are() {
    let bench = Bench::start().await;
    for password in
        ["a:b:c", " begins and ends with blanks ", "\t#!'\"`$(id)\\n%s", "ключ-😀", &"x".repeat(200)]
    {
        assert_eq!(SshRotator::new().validate_login(&login("app", password)), Ok(()));
        assert_eq!(bench.apply_to("app", password).await, Outcome::Applied, "{password}");
        assert!(bench.server.accepts("app", password).unwrap(), "{password}");
        assert_eq!(bench.probe("app", password).await, Probe::Works, "{password}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_session_ends_with_the_sessions() {
    let bench = Bench::start().await;
    let mut tunnel = bench.server.open_connection("app", OLD).unwrap();
    assert!(!tunnel.ended().unwrap());
    assert_eq!(SshRotator::new().end_sessions(bench.job()).await, Ok(1));
    // The client hears of it in its own time.
    for _ in 0..600 {
        if tunnel.ended().unwrap() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the connection is still open");
}
