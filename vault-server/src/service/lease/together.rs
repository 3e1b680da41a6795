//! Many leases at once: what cannot be read, or is being worked on, does not hold up the others.

use tokio::task::{JoinHandle, JoinSet};
use vault_core::account::Subject;
use vault_core::lease::{EndCause, Lease};

use super::{LeaseService, is_dynamic, tell_damage};
use crate::barrier::LoadError;
use crate::engine::OUTCOME_WAIT;
use crate::engine::dynamic::DynamicError;
use crate::service::account::{AccountError, BEGIN_WAIT};
use crate::telemetry::trace::Tracer;

/// The open leases below a path.
pub(super) struct Below {
    /// Those that can be read.
    pub(super) leases: Vec<Lease>,
    /// Why the first of those cannot that cannot.
    pub(super) damaged: Option<LoadError>,
}

/// Leases of accounts whose ends were begun.
#[derive(Default)]
struct Begun {
    /// The work that ends them.
    drives: Vec<JoinHandle<()>>,
    /// Those whose accounts are just being worked on.
    busy: Vec<(Subject, Lease)>,
    failed: Option<AccountError>,
}

impl Begun {
    fn take(&mut self, subject: Subject, lease: Lease, outcome: Outcome) {
        match outcome {
            Ok((_, drive)) => self.drives.extend(drive),
            Err(AccountError::Busy(_)) => self.busy.push((subject, lease)),
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: AccountError) {
        // It ended in between.
        if !matches!(error, AccountError::State(_) | AccountError::NotFound) {
            self.failed.get_or_insert(error);
        }
    }
}

type Outcome = Result<(Lease, Option<JoinHandle<()>>), AccountError>;

impl LeaseService {
    /// The open lease `prefix` and every one below that path.
    pub(super) fn below(&self, prefix: &str) -> Result<Below, LoadError> {
        let path = prefix.trim_end_matches('/');
        let mut ids = self.ids(&format!("{path}/"))?;
        ids.push(path.to_owned());
        let mut below = Below { leases: Vec::new(), damaged: None };
        for id in ids {
            match self.open(&id) {
                Ok(lease) => below.leases.extend(lease),
                Err(error) if error.is_damage() => {
                    tell_damage(&id, &error);
                    below.damaged.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(below)
    }

    /// Makes durable that all of `leases` end, then waits, bounded, for the proofs; gives back those that are not
    /// proven dead.
    ///
    /// # Errors
    /// The first [`AccountError`], after all were tried.
    pub(super) async fn end_together(
        &self,
        leases: Vec<Lease>,
        cause: &EndCause,
    ) -> Result<Vec<Lease>, AccountError> {
        let ids: Vec<String> = leases.iter().map(|lease| lease.id.clone()).collect();
        let (dynamic, of_accounts): (Vec<_>, Vec<_>) = leases.into_iter().partition(is_dynamic);
        let (ending, failed) = self.dynamic.begin_together(&dynamic, cause).await;
        let mut failed = failed.map(|error| DynamicError::from(error).into());
        let begun = self.begin_together(of_accounts, cause).await;
        let ((), late) = tokio::join!(self.dynamic.settled(ending), self.settled(begun, cause));
        failed = failed.or(late);
        let mut open = Vec::new();
        for id in ids {
            match self.open(&id) {
                Ok(lease) => open.extend(lease),
                Err(error) => failed = failed.or(Some(error.into())),
            }
        }
        failed.map_or(Ok(open), Err)
    }

    /// Makes durable that these end, as far as nobody is working on their accounts.
    async fn begin_together(&self, leases: Vec<Lease>, cause: &EndCause) -> Begun {
        let (mut begun, mut work) = (Begun::default(), JoinSet::new());
        for lease in leases {
            let Some(subject) = Subject::from_key(&lease.subject) else { continue };
            // Together, so that their commits share the disk's flush; and not all at once.
            if work.len() >= TOGETHER
                && let Some(Ok((subject, lease, outcome))) = work.join_next().await
            {
                begun.take(subject, lease, outcome);
            }
            let (accounts, cause) = (self.accounts.clone(), cause.clone());
            work.spawn(Tracer::carried(async move {
                let outcome = accounts.begin(&subject, Some(&lease.id), cause, BEGIN_WAIT).await;
                (subject, lease, outcome)
            }));
        }
        while let Some(joined) = work.join_next().await {
            if let Ok((subject, lease, outcome)) = joined {
                begun.take(subject, lease, outcome);
            }
        }
        begun
    }

    /// Waits for the proofs, and ends what could not begin to end before.
    async fn settled(&self, mut begun: Begun, cause: &EndCause) -> Option<AccountError> {
        let mut work = JoinSet::new();
        for (subject, lease) in std::mem::take(&mut begun.busy) {
            let (accounts, cause) = (self.accounts.clone(), cause.clone());
            work.spawn(Tracer::carried(
                async move { accounts.end_lease(&subject, Some(&lease.id), cause).await },
            ));
        }
        let drives = std::mem::take(&mut begun.drives);
        let proofs = async {
            for drive in drives {
                let _ = drive.await;
            }
        };
        let _ = tokio::time::timeout(OUTCOME_WAIT, proofs).await;
        while let Some(joined) = work.join_next().await {
            if let Ok(Err(error)) = joined {
                begun.fail(error);
            }
        }
        begun.failed
    }
}

/// Ends of leases that are begun at once.
const TOGETHER: usize = 64;
