//! A batch of sealed records that happen together or not at all.

use std::sync::Arc;

use vault_core::crypto::{Generation, Keyring, Place, Suite};
use vault_core::entropy::Entropy;
use vault_core::store::batch::{Batch, Require, Revision};
use vault_core::store::key::{Key, Table};

use super::record::{Record, encode};

/// Collects changes; [`Barrier::commit`](super::Barrier::commit) makes them happen.
///
/// Each put is sealed at once, for the revision that it will have, so nothing in here is secret.
pub struct Transaction {
    pub(super) batch: Batch,
    keyring: Arc<Keyring>,
    suite: Suite,
    entropy: Arc<dyn Entropy>,
    unencodable: Option<Table>,
    pub(super) once_committed: Vec<Act>,
}

/// What is done once something is on disk.
pub(super) type Act = Box<dyn FnOnce() + Send + Sync>;

impl Transaction {
    /// One that seals with `keyring`; the barrier makes them for everyone else.
    pub(crate) fn new(keyring: Arc<Keyring>, suite: Suite, entropy: Arc<dyn Entropy>) -> Self {
        let (batch, once_committed) = (Batch::new(), Vec::new());
        Self { batch, keyring, suite, entropy, unencodable: None, once_committed }
    }

    /// Puts a record, sealed, where `require` holds.
    pub fn put<R: Record>(&mut self, name: impl Into<Vec<u8>>, require: Require, record: &R) -> &mut Self {
        let key = Key::new(R::TABLE, name);
        let Some(plaintext) = encode(record) else {
            self.unencodable = Some(R::TABLE);
            return self;
        };
        self.put_plaintext(key, require, &plaintext);
        self
    }

    /// Seals plaintext bytes as they are; for the re-wrap, which moves records it cannot read.
    pub(crate) fn put_plaintext(&mut self, key: Key, require: Require, plaintext: &[u8]) {
        let place =
            Place { namespace: "", table: key.table, name: &key.name, revision: require.next_revision() };
        let sealed = self.keyring.seal(self.suite, &place, plaintext, &*self.entropy);
        self.batch.put(key, require, sealed);
    }

    /// Removes the record that was read at revision `at`.
    pub fn delete<R: Record>(&mut self, name: impl Into<Vec<u8>>, at: Revision) -> &mut Self {
        self.batch.delete(Key::new(R::TABLE, name), at);
        self
    }

    /// Removes a record of whatever kind that was read at revision `at`.
    pub(crate) fn delete_key(&mut self, key: Key, at: Revision) {
        self.batch.delete(key, at);
    }

    /// Changes nothing, but refuses the whole batch unless `require` holds.
    pub fn check<R: Record>(&mut self, name: impl Into<Vec<u8>>, require: Require) -> &mut Self {
        self.batch.check(Key::new(R::TABLE, name), require);
        self
    }

    /// As [`check`](Self::check), for a key without a record of its own kind.
    pub(crate) fn check_key(&mut self, key: Key, require: Require) {
        self.batch.check(key, require);
    }

    /// Makes an index entry: a key with an empty value, which must not be there yet.
    pub fn mark(&mut self, table: Table, name: impl Into<Vec<u8>>) -> &mut Self {
        self.batch.put(Key::new(table, name), Require::Absent, Vec::new());
        self
    }

    /// Removes an index entry, which must be there.
    pub fn unmark(&mut self, table: Table, name: impl Into<Vec<u8>>) -> &mut Self {
        // An index entry is only ever made, never replaced: its revision is that of a first put.
        self.batch.delete(Key::new(table, name), Require::Absent.next_revision());
        self
    }

    /// Does `act` once all of it is on disk, before anybody else is told so; dropped where it is not. It must not wait for
    /// anything: everybody's commits wait for it.
    pub fn once_committed(&mut self, act: impl FnOnce() + Send + Sync + 'static) {
        self.once_committed.push(Box::new(act));
    }

    /// How many lines it has; a batch holds at most
    /// [`BATCH_WRITES_MAX`](vault_core::store::batch::BATCH_WRITES_MAX).
    #[must_use]
    pub fn len(&self) -> usize {
        self.batch.writes.len()
    }

    /// Whether there is nothing to commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batch.writes.is_empty()
    }

    /// Puts bytes as they are: only for the seal's own record, which no keyring can open.
    pub(crate) fn put_unsealed(&mut self, key: Key, require: Require, bytes: Vec<u8>) {
        self.batch.put(key, require, bytes);
    }

    /// Which generation everything in here is sealed under.
    pub(super) fn generation(&self) -> Generation {
        self.keyring.active()
    }

    /// The lines, for a commit that does not pass the barrier: the one that makes the vault.
    pub(crate) fn into_batch(self) -> Batch {
        self.batch
    }

    /// The table of a record that could not be encoded, when there was one.
    pub(super) fn unencodable(&self) -> Option<Table> {
        self.unencodable
    }
}
