//! Rotating on demand: whoever comes while a rotation runs shares its outcome.

use vault_core::account::Subject;
use vault_core::account::plan::{Effect, Plan};
use vault_core::clock::Timestamp;
use vault_core::id::RotationId;
use vault_core::lease::{EndCause, Lease, closing};
use vault_core::path::AccountPath;
use vault_core::rotation::port::Probe;
use vault_core::rotation::run::{Cause, Stage};
use vault_core::rotation::step::{self, Refusal};
use vault_core::target::lockout::Held;

use super::{AccountError, AccountService};
use crate::engine::{ActError, OUTCOME_WAIT};

/// How a requested rotation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// The new version is current and the old one is refused by the target.
    Done {
        /// The new version.
        version: u64,
    },
    /// It goes on; the status tells.
    Running,
}

/// What came of asking for a rotation.
enum Answered {
    /// It has begun, or another one is under way.
    Begun,
    /// Somebody holds the account.
    Lent(Box<Lease>),
    /// One more refused login could lock it.
    HeldBack(Held),
}

/// How far the rotations of an account have come.
#[derive(PartialEq, Eq)]
struct Progress {
    last_rotation: Option<Timestamp>,
    run: Option<(RotationId, u32)>,
}

impl AccountService {
    /// Rotates an account now and waits for the outcome. `force` takes it from whoever holds it.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub async fn rotate(
        &self,
        path: &AccountPath,
        force: bool,
        principal: &str,
    ) -> Result<Rotated, AccountError> {
        let subject = Subject::Account(path.clone());
        self.rotate_subject(&subject, force, principal).await
    }

    /// Rotates an account or a management credential.
    pub(in crate::service) async fn rotate_subject(
        &self,
        subject: &Subject,
        force: bool,
        principal: &str,
    ) -> Result<Rotated, AccountError> {
        let cause = Cause::Demand { principal: principal.to_owned() };
        self.rotate_for(subject, force, principal, &cause).await
    }

    /// Sees to it that nothing works any more that was ever served of an account: its current version is replaced, and
    /// the old one dies at once, whatever grace it has.
    pub(super) async fn revoke_versions(
        &self,
        subject: &Subject,
        principal: &str,
    ) -> Result<Rotated, AccountError> {
        let cause = Cause::Revocation { principal: principal.to_owned() };
        let current = |service: &Self| -> Result<u64, AccountError> {
            let account = service.engine.account(subject)?.ok_or(AccountError::NotFound)?.value;
            Ok(account.versions.current.map_or(0, |version| version.number))
        };
        let served = current(self)?;
        let mut rotated = self.rotate_for(subject, false, principal, &cause).await?;
        // What was asked for first may have been the end of a grace, or the outcome of somebody else's rotation.
        for _ in 0..REVOCATIONS_MAX {
            if current(self)? > served || rotated == Rotated::Running {
                break;
            }
            rotated = self.rotate_for(subject, false, principal, &cause).await?;
        }
        Ok(rotated)
    }

    async fn rotate_for(
        &self,
        subject: &Subject,
        force: bool,
        principal: &str,
        cause: &Cause,
    ) -> Result<Rotated, AccountError> {
        let key = subject.key();
        let shared = self.engine.flights().is_driving(&key);
        let asked_at = self.progress(subject)?;
        let Some(flight) = self.engine.flights().take(&key, OUTCOME_WAIT).await else {
            return Ok(Rotated::Running);
        };
        // One may also have begun, or have ended, while we came for the lock.
        if shared || self.progress(subject)? != asked_at {
            drop(flight);
            return self.outcome(subject);
        }
        let acted = self
            .engine
            .act(flight, subject, |account, context| {
                let (is_asked, cause) = (matches!(cause, Cause::Demand { .. }), cause.clone());
                if force && account.lending.is_lent() {
                    let ending = EndCause::Forced { principal: principal.to_owned() };
                    return match closing::end(account, None, ending, context) {
                        Ok(plan) => (Some(plan), Answered::Begun),
                        Err(_) => (None, Answered::Begun),
                    };
                }
                let holder = account.lending.holder.clone();
                match step::request(account, cause, context) {
                    // A person is told at once, and nothing begins that would only wait.
                    Ok(plan) => match self.held_back(&plan).filter(|_| is_asked) {
                        Some(held) => (None, Answered::HeldBack(held)),
                        None => (Some(plan), Answered::Begun),
                    },
                    Err(Refusal::Lent) => {
                        (None, holder.map_or(Answered::Begun, |holder| Answered::Lent(Box::new(holder))))
                    }
                    Err(Refusal::InProgress) => (None, Answered::Begun),
                }
            })
            .await
            .map_err(not_found)?;
        if let Answered::HeldBack(held) = acted.value {
            self.engine.told_to_wait(&acted.account.target, &held).await.map_err(ActError::from)?;
            return Err(ActError::from(held).into());
        }
        if let Answered::Lent(lease) = acted.value {
            return Err(AccountError::Held {
                message: format!(
                    "{subject} is checked out by {} until {}; check it in first, or rotate with force=true, which ends the lease",
                    lease.borrower.name, lease.expires_at
                ),
                lease: Some(lease),
                place: None,
                own: false,
            });
        }
        if let Some(drive) = acted.drive
            && tokio::time::timeout(OUTCOME_WAIT, drive).await.is_err()
        {
            return Ok(Rotated::Running);
        }
        self.outcome(subject)
    }

    /// Why what a plan begins would have to wait. What cannot be read is found by the work itself.
    fn held_back(&self, plan: &Plan) -> Option<Held> {
        self.engine.held_back(&plan.account, plan.effect?).ok().flatten()
    }

    /// What changes when a rotation begins, fails or succeeds, and at nothing else.
    fn progress(&self, subject: &Subject) -> Result<Progress, AccountError> {
        let account = self.engine.account(subject)?.ok_or(AccountError::NotFound)?.value;
        let run = account.stage.run().map(|run| (run.id, run.attempts));
        Ok(Progress { last_rotation: account.last_rotation, run })
    }

    /// How the rotation that has just come to rest ended.
    pub(super) fn outcome(&self, subject: &Subject) -> Result<Rotated, AccountError> {
        let Some(loaded) = self.engine.account(subject)? else { return Err(AccountError::NotFound) };
        let account = loaded.value;
        match (&account.stage, account.versions.current) {
            (Stage::Idle, Some(current)) => Ok(Rotated::Done { version: current.number }),
            (Stage::Active { .. } | Stage::Idle, _) => Ok(Rotated::Running),
            // It goes on by itself, when there is room for its next login.
            (Stage::Waiting { run, .. }, _) if run.held.is_some() => Ok(Rotated::Running),
            (Stage::Waiting { run, .. } | Stage::Parked { run, .. }, _) => match &run.fault {
                Some(fault) => {
                    Err(AccountError::Target { fault: fault.clone(), status: Box::new(self.view(&account)?) })
                }
                // Promoted, and the old version lives on until its grace ends.
                None => Ok(Rotated::Done {
                    version: account.versions.current.map_or(0, |current| current.number),
                }),
            },
        }
    }

    /// Logs in with the current version, afresh, and says what that showed.
    ///
    /// # Errors
    /// [`AccountError`] by cause; [`AccountError::Target`] when the login did not work.
    pub async fn verify(&self, path: &AccountPath) -> Result<u64, AccountError> {
        let subject = Subject::Account(path.clone());
        let probe = self.engine.check_now(&subject, Effect::Check).await.map_err(not_found)?;
        let Some(loaded) = self.engine.account(&subject)? else { return Err(AccountError::NotFound) };
        let account = loaded.value;
        let fault = match probe {
            Probe::Works => return Ok(account.versions.current.map_or(0, |current| current.number)),
            Probe::Refused => vault_core::rotation::fault::Fault::new(
                vault_core::rotation::fault::FaultClass::Drift,
                "the target refuses the stored password: it was changed outside",
            ),
            Probe::Blocked(fault) | Probe::Inconclusive(fault) => fault,
        };
        Err(AccountError::Target { fault, status: Box::new(self.view(&account)?) })
    }

    /// Repairs an account by setting a fresh password through the management credential, if its stored one
    /// does not work; an account that is in sync is left alone.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub async fn reconcile(&self, path: &AccountPath, principal: &str) -> Result<Rotated, AccountError> {
        let subject = Subject::Account(path.clone());
        let probe = self.engine.check_now(&subject, Effect::Check).await.map_err(not_found)?;
        let Some(loaded) = self.engine.account(&subject)? else { return Err(AccountError::NotFound) };
        match (probe, &loaded.value.stage, loaded.value.versions.current) {
            (Probe::Works, Stage::Idle, Some(current)) => Ok(Rotated::Done { version: current.number }),
            _ => self.rotate_subject(&subject, false, principal).await,
        }
    }
}

pub(super) fn not_found(error: crate::engine::ActError) -> AccountError {
    match error {
        crate::engine::ActError::NotFound => AccountError::NotFound,
        error => AccountError::Act(error),
    }
}

/// Rotations that a revocation asks for until there is a new version: one that ends a grace, one that was shared, its own.
const REVOCATIONS_MAX: u32 = 2;
