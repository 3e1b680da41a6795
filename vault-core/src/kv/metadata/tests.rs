//! Versions come, go and come back; none is lost but the oldest.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::kv::{DeleteAfter, VERSIONS_MAX};

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn keeping(max_versions: u32) -> MountSettings {
    MountSettings { max_versions, ..MountSettings::default() }
}

fn with_versions(count: u64, mount: &MountSettings) -> Metadata {
    let mut metadata = Metadata::new(at(0));
    for number in 1..=count {
        metadata = metadata.written(None, mount, at(number as i64)).unwrap();
    }
    metadata
}

#[test]
fn numbers_are_counted_as_vault_counts_them() {
    // written, kept at most → current, oldest, numbers that are left
    for (count, kept, oldest, left) in [
        (0, 0, 0, vec![]),
        (1, 0, 0, vec![1]),
        (9, 0, 0, (1..=9).collect::<Vec<u64>>()),
        (10, 0, 1, (1..=10).collect()),
        (11, 0, 2, (2..=11).collect()),
        (3, 1, 3, vec![3]),
        (5, 3, 3, vec![3, 4, 5]),
    ] {
        let metadata = with_versions(count, &keeping(kept));
        assert_eq!((metadata.current(), metadata.oldest()), (count, oldest), "{count} of {kept}");
        assert_eq!(metadata.versions().keys().copied().collect::<Vec<_>>(), left, "{count} of {kept}");
    }
}

#[test]
fn a_writer_that_knows_another_version_is_refused() {
    let mount = MountSettings { cas_required: true, ..MountSettings::default() };
    let empty = Metadata::new(at(0));
    let one = empty.clone().written(Some(0), &mount, at(1)).unwrap();
    for (metadata, cas, want) in [
        (&empty, None, Err(CasError::Required)),
        (&empty, Some(0), Ok(())),
        (&empty, Some(1), Err(CasError::Mismatch)),
        (&one, Some(0), Err(CasError::Mismatch)),
        (&one, Some(1), Ok(())),
        (&one, Some(-1), Err(CasError::Mismatch)),
        (&one, None, Err(CasError::Required)),
    ] {
        assert_eq!(metadata.check(cas, &mount), want, "{cas:?} after {}", metadata.current());
    }
    assert_eq!(one.check(None, &MountSettings::default()), Ok(()));
    let own = one.changed(KeyChange { cas_required: Some(true), ..KeyChange::default() }).unwrap();
    assert_eq!(own.check(None, &MountSettings::default()), Err(CasError::Required));
}

#[test]
fn what_is_deleted_comes_back_and_what_is_destroyed_does_not() {
    let mount = MountSettings::default();
    let metadata =
        with_versions(3, &mount).deleted(&[1, 9], at(10)).destroyed(&[2, 9]).deleted_latest(at(11));
    let gone = |number| matches!(metadata.reading(Some(number), at(12)), Reading::Gone(..));
    assert!(gone(1) && gone(2) && gone(3));
    assert_eq!(metadata.versions()[&3].deletion_time(), Some(at(11)));
    assert_eq!(metadata.clone().deleted_latest(at(20)), metadata, "a second delete changes nothing");
    let back = metadata.undeleted(&[1, 2, 3, 9], &mount, at(13));
    assert!(matches!(back.reading(Some(1), at(13)), Reading::Data(1, _)));
    assert!(matches!(back.reading(Some(2), at(13)), Reading::Gone(2, _)));
    assert!(matches!(back.reading(None, at(13)), Reading::Data(3, _)));
    assert_eq!(back.reading(Some(9), at(13)), Reading::Nothing);
    assert_eq!(back.clone().deleted(&[2], at(14)), back, "a destroyed version is not deleted on top");
}

#[test]
fn a_version_goes_by_itself_and_its_time_counts_anew_when_it_is_brought_back() {
    let hour = Duration::from_secs(3600);
    let mount = MountSettings { delete_after: DeleteAfter::After(hour), ..MountSettings::default() };
    let metadata = Metadata::new(at(0)).written(None, &mount, at(100)).unwrap();
    assert!(matches!(metadata.reading(None, at(3699)), Reading::Data(..)));
    assert!(matches!(metadata.reading(None, at(3700)), Reading::Gone(..)));
    let back = metadata.undeleted(&[1], &mount, at(5000));
    assert_eq!(back.versions()[&1].deletion_time(), Some(at(8600)));
}

