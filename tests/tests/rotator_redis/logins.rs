//! What a login shows, whose passwords may be changed, and by whom.

use rotators::redis::RedisRotator;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Outcome, Probe, Rotator, Verification};
use vault_tests::redis::{RedisClient, RedisOptions, RedisServer};

use crate::bench::{Bench, NEW, OLD, class, login, word};

#[tokio::test]
async fn a_probe_tells_the_password_from_everything_else() {
    let bench = Bench::start().await;
    bench.run(&["ACL", "SETUSER", "off", "off", &format!(">{OLD}")]).await;
    bench.run(&["ACL", "SETUSER", "bare", "on"]).await;
    for (username, password, want) in [
        ("app", OLD, Probe::Works),
        ("app", NEW, Probe::Refused),
        ("nobody", OLD, Probe::Refused),
        ("off", OLD, Probe::Refused),
        ("bare", OLD, Probe::Refused),
    ] {
        assert_eq!(bench.probe(username, password).await, want, "{username} {password}");
    }
    bench.run(&["CONFIG", "SET", "maxclients", "1"]).await;
    let _held = RedisClient::open(bench.server.port()).await.unwrap();
    let full = bench.probe("app", OLD).await;
    assert!(
        matches!(&full, Probe::Inconclusive(fault) if fault.class == FaultClass::Unreachable),
        "{full:?}"
    );
}

#[tokio::test]
async fn preflight_names_what_stands_in_the_way_of_the_account() {
    let bench = Bench::start().await;
    let old = format!(">{OLD}");
    bench.run(&["ACL", "SETUSER", "off", "off", &old]).await;
    bench.run(&["ACL", "SETUSER", "open", "on", "nopass"]).await;
    bench.run(&["ACL", "SETUSER", "retiring", "on", &old, ">a-second-one"]).await;
    bench.run(&["ACL", "SETUSER", "crowded", "on", &old, ">a-second-one", ">a-third-one"]).await;
    for (username, want) in [
        ("app", None),
        ("nobody", Some(FaultClass::AccountMissing)),
        ("off", Some(FaultClass::AccountLocked)),
        ("open", Some(FaultClass::Preflight)),
        ("retiring", None),
        ("crowded", Some(FaultClass::Preflight)),
        ("a b", Some(FaultClass::Preflight)),
    ] {
        let found = bench.preflight(username).await;
        assert_eq!(class(&found), want, "{username}: {found:?}");
    }
    assert_eq!(word(&bench.apply_to("open", NEW).await), "not applied: preflight");
    let report = bench.check().await.unwrap();
    assert!(report.warnings.iter().any(|line| line.ends_with(": crowded, retiring")), "{report:?}");
}

#[tokio::test]
async fn passwords_that_the_vault_does_not_know_stop_a_rotation_unless_told_otherwise() {
    let old = format!(">{OLD}");
    for (setting, value, rotates, after) in [
        ("other_passwords", "refuse", false, (true, false, true)),
        ("other_passwords", "keep", true, (true, true, true)),
        ("overlap", "false", true, (false, true, false)),
    ] {
        let bench = Bench::start_with(&RedisOptions::default(), &[(setting, value)]).await;
        bench.run(&["ACL", "SETUSER", "app", &old, ">a-second-one"]).await;
        let outcome = bench.apply().await;
        assert_eq!(outcome == Outcome::Applied, rotates, "{setting}={value}: {outcome:?}");
        let (old, new) = bench.opens().await;
        let second = bench.server.accepts("app", "a-second-one").await.unwrap();
        assert_eq!((old, new, second), after, "{setting}={value}");
    }
}

#[tokio::test]
async fn old_and_new_live_side_by_side_until_the_old_one_is_retired() {
    let bench = Bench::start().await;
    let rights = bench.preflight("app").await.unwrap();
    assert!(RedisRotator::new().overlaps(&bench.spec));
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(bench.opens().await, (true, true));
    assert_eq!(bench.verify(NEW, &rights).await, Verification::Verified);
    assert_eq!(bench.retire(OLD).await, Outcome::Applied);
    assert_eq!(bench.opens().await, (false, true));
    // The last password that is left is not taken away, whoever asks for it.
    assert_eq!(word(&bench.retire(NEW).await), "not applied: drift");
    assert_eq!(bench.opens().await, (false, true));
}

#[tokio::test]
async fn a_password_that_somebody_set_behind_the_vaults_back_is_told_at_retire() {
    for (setting, word_of_retire) in [("refuse", "not applied: old_still_valid"), ("keep", "applied")] {
        let bench = Bench::start_with(&RedisOptions::default(), &[("other_passwords", setting)]).await;
        bench.run(&["ACL", "SETUSER", "app", "resetpass", ">of-somebody-else"]).await;
        assert_eq!(bench.apply().await, Outcome::Applied);
        assert_eq!(word(&bench.retire(OLD).await), word_of_retire);
    }
}

