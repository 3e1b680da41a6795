//! Moves every record to the newest key generation, in the background.
//!
//! ```text
//!   rotate ─► order (cursor at the first table) ─► pages: open, seal anew, move the cursor, one commit
//!                                                     └ crash: goes on at the stored cursor
//!          ─► past the last table ─► older generations are dropped
//! ```
//!
//! After a rotation nothing is written under an older generation ([`Barrier::commit`] sees to that), so one
//! pass in key order meets every record that has to move, however many are written meanwhile.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vault_core::clock::Timestamp;
use vault_core::crypto::{Generation, Keyring};
use vault_core::store::batch::{BATCH_BYTES_MAX, Require, Versioned};
use vault_core::store::key::{Key, Table};

use crate::barrier::{Barrier, CommitError, LoadError, Loaded, Record, open_plaintext, require};
use crate::service::seal::{SealError, SealService, SealState};
use crate::shutdown::Shutdown;

/// How far the re-wrap is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewrapRecord {
    /// The generation that everything is moved to.
    pub generation: u32,
    /// When it was ordered.
    pub ordered_at: Timestamp,
    /// Records that were moved.
    pub moved: u64,
    /// Records that were looked at.
    pub seen: u64,
    /// Records that do not open and were left as they are: damage, to be seen by the operator.
    #[serde(default)]
    pub refused: u64,
    /// Where it stands; `None` when it is done.
    pub cursor: Option<Cursor>,
}

/// A place in the store, in key order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The table's byte.
    table: u8,
    /// The last name that was looked at; empty at the table's beginning.
    after: Vec<u8>,
}

impl Record for RewrapRecord {
    const TABLE: Table = Table::Meta;
}

impl RewrapRecord {
    pub(super) fn ordered(generation: Generation, now: Timestamp) -> Self {
        let cursor = Some(Cursor { table: 0, after: Vec::new() });
        Self { generation: generation.number(), ordered_at: now, moved: 0, seen: 0, refused: 0, cursor }
    }
}

/// Why the re-wrap stopped; it goes on later.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RewrapError {
    /// A record was not loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A change was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The older generations could not be dropped.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more.
    More,
    /// Nothing is left to do.
    Done,
}

/// The background re-wrap.
#[derive(Clone)]
pub struct Rewrap {
    barrier: Barrier,
    seal: Arc<SealService>,
}

impl Rewrap {
    /// The re-wrap of the records behind `barrier`.
    #[must_use]
    pub fn new(barrier: Barrier, seal: Arc<SealService>) -> Self {
        Self { barrier, seal }
    }