#[test]
fn dropped_versions_are_swept_in_bounded_steps() {
    let metadata = with_versions(10, &keeping(10)).written(None, &keeping(2), at(11)).unwrap();
    assert_eq!(metadata.oldest(), 10);
    assert_eq!(metadata.unswept(4).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let metadata = metadata.swept(4);
    assert_eq!(metadata.unswept(4).collect::<Vec<_>>(), [5, 6, 7, 8]);
    let metadata = metadata.swept(4);
    assert_eq!(metadata.unswept(4).collect::<Vec<_>>(), [9]);
    assert_eq!(metadata.swept(4).unswept(4).count(), 0);
}

#[test]
fn settings_have_limits_and_what_is_not_named_stays() {
    let metadata = Metadata::new(at(0));
    let change = KeyChange {
        max_versions: Some(5),
        delete_after: Some(Duration::from_secs(9)),
        ..KeyChange::default()
    };
    let changed = metadata.changed(change).unwrap();
    let again =
        changed.clone().changed(KeyChange { cas_required: Some(true), ..KeyChange::default() }).unwrap();
    assert_eq!((again.settings().max_versions, again.settings().delete_after.as_secs()), (5, 9));
    assert!(again.settings().cas_required);
    let beyond = KeyChange { max_versions: Some(VERSIONS_MAX + 1), ..KeyChange::default() };
    assert_eq!(changed.changed(beyond), Err(SettingsError::TooManyVersions));
}

#[test]
fn thousands_of_versions_fit_a_record() {
    let mount = keeping(VERSIONS_MAX);
    let versions: BTreeMap<u64, Version> = (1..=4096)
        .map(|n| (n, Version::new(at(1_800_000_000), Some(Deletion::Due(at(1_900_000_000))))))
        .collect();
    let metadata = Metadata { current: 4096, versions, ..Metadata::new(at(0)) };
    let bytes = rmp_serde::to_vec_named(&metadata.written(None, &mount, at(1)).unwrap()).unwrap();
    assert!(bytes.len() < 160 * 1024, "{} bytes", bytes.len());
}

#[derive(Clone, Debug)]
enum Event {
    Write(Option<i64>),
    Delete(Vec<u64>),
    Undelete(Vec<u64>),
    Destroy(Vec<u64>),
    Keep(u32),
    Sweep,
}

fn event() -> impl Strategy<Value = Event> {
    let numbers = || prop::collection::vec(0..14_u64, 0..4);
    prop_oneof![
        6 => prop::option::of(-1..14_i64).prop_map(Event::Write),
        2 => numbers().prop_map(Event::Delete),
        2 => numbers().prop_map(Event::Undelete),
        1 => numbers().prop_map(Event::Destroy),
        1 => (0..6_u32).prop_map(Event::Keep),
        1 => Just(Event::Sweep),
    ]
}

proptest! {
    #[test]
    fn no_version_is_lost_but_the_oldest(events in prop::collection::vec(event(), 0..60), mount_keeps in 0..6_u32) {
        let mount = keeping(mount_keeps);
        let mut metadata = Metadata::new(at(0));
        let mut removed: Vec<u64> = Vec::new();
        for (now, event) in events.into_iter().enumerate() {
            let now = at(now as i64);
            let before = metadata.clone();
            match event {
                Event::Write(cas) => match metadata.clone().written(cas, &mount, now) {
                    Ok(next) => {
                        prop_assert_eq!(next.current(), before.current() + 1);
                        prop_assert!(cas.is_none_or(|cas| u64::try_from(cas) == Ok(before.current())));
                        prop_assert!(matches!(next.reading(None, now), Reading::Data(..)));
                        let kept = mount.versions_kept(next.settings()) as usize;
                        prop_assert!(next.versions().len() <= kept.max(1));
                        prop_assert!(next.versions().len() >= kept.min(before.versions().len() + 1));
                        metadata = next;
                    }
                    Err(_) => prop_assert!(cas.is_some_and(|cas| u64::try_from(cas) != Ok(before.current()))),
                },
                Event::Delete(numbers) => metadata = metadata.deleted(&numbers, now),
                Event::Undelete(numbers) => metadata = metadata.undeleted(&numbers, &mount, now),
                Event::Destroy(numbers) => metadata = metadata.destroyed(&numbers),
                Event::Keep(count) => {
                    let change = KeyChange { max_versions: Some(count), ..KeyChange::default() };
                    metadata = metadata.changed(change).unwrap();
                }
                Event::Sweep => {
                    removed.extend(metadata.unswept(3));
                    metadata = metadata.swept(3);
                }
            }
            prop_assert!(metadata.current() >= before.current(), "numbers only grow");
            prop_assert!(metadata.oldest() >= before.oldest());
            // What is known is one run of numbers that ends with the current one.
            let numbers: Vec<u64> = metadata.versions().keys().copied().collect();
            let first = metadata.oldest().max(1);
            prop_assert_eq!(numbers, (first..=metadata.current()).collect::<Vec<_>>());
            // A destroyed version never becomes readable.
            for (number, version) in before.versions() {
                let after = metadata.versions().get(number);
                prop_assert!(!version.destroyed || after.is_none_or(|after| after.destroyed));
            }
            // Each dropped record is removed once, and none that is known.
            let open: Vec<u64> = metadata.unswept(u64::MAX).collect();
            let all: Vec<u64> = removed.iter().copied().chain(open).collect();
            prop_assert_eq!(all, (1..first).collect::<Vec<_>>());
        }
    }
}
