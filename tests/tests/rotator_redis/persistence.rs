//! A change outlives the server's memory, or it is not made.

use std::os::unix::fs::PermissionsExt;

use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Outcome, Rights, Verification};
use vault_tests::proxy::Mischief;
use vault_tests::redis::{RedisOptions, Users};

use crate::bench::{Bench, NEW, OLD, class, word};

#[tokio::test]
async fn a_crash_of_the_server_loses_nothing_that_was_applied() {
    for users in [Users::AclFile, Users::ConfigFile] {
        let options = RedisOptions { users, ..RedisOptions::default() };
        let mut bench = Bench::start_with(&options, &[]).await;
        assert_eq!(bench.apply().await, Outcome::Applied, "{users:?}");
        bench.server.crash_and_start_again().unwrap();
        assert_eq!(bench.opens().await, (true, true), "{users:?}");
        assert_eq!(bench.retire(OLD).await, Outcome::Applied, "{users:?}");
        bench.server.crash_and_start_again().unwrap();
        assert_eq!(bench.opens().await, (false, true), "{users:?}");
    }
}

#[tokio::test]
async fn what_an_attempt_left_in_memory_alone_is_kept_before_it_counts_as_verified() {
    let mut bench = Bench::start().await;
    bench.proxy.set(Mischief::CutBefore("SAVE".to_owned())).await.unwrap();
    assert_eq!(word(&bench.apply().await), "unknown: ambiguous");
    bench.proxy.set(Mischief::None).await.unwrap();
    assert_eq!(bench.verify(NEW, &Rights::default()).await, Verification::Verified);
    bench.server.crash_and_start_again().unwrap();
    assert_eq!(bench.opens().await, (true, true));
}

#[tokio::test]
async fn a_change_that_cannot_be_kept_is_taken_back() {
    for overlap in ["true", "false"] {
        let bench = Bench::start_with(&RedisOptions::default(), &[("overlap", overlap)]).await;
        bench.run(&["ACL", "SAVE"]).await;
        let kept = bench.kept();
        // The server writes a new file beside the old one. Root may write everywhere, so a test that is
        // root runs the server as another user.
        let folder = bench.server.folder();
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o500)).unwrap();
        assert_eq!(word(&bench.apply().await), "not applied: unreachable", "overlap={overlap}");
        assert_eq!(bench.opens().await, (true, false), "overlap={overlap}");
        let verified = bench.verify(OLD, &Rights::default()).await;
        assert!(matches!(&verified, Verification::Inconclusive(_)), "{verified:?}");
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(bench.kept(), kept);
        assert_eq!(bench.apply().await, Outcome::Applied, "overlap={overlap}");
    }
}

#[tokio::test]
async fn an_old_password_that_cannot_be_taken_away_for_good_stays() {
    let bench = Bench::start().await;
    assert_eq!(bench.apply().await, Outcome::Applied);
    let folder = bench.server.folder();
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o500)).unwrap();
    assert_eq!(word(&bench.retire(OLD).await), "not applied: unreachable");
    assert_eq!(bench.opens().await, (true, true));
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(bench.retire(OLD).await, Outcome::Applied);
    assert_eq!(bench.opens().await, (false, true));
}

#[tokio::test]
async fn a_server_that_keeps_no_users_is_refused_unless_somebody_says_they_know() {
    let options = RedisOptions { users: Users::Memory, ..RedisOptions::default() };
    let mut bench = Bench::start_with(&options, &[]).await;
    for found in [class(&bench.check().await), class(&bench.preflight("app").await)] {
        assert_eq!(found, Some(FaultClass::Preflight));
    }
    assert_eq!(word(&bench.apply().await), "not applied: preflight");
    bench.spec.settings.insert("persist".to_owned(), "aclfile".to_owned());
    assert_eq!(word(&bench.apply().await), "not applied: preflight");
    assert_eq!(bench.opens().await, (true, false));
    bench.spec.settings.insert("persist".to_owned(), "none".to_owned());
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(bench.opens().await, (true, true));
    let report = bench.check().await.unwrap();
    assert!(report.warnings.iter().any(|line| line.contains("persist=none")), "{report:?}");
}

#[tokio::test]
async fn names_that_break_a_configuration_file_and_its_default_user_are_refused_there() {
    let options = RedisOptions { users: Users::ConfigFile, ..RedisOptions::default() };
    let bench = Bench::start_with(&options, &[]).await;
    for name in ["it's", "dou\"ble", "default"] {
        bench.run(&["ACL", "SETUSER", name, "reset", "on", &format!(">{OLD}")]).await;
        assert_eq!(class(&bench.preflight(name).await), Some(FaultClass::Preflight), "{name}");
        assert_eq!(word(&bench.apply_to(name, NEW).await), "not applied: preflight", "{name}");
    }
}

#[tokio::test]
async fn the_default_user_rotates_where_there_is_an_acl_file() {
    let mut bench = Bench::start().await;
    bench.run(&["ACL", "SETUSER", "default", "reset", "on", &format!(">{OLD}"), "+ping"]).await;
    assert_eq!(bench.apply_to("default", NEW).await, Outcome::Applied);
    bench.server.crash_and_start_again().unwrap();
    assert!(bench.server.accepts("default", NEW).await.unwrap());
}
