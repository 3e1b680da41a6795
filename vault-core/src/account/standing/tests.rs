//! How accounts stand, case by case.

use super::*;
use crate::account::{Settings, Subject, Version};
use crate::path::{AccountPath, Name};
use crate::schedule::RotationPolicySpec;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn account() -> Account {
    let subject = Subject::Account(AccountPath::parse("app").unwrap());
    Account::new(subject, Name::parse("t").unwrap(), "app".to_owned(), Settings::default(), NOW)
}

#[test]
fn the_age_is_that_of_what_readers_get_and_the_period_that_of_the_policy() {
    let day = Duration::from_secs(86_400);
    let cron = RotationPolicySpec {
        rotation_schedule: Some("0 3 * * 1".to_owned()),
        ..RotationPolicySpec::default()
    };
    let cron = RotationPolicy::try_new(cron).unwrap();
    let daily = RotationPolicy::every(day).unwrap();
    let mut account = account();
    for (made, policy, ratio) in [
        (None, Some(&daily), None),
        (Some(NOW.minus(day / 2)), Some(&daily), Some(500_000)),
        (Some(NOW.minus(day * 3)), Some(&daily), Some(3_000_000)),
        (Some(NOW.minus(day * 7)), Some(&cron), Some(1_000_000)),
        (Some(NOW.minus(day)), None, None),
        // The clock stepped back after it was made.
        (Some(NOW.plus(day)), Some(&daily), Some(0)),
    ] {
        account.versions.current = made.map(|made| Version::new(1, made));
        assert_eq!(Standing::of(&account, policy, NOW).ratio(), ratio, "{made:?}");
    }
}

#[test]
fn an_account_is_overdue_from_its_due_time_until_it_was_rotated() {
    let mut account = account();
    assert_eq!(Standing::of(&account, None, NOW).overdue, None);
    account.next_rotation = Some(NOW);
    assert_eq!(Standing::of(&account, None, NOW).overdue, Some(Duration::ZERO));
    assert_eq!(Standing::of(&account, None, NOW.minus(Duration::from_secs(1))).overdue, None);
    let later = NOW.plus(Duration::from_secs(60));
    assert_eq!(Standing::of(&account, None, later).overdue, Some(Duration::from_secs(60)));
}

#[test]
fn what_a_maintenance_holds_is_not_overdue_until_that_is_over() {
    let minute = Duration::from_secs(60);
    let mut account = account();
    account.next_rotation = Some(NOW);
    account.held_until = Some(NOW.plus(minute * 10));
    let meanwhile = Standing::of(&account, None, NOW.plus(minute));
    assert_eq!((meanwhile.held_until, meanwhile.overdue), (account.held_until, None));
    assert_eq!(meanwhile.due_at, Some(NOW));
    // What is held is something else, such as the end of a grace.
    account.next_rotation = Some(NOW.plus(minute * 20));
    assert_eq!(Standing::of(&account, None, NOW.plus(minute)).held_until, None);
    account.next_rotation = Some(NOW);
    let after = Standing::of(&account, None, NOW.plus(minute * 12));
    assert_eq!((after.held_until, after.overdue), (None, Some(minute * 2)));
}

#[test]
fn each_age_is_counted_in_the_bucket_that_it_has_reached() {
    let day = Duration::from_secs(86_400);
    let daily = RotationPolicy::every(day).unwrap();
    let mut account = account();
    let mut counts = AgeCounts::default();
    for hours in [0, 5, 6, 12, 23, 24, 30, 48, 4_800] {
        account.versions.current = Some(Version::new(1, NOW.minus(Duration::from_secs(hours * 3600))));
        counts.add(&Standing::of(&account, Some(&daily), NOW));
    }
    assert_eq!(counts.buckets, [2, 1, 1, 1, 1, 1, 2]);
    counts.add(&Standing::of(&account, None, NOW));
    account.versions.current = None;
    counts.add(&Standing::of(&account, Some(&daily), NOW));
    let sums = (counts.accounts, counts.without_policy, counts.without_credential, counts.never_rotated);
    assert_eq!(sums, (11, 1, 1, 11));
    assert_eq!(counts.buckets.iter().sum::<u64>(), 9, "what has no ratio is in no bucket");
}
