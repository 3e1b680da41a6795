//! When rotations are due, over restarts, missed windows and wrong clocks.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn policy(value: Value) -> RotationPolicy {
    RotationPolicy::try_new(serde_json::from_value(value).unwrap()).unwrap()
}

fn nightly() -> RotationPolicy {
    policy(json!({"rotation_schedule": "0 3 * * *", "time_zone": "Europe/Paris"}))
}

fn nightly_with_window() -> RotationPolicy {
    policy(json!({
        "rotation_schedule": "0 3 * * *", "time_zone": "Europe/Paris", "rotation_window": "1h", "jitter": "10m",
    }))
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_utc(DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc))
}

#[test]
fn a_period_counts_from_the_last_rotation() {
    let policy = RotationPolicy::every(Duration::from_secs(3600)).unwrap();
    let (last, now) = (at("2026-01-01T00:00:00Z"), at("2026-01-01T00:10:00Z"));
    assert_eq!(next_due(&policy, Some(last), now, 0), at("2026-01-01T01:00:00Z"));
    // Overdue stays overdue, so that one can see since when.
    let late = at("2026-01-03T00:00:00Z");
    assert_eq!(next_due(&policy, Some(last), late, 0), at("2026-01-01T01:00:00Z"));
}

#[test]
fn a_missing_or_future_last_rotation_counts_from_now() {
    let policy = RotationPolicy::every(Duration::from_secs(3600)).unwrap();
    let now = at("2026-01-01T00:00:00Z");
    for last in [None, Some(at("2099-01-01T00:00:00Z"))] {
        assert_eq!(next_due(&policy, last, now, 0), at("2026-01-01T01:00:00Z"));
        assert_eq!(next_due(&nightly(), last, now, 0), at("2026-01-01T02:00:00Z"));
    }
}

#[test]
fn jitter_puts_off_by_at_most_the_jitter_and_is_fixed_by_the_draw() {
    let policy = policy(json!({"rotation_period": "1h", "jitter": "10m"}));
    let now = at("2026-01-01T00:00:00Z");
    for (draw, due) in
        [(0, "2026-01-01T01:00:00Z"), (1 << 63, "2026-01-01T01:05:00Z"), (u64::MAX, "2026-01-01T01:10:00Z")]
    {
        assert_eq!(next_due(&policy, Some(now), now, draw), at(due));
    }
}

#[test]
fn without_a_window_a_missed_occurrence_stays_due() {
    let last = at("2026-01-01T12:00:00Z");
    for now in ["2026-01-01T13:00:00Z", "2026-01-02T02:00:00Z", "2026-01-09T00:00:00Z"] {
        assert_eq!(next_due(&nightly(), Some(last), at(now), 0), at("2026-01-02T02:00:00Z"), "{now}");
        assert!(within_window(&nightly(), at(now)));
    }
    assert_eq!(window_end(&nightly(), last), None);
}

#[test]
fn a_missed_window_passes_to_the_next_occurrence() {
    let policy = nightly_with_window();
    let last = at("2026-01-01T12:00:00Z");
    for (now, due) in [
        ("2026-01-01T13:00:00Z", "2026-01-02T02:00:00Z"),
        ("2026-01-02T02:30:00Z", "2026-01-02T02:00:00Z"),
        ("2026-01-02T02:59:59.999Z", "2026-01-02T02:00:00Z"),
        ("2026-01-02T03:00:00Z", "2026-01-03T02:00:00Z"),
        ("2026-01-05T12:00:00Z", "2026-01-06T02:00:00Z"),
    ] {
        assert_eq!(next_due(&policy, Some(last), at(now), 0), at(due), "{now}");
    }
}

#[test]
fn a_rotation_within_the_window_makes_the_next_day_due() {
    let policy = nightly_with_window();
    let done = at("2026-01-02T02:04:00Z");
    let now = at("2026-01-02T02:05:00Z");
    assert_eq!(next_due(&policy, Some(done), now, 0), at("2026-01-03T02:00:00Z"));
}

#[test]
fn a_window_is_open_from_its_occurrence_until_just_before_its_end() {
    let policy = nightly_with_window();
    let end = Some(at("2026-01-02T03:00:00Z"));
    for (now, expected) in [
        ("2026-01-02T01:59:59.999Z", None),
        ("2026-01-02T02:00:00Z", end),
        ("2026-01-02T02:59:59.999Z", end),
        ("2026-01-02T03:00:00Z", None),
    ] {
        assert_eq!(window_end(&policy, at(now)), expected, "{now}");
        assert_eq!(within_window(&policy, at(now)), expected.is_some(), "{now}");
    }
}

#[test]
fn a_window_keeps_its_length_over_a_change_of_the_clock() {
    let policy = policy(json!({
        "rotation_schedule": "30 1 * * *", "time_zone": "Europe/Paris", "rotation_window": "2h",
    }));
    // 01:30 in Paris on 2026-03-29 is 00:30 UTC; the clocks then skip an hour.
    let opened = at("2026-03-29T00:30:00Z");
    assert_eq!(window_end(&policy, opened), Some(at("2026-03-29T02:30:00Z")));
}

#[test]
fn a_schedule_without_further_occurrences_is_never_due() {
    let policy = policy(json!({"rotation_schedule": "0 0 0 1 1 * 2020"}));
    assert_eq!(next_due(&policy, None, at("2026-01-01T00:00:00Z"), u64::MAX), NEVER);
    assert_eq!(NEVER.to_rfc3339(), "9999-12-31T23:59:59.000Z");
}

proptest! {
    #[test]
    fn what_is_not_due_yet_is_not_due_when_asked_again_later(
        last in 1_700_000_000i64..1_900_000_000, asked in 0i64..400_000, again in 0i64..400_000, draw: u64, pick in 0usize..3,
    ) {
        let policies = [RotationPolicy::every(Duration::from_secs(7_200)).unwrap(), nightly(), nightly_with_window()];
        let policy = &policies[pick];
        let last = Timestamp::from_secs(last);
        let (first, second) = (asked.min(again), asked.max(again));
        let now = last.plus(Duration::from_secs(first.unsigned_abs()));
        let later = last.plus(Duration::from_secs(second.unsigned_abs()));
        let stored = next_due(policy, Some(last), now, draw);
        let recomputed = next_due(policy, Some(last), later, draw);
        // With the same draw a restart recomputes the same instant, or a later one when a window was missed.
        prop_assert!(recomputed >= stored);
        prop_assert!(stored >= last);
        if recomputed > stored {
            let missed = stored.minus(share(draw, policy.jitter()));
            prop_assert!(pick == 2 && missed.plus(Duration::from_secs(3600)) <= later);
        }
    }

    #[test]
    fn an_occurrence_that_is_due_lies_in_an_open_window(
        last in 1_700_000_000i64..1_900_000_000, after in 0u64..400_000, draw: u64,
    ) {
        let policy = nightly_with_window();
        let last = Timestamp::from_secs(last);
        let now = last.plus(Duration::from_secs(after));
        if next_due(&policy, Some(last), now, draw) <= now {
            prop_assert!(within_window(&policy, now));
        }
    }
}
