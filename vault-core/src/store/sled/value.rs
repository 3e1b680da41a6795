//! How a value lies in sled: whole, or cut into parts that keep its pages out of blob files.
//!
//! A page of sled holds up to 16 entries, briefly 20, and becomes a blob file above 128 KiB. With parts of
//! 4 KiB and keys of at most 511 bytes a page stays below 96 KiB.
//!
//! ```text
//!   records:  key                         │ 0 │ value                    up to PART_BYTES
//!             key                         │ 1 │ count (4, big endian)    above
//!   parts:    len(key) (2) ‖ key ‖ index (4)  │ a part of the value
//! ```

/// A value in the tree of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored<'a> {
    Whole(&'a [u8]),
    Parts(u32),
}

impl<'a> Stored<'a> {
    pub(super) fn encode(self) -> Vec<u8> {
        match self {
            Self::Whole(value) => {
                let mut out = Vec::with_capacity(1 + value.len());
                out.push(WHOLE);
                out.extend_from_slice(value);
                out
            }
            Self::Parts(count) => {
                let mut out = vec![PARTS];
                out.extend_from_slice(&count.to_be_bytes());
                out
            }
        }
    }

    /// `None` when it is neither.
    pub(super) fn decode(stored: &'a [u8]) -> Option<Self> {
        match stored.split_first()? {
            (&WHOLE, value) => Some(Self::Whole(value)),
            (&PARTS, count) => Some(Self::Parts(u32::from_be_bytes(count.try_into().ok()?))),
            _ => None,
        }
    }
}

/// The pieces of a value that must be cut; none for one that stays whole.
pub(super) fn parts_of(value: &[u8]) -> Vec<&[u8]> {
    if value.len() <= PART_BYTES { Vec::new() } else { value.chunks(PART_BYTES).collect() }
}

/// Where a part lies. The key's length comes first, so no two keys share a part.
pub(super) fn part_key(key: &[u8], index: u32) -> Vec<u8> {
    let length = u16::try_from(key.len()).unwrap_or(u16::MAX);
    let mut out = Vec::with_capacity(6 + key.len());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(key);
    out.extend_from_slice(&index.to_be_bytes());
    out
}

const WHOLE: u8 = 0;
const PARTS: u8 = 1;
const PART_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_value_comes_back_or_is_refused() {
        for stored in [Stored::Whole(b""), Stored::Whole(b"\x01x"), Stored::Parts(0), Stored::Parts(77)] {
            assert_eq!(Stored::decode(&stored.encode()), Some(stored));
        }
        for bytes in [&b""[..], b"\x02", b"\x01", b"\x01\0\0\0\0\0"] {
            assert_eq!(Stored::decode(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn only_what_exceeds_a_part_is_cut() {
        for (length, count) in [(0, 0), (PART_BYTES, 0), (PART_BYTES + 1, 2), (3 * PART_BYTES, 3)] {
            assert_eq!(parts_of(&vec![7; length]).len(), count, "{length}");
        }
    }
}
