//! The store as everyone else sees it.

use std::path::Path;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::anchor::{Anchor, FileAnchor};
use super::batch::{Batch, Versioned};
use super::engine::{Engine, EngineError};
use super::error::{CommitError, StoreError};
use super::group::check_shape;
use super::integrity::{HEAD_KEY, IntegrityKeys, Position};
use super::key::{Key, Table};
use super::open::{EngineKind, EngineOptions, open_engine};
use super::record;
use super::view::{Snapshot, Views};
use super::watch::{OnChange, Subscription, Watchers};
pub use super::writer::Ack;
use super::writer::{Faults, Pending, QUEUE_MAX, Request, Writer};
use crate::entropy::Entropy;

/// The store: one writer thread over an engine, any number of readers.
///
/// Locked after it was opened: reads work (the seal's own records are needed to unseal), writes wait for
/// [`Store::unlock`]. Dropping it finishes what waits, and closes the engine with the last reader.
pub struct Store {
    views: Arc<Views>,
    watchers: Arc<Watchers>,
    faults: Arc<Faults>,
    requests: SyncSender<Request>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What has gone wrong since the store was opened.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// The engine failed during a write: nothing is accepted until the store was opened again.
    pub engine: Option<Arc<EngineError>>,
    /// The side file could not be written: commits are safe, but a store that went back might pass unnoticed.
    pub anchor: Option<Arc<std::io::Error>>,
}

impl Store {
    /// The store over `engine`, with its commit number also in `anchor`.
    ///
    /// # Errors
    /// [`StoreError::WentBack`] when the engine lost its head record although commits were acknowledged,
    /// [`StoreError::HeadMissing`] when it holds records without one, the engine's and the anchor's errors.
    pub fn open(
        engine: Arc<dyn Engine>,
        mut anchor: Box<dyn Anchor>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StoreError> {
        if engine.get(HEAD_KEY)?.is_none() {
            if let Some(anchor) = anchor.read().map_err(StoreError::Anchor)? {
                return Err(StoreError::WentBack { anchor, head: 0 });
            }
            if !engine.scan(&[], None, 1)?.is_empty() {
                return Err(StoreError::HeadMissing);
            }
        }
        let views = Views::new(engine);
        let (watchers, faults) = (Arc::<Watchers>::default(), Arc::<Faults>::default());
        let (requests, queue) = sync_channel(QUEUE_MAX);
        let writer = Writer {
            views: Arc::clone(&views),
            watchers: Arc::clone(&watchers),
            faults: Arc::clone(&faults),
            anchor,
            entropy,
            sealing: None,
            unsynced: 0,
            restless: false,
        };
        let thread = thread::Builder::new().name("store-writer".into());
        let thread = thread.spawn(move || writer.run(&queue)).map_err(StoreError::Thread)?;
        Ok(Self { views, watchers, faults, requests, writer: Mutex::new(Some(thread)) })
    }

    /// Opens the store in `dir`: its engine, and its side file.
    ///
    /// # Errors
    /// Those of [`open_engine`] and [`Store::open`].
    pub fn open_dir(
        kind: EngineKind,
        dir: &Path,
        options: &EngineOptions,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StoreError> {
        let engine = open_engine(kind, dir, options)?;
        let anchor: Box<dyn Anchor> = match kind {
            EngineKind::Memory => Box::new(super::anchor::MemoryAnchor::default()),
            EngineKind::Sled | EngineKind::Redb => {
                Box::new(FileAnchor::open(dir).map_err(StoreError::Anchor)?)
            }
        };
        Self::open(engine, anchor, entropy)
    }

    /// The engine's name.
    #[must_use]
    pub fn engine_name(&self) -> &'static str {
        self.views.engine().name()
    }

    /// Whether [`Store::bootstrap`] was done, in this life or an earlier one.
    ///
    /// # Errors
    /// The engine's.
    pub fn is_initialised(&self) -> Result<bool, StoreError> {
        Ok(self.views.get(HEAD_KEY)?.is_some())
    }

    /// The durable value of `key`. Takes no lock and never waits for the writer.
    ///
    /// # Errors
    /// The engine's, [`StoreError::Malformed`].
    pub fn get(&self, key: &Key) -> Result<Option<Versioned>, StoreError> {
        let found = self.views.get(&key.to_bytes())?;
        found.map(|raw| record::decode(raw).ok_or(StoreError::Malformed)).transpose()
    }

    /// Up to `limit` records of `table` whose name starts with `prefix` and is greater than `after`, in the
    /// order of their names. The page shows the store as it was after one commit.
    ///
    /// # Errors
    /// The engine's, [`StoreError::Malformed`].
    pub fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Versioned)>, StoreError> {
        self.snapshot().scan(table, prefix, after, limit)
    }

