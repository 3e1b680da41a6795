//! The names of users that are made for a lease: `v-<who>-<role>-<20 random>-<Unix time>`, as Vault's.

use crate::clock::Timestamp;
use crate::entropy::{Entropy, random_bytes};

/// A new name, at most [`NAME_BYTES_MAX`] bytes long, which nobody can guess and nothing else has.
#[must_use]
pub fn username(display_name: &str, role: &str, now: Timestamp, entropy: &dyn Entropy) -> String {
    let (who, role) = (part(display_name), part(role));
    let mut name = format!("v-{who}-{role}-{}-{}", random(RANDOM_CHARS, entropy), now.as_secs());
    // All of it is ASCII.
    name.truncate(NAME_BYTES_MAX);
    name
}

/// The first characters of a text; what could end a quotation in somebody's statement becomes a dash.
fn part(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '@') { c } else { '-' };
    text.chars().take(PART_CHARS).map(plain).collect()
}

/// Random letters and digits, each equally likely.
#[must_use]
pub fn random(chars: usize, entropy: &dyn Entropy) -> String {
    let mut text = String::with_capacity(chars);
    while text.len() < chars {
        let bytes: [u8; 32] = random_bytes(entropy);
        let fair = bytes.iter().filter(|&&byte| usize::from(byte) < FAIR_BELOW);
        let drawn = fair.filter_map(|&byte| ALPHABET.get(usize::from(byte) % ALPHABET.len()));
        text.extend(drawn.take(chars - text.len()).map(|&c| char::from(c)));
    }
    text
}

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The largest multiple of the alphabet's length in a byte: what is above would favour its beginning.
const FAIR_BELOW: usize = 248;
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

    #[test]
    fn every_letter_and_digit_is_drawn() {
        let drawn = random(4_000, &SeededEntropy::new(2));
        assert_eq!(drawn.len(), 4_000);
        assert!(ALPHABET.iter().all(|&c| drawn.contains(char::from(c))));
    }
}
