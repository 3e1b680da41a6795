//! Rotation policies in JSON: what is accepted keeps its own rules, and reads the same when it is stored.

use serde_json::Value;
use vault_core::database::cadence::Asked;
use vault_core::schedule::{Cadence, RotationPolicy, RotationPolicySpec, span};

/// Reads `data` as a policy, and as what is asked of a static role.
pub fn run(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    static_role(&value);
    let Ok(spec) = serde_json::from_value::<RotationPolicySpec>(value) else { return };
    let Ok(policy) = RotationPolicy::try_new(spec) else { return };
    check(&policy);
    let stored = serde_json::to_value(&policy).and_then(serde_json::from_value::<RotationPolicy>);
    assert_eq!(stored.ok().as_ref(), Some(&policy));
    let written = RotationPolicySpec::from(policy.clone());
    assert_eq!(RotationPolicy::try_new(written).ok(), Some(policy));
}

fn check(policy: &RotationPolicy) {
    assert!(policy.retry_base() <= policy.retry_cap() && policy.retries() <= 20);
    match policy.cadence() {
        Cadence::Period(period) => assert!(period.as_secs() >= 5 && policy.jitter() < *period),
        Cadence::Schedule { window, .. } => {
            assert!(window.is_none_or(|window| policy.jitter() < window));
        }
    }
}

/// The same words in Vault's dialect, upon no role and upon the role that came of them.
fn static_role(value: &Value) {
    let span = |name: &str| value.get(name).and_then(|value| span::from_json(value).ok().flatten());
    let asked = Asked {
        period: span("rotation_period"),
        schedule: value.get("rotation_schedule").and_then(Value::as_str).map(str::to_owned),
        window: span("rotation_window"),
    };
    let Ok(policy) = asked.clone().upon(None) else { return };
    check(&policy);
    assert!(asked.period.is_some() != asked.schedule.is_some(), "one of both was asked for");
    assert_eq!(asked.upon(Some(&policy)).ok().as_ref(), Some(&policy), "asked for twice");
    assert_eq!(Asked::default().upon(Some(&policy)).ok(), Some(policy), "what is not asked for stays");
}
