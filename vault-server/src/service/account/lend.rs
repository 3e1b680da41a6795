//! Check-out and check-in.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vault_core::account::plan::Plan;
use vault_core::account::{Account, Subject};
use vault_core::entropy::random_bytes;
use vault_core::identity::Principal;
use vault_core::lease::checkout::{Refusal, Request, Stale, check_out, renew};
use vault_core::lease::{
    Borrower, EndCause, Lease, LeaseState, Limits, MAX_TTL_DEFAULT, TTL_DEFAULT, closing,
};
use vault_core::path::AccountPath;
use vault_core::rotation::port::Login;

use super::rotate::not_found;
use super::{AccountError, AccountService};
use crate::engine::{Engine, OUTCOME_WAIT, READ_WAIT};

/// What a check-out asks for.
#[derive(Debug, Default)]
pub struct CheckOut {
    /// For how long.
    pub ttl: Option<Duration>,
    /// Why.
    pub reason: Option<String>,
    /// The ticket.
    pub ticket: Option<String>,
    /// How long to wait in line.
    pub wait: Option<Duration>,
    /// Is cancelled when nobody takes the answer any more.
    pub gone: CancellationToken,
}

impl CheckOut {
    /// Whether somebody still takes what is handed out.
    ///
    /// # Errors
    /// [`AccountError::Busy`] when the client has hung up.
    pub(in crate::service) fn anybody_there(&self) -> Result<(), AccountError> {
        if self.gone.is_cancelled() {
            return Err(AccountError::Busy("the client hung up before it was lent anything".to_owned()));
        }
        Ok(())
    }

    /// Waits so long, or until the client has hung up.
    pub(in crate::service) async fn pause(&self, pulse: Duration) {
        let _ = tokio::time::timeout(pulse, self.gone.cancelled()).await;
    }
}

/// What is handed out.
#[derive(Debug)]
pub struct CheckedOut {
    /// The lease.
    pub lease: Lease,
    /// What opens the target.
    pub login: Login,
}

/// What a check-in names.
#[derive(Debug, Default)]
pub struct CheckIn {
    /// The lease that is meant; a stale one is refused and changes nothing.
    pub lease_id: Option<String>,
    /// End somebody else's lease.
    pub force: bool,
}

impl AccountService {
    /// Hands an account out to `principal`.
    ///
    /// # Errors
    /// [`AccountError`] by cause; [`AccountError::Held`] names the holder and the place in line.
    pub async fn check_out(
        &self,
        path: &AccountPath,
        request: &CheckOut,
        principal: &Principal,
    ) -> Result<CheckedOut, AccountError> {
        let subject = Subject::Account(path.clone());
        let deadline = tokio::time::Instant::now() + request.wait.unwrap_or(Duration::ZERO).min(OUTCOME_WAIT);
        loop {
            request.anybody_there()?;
            let refusal = match self.try_check_out(&subject, request, principal).await? {
                Ok(out) => return Ok(out),
                Err(refusal) => refusal,
            };
            let waits = matches!(refusal, Refusal::Held { .. } | Refusal::InLine { .. } | Refusal::Changing);
            if !waits || tokio::time::Instant::now() >= deadline {
                return Err(refused(path, refusal, principal));
            }
            request.pause(LINE_PULSE).await;
        }
    }

    async fn try_check_out(
        &self,
        subject: &Subject,
        request: &CheckOut,
        principal: &Principal,
    ) -> Result<Result<CheckedOut, Refusal>, AccountError> {
        let Some(flight) = self.engine.flights().take(&subject.key(), READ_WAIT).await else {
            return Ok(Err(Refusal::Changing));
        };
        let suffix = lease_suffix(&self.engine);
        let path = subject.to_string();
        let acted = self
            .engine
            .act(flight, subject, |account, context| {
                let limits = limits(&account);
                let request = Request {
                    lease_id: format!("accounts/check-out/{path}/{suffix}"),
                    borrower: borrower(principal),
                    ttl: request.ttl,
                    reason: request.reason.clone(),
                    ticket: request.ticket.clone(),
                    pool: None,
                };
                match check_out(account, request, limits, context) {
                    Ok(plan) => (Some(plan), None),
                    Err(refused) => {
                        (refused.account.map(|account| Plan::new(*account)), Some(refused.refusal))
                    }
                }
            })
            .await
            .map_err(not_found)?;
        if let Some(refusal) = acted.value {
            return Ok(Err(refusal));
        }
        let Some(lease) = acted.account.lending.holder.clone() else { return Ok(Err(Refusal::Changing)) };
        if let Err(gone) = request.anybody_there() {
            // It was never handed out, and nobody would give it back.
            self.begin_end(subject, &lease.id, EndCause::CheckIn).await?;
            return Err(gone);
        }
        let login = match self.engine.stored(&acted.account, lease.version) {
            Ok(Some(stored)) => stored.login,
            unreadable => {
                // Nobody has seen the password, and nobody shall keep the account for that.
                self.begin_end(subject, &lease.id, EndCause::CheckIn).await?;
                unreadable?;
                return Err(AccountError::Busy("the credential is being changed".to_owned()));
            }
        };
        if let Err(error) = self.handed_out(&acted.account, &lease, principal).await {
            self.begin_end(subject, &lease.id, EndCause::CheckIn).await?;
            return Err(error);
        }
        Ok(Ok(CheckedOut { lease, login }))
    }

