//! Any text is a policy or an error, and what was read behaves: no crash, no contradiction.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vault_core::policy::{Acl, Capability, Operation, Policy};

fuzz_target!(|input: (&str, &str)| {
    let (text, path) = input;
    let Ok(policy) = Policy::parse("fuzz", text) else { return };
    assert_eq!(policy.text(), text, "the text is kept byte for byte");
    let acl = Acl::new([&policy]);
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
    }

    // The same policy twice grants what it grants once, and a deny on everything beside it adds nothing.
    let twice = Acl::new([&policy, &policy]);
    assert_eq!(twice.capabilities(path), acl.capabilities(path));
    let granted = acl.capabilities(path);
    assert!(!granted.is_empty() && granted.is_sorted());
    assert!(granted.len() == 1 || !granted.contains(&Capability::Deny));
});
