//! Random text of letters and digits, each character equally likely.

use zeroize::Zeroize;

use super::{Entropy, random_bytes};

/// Draws `length` characters into one buffer that never grows, so no copy is left behind.
#[must_use]
pub fn random(length: usize, entropy: &dyn Entropy) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes: [u8; 32] = random_bytes(entropy);
        let fresh = bytes.iter().filter_map(|byte| character(*byte));
        text.extend(fresh.take(length - text.len()));
        bytes.zeroize();
    }
    text
}

/// The character of a byte; the last eight values have none, since 256 is no multiple of 62.
fn character(byte: u8) -> Option<char> {
    if byte >= 248 {
        return None;
    }
    ALPHABET.get(usize::from(byte) % ALPHABET.len()).copied().map(char::from)
}

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn each_character_stands_for_the_same_number_of_bytes() {
        let mut counts = std::collections::BTreeMap::new();
        for byte in 0..=u8::MAX {
            if let Some(c) = character(byte) {
                *counts.entry(c).or_insert(0) += 1;
            }
        }
        assert_eq!(counts.len(), 62);
        assert!(counts.values().all(|count| *count == 4), "{counts:?}");
    }

    #[test]
    fn text_has_the_asked_length_and_differs_by_draw() {
        let entropy = SeededEntropy::new(1);
        let (one, other) = (random(24, &entropy), random(24, &entropy));
        assert_eq!((one.len(), other.len()), (24, 24));
        assert_ne!(one, other);
        assert_eq!(random(100, &entropy).len(), 100);
    }
}
