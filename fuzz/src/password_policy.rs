//! Password policies: no text panics, and a policy that is read makes a password of its length.

use vault_core::entropy::SeededEntropy;
use vault_core::password::{LENGTH_MAX, LENGTH_MIN, PasswordPolicy};

/// Reads `data` as a policy, and makes a password by it.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(policy) = PasswordPolicy::parse(text) else { return };
    assert!((LENGTH_MIN..=LENGTH_MAX).contains(&policy.length()));
    let password = policy.generate(&SeededEntropy::new(1));
    assert_eq!(password.expose().chars().count(), policy.length());
    let stricter = policy.stricter();
    assert!(stricter.length() >= policy.length());
    assert_eq!(stricter.generate(&SeededEntropy::new(2)).expose().chars().count(), stricter.length());
}
