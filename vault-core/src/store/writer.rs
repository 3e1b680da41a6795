//! The one thread that changes the engine.
//!
//! Takes what waits in the queue, checks it in order, applies everything that passed as one transaction of
//! the engine, and acknowledges after the sync. While one transaction syncs, the next group gathers. Those
//! who were just acknowledged come back a moment later: a group waits for as many as the last one had, while
//! they keep coming. Otherwise the first to come back would be synced alone, and each sync would be shared
//! by half of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::anchor::Anchor;
use super::batch::Batch;
use super::engine::{EngineError, RawOp};
use super::error::{CommitError, StoreError};
use super::group::{Group, Staged, batch_bytes};
use super::integrity::{HEAD_KEY, Head, IntegrityKeys, Position};
use super::view::{Sealing, Views};
use super::watch::{Changes, Watchers};
use crate::entropy::Entropy;

/// Is called once with the outcome of a batch, on the writer's thread; must not block.
pub type Ack = Box<dyn FnOnce(Result<(), CommitError>) + Send>;

/// An acknowledgement that is never forgotten: dropped unanswered, it says that the store is closed.
pub(crate) struct Pending(Option<Ack>);

impl Pending {
    pub(crate) fn new(ack: Ack) -> Self {
        Self(Some(ack))
    }

    pub(crate) fn answer(mut self, outcome: Result<(), CommitError>) {
        self.send(outcome);
    }

    fn send(&mut self, outcome: Result<(), CommitError>) {
        if let Some(ack) = self.0.take() {
            // A receiver that panics must not take the writer down; the panic hook reported it.
            let _ = catch_unwind(AssertUnwindSafe(|| ack(outcome)));
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.send(Err(CommitError::Closed));
    }
}

/// What the writer is asked to do.
pub(crate) enum Request {
    Commit(Batch, Pending),
    Bootstrap(Arc<IntegrityKeys>, Batch, SyncSender<Result<(), StoreError>>),
    Unlock(Arc<IntegrityKeys>, SyncSender<Result<Position, StoreError>>),
    Lock(SyncSender<()>),
    Close(SyncSender<()>),
}

/// What has gone wrong for good; set once, read by anyone.
#[derive(Default)]
pub(crate) struct Faults {
    pub(crate) engine: OnceLock<Arc<EngineError>>,
    pub(crate) anchor: OnceLock<Arc<std::io::Error>>,
}

/// The writer's own state.
pub(crate) struct Writer {
    pub(crate) views: Arc<Views>,
    pub(crate) watchers: Arc<Watchers>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) anchor: Box<dyn Anchor>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) sealing: Option<Sealing>,
    pub(crate) unsynced: u64,
    /// Whether something was written since the engine's last rest.
    pub(crate) restless: bool,
}

impl Writer {
    /// Serves until the store is closed or dropped.
    pub(crate) fn run(mut self, requests: &Receiver<Request>) {
        let mut next = None;
        let mut companions = 1;
        while let Some(request) = next.take().or_else(|| self.wait(requests)) {
            match request {
                Request::Commit(batch, ack) => {
                    let (batches, left) = gather(batch, ack, requests, companions);
                    (next, companions) = (left, batches.len());
                    self.commit_all(batches);
                }
                Request::Bootstrap(keys, batch, reply) => {
                    let _ = reply.send(self.bootstrap(keys, batch));
                }
                Request::Unlock(keys, reply) => {
                    let _ = reply.send(self.unlock(keys));
                }
                Request::Lock(reply) => {
                    self.set_sealing(None);
                    self.sync_anchor();
                    let _ = reply.send(());
                }
                Request::Close(reply) => {
                    self.sync_anchor();
                    let _ = reply.send(());
                    return;
                }
            }
        }
        self.sync_anchor();
    }