    /// Ends the lease of an account, and waits for the proof that what it handed out is dead.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub async fn check_in(
        &self,
        path: &AccountPath,
        request: &CheckIn,
        principal: &Principal,
        may_force: bool,
    ) -> Result<Lease, AccountError> {
        let subject = Subject::Account(path.clone());
        let Some(loaded) = self.engine.account(&subject)? else { return Err(AccountError::NotFound) };
        let holder = loaded.value.lending.holder;
        let own = holder.as_ref().is_some_and(|lease| lease.borrower.id == principal.id());
        let ending = if own {
            EndCause::CheckIn
        } else {
            EndCause::Forced { principal: principal.display_name().to_owned() }
        };
        if let Some(lease) = &holder
            && !own
            && request.lease_id.as_ref().is_none_or(|id| *id == lease.id)
        {
            if !request.force {
                return Err(AccountError::NotHolder(format!(
                    "{path} is checked out by {}, not by you; force=true ends their lease, and needs sudo on this path",
                    lease.borrower.name
                )));
            }
            if !may_force {
                return Err(AccountError::NotHolder(
                    "force=true needs the sudo capability on this path".to_owned(),
                ));
            }
        }
        // The lease that was looked at, and no later one.
        let meant = request.lease_id.clone().or_else(|| holder.map(|lease| lease.id));
        self.end_lease(&subject, meant.as_deref(), ending).await
    }

    /// Ends a lease for any cause and waits, bounded, for the proof.
    pub(in crate::service) async fn end_lease(
        &self,
        subject: &Subject,
        lease_id: Option<&str>,
        ending: EndCause,
    ) -> Result<Lease, AccountError> {
        let (lease, drive) = self.begin(subject, lease_id, ending, OUTCOME_WAIT).await?;
        if let Some(drive) = drive {
            let _ = tokio::time::timeout(OUTCOME_WAIT, drive).await;
        }
        let stored = self.engine.barrier().load::<Lease>(lease.id.as_str())?;
        Ok(stored.map_or(lease, |stored| stored.value))
    }

    /// Makes durable that a lease ends, without waiting for the proof.
    pub(in crate::service) async fn begin_end(
        &self,
        subject: &Subject,
        lease_id: &str,
        ending: EndCause,
    ) -> Result<(), AccountError> {
        match self.begin(subject, Some(lease_id), ending, BEGIN_WAIT).await {
            // It ended in between.
            Ok(_) | Err(AccountError::State(_) | AccountError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Makes durable that a lease ends, once whoever works on its account is done, which is waited for at most
    /// `wait`. Gives back the work that ends it.
    pub(in crate::service) async fn begin(
        &self,
        subject: &Subject,
        lease_id: Option<&str>,
        ending: EndCause,
        wait: Duration,
    ) -> Result<(Lease, Option<JoinHandle<()>>), AccountError> {
        let Some(flight) = self.engine.flights().take(&subject.key(), wait).await else {
            return Err(AccountError::Busy(format!("{subject} is being rotated; try again in a moment")));
        };
        let acted = self
            .engine
            .act(flight, subject, |account, context| {
                let holder = account.lending.holder.clone();
                match closing::end(account, lease_id, ending.clone(), context) {
                    Ok(plan) => {
                        let lease = plan.lease.clone();
                        (Some(plan), Ok(lease))
                    }
                    Err(stale) => (None, Err((stale, holder))),
                }
            })
            .await
            .map_err(not_found)?;
        let lease = match acted.value {
            Ok(lease) => lease,
            // Ending what is ending already is no mistake: tell how it stands.
            Err((Stale::Closing, holder)) => holder,
            Err((Stale::NotHeld, _)) => {
                return Err(AccountError::State(format!(
                    "{subject} is not checked out; nothing was changed"
                )));
            }
            Err((Stale::OtherLease, _)) => {
                return Err(AccountError::State(
                    "that lease is over; another one holds the account now, and nothing was changed"
                        .to_owned(),
                ));
            }
        };
        lease.map(|lease| (lease, acted.drive)).ok_or(AccountError::NotFound)
    }

    /// Gives a lease more time.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub async fn renew(&self, lease: &Lease, increment: Option<Duration>) -> Result<Lease, AccountError> {
        let Some(subject) = Subject::from_key(&lease.subject) else { return Err(AccountError::NotFound) };
        let Some(flight) = self.engine.flights().take(&subject.key(), READ_WAIT).await else {
            return Err(AccountError::Busy(format!("{subject} is being changed; try again in a moment")));
        };
        let acted = self
            .engine
            .act(flight, &subject, |account, context| {
                let limits = limits(&account);
                match renew(account, &lease.id, increment, limits, context) {
                    Ok(plan) => (Some(plan), Ok(())),
                    Err(stale) => (None, Err(stale)),
                }
            })
            .await
            .map_err(not_found)?;
        acted.value.map_err(|_| AccountError::Invalid("lease is not renewable: it has ended".to_owned()))?;
        acted.account.lending.holder.ok_or(AccountError::NotFound)
    }
}

/// The bounds of an account's leases.
fn limits(account: &Account) -> Limits {
    let max_ttl = account.settings.max_ttl.unwrap_or(MAX_TTL_DEFAULT);
    Limits { ttl: account.settings.ttl.unwrap_or(TTL_DEFAULT).min(max_ttl), max_ttl }
}

/// The random part of a lease's id.
pub(in crate::service) fn lease_suffix(engine: &Engine) -> String {
    let random: [u8; 15] = random_bytes(engine.entropy());
    data_encoding::BASE32_NOPAD.encode(&random).to_lowercase()
}

/// Who asks, as leases remember it.
pub(in crate::service) fn borrower(principal: &Principal) -> Borrower {
    Borrower {
        id: principal.id().to_owned(),
        name: principal.display_name().to_owned(),
        token: data_encoding::HEXLOWER.encode(principal.token().as_bytes()),
        accessor: principal.accessor().as_str().to_owned(),
    }
}

fn refused(path: &AccountPath, refusal: Refusal, asker: &Principal) -> AccountError {
    let (message, lease, place) = match refusal {
        Refusal::Held { lease, place } if lease.state == LeaseState::Active => (
            format!(
                "{path} is checked out by {} until {}; you are number {place} in line",
                lease.borrower.name, lease.expires_at
            ),
            Some(lease),
            Some(place),
        ),
        Refusal::Held { lease, place } => (
            format!(
                "{path} is not free yet: the lease of {} is ending, and its password is not proven dead; you are number {place} in line",
                lease.borrower.name
            ),
            Some(lease),
            Some(place),
        ),
        Refusal::InLine { place } => (
            format!("{path} is free, but others came first; you are number {place} in line"),
            None,
            Some(place),
        ),
        Refusal::Changing => {
            return AccountError::Busy(format!("{path} is being rotated; try again in a moment"));
        }
        Refusal::Dead => {
            return AccountError::Busy(format!(
                "the target refuses the stored password of {path}, because it was changed outside; reconcile or rotate it first"
            ));
        }
        Refusal::NotYet => {
            return AccountError::Busy(format!(
                "{path} has no credential yet, because its first rotation has not succeeded; see accounts/status/{path}"
            ));
        }
    };
    let own = lease.as_ref().is_some_and(|lease| lease.borrower.id == asker.id());
    AccountError::Held { message, lease, place, own }
}

/// How long the end of a token waits for an account that is just being worked on, before it goes on to the
/// next and comes back later.
pub(in crate::service) const BEGIN_WAIT: Duration = Duration::from_millis(250);
/// How often somebody who waits in line asks again.
const LINE_PULSE: Duration = Duration::from_millis(200);
