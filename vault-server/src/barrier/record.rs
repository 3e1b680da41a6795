//! How a value becomes the plaintext of a sealed record, and back.
//!
//! ```text
//!   byte 0      record version of the type
//!   byte 1 …    MessagePack map with named fields (rmp-serde), so that fields can be added
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;
use vault_core::store::batch::{Require, Revision};
use vault_core::store::key::Table;
use zeroize::Zeroizing;

/// A value that is stored sealed.
///
/// A field may be added with `#[serde(default)]` without a new [`VERSION`](Self::VERSION). A change that
/// an older field cannot express raises the version and overrides [`decode`](Self::decode), which goes on
/// reading the older ones for ever.
pub trait Record: Serialize + DeserializeOwned {
    /// The table it lives in.
    const TABLE: Table;
    /// The version that is written.
    const VERSION: u8 = 1;

    /// About how many bytes its plaintext has, at least: room that is reserved at once, because a buffer that
    /// grows leaves a half-written copy behind.
    #[must_use]
    fn bytes_about(&self) -> usize {
        PLAINTEXT_RESERVED
    }

    /// Reads the MessagePack body of a record of `version`; `None` when it cannot be read.
    #[must_use]
    fn decode(version: u8, body: &[u8]) -> Option<Self> {
        (version == Self::VERSION).then(|| rmp_serde::from_slice(body).ok()).flatten()
    }
}

/// A record with the revision it was read at.
#[derive(Clone, Debug)]
pub struct Loaded<R> {
    /// The record.
    pub value: R,
    /// Which put made it.
    pub revision: Revision,
}

impl<R> Loaded<R> {
    /// What a put that replaces exactly this record requires.
    #[must_use]
    pub fn require(&self) -> Require {
        Require::At(self.revision)
    }
}

/// What a put requires to replace `loaded`, or to make the record when there is none.
#[must_use]
pub fn require<R>(loaded: Option<&Loaded<R>>) -> Require {
    loaded.map_or(Require::Absent, Loaded::require)
}

/// The plaintext of a record; `None` when the type cannot be encoded, which none of ours does.
pub(super) fn encode<R: Record>(record: &R) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(record.bytes_about().max(PLAINTEXT_RESERVED)));
    out.push(R::VERSION);
    let mut serializer = rmp_serde::Serializer::new(&mut *out).with_struct_map();
    record.serialize(&mut serializer).ok()?;
    Some(out)
}

/// The record in a plaintext; `None` when it cannot be read.
pub(super) fn decode<R: Record>(plaintext: &[u8]) -> Option<R> {
    let (version, body) = plaintext.split_first()?;
    R::decode(*version, body)
}

const PLAINTEXT_RESERVED: usize = 4096;
