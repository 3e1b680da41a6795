//! Templates of user names: one that is taken makes names that any statement can quote, another for each user.

use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::lease::dynamic::username::NAME_BYTES_MAX;
use vault_core::lease::dynamic::username::template::{Names, check, templated};

use super::parts::parts;

/// Reads a template and, after it, a display name and a role.
pub fn run(data: &[u8]) {
    let Some(parts) = parts(data) else { return };
    let (template, display_name, role) = (
        parts.first().copied().unwrap_or_default(),
        parts.get(1).copied().unwrap_or("token"),
        parts.get(2).copied().unwrap_or("app"),
    );
    let now = Timestamp::from_secs(1_790_000_000);
    let names = Names { display_name, role };
    // The same draws make the same name.
    let made = templated(template, names, now, &SeededEntropy::new(2));
    assert_eq!(templated(template, names, now, &SeededEntropy::new(2)), made);
    if let Ok(name) = &made {
        assert!((1..=NAME_BYTES_MAX).contains(&name.len()), "{name}");
        let may = |c: char| c.is_ascii_graphic() && !"\"'`\\$;,(){}[]<>|&%*?!^~".contains(c);
        assert!(name.chars().all(may), "{name}");
    }
    if check(template, now).is_ok() {
        let another = templated(template, names, now, &SeededEntropy::new(3));
        assert!(made.is_err() || made != another, "{made:?}");
    }
}
