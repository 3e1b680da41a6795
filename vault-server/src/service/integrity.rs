//! The check of all records against the keyed set hash, in the background and on demand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use vault_core::clock::{Clock, Timestamp};
use vault_core::store::verify::VerifyReport;
use vault_core::store::{Store, StoreError};

use crate::service::seal::{SealService, SealState};
use crate::shutdown::Shutdown;

/// What the last check found.
#[derive(Clone, Debug)]
pub struct LastCheck {
    /// What it found.
    pub report: VerifyReport,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// The check of the whole store.
pub struct IntegrityService {
    store: Arc<Store>,
    last: Mutex<Option<LastCheck>>,
}

impl IntegrityService {
    /// The check of `store`.
    #[must_use]
    pub fn new(store: Arc<Store>) -> Self {
        Self { store, last: Mutex::new(None) }
    }

    /// What the last check found; `None` before the first has ended.
    #[must_use]
    pub fn last(&self) -> Option<LastCheck> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What has gone wrong with the store since it was opened, as sentences.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let health = self.store.health();
        let engine = health.engine.map(|error| format!("the store takes no more writes: {error}"));
        let anchor = health.anchor.map(|error| format!("the side file `commit` cannot be written: {error}"));
        engine.into_iter().chain(anchor).collect()
    }

    /// Checks all records now. Takes time; others go on.
    ///
    /// # Errors
    /// [`StoreError::Locked`] while sealed, and the engine's, which is a finding too.
    pub async fn check(&self, clock: &dyn Clock) -> Result<LastCheck, StoreError> {
        let store = Arc::clone(&self.store);
        let checked = tokio::task::spawn_blocking(move || store.verify());
        let report = checked.await.map_err(|_| StoreError::Closed)??;
        Ok(self.note(report, clock.now()))
    }

    /// Checks all records after every unseal, at a pace that leaves the disk to others.
    pub async fn scrub_until(&self, seal: &SealService, clock: &dyn Clock, shutdown: &Shutdown) {
        let mut states = seal.watch();
        loop {
            if *states.borrow_and_update() == SealState::Unsealed
                && let Err(error) = self.scrub(clock, shutdown).await
                && !matches!(error, StoreError::Locked | StoreError::Closed)
            {
                tracing::error!(error = &error as &dyn std::error::Error, "the check of the store failed");
            }
            tokio::select! {
                () = shutdown.begun() => return,
                changed = states.changed() => if changed.is_err() { return },
            }
        }
    }

    async fn scrub(&self, clock: &dyn Clock, shutdown: &Shutdown) -> Result<(), StoreError> {
        for _ in 0..SCRUBS_MAX {
            match self.scrub_once(clock, shutdown).await {
                Err(StoreError::SnapshotExpired) => {}
                outcome => return outcome,
            }
        }
        Err(StoreError::SnapshotExpired)
    }

    async fn scrub_once(&self, clock: &dyn Clock, shutdown: &Shutdown) -> Result<(), StoreError> {
        let mut scrub = self.store.scrub()?;
        while !shutdown.has_begun() {
            let stepped = tokio::task::spawn_blocking(move || {
                let outcome = scrub.step(PAGE);
                (scrub, outcome)
            });
            let (next, outcome) = stepped.await.map_err(|_| StoreError::Closed)?;
            if let Some(report) = outcome? {
                self.note(report, clock.now());
                return Ok(());
            }
            scrub = next;
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    fn note(&self, report: VerifyReport, ended_at: Timestamp) -> LastCheck {
        if !report.is_intact() {
            tracing::error!(?report, "the store does not hold what was committed: restore it from a backup");
        }
        let check = LastCheck { report, ended_at };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(check.clone());
        check
    }
}

/// What is wrong, as sentences; none when all is well.
#[must_use]
pub fn findings(report: &VerifyReport) -> Vec<String> {
    let mut findings = Vec::new();
    if report.records_found != report.records_expected {
        findings.push(format!(
            "{} records were found, {} were committed",
            report.records_found, report.records_expected
        ));
    }
    for (is_wrong, sentence) in [
        (
            !report.is_sum_right,
            "a record vanished, was added, altered or rolled back behind the vault's back",
        ),
        (!report.is_ordered, "the engine gives its records in the wrong order"),
        (!report.is_head_right, "the record that carries the set hash was changed behind the vault's back"),
        (report.malformed > 0, "the store holds entries that are no records"),
    ] {
        if is_wrong {
            findings.push(sentence.to_owned());
        }
    }
    findings
}

const PAGE: usize = 256;
/// Between two pages.
const PAUSE: Duration = Duration::from_millis(5);
/// Snapshots that a busy store may outrun before the check is given up until the next unseal.
const SCRUBS_MAX: u32 = 10;