    /// The next request; a pause after writes is the engine's rest. `None` when nobody can ask any more.
    fn wait(&mut self, requests: &Receiver<Request>) -> Option<Request> {
        if self.restless {
            match requests.recv_timeout(REST_AFTER) {
                Ok(request) => return Some(request),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.rest(),
            }
        }
        requests.recv().ok()
    }

    fn rest(&mut self) {
        self.restless = false;
        if self.faults.engine.get().is_none() {
            let rested = catch_unwind(AssertUnwindSafe(|| self.views.engine().rest()))
                .unwrap_or_else(|_| Err(EngineError::Corrupt("the engine panicked at rest".into())));
            if let Err(error) = rested {
                self.stop(error);
            }
        }
    }

    /// Commits a group: each batch that passes, all of them in one transaction.
    fn commit_all(&mut self, batches: Vec<(Batch, Pending)>) {
        let refusal = match (&self.sealing, self.faults.engine.get()) {
            (_, Some(_)) => Some(CommitError::Closed),
            (None, None) => Some(CommitError::Locked),
            (Some(_), None) => None,
        };
        let Some(sealing) = self.sealing.clone().filter(|_| refusal.is_none()) else {
            let refusal = refusal.unwrap_or(CommitError::Locked);
            return batches.into_iter().for_each(|(_, ack)| ack.answer(Err(refusal.clone())));
        };
        let views = Arc::clone(&self.views);
        let mut group = Group::new(views.engine());
        let mut passed = Vec::with_capacity(batches.len());
        let mut refused = Vec::new();
        for (batch, ack) in batches {
            match group.add(batch) {
                Ok(()) => passed.push(ack),
                Err(error) => refused.push((ack, error)),
            }
        }
        let outcome = if group.is_empty() {
            Ok(())
        } else {
            // Every old value was split before it was staged, so an error here is out of reach; it fails closed.
            let staged = group.stage(sealing.head, &sealing.keys).map_err(|_| CommitError::Closed);
            staged.and_then(|staged| self.apply(staged, &sealing.keys))
        };
        for ack in passed {
            ack.answer(outcome.clone());
        }
        // After the apply: who was refused because of a neighbour in the group finds its change on disk.
        for (ack, error) in refused {
            ack.answer(Err(error));
        }
    }

    /// One transaction of the engine, from the overlay to the watchers.
    fn apply(&mut self, staged: Staged, keys: &Arc<IntegrityKeys>) -> Result<(), CommitError> {
        let Staged { mut ops, mut overlay, changed, head } = staged;
        let sealed = keys.seal(head, self.entropy.as_ref()).map_err(|_| CommitError::Closed)?;
        ops.push(RawOp::Put(HEAD_KEY.to_vec(), sealed));
        // The head is a record like any other: a snapshot goes on with the one it was taken at.
        let head_before = self.views.engine().get(HEAD_KEY).map_err(|error| self.stop(error))?;
        overlay.old.insert(HEAD_KEY.to_vec(), head_before);
        self.views.begin(Arc::new(overlay));
        self.restless = true;
        catch_unwind(AssertUnwindSafe(|| self.views.engine().apply(&ops)))
            .unwrap_or_else(|_| Err(EngineError::Corrupt("the engine panicked during a write".into())))
            .map_err(|error| self.stop(error))?;
        let sealing = Sealing { head, keys: Arc::clone(keys) };
        self.sealing = Some(sealing.clone());
        self.views.end(sealing);
        self.write_anchor(head.position.commit);
        self.watchers.tell(&Changes { commit: head.position.commit, changed });
        Ok(())
    }

    /// Takes no more writes: after `error` nobody knows what is on disk.
    fn stop(&self, error: EngineError) -> CommitError {
        CommitError::Failed(Arc::clone(self.faults.engine.get_or_init(|| Arc::new(error))))
    }

