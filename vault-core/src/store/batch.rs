//! A batch: several changes that happen together or not at all, each against an expected revision.

use super::key::Key;

/// The revision of a key's value: 1 for the first put, one more for each following put.
pub type Revision = u64;

/// What must be true of a key when the batch is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Require {
    /// The key has no value.
    Absent,
    /// The key's value has exactly this revision.
    At(Revision),
}

impl Require {
    /// The revision a put under this requirement will have.
    #[must_use]
    pub const fn next_revision(self) -> Revision {
        match self {
            Self::Absent => 1,
            Self::At(revision) => revision.saturating_add(1),
        }
    }
}

/// What happens to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The value is replaced (or made); its revision becomes [`Require::next_revision`].
    Put(Vec<u8>),
    /// The value goes. With [`Require::Absent`] this is refused as a conflict of the batch itself.
    Delete,
    /// Nothing: only the requirement is checked.
    Check,
}

/// One line of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Which key.
    pub key: Key,
    /// What must be true of it.
    pub require: Require,
    /// What happens to it.
    pub change: Change,
}

/// Changes that happen together or not at all. One key at most once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The lines, in any order.
    pub writes: Vec<Write>,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a put.
    pub fn put(&mut self, key: Key, require: Require, value: Vec<u8>) {
        self.writes.push(Write { key, require, change: Change::Put(value) });
    }

    /// Adds a delete.
    pub fn delete(&mut self, key: Key, at: Revision) {
        self.writes.push(Write { key, require: Require::At(at), change: Change::Delete });
    }

    /// Adds a check without a change.
    pub fn check(&mut self, key: Key, require: Require) {
        self.writes.push(Write { key, require, change: Change::Check });
    }
}

/// A value with its revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// Which put made it.
    pub revision: Revision,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Most lines in a batch (etcd's limit of operations in a transaction).
pub const BATCH_WRITES_MAX: usize = 128;
/// Most bytes of values in a batch (below etcd's request limit of 1.5 MiB).
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