    /// How far it is; `None` when no generation was ever added.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn progress(&self) -> Result<Option<RewrapRecord>, LoadError> {
        Ok(self.barrier.load::<RewrapRecord>(REWRAP_NAME)?.map(|loaded| loaded.value))
    }

    /// Works whenever there is something to move, until `shutdown` begins.
    pub async fn run_until(&self, shutdown: &Shutdown) {
        let mut states = self.seal.watch();
        loop {
            if *states.borrow_and_update() == SealState::Unsealed {
                match self.step().await {
                    Ok(Step::More) => {
                        tokio::task::yield_now().await;
                        if shutdown.has_begun() {
                            return;
                        }
                        continue;
                    }
                    Ok(Step::Done) => {}
                    Err(error) => tracing::debug!(%error, "the re-wrap pauses"),
                }
            }
            tokio::select! {
                () = shutdown.begun() => return,
                changed = states.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Moves one page of records.
    ///
    /// # Errors
    /// [`RewrapError`]; nothing is lost, the next step goes on where the last commit stood.
    pub async fn step(&self) -> Result<Step, RewrapError> {
        let Some(loaded) = self.barrier.load::<RewrapRecord>(REWRAP_NAME)? else { return Ok(Step::Done) };
        let Some(cursor) = loaded.value.cursor.clone() else { return Ok(Step::Done) };
        let Some(table) = Table::ALL.into_iter().find(|table| table.byte() >= cursor.table) else {
            return self.conclude(loaded).await;
        };
        let after = (table.byte() == cursor.table && !cursor.after.is_empty()).then_some(cursor.after);
        // Records in use change under our hands: smaller and smaller pages get past them.
        for limit in PAGES {
            let loaded = self.barrier.load::<RewrapRecord>(REWRAP_NAME)?.ok_or(CommitError::Conflict)?;
            let page = self.barrier.store().scan(table, b"", after.as_deref(), limit);
            let page = page.map_err(LoadError::Store)?;
            match self.move_page(&loaded, table, page, limit).await {
                Err(RewrapError::Commit(CommitError::Conflict)) => {}
                outcome => return outcome.map(|()| Step::More),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Everything was looked at. While a record does not open, the key that might open it is kept.
    async fn conclude(&self, loaded: Loaded<RewrapRecord>) -> Result<Step, RewrapError> {
        let done = RewrapRecord { cursor: None, ..loaded.value.clone() };
        if done.refused > 0 {
            let mut transaction = self.barrier.transaction().map_err(LoadError::from)?;
            transaction.put(REWRAP_NAME, loaded.require(), &done);
            self.barrier.commit(transaction).await?;
            tracing::error!(records = done.refused, "older key generations are kept: records do not open");
        } else {
            self.seal.drop_older(&done).await?;
            tracing::info!("all records are sealed under the newest key generation");
        }
        Ok(Step::Done)
    }

    async fn move_page(
        &self,
        loaded: &Loaded<RewrapRecord>,
        table: Table,
        page: Vec<(Vec<u8>, Versioned)>,
        limit: usize,
    ) -> Result<(), RewrapError> {
        let keyring = self.barrier.keyring().map_err(LoadError::from)?;
        let mut transaction = self.barrier.transaction().map_err(LoadError::from)?;
        let mut record = loaded.value.clone();
        let (mut bytes, full) = (0, page.len() >= limit);
        let mut last = None;
        for (name, stored) in page {
            bytes += stored.bytes.len();
            if last.is_some() && bytes > BATCH_BYTES_MAX / 2 {
                break;
            }
            let key = Key::new(table, name.clone());
            // The record of the re-wrap itself is written below, under the newest generation.
            if needs_moving(&keyring, table, &name, &stored) {
                match open_plaintext(&keyring, &key, &stored) {
                    Ok(plaintext) => {
                        transaction.put_plaintext(key, Require::At(stored.revision), plaintext.expose());
                        record.moved += 1;
                    }
                    Err(error) => {
                        tracing::error!(?table, %error, "a record does not open and was left as it is");
                        record.refused += 1;
                    }
                }
            }
            record.seen += 1;
            last = Some((name, bytes));
        }
        let broke = bytes > BATCH_BYTES_MAX / 2;
        record.cursor = Some(match last {
            Some((name, _)) if full || broke => Cursor { table: table.byte(), after: name },
            _ => Cursor { table: table.byte().saturating_add(1), after: Vec::new() },
        });
        transaction.put(REWRAP_NAME, require(Some(loaded)), &record);
        Ok(self.barrier.commit(transaction).await?)
    }
}

fn needs_moving(keyring: &Keyring, table: Table, name: &[u8], stored: &Versioned) -> bool {
    let is_own = table == Table::Meta && name == REWRAP_NAME;
    let is_plain = table == Table::Seal || stored.bytes.is_empty();
    !is_own
        && !is_plain
        && Keyring::generation_of(&stored.bytes).is_ok_and(|generation| generation < keyring.active())
}

/// The name of [`RewrapRecord`] in [`Table::Meta`].
pub(crate) const REWRAP_NAME: &[u8] = b"rewrap";
/// Records in one commit, try by try: below the limit of a batch, and short enough not to hold up others.
const PAGES: [usize; 8] = [64, 64, 16, 4, 1, 1, 1, 1];
const LOOK_EVERY: Duration = Duration::from_secs(1);
