//! Writing receipts down, many in one commit.

use std::collections::{BTreeSet, HashMap};

use vault_core::account::Subject;
use vault_core::consumer::{RECEIPTS_MAX, Receipt, judge, least};
use vault_core::store::key::Table;

use super::{ConsumerService, SHARDS, name, prefix};
use crate::barrier::{CommitError, LoadError, Sealed, require};

/// Why receipts were not written down; they are kept in memory, and tried again.
#[derive(Debug, thiserror::Error)]
pub enum FlushError {
    /// A record was not loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The change was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<Sealed> for FlushError {
    fn from(_: Sealed) -> Self {
        Self::Load(LoadError::Sealed)
    }
}

impl ConsumerService {
    /// Writes down what is new.
    ///
    /// # Errors
    /// `FlushError` by cause. While sealed there is nothing to do, and that is none.
    pub async fn flush(&self) -> Result<(), FlushError> {
        let _writing = self.inner.writing.lock().await;
        for at in 0..SHARDS {
            loop {
                let taken = self.take(at);
                if taken.is_empty() || self.inner.barrier.is_sealed() {
                    self.put_back(at, &taken);
                    break;
                }
                match self.write(&taken).await {
                    Ok(()) => self.shard(at).on_the_way.clear(),
                    // Another commit changed one of them, such as the re-wrap: next time.
                    Err(FlushError::Commit(CommitError::Conflict)) => {
                        self.put_back(at, &taken);
                        break;
                    }
                    Err(error) => {
                        self.put_back(at, &taken);
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    }

    /// A few of those that are to be written down.
    fn take(&self, at: u64) -> Vec<(u64, Subject, Receipt)> {
        let mut shard = self.shard(at);
        let shard = &mut *shard;
        let rest = shard.dirty.len().saturating_sub(TOGETHER);
        let keys = shard.dirty.split_off(rest);
        let mut taken = Vec::with_capacity(keys.len());
        for key in keys {
            if let Some(known) = shard.known.get_mut(&key) {
                known.is_dirty = false;
                taken.push((key, known.subject.clone(), known.receipt.clone()));
            }
        }
        // Whoever asks meanwhile is told of them.
        shard.on_the_way =
            taken.iter().map(|(_, subject, receipt)| (subject.clone(), receipt.clone())).collect();
        taken
    }

    fn put_back(&self, at: u64, taken: &[(u64, Subject, Receipt)]) {
        let mut shard = self.shard(at);
        let shard = &mut *shard;
        for (key, ..) in taken {
            if let Some(known) = shard.known.get_mut(key).filter(|known| !known.is_dirty) {
                known.is_dirty = true;
                shard.dirty.push(*key);
            }
        }
        shard.on_the_way.clear();
    }

    async fn write(&self, taken: &[(u64, Subject, Receipt)]) -> Result<(), FlushError> {
        let barrier = &self.inner.barrier;
        let mut batch = barrier.transaction()?;
        // What this commit writes or removes, so that nothing is in it twice.
        let mut touched: Vec<Vec<u8>> = Vec::new();
        // How many more receipts an account has after it.
        let mut grown: HashMap<&Subject, usize> = HashMap::new();
        for (_, subject, receipt) in taken {
            let name = name(subject, &receipt.accessor);
            let stored = match barrier.load::<Receipt>(name.clone()) {
                // One that is damaged must not keep the others waiting.
                Err(error) if error.is_damage() => {
                    tracing::error!(error = &error as &dyn std::error::Error, "a receipt cannot be read");
                    continue;
                }
                stored => stored?,
            };
            let Some(merged) = receipt.after(stored.as_ref().map(|stored| &stored.value)) else { continue };
            // One that has just made room comes back with its next version, or its next sign of life.
            if touched.contains(&name) {
                continue;
            }
            if stored.is_none() {
                let more = grown.entry(subject).or_default();
                let room = match self.to_make_room(subject, *more, &touched) {
                    Err(error) if error.is_damage() => {
                        tracing::error!(error = &error as &dyn std::error::Error, "no receipt can make room");
                        continue;
                    }
                    room => room?,
                };
                match room {
                    Some((least, revision)) => {
                        batch.delete::<Receipt>(least.clone(), revision);
                        touched.push(least);
                    }
                    None => *more += 1,
                }
            }
            batch.put(name.clone(), require(stored.as_ref()), &merged);
            touched.push(name);
        }
        if !batch.is_empty() {
            barrier.commit(batch).await?;
        }
        let subjects: BTreeSet<&Subject> = taken.iter().map(|(_, subject, _)| subject).collect();
        for subject in subjects {
            if let Ok(Some(account)) = barrier.load(subject.key()) {
                self.may_be_ready(&account.value);
            }
        }
        Ok(())
    }

    /// The receipt that goes for a new one, when an account, with `more` that come, has as many as it may have;
    /// none of those that the same commit has `touched`.
    fn to_make_room(
        &self,
        subject: &Subject,
        more: usize,
        touched: &[Vec<u8>],
    ) -> Result<Option<(Vec<u8>, vault_core::store::batch::Revision)>, LoadError> {
        let barrier = &self.inner.barrier;
        let prefix = prefix(subject);
        let names = barrier.names(Table::Consumer, &prefix, None, RECEIPTS_MAX)?;
        if names.len() + more < RECEIPTS_MAX {
            return Ok(None);
        }
        let Some(account) = barrier.load(subject.key())? else { return Ok(None) };
        let now = self.inner.clock.now();
        let mut page = barrier.list::<Receipt>(&prefix, None, RECEIPTS_MAX)?;
        page.retain(|(name, _)| !touched.contains(name));
        let looked = self.looked_at(page.iter().map(|(_, loaded)| loaded.value.clone()), now)?;
        let standings = judge(&account.value, &looked, now);
        let least = least(&looked, &standings).and_then(|at| page.get(at));
        Ok(least.map(|(name, loaded)| (name.clone(), loaded.revision)))
    }
}

/// Receipts of one commit; each may take the place of another.
const TOGETHER: usize = 48;
