//! A set of characters to draw from.

/// Different characters, in the order in which they were first named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Charset(Vec<char>);

impl Charset {
    /// The characters of `text`, each once, as Vault does.
    pub(super) fn of(text: &str) -> Self {
        Self::collect(text.chars())
    }

    /// The characters of all `sets`, each once.
    pub(super) fn union<'a>(sets: impl Iterator<Item = &'a Self>) -> Self {
        Self::collect(sets.flat_map(|set| set.0.iter().copied()))
    }

    pub(super) fn chars(&self) -> &[char] {
        &self.0
    }

    pub(super) fn contains(&self, c: char) -> bool {
        self.0.contains(&c)
    }

    fn collect(chars: impl Iterator<Item = char>) -> Self {
        let mut different = Vec::new();
        for c in chars {
            if !different.contains(&c) {
                different.push(c);
            }
        }
        Self(different)
    }
}
