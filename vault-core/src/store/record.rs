//! A stored value: `revision (8 bytes, big endian) ‖ bytes`.

use super::batch::{Revision, Versioned};

/// As the engine stores it.
pub(crate) fn encode(revision: Revision, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(REVISION_BYTES + bytes.len());
    out.extend_from_slice(&revision.to_be_bytes());
    out.extend_from_slice(bytes);
    out
}

/// Splits a stored value; `None` when it is too short to be one.
pub(crate) fn split(raw: &[u8]) -> Option<(Revision, &[u8])> {
    let (revision, bytes) = raw.split_first_chunk::<REVISION_BYTES>()?;
    Some((Revision::from_be_bytes(*revision), bytes))
}

/// Decodes a stored value without copying it; `None` when it is too short to be one.
pub(crate) fn decode(mut raw: Vec<u8>) -> Option<Versioned> {
    let (revision, _) = split(&raw)?;
    raw.drain(..REVISION_BYTES);
    Some(Versioned { revision, bytes: raw })
}

const REVISION_BYTES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_with_its_revision() {
        for (revision, bytes) in [(1, &b""[..]), (7, b"x"), (u64::MAX, b"long enough to matter")] {
            let raw = encode(revision, bytes);
            assert_eq!(split(&raw), Some((revision, bytes)));
            assert_eq!(decode(raw), Some(Versioned { revision, bytes: bytes.to_vec() }));
        }
    }

    #[test]
    fn a_value_shorter_than_its_revision_is_refused() {
        assert_eq!(split(&[0; 7]), None);
        assert_eq!(decode(vec![0; 7]), None);
    }
}
