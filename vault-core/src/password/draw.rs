//! Draws a password.
//!
//! `password ← uniform { w ∈ union^length : every rule holds, w₀ ∈ first }`
//!
//! By rejection: what is left of an even distribution after refusing some words is even over the rest.
//! Policies that few words satisfy (such as 19 digits of 20) would draw for ever, so after
//! [`DRAWS_MAX`] tries the required characters are placed directly and shuffled. That is no longer
//! exactly even, but no rule's choice is predictable; with ordinary policies it never happens.

use zeroize::{Zeroize, Zeroizing};

use super::PasswordPolicy;
use crate::entropy::Entropy;
use crate::secret::SecretString;

pub(super) fn password(policy: &PasswordPolicy, entropy: &dyn Entropy) -> SecretString {
    let mut source = Source::new(entropy);
    let mut word = Zeroizing::new(vec!['\0'; policy.length]);
    let holds = (0..DRAWS_MAX).any(|_| {
        for place in word.iter_mut() {
            *place = source.pick(policy.union.chars());
        }
        is_accepted(policy, &word)
    });
    if !holds {
        construct(policy, &mut source, &mut word);
    }
    // Room for the longest encoding, so that no half-filled buffer is left behind unwiped.
    let mut text = String::with_capacity(policy.length * 4);
    text.extend(word.iter());
    SecretString::new(text)
}

fn is_accepted(policy: &PasswordPolicy, word: &[char]) -> bool {
    let rules_hold = policy
        .rules
        .iter()
        .all(|rule| word.iter().filter(|c| rule.charset.contains(**c)).count() >= rule.min_chars);
    let first_fits = match (&policy.first, word.first()) {
        (Some(first), Some(c)) => first.contains(*c),
        _ => true,
    };
    rules_hold && first_fits
}

/// Places what each rule requires, fills up from the union, and shuffles (Fisher–Yates).
///
/// Policies with a rule for the first character are made in this crate and satisfied by most words, so
/// they never come here.
fn construct(policy: &PasswordPolicy, source: &mut Source<'_>, word: &mut [char]) {
    let required =
        policy.rules.iter().flat_map(|rule| std::iter::repeat_n(rule.charset.chars(), rule.min_chars));
    let sets = required.chain(std::iter::repeat(policy.union.chars()));
    for (place, set) in word.iter_mut().zip(sets) {
        *place = source.pick(set);
    }
    for last in (1..word.len()).rev() {
        let other = source.below(u16::try_from(last + 1).unwrap_or(u16::MAX));
        word.swap(last, usize::from(other));
    }
}

/// Random bytes drawn in blocks and wiped after use.
struct Source<'a> {
    entropy: &'a dyn Entropy,
    block: Zeroizing<[u8; 128]>,
    used: usize,
}

impl<'a> Source<'a> {
    fn new(entropy: &'a dyn Entropy) -> Self {
        let block = Zeroizing::new([0; 128]);
        Self { entropy, used: block.len(), block }
    }

    /// An even choice; the set is never empty.
    fn pick(&mut self, set: &[char]) -> char {
        let index = self.below(u16::try_from(set.len()).unwrap_or(u16::MAX));
        set.get(usize::from(index)).copied().unwrap_or_default()
    }

    /// An even choice of 0 to `bound` − 1.
    ///
    /// Sixteen bits modulo `bound`, drawn again when they fall into the incomplete last stretch, which
    /// would favour the small numbers.
    fn below(&mut self, bound: u16) -> u16 {
        let bound = bound.max(1);
        let rest = (u16::MAX % bound + 1) % bound;
        loop {
            let mut drawn = self.sixteen_bits();
            let result = (drawn <= u16::MAX - rest).then_some(drawn % bound);
            drawn.zeroize();
            if let Some(result) = result {
                return result;
            }
        }
    }

    fn sixteen_bits(&mut self) -> u16 {
        if self.used + 2 > self.block.len() {
            self.entropy.fill(self.block.as_mut_slice());
            self.used = 0;
        }
        let pair = self.block.get(self.used..self.used + 2);
        self.used += 2;
        pair.and_then(|pair| pair.try_into().ok()).map_or(0, u16::from_le_bytes)
    }
}

/// Far above what any policy needs whose words are not rare.
const DRAWS_MAX: u32 = 256;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU16, Ordering};

    use super::*;

    /// Gives each sixteen-bit number in turn.
    struct Counting(AtomicU16);

    impl Entropy for Counting {
        fn fill(&self, out: &mut [u8]) {
            for pair in out.chunks_mut(2) {
                pair.copy_from_slice(&self.0.fetch_add(1, Ordering::SeqCst).to_le_bytes());
            }
        }
    }

    #[test]
    fn over_all_numbers_each_choice_comes_equally_often() {
        for bound in [1u16, 2, 3, 10, 63, 64, 67, 256, 8192, 40_000] {
            let each = 65_536 / u32::from(bound);
            // Begin with the numbers of the incomplete last stretch, which must be passed over.
            let rest = u16::try_from(65_536 - each * u32::from(bound)).unwrap();
            let counting = Counting(AtomicU16::new(0u16.wrapping_sub(rest)));
            let mut source = Source::new(&counting);
            let mut seen = vec![0u32; usize::from(bound)];
            for _ in 0..each * u32::from(bound) {
                seen[usize::from(source.below(bound))] += 1;
            }
            assert!(seen.iter().all(|count| *count == each), "{bound}: {seen:?}");
        }
    }
}
