//! Any text is a policy or an error, and what was read behaves: no crash, no contradiction.

use serde_json::Value;
use vault_core::policy::{Acl, Capability, Operation, Policy};
use vault_core::schedule::span;

use super::parts::parts;

/// Reads a policy and asks it about a path: `policy %% path %% data as JSON %% time of wrapping`.
pub fn run(data: &[u8]) {
    let Some(parts) = parts(data) else { return };
    let mut parts = parts.into_iter();
    let (text, path) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let data: Option<Value> = parts.next().and_then(|text| serde_json::from_str(text).ok());
    let wrap_ttl = parts.next().and_then(|text| span::parse(text).ok().flatten());
    let Ok(policy) = Policy::parse("fuzz", text) else { return };
    assert_eq!(policy.text(), text, "the text is kept byte for byte");
    let (acl, twice) = (Acl::new([&policy]), Acl::new([&policy, &policy]));
    assert!(!acl.is_root(), "no text makes a policy root");

    for operation in Operation::ALL {
        let decision = acl.decide(path, operation, None);
        let refused = decision.refusal();
        assert_eq!(refused.is_none(), decision.authorize().is_ok());
        let story = acl.explain(path, operation);
        if story.refusal.is_some() {
            assert_eq!(story.refusal, refused, "explained as it was decided");
        }
        let _ = story.to_string();
        let narrow = |acl: &Acl| acl.decide_wrapped(path, operation, data.as_ref(), wrap_ttl).refusal();
        assert_eq!(narrow(&acl), narrow(&twice), "the same policy twice decides the same");
        if acl.capabilities(path) == [Capability::Deny] {
            assert!(narrow(&acl).is_some(), "what is denied is refused, whatever is sent");
        }
    }

    assert_eq!(twice.capabilities(path), acl.capabilities(path));
    let granted = acl.capabilities(path);
    assert!(!granted.is_empty() && granted.is_sorted());
    assert!(granted.len() == 1 || !granted.contains(&Capability::Deny));
    let denied = format!("path {} {{ capabilities = [\"deny\"] }}", Value::from(path));
    if let Ok(denies) = Policy::parse("deny", &denied)
        && !path.contains(['*', '+', '$', '%'])
        && !path.starts_with('/')
    {
        let acl = Acl::new([&policy, &denies]);
        assert_eq!(acl.capabilities(path), [Capability::Deny], "a deny of the very path wins");
    }
}
