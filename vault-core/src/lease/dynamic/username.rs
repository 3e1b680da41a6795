//! The names of users that are made for a lease: `v-<who>-<role>-<20 random>-<Unix time>`, as Vault's, or by a template.

pub mod template;

use crate::clock::Timestamp;
use crate::entropy::{Entropy, base62};

/// A new name, at most [`NAME_BYTES_MAX`] bytes long, which nobody can guess and nothing else has.
#[must_use]
pub fn username(display_name: &str, role: &str, now: Timestamp, entropy: &dyn Entropy) -> String {
    let (who, role) = (part(display_name), part(role));
    let mut name = format!("v-{who}-{role}-{}-{}", base62::random(RANDOM_CHARS, entropy), now.as_secs());
    // All of it is ASCII.
    name.truncate(NAME_BYTES_MAX);
    name
}

/// The first characters of a text; what could end a quotation in somebody's statement becomes a dash.
fn part(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '@') { c } else { '-' };
    text.chars().take(PART_CHARS).map(plain).collect()
}

const RANDOM_CHARS: usize = 20;
/// Of the display name and of the role.
const PART_CHARS: usize = 8;
/// What PostgreSQL holds; the shortest limit among the targets.
pub const NAME_BYTES_MAX: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn a_name_says_who_and_what_for_and_is_short_and_harmless() {
        let entropy = SeededEntropy::new(1);
        let now = Timestamp::from_secs(1_790_000_000);
        for (who, role, head) in [
            ("token", "app", "v-token-app-"),
            ("userpass-alice", "reporting-read", "v-userpass-reportin-"),
            ("o'h\"a;$ü", "r", "v-o-h-a----r-"),
            ("", "", "v---"),
        ] {
            let name = username(who, role, now, &entropy);
            assert!(name.starts_with(head) && name.ends_with("-1790000000"), "{name}");
            let random = name.strip_prefix(head).unwrap().strip_suffix("-1790000000").unwrap();
            assert!(random.len() == 20 && random.bytes().all(|b| b.is_ascii_alphanumeric()), "{name}");
            assert!(name.len() <= NAME_BYTES_MAX, "{name}");
        }
        assert_ne!(username("a", "b", now, &entropy), username("a", "b", now, &entropy));
    }
}
