//! What the fake target does when a verb reaches it; no waiting here.

use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Job, Login, Minted, Minting, Outcome, Rights, Verification};
use vault_core::secret::SecretString;

use super::account::Refusal;
use super::{Made, Mishap, State};

impl State {
    /// Logs the management credential in and looks whether it may change `username`.
    pub(super) fn authorise(&mut self, job: &Job<'_>) -> Result<(), Fault> {
        self.log_in_management(job.management)?;
        if self.accounts.find(job.username).is_none() {
            return Err(fault(FaultClass::AccountMissing));
        }
        let manages = self.accounts.find(&job.management.username).is_some_and(|account| account.manages);
        if manages || job.management.username == job.username {
            Ok(())
        } else {
            Err(fault(FaultClass::PermissionDenied))
        }
    }

    pub(super) fn log_in_management(&mut self, login: &Login) -> Result<(), Fault> {
        self.accounts
            .log_in(&login.username, login.password.expose())
            .map_err(|_| fault(FaultClass::ManagementAuthRefused))
    }

    pub(super) fn change(&mut self, username: &str, password: &str, overlap: bool) {
        let Some(account) = self.accounts.find_mut(username) else { return };
        account.passwords.retain(|held| overlap && held != password);
        account.passwords.push(password.to_owned());
        self.applied += 1;
    }

    pub(super) fn apply(
        &mut self,
        job: &Job<'_>,
        candidate: &str,
        mishap: Option<Mishap>,
        overlap: bool,
    ) -> Outcome {
        if let Some(Mishap::Fails(class)) = mishap {
            return Outcome::NotApplied(fault(class));
        }
        if let Err(fault) = self.authorise(job) {
            return Outcome::NotApplied(fault);
        }
        if self.refused_text.as_ref().is_some_and(|text| candidate.contains(text.as_str())) {
            return Outcome::NotApplied(fault(FaultClass::PolicyRejected));
        }
        // As the real rotators do: what an earlier attempt left behind can no longer take effect.
        self.in_flight.retain(|(username, _)| username != job.username);
        match mishap {
            Some(Mishap::Lies) => return Outcome::Applied,
            Some(Mishap::RequestLost) => return Outcome::Unknown(fault(FaultClass::Ambiguous)),
            Some(Mishap::InFlight) => {
                self.in_flight.push_back((job.username.to_owned(), candidate.to_owned()));
                return Outcome::Unknown(fault(FaultClass::Ambiguous));
            }
            _ => self.change(job.username, candidate, overlap),
        }
        match mishap {
            Some(Mishap::ReplyLost) => Outcome::Unknown(fault(FaultClass::Ambiguous)),
            Some(Mishap::LosesRight) => {
                if let Some(account) = self.accounts.find_mut(job.username) {
                    account.rights.pop();
                }
                Outcome::Applied
            }
            _ => Outcome::Applied,
        }
    }

    pub(super) fn mint(&mut self, job: &Job<'_>, mishap: Option<Mishap>) -> Minting {
        let number = self.minted.len();
        let (handle, password) = (format!("key-{number}"), format!("made-by-the-target-{number}"));
        let made = Made { rotation: job.rotation, username: job.username.to_owned(), password };
        let password = SecretString::new(made.password.clone());
        self.minted.insert(handle.clone(), made);
        match self.apply(job, password.expose(), mishap, true) {
            Outcome::Applied => Minting::Made(Minted { handle, username: None, password }),
            Outcome::NotApplied(fault) => Minting::NotMade(fault),
            Outcome::Unknown(fault) => Minting::Unknown(fault),
        }
    }

    /// Takes away what this rotation asked for and the vault does not know.
    pub(super) fn take_away_unknown(&mut self, job: &Job<'_>) {
        for (handle, made) in &self.minted {
            if made.rotation != job.rotation || job.handles.know(handle) {
                continue;
            }
            if let Some(account) = self.accounts.find_mut(&made.username) {
                account.passwords.retain(|held| *held != made.password);
            }
        }
    }

    pub(super) fn verify(
        &mut self,
        login: &Login,
        expected: &Rights,
        mishap: Option<Mishap>,
    ) -> Verification {
        if let Some(Mishap::Fails(class)) = mishap {
            return Verification::Inconclusive(fault(class));
        }
        if let Err(refusal) = self.accounts.log_in(&login.username, login.password.expose()) {
            return Verification::Refused(match refusal {
                Refusal::Credential => fault(FaultClass::VerifyRefused),
                Refusal::Locked => fault(FaultClass::AccountLocked),
            });
        }
        if mishap == Some(Mishap::RightsUnreadable) {
            return Verification::Inconclusive(fault(FaultClass::Unreachable));
        }
        let lost = expected.lost_in(&self.rights(&login.username));
        if lost.is_empty() { Verification::Verified } else { Verification::RightsLost(lost) }
    }

    pub(super) fn retire(&mut self, job: &Job<'_>, old: &Login, mishap: Option<Mishap>) -> Outcome {
        if let Some(Mishap::Fails(class)) = mishap {
            return Outcome::NotApplied(fault(class));
        }
        if let Err(fault) = self.authorise(job) {
            return Outcome::NotApplied(fault);
        }
        match mishap {
            Some(Mishap::Lies) => return Outcome::Applied,
            Some(Mishap::RequestLost) => return Outcome::Unknown(fault(FaultClass::Ambiguous)),
            _ => {}
        }
        if job.beside == Some(old.username.as_str()) {
            if let Some(account) = self.accounts.find_mut(&old.username) {
                account.passwords.clear();
            }
        } else if let Some(account) = self.accounts.find_mut(job.username) {
            account.passwords.retain(|held| held != old.password.expose());
        }
        if mishap == Some(Mishap::ReplyLost) {
            return Outcome::Unknown(fault(FaultClass::Ambiguous));
        }
        Outcome::Applied
    }

    pub(super) fn rights(&self, username: &str) -> Rights {
        Rights(self.accounts.find(username).map(|account| account.rights.clone()).unwrap_or_default())
    }
}

/// The fault of a call that fails before the target does anything.
pub(super) fn failure(mishap: Option<Mishap>) -> Option<Fault> {
    match mishap {
        Some(Mishap::Fails(class)) => Some(fault(class)),
        _ => None,
    }
}

pub(super) fn fault(class: FaultClass) -> Fault {
    Fault::new(class, format!("the fake target: {class}"))
}