#[tokio::test]
async fn rights_are_read_whole_and_each_loss_is_told() {
    let bench = Bench::start().await;
    bench.run(&["ACL", "SETUSER", "app", "&news:*", "(+set ~w:*)"]).await;
    let before = bench.preflight("app").await.unwrap();
    for line in [
        "flag on",
        "keys ~app:*",
        "channels &news:*",
        "commands -@all +get +set",
        "selector commands -@all +set, keys ~w:*, channels none",
    ] {
        assert!(before.0.iter().any(|found| found == line), "{line} is not in {before:?}");
    }
    assert_eq!(bench.verify(OLD, &before).await, Verification::Verified);
    bench.run(&["ACL", "SETUSER", "app", "resetchannels", "-set", "clearselectors"]).await;
    let Verification::RightsLost(lost) = bench.verify(OLD, &before).await else { panic!("nothing was lost") };
    assert_eq!(lost.len(), 3, "{lost:?}");
    // A user that every password opens proves nothing by letting one in.
    bench.run(&["ACL", "SETUSER", "app", "nopass"]).await;
    let open = bench.verify(NEW, &before).await;
    assert!(
        matches!(&open, Verification::Refused(fault) if fault.class == FaultClass::VerifyRefused),
        "{open:?}"
    );
}

const LEAST: [&str; 8] = [
    "+acl|setuser",
    "+acl|getuser",
    "+acl|save",
    "+client|setname",
    "+client|list",
    "+client|kill",
    "+info",
    "+config|get",
];

/// The user `vault` with the least rights, without one of them and with others.
async fn make_management(bench: &Bench, missing: Option<&str>, further: &[&str]) {
    let password = format!(">{OLD}");
    let mut words = vec!["ACL", "SETUSER", "vault", "reset", "on", &password];
    words.extend(LEAST.into_iter().filter(|rule| Some(*rule) != missing));
    words.extend(further);
    bench.run(&words).await;
}

#[tokio::test]
async fn the_least_rights_of_management_are_enough_and_each_of_them_is_needed() {
    let mut bench = Bench::start().await;
    for missing in [None].into_iter().chain(LEAST.into_iter().map(Some)) {
        bench.reset_account().await;
        make_management(&bench, missing, &[]).await;
        bench.management = login("vault", OLD);
        let rights = bench.preflight("app").await;
        let outcome = bench.apply().await;
        if let Some(rule) = missing {
            assert_eq!(
                class(&bench.check().await).is_some(),
                true_without_dryrun(rule),
                "check without {rule}"
            );
            if rule == "+client|kill" {
                // Asked for only where there is something to end.
                let ended = RedisRotator::new().end_sessions(bench.job()).await;
                assert_eq!(class(&ended), Some(FaultClass::PermissionDenied));
                continue;
            }
            if rule == "+info" {
                assert_eq!(class(&rights), Some(FaultClass::PermissionDenied));
                continue;
            }
            assert_eq!(word(&outcome), "not applied: permission_denied", "without {rule}: {outcome:?}");
            assert_eq!(bench.opens().await, (true, false), "without {rule}");
        } else {
            bench.check().await.unwrap();
            assert_eq!(outcome, Outcome::Applied);
            assert_eq!(bench.verify(NEW, &rights.unwrap()).await, Verification::Verified);
            assert_eq!(bench.settle().await, Ok(()));
            assert_eq!(bench.retire(OLD).await, Outcome::Applied);
            assert_eq!(RedisRotator::new().end_sessions(bench.job()).await, Ok(0));
        }
    }
}

/// What a look notices by itself, without `+acl|dryrun`.
fn true_without_dryrun(rule: &str) -> bool {
    matches!(rule, "+acl|getuser" | "+info" | "+config|get")
}

#[tokio::test]
async fn with_dryrun_each_missing_right_is_told_before_anything_is_touched() {
    let mut bench = Bench::start().await;
    for missing in LEAST {
        make_management(&bench, Some(missing), &["+acl|dryrun"]).await;
        bench.management = login("vault", OLD);
        for found in [class(&bench.check().await), class(&bench.preflight("app").await)] {
            assert_eq!(found, Some(FaultClass::PermissionDenied), "without {missing}");
        }
    }
}

#[tokio::test]
async fn a_replica_is_taken_for_the_wrong_address_unless_told_otherwise() {
    let primary = RedisServer::start().unwrap();
    let options = RedisOptions {
        config: vec![format!("replicaof 127.0.0.1 {}", primary.port())],
        ..RedisOptions::default()
    };
    let mut bench = Bench::start_with(&options, &[]).await;
    assert_eq!(class(&bench.check().await), Some(FaultClass::Preflight));
    assert_eq!(class(&bench.preflight("app").await), Some(FaultClass::Preflight));
    bench.spec.settings.insert("replica".to_owned(), "accept".to_owned());
    assert_eq!(bench.apply().await, Outcome::Applied);
    let report = bench.check().await.unwrap();
    assert!(report.warnings.iter().any(|line| line.contains("is a replica")), "{report:?}");
    assert_eq!(bench.opens().await, (true, true));
}

#[tokio::test]
async fn sessions_of_the_account_end_and_others_stay() {
    let bench = Bench::start().await;
    bench.run(&["ACL", "SETUSER", "other", "on", &format!(">{OLD}"), "+ping"]).await;
    let port = bench.server.port();
    let mut first = RedisClient::connect(port, "app", OLD).await.unwrap();
    let mut other = RedisClient::connect(port, "other", OLD).await.unwrap();
    assert_eq!(RedisRotator::new().end_sessions(bench.job()).await, Ok(1));
    assert!(first.ask(&["GET", "app:x"]).await.is_err());
    other.run(&["PING"]).await.unwrap();
    let nobody = RedisRotator::new().end_sessions(bench.job_for("nobody")).await;
    assert_eq!(class(&nobody), Some(FaultClass::AccountMissing));
}
