//! The ordered index of due times: keys without values, the earliest first.
//!
//! ```text
//!   milliseconds since the epoch (8 bytes, big endian) │ kind (1) │ name
//! ```

use super::batch::Revision;
use super::error::StoreError;
use super::handle::Store;
use super::key::{Key, Table};
use crate::clock::Timestamp;

/// One entry of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// When.
    pub at: Timestamp,
    /// What kind of thing is due; the meaning is the caller's.
    pub kind: u8,
    /// Of whom.
    pub name: Vec<u8>,
}

/// The name in [`Table::Due`] of something that is due. An instant before the epoch counts as the epoch.
#[must_use]
pub fn encode(at: Timestamp, kind: u8, name: &[u8]) -> Vec<u8> {
    let millis = u64::try_from(at.as_millis()).unwrap_or(0);
    let mut out = Vec::with_capacity(MILLIS_BYTES + 1 + name.len());
    out.extend_from_slice(&millis.to_be_bytes());
    out.push(kind);
    out.extend_from_slice(name);
    out
}

/// What a name in [`Table::Due`] says; `None` when [`encode`] did not make it.
#[must_use]
pub fn decode(name: &[u8]) -> Option<Due> {
    let (millis, rest) = name.split_first_chunk::<MILLIS_BYTES>()?;
    let (kind, name) = rest.split_first()?;
    let millis = i64::try_from(u64::from_be_bytes(*millis)).ok()?;
    Some(Due { at: Timestamp::from_millis(millis), kind: *kind, name: name.to_vec() })
}

impl Due {
    /// The key of this entry.
    #[must_use]
    pub fn key(&self) -> Key {
        Key::new(Table::Due, encode(self.at, self.kind, &self.name))
    }
}

impl Store {
    /// Up to `limit` entries that are due at `now` or before, the earliest first, each with its revision.
    ///
    /// Reads no more of the index than it returns, however much lies in the future. An entry that cannot be
    /// decoded is passed over: it must not hold up the others.
    ///
    /// # Errors
    /// The engine's.
    pub fn due_before(&self, now: Timestamp, limit: usize) -> Result<Vec<(Due, Revision)>, StoreError> {
        let page = self.scan(Table::Due, &[], None, limit)?;
        let entries = page.into_iter().filter_map(|(name, value)| Some((decode(&name)?, value.revision)));
        Ok(entries.take_while(|(due, _)| due.at <= now).collect())
    }
}

const MILLIS_BYTES: usize = 8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_entry_comes_back_and_sorts_by_time(
            a in 0..i64::MAX, b in 0..i64::MAX, kind: u8, name: Vec<u8>,
        ) {
            let (early, late) = (Timestamp::from_millis(a.min(b)), Timestamp::from_millis(a.max(b)));
            let entry = Due { at: early, kind, name: name.clone() };
            prop_assert_eq!(decode(&encode(early, kind, &name)), Some(entry));
            prop_assert!(encode(early, kind, &name) <= encode(late, kind, &name));
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(bytes: Vec<u8>) {
            if let Some(due) = decode(&bytes) {
                prop_assert_eq!(encode(due.at, due.kind, &due.name), bytes);
            }
        }
    }

    #[test]
    fn what_was_due_before_the_epoch_is_due_first() {
        assert_eq!(encode(Timestamp::from_millis(-5), 1, b"x"), encode(Timestamp::EPOCH, 1, b"x"));
    }
}