    /// The first commit of a store without records.
    fn bootstrap(&mut self, keys: Arc<IntegrityKeys>, batch: Batch) -> Result<(), StoreError> {
        if self.faults.engine.get().is_some() {
            return Err(StoreError::Closed);
        }
        if !self.views.engine().scan(&[], None, 1)?.is_empty() {
            return Err(StoreError::AlreadyInitialised);
        }
        let views = Arc::clone(&self.views);
        let mut group = Group::new(views.engine());
        group.add(batch)?;
        let staged = group.stage(Head::EMPTY, &keys)?;
        self.apply(staged, &keys)?;
        // The side file's first number is worth a sync: from here on an emptied store is noticed.
        self.sync_anchor();
        Ok(())
    }

    /// Verifies the head record and takes the key up.
    fn unlock(&mut self, keys: Arc<IntegrityKeys>) -> Result<Position, StoreError> {
        if self.faults.engine.get().is_some() {
            return Err(StoreError::Closed);
        }
        let sealed = self.views.engine().get(HEAD_KEY)?.ok_or(StoreError::Uninitialised)?;
        let head = keys.open(&sealed)?;
        let commit = head.position.commit;
        match self.anchor.read().map_err(StoreError::Anchor)? {
            Some(anchor) if anchor > commit => return Err(StoreError::WentBack { anchor, head: commit }),
            Some(anchor) if anchor == commit => {}
            _ => self.write_anchor(commit),
        }
        self.set_sealing(Some(Sealing { head, keys }));
        Ok(head.position)
    }

    fn set_sealing(&mut self, sealing: Option<Sealing>) {
        self.sealing.clone_from(&sealing);
        self.views.set_sealing(sealing);
    }

    /// The commit is on disk already: a side file that fails is reported, and takes nothing back.
    fn write_anchor(&mut self, commit: u64) {
        let written = self.anchor.write(commit);
        self.note(written);
        self.unsynced = self.unsynced.saturating_add(1);
        if self.unsynced >= ANCHOR_SYNC_COMMITS {
            self.sync_anchor();
        }
    }

    fn sync_anchor(&mut self) {
        if self.unsynced > 0 {
            let synced = self.anchor.sync();
            self.note(synced);
            self.unsynced = 0;
        }
    }

    fn note(&self, outcome: std::io::Result<()>) {
        if let Err(error) = outcome {
            let _ = self.faults.anchor.set(Arc::new(error));
        }
    }
}

/// What waits already and who comes right after, up to the limits of one group; and the first request that
/// is not a batch. `expected` is how many the last group had.
fn gather(
    batch: Batch,
    ack: Pending,
    requests: &Receiver<Request>,
    expected: usize,
) -> (Vec<(Batch, Pending)>, Option<Request>) {
    let mut bytes = batch_bytes(&batch);
    let mut batches = vec![(batch, ack)];
    while batches.len() < GROUP_BATCHES_MAX && bytes < GROUP_BYTES_MAX {
        let waiting = requests.try_recv().ok();
        let companion = waiting.or_else(|| {
            (batches.len() < expected).then(|| requests.recv_timeout(COMPANION_GAP).ok()).flatten()
        });
        match companion {
            Some(Request::Commit(batch, ack)) => {
                bytes = bytes.saturating_add(batch_bytes(&batch));
                batches.push((batch, ack));
            }
            Some(other) => return (batches, Some(other)),
            None => break,
        }
    }
    (batches, None)
}

/// Most batches in one transaction of the engine.
const GROUP_BATCHES_MAX: usize = 256;
/// From this many bytes of values on, a group is not filled any further.
const GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long a group waits for each companion of the last group: far below what a sync takes on any disk
/// that keeps its promises.
const COMPANION_GAP: Duration = Duration::from_micros(50);
/// From this pause on, writes do not follow each other closely.
const REST_AFTER: Duration = Duration::from_millis(50);
/// The side file is synced every so many commits: about once a second under full load.
const ANCHOR_SYNC_COMMITS: u64 = 1024;
/// Most requests that wait for the writer.
pub(crate) const QUEUE_MAX: usize = 4096;
