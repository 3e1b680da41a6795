//! Which specifications are policies, and how they are stored.

use serde_json::{Value, json};

use super::*;

fn read(value: Value) -> Result<RotationPolicy, String> {
    let spec: RotationPolicySpec = serde_json::from_value(value).map_err(|error| error.to_string())?;
    RotationPolicy::try_new(spec).map_err(|error| error.to_string())
}

#[test]
fn a_period_alone_is_a_policy_with_defaults() {
    let policy = read(json!({"rotation_period": "24h"})).unwrap();
    assert_eq!(policy.cadence(), &Cadence::Period(Duration::from_secs(86_400)));
    assert_eq!((policy.jitter(), policy.grace()), (Duration::ZERO, Duration::ZERO));
    assert_eq!(policy.retries(), 3);
    assert_eq!((policy.retry_base().as_secs(), policy.retry_cap().as_secs()), (10, 300));
    assert_eq!(read(json!({"rotation_period": 86_400})).unwrap(), policy);
    assert_eq!(RotationPolicy::every(Duration::from_secs(86_400)).unwrap(), policy);
}

#[test]
fn a_schedule_takes_zone_and_window() {
    let policy = read(json!({
        "rotation_schedule": "0 3 * * *", "time_zone": "Europe/Paris", "rotation_window": "1h",
        "jitter": "10m", "retries": 5, "retry_base": "1s", "retry_cap": 60, "grace": "15m",
        "rotation_period": "", "unknown": 1,
    }))
    .unwrap();
    let Cadence::Schedule { cron, zone, window } = policy.cadence() else { panic!("{policy:?}") };
    assert_eq!((cron.as_str(), zone.name()), ("0 3 * * *", "Europe/Paris"));
    assert_eq!(*window, Some(Duration::from_secs(3600)));
    assert_eq!((policy.retries(), policy.grace().as_secs()), (5, 900));
}

#[test]
fn what_is_no_policy_is_refused_with_what_to_mend() {
    for (value, says) in [
        (json!({}), "give rotation_period"),
        (json!({"rotation_period": "0s", "rotation_schedule": " "}), "give rotation_period"),
        (json!({"rotation_period": "1h", "rotation_schedule": "@daily"}), "not both"),
        (json!({"rotation_period": "4s"}), "at least 5s"),
        (json!({"rotation_period": "1h", "rotation_window": "1h"}), "needs a rotation_schedule"),
        (json!({"rotation_schedule": "@daily", "rotation_window": "999ms"}), "at least 1s"),
        (json!({"rotation_schedule": "@never"}), "rotation_schedule cannot be used"),
        (json!({"rotation_schedule": "@daily", "time_zone": "Mars/Olympus"}), "\"Mars/Olympus\" is unknown"),
        (json!({"rotation_period": "1h", "jitter": "1h"}), "shorter than the rotation_period"),
        (
            json!({"rotation_schedule": "@daily", "rotation_window": "1h", "jitter": "2h"}),
            "shorter than the rotation_window",
        ),
        (json!({"rotation_schedule": "@daily", "jitter": "24h"}), "shorter than the 24h"),
        (json!({"rotation_period": "1h", "retries": 21}), "between 0 and 20"),
        (json!({"rotation_period": "1h", "retry_base": "2m", "retry_cap": "1m"}), "not be longer"),
        (json!({"rotation_period": "1h", "grace": "1h", "hold": "31d"}), "at most 30d"),
        (json!({"rotation_period": "1h", "hold": "1h"}), "needs a grace"),
        (json!({"rotation_period": "-1h"}), "cannot be negative"),
        (json!({"rotation_period": "soon"}), "not a duration"),
        (json!({"rotation_period": "1h", "retries": -1}), "invalid"),
    ] {
        let error = read(value.clone()).unwrap_err();
        assert!(error.contains(says), "{value}: {error}");
    }
}

#[test]
fn the_shortest_and_the_most_are_allowed() {
    for value in [
        json!({"rotation_period": "5s", "retries": 0}),
        json!({"rotation_schedule": "@daily", "rotation_window": "1s", "retries": 20}),
        json!({"rotation_schedule": "@daily", "jitter": "23h59m59s"}),
        json!({"rotation_period": "1h", "retry_base": "10m"}),
        json!({"rotation_period": "1h", "grace": "1s", "hold": "30d", "early_after": "1h"}),
    ] {
        assert!(read(value.clone()).is_ok(), "{value}");
    }
}

#[test]
fn a_stored_policy_reads_back_and_is_checked_again() {
    for value in [
        json!({"rotation_period": "24h", "jitter": "90s"}),
        json!({"rotation_schedule": "0 3 * * 1-5", "time_zone": "Europe/Paris", "rotation_window": "1h"}),
    ] {
        let policy = read(value).unwrap();
        let packed = rmp_serde::to_vec_named(&policy).unwrap();
        assert_eq!(rmp_serde::from_slice::<RotationPolicy>(&packed).unwrap(), policy);
        let json = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<RotationPolicy>(&json).unwrap(), policy);
    }
    assert!(serde_json::from_str::<RotationPolicy>("{\"rotation_period\":\"1s\"}").is_err());
}

#[test]
fn the_stored_form_is_in_words() {
    let policy = read(json!({"rotation_period": 86_400})).unwrap();
    assert_eq!(
        serde_json::to_value(&policy).unwrap(),
        json!({
            "rotation_period": "24h0m0s", "rotation_schedule": null, "time_zone": null, "rotation_window": "",
            "jitter": "0s", "retries": 3, "retry_base": "10s", "retry_cap": "5m0s", "grace": "0s",
            "early_after": "30s", "hold": "0s",
        })
    );
}
