//! The check of the chained file while it is written: after each unseal, and every so often.
//!
//! What only an offline check would find, nobody may look for until the day on which the trail is needed.

use std::io::{self, BufReader, Read};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use vault_core::audit::{Report, Status, System, verify};
use vault_core::clock::{Clock, Timestamp};

use super::{AuditService, AuditUnavailable};
use crate::service::seal::{SealService, SealState};
use crate::shutdown::Shutdown;

/// What the last check of the chained file has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainChecked {
    /// When what it looked at was the whole file.
    pub at: Timestamp,
    /// The last line that it has read.
    pub line: u64,
    /// How much is wrong with the file; 0: each line is as it was written.
    pub findings: u64,
}

/// Why the chained file was not checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The vault is sealed.
    #[error(transparent)]
    Unavailable(#[from] AuditUnavailable),
    /// The file cannot be read.
    #[error("the audit file cannot be read")]
    Io(#[from] io::Error),
    /// The program stops, the vault was sealed meanwhile, or the thread broke down.
    #[error("the check of the audit file was broken off")]
    BrokenOff,
}

impl AuditService {
    /// What the last check has shown; `None` before the first has ended.
    #[must_use]
    pub fn checked(&self) -> Option<ChainChecked> {
        self.inner.checked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checks the chained file as far as it is written now, and tells the trail, the log and the metrics what is wrong.
    /// Reads the whole file, so not on a thread that answers requests; takes half of that thread's time at most.
    ///
    /// # Errors
    /// [`CheckError`] by cause; what was known of the file stays.
    pub fn check_chain(&self, clock: &dyn Clock, shutdown: &Shutdown) -> Result<ChainChecked, CheckError> {
        let live = self.live()?;
        let (at, by_machine) = (clock.now(), clock.wall());
        let uncertain = || io::Error::other("its last line was cut short, and the next closes it");
        let (written, options) = live.file.written().ok_or_else(uncertain)?;
        // What was closed since is checked by who opens it next.
        let is_live = || self.inner.live.load().as_ref().is_some_and(|now| Arc::ptr_eq(now, &live));
        let is_over = || shutdown.has_begun() || !is_live();
        let paced = Paced { inner: written, is_over: &is_over, burst: 0, since: Instant::now() };
        let checked = verify(BufReader::with_capacity(READ_BYTES, paced), &options);
        if is_over() {
            return Err(CheckError::BrokenOff);
        }
        let report = checked?;
        Ok(self.note_chain(&report, (at, by_machine), clock.now()))
    }

    fn note_chain(
        &self,
        report: &Report,
        (at, by_machine): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> ChainChecked {
        let line = report.last.map_or(0, |last| last.seq);
        let findings = report.findings_total.max(u64::from(report.status != Status::Intact));
        let checked = ChainChecked { at, line, findings };
        let before =
            self.inner.checked.lock().unwrap_or_else(PoisonError::into_inner).replace(checked.clone());
        // An alert compares it with the clock of who asks.
        self.inner.metrics.chain_checked(by_machine, findings);
        let is_news = before.is_none_or(|before| before.findings != findings);
        if findings > 0 && is_news {
            let first = report.findings.first().map(ToString::to_string).unwrap_or_default();
            let path = self.inner.path.display().to_string();
            tracing::error!(
                path,
                findings,
                first,
                "the audit file is not as it was written: verify it, and keep it"
            );
            let data = json!({ "findings": findings, "first": first, "line": line });
            let act = System {
                event: "audit_chain_damaged",
                path: "sys/audit",
                data: Some(&data),
                plain_keys: &["first"],
            };
            if let Err(error) = self.system(&act, now) {
                tracing::error!(%error, "an act of the vault is missing from the audit trail");
            }
        }
        checked
    }

    /// Checks the chained file after each unseal, after a new one was begun, and every [`CHECKED_EVERY`] from then on.
    pub async fn check_until(&self, seal: &SealService, clock: Arc<dyn Clock>, shutdown: &Shutdown) {
        let mut states = seal.watch();
        loop {
            let mut pause = CHECKED_EVERY;
            if *states.borrow_and_update() == SealState::Unsealed {
                let (this, clock, stop) = (self.clone(), Arc::clone(&clock), shutdown.clone());
                let checked = tokio::task::spawn_blocking(move || this.check_chain(&*clock, &stop)).await;
                if let Err(error) = checked.unwrap_or(Err(CheckError::BrokenOff))
                    && !matches!(
                        error,
                        CheckError::Unavailable(AuditUnavailable::Sealed) | CheckError::BrokenOff
                    )
                {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "the audit file was not checked");
                    pause = AGAIN_AFTER;
                }
            }
            tokio::select! {
                () = shutdown.begun() => return,
                changed = states.changed() => if changed.is_err() { return },
                () = self.inner.renewed.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

/// Gives the disk and the processor to others for as long as it has had them, and ends when nobody waits for it.
struct Paced<'a, R> {
    inner: R,
    is_over: &'a dyn Fn() -> bool,
    burst: usize,
    since: Instant,
}

impl<R: Read> Read for Paced<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if (self.is_over)() {
            return Err(io::Error::other("nobody waits for it any more"));
        }
        if self.burst >= BURST_BYTES {
            std::thread::park_timeout(self.since.elapsed());
            (self.burst, self.since) = (0, Instant::now());
        }
        let read = self.inner.read(buf)?;
        self.burst += read;
        Ok(read)
    }
}

/// How often the file is checked while the vault is unsealed.
pub const CHECKED_EVERY: Duration = Duration::from_secs(6 * 60 * 60);
/// How soon again after it could not be read.
const AGAIN_AFTER: Duration = Duration::from_secs(10 * 60);
/// Read at a time.
const READ_BYTES: usize = 1 << 16;
/// Read and looked at between two pauses.
const BURST_BYTES: usize = 4 << 20;
