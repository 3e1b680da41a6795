//! Password policies: no text panics, and a policy that is read makes a password of its length.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vault_core::entropy::OsEntropy;
use vault_core::password::PasswordPolicy;

fuzz_target!(|text: &str| {
    let Ok(policy) = PasswordPolicy::parse(text) else { return };
    let password = policy.generate(&OsEntropy);
    assert_eq!(password.expose().chars().count(), policy.length());
    assert!(policy.stricter().length() >= policy.length());
});