    /// The store as it is, to be read while others write.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.views.snapshot()
    }

    /// Hands a batch to the writer; `ack` is called once with its outcome, from the writer's thread or
    /// from this one. Never blocks: with a full queue the outcome is [`CommitError::Busy`].
    pub fn submit(&self, batch: Batch, ack: Ack) {
        let ack = Pending::new(ack);
        if let Err(error) = check_shape(&batch) {
            return ack.answer(Err(error));
        }
        match self.requests.try_send(Request::Commit(batch, ack)) {
            Err(TrySendError::Full(Request::Commit(_, ack))) => ack.answer(Err(CommitError::Busy)),
            // What is dropped unanswered says `Closed`.
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }

    /// Commits a batch and waits until it is on disk, or refused.
    ///
    /// # Errors
    /// [`CommitError`] by cause.
    pub fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        check_shape(&batch)?;
        let (reply, outcome) = sync_channel(1);
        let ack = Pending::new(Box::new(move |outcome| {
            let _ = reply.send(outcome);
        }));
        // Waits for room in the queue. A request that cannot be sent is dropped, and its ack says `Closed`.
        let _ = self.requests.send(Request::Commit(batch, ack));
        outcome.recv().unwrap_or(Err(CommitError::Closed))
    }

    /// Initialises an empty store: the first commit, under a new integrity key. Unlocks the store.
    ///
    /// # Errors
    /// [`StoreError::AlreadyInitialised`] when it holds anything, [`StoreError::Commit`] by cause.
    pub fn bootstrap(&self, integrity_key: &[u8; 32], batch: Batch) -> Result<(), StoreError> {
        check_shape(&batch)?;
        let keys = Arc::new(IntegrityKeys::derive(integrity_key));
        self.ask(|reply| Request::Bootstrap(keys, batch, reply))?
    }

    /// Takes up the integrity key: verifies that the head record opens and did not go back. From here on
    /// writes are accepted.
    ///
    /// # Errors
    /// [`StoreError::Uninitialised`], [`StoreError::HeadRefused`], [`StoreError::WentBack`], the engine's.
    pub fn unlock(&self, integrity_key: &[u8; 32]) -> Result<Position, StoreError> {
        let keys = Arc::new(IntegrityKeys::derive(integrity_key));
        self.ask(|reply| Request::Unlock(keys, reply))?
    }

    /// Forgets the integrity key, after what was submitted before is done. Writes are refused from here on.
    pub fn lock(&self) {
        // A store that is closed already has no key.
        let _ = self.ask(Request::Lock);
    }

    /// Where the store stands; `None` while it is locked.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.views.position()
    }

    /// What has gone wrong since the store was opened.
    #[must_use]
    pub fn health(&self) -> Health {
        Health { engine: self.faults.engine.get().cloned(), anchor: self.faults.anchor.get().cloned() }
    }

    /// Calls `on_change` after each commit that is on disk, from the writer's thread. It must not block.
    pub fn subscribe(&self, on_change: OnChange) -> Subscription {
        self.watchers.subscribe(on_change)
    }

    /// Finishes what was submitted before and stops the writer. Reads go on.
    pub fn close(&self) {
        let Some(writer) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        // An acknowledgement that drops the last handle runs on the writer itself, which cannot wait for
        // itself; it ends when the queue is empty and its last sender is gone.
        if writer.thread().id() != thread::current().id() {
            let _ = self.ask(Request::Close);
            // A panic of the writer was reported by the panic hook; there is nothing left to undo.
            let _ = writer.join();
        }
    }

    fn ask<T>(&self, request: impl FnOnce(SyncSender<T>) -> Request) -> Result<T, StoreError> {
        let (reply, answer) = sync_channel(1);
        self.requests.send(request(reply)).map_err(|_| StoreError::Closed)?;
        answer.recv().map_err(|_| StoreError::Closed)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}
