//! A target that behaves as badly as the schedule says, and remembers what it was asked.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::sync::Mutex;

use vault_core::id::RotationId;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{
    BoxFuture, CheckReport, Job, Login, Minted, Minting, Outcome, Probe, Rights, Rotator, TargetSpec,
    Verification,
};
use vault_core::secret::SecretString;

use crate::door::Door;

/// How the next call behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    Unreachable,
    LostBefore,
    LostAfter,
    Delayed,
    Lie,
    PolicyRefuses,
    Denied,
    RightsGone,
    Locked,
}

pub(crate) const MOODS: [Mood; 10] = [
    Mood::Well,
    Mood::Unreachable,
    Mood::LostBefore,
    Mood::LostAfter,
    Mood::Delayed,
    Mood::Lie,
    Mood::PolicyRefuses,
    Mood::Denied,
    Mood::RightsGone,
    Mood::Locked,
];

#[derive(Debug, Default)]
pub(crate) struct State {
    /// What the target accepts: the password set last.
    pub passwords: BTreeMap<String, String>,
    /// What it accepts besides, where old and new live side by side until the old is retired.
    pub older: BTreeMap<String, BTreeSet<String>>,
    /// Whether they do.
    pub overlaps: bool,
    /// Whether the target makes the credentials; then they live side by side as well.
    pub mints: bool,
    /// What it made, by handle: for which rotation, for whom, and the secret.
    pub minted: BTreeMap<String, (RotationId, String, String)>,
    /// Whether a password that is set already is refused as reuse, and what is late cannot be kept off.
    pub remembers: bool,
    /// Changes on their way that nobody waits for any more.
    pub delayed: Vec<(RotationId, String, String)>,
    /// Accounts whose rights were lost, with the password under which that happened.
    pub rights_lost: BTreeMap<String, String>,
    /// Everything that the vault's store holds durably, for I2.
    pub durable: BTreeSet<(String, String)>,
    /// A promise that was broken inside a call.
    pub violation: Option<String>,
    /// Management logins refused since a person last acted.
    pub management_refused: u32,
    /// Calls whose answers were lost in crashes, each of which may have been such a refusal.
    pub management_bound: u32,
    /// The mood of the next call.
    pub mood: Option<Mood>,
    /// Whether nothing answers at all.
    pub dead: bool,
    /// Who logs in.
    pub door: Door,
}

impl State {
    fn set(&mut self, user: &str, password: &str) {
        // Where the target makes credentials it has them first.
        if !self.mints && !self.durable.contains(&(user.to_owned(), password.to_owned())) {
            self.violation = Some(format!("I2: {user} got a password that is not stored"));
        }
        self.land(user, password);
        if self.rights_lost.get(user).is_some_and(|under| under != password) {
            self.rights_lost.remove(user);
        }
    }

    /// A change takes effect, wanted or not.
    pub(crate) fn land(&mut self, user: &str, password: &str) {
        let before = self.passwords.insert(user.to_owned(), password.to_owned());
        if self.overlaps {
            let older = self.older.entry(user.to_owned()).or_default();
            older.extend(before);
            older.remove(password);
        }
    }

    /// A credential that the target made is taken away again.
    fn take_away(&mut self, user: &str, password: &str) {
        let Some(older) = self.older.get_mut(user) else { return };
        if !older.remove(password) && self.passwords.get(user).is_some_and(|set| set == password) {
            self.passwords.insert(user.to_owned(), older.pop_first().unwrap_or_default());
        }
    }

    pub(crate) fn opens(&self, user: &str, password: &str) -> bool {
        self.passwords.get(user).is_some_and(|set| set == password)
            || self.older.get(user).is_some_and(|older| older.contains(password))
    }

    fn accepts(&mut self, login: &Login) -> bool {
        let (user, password) = (&login.username, login.password.expose());
        let works = self.opens(user, password);
        if let Some(locked) = self.door.login(user, password, works) {
            self.violation.get_or_insert(locked);
        }
        works
    }

    fn retire(&mut self, job: Job<'_>, old: &Login) -> Outcome {
        if job.beside == Some(old.username.as_str()) {
            return self.shut(job, &old.username);
        }
        if !self.overlaps {
            return Outcome::Applied;
        }
        let mood = self.mood();
        if matches!(mood, Mood::Unreachable | Mood::Denied) {
            return Outcome::NotApplied(unreachable());
        }
        if let Err(fault) = self.manages(job.management) {
            return Outcome::NotApplied(fault);
        }
        if !matches!(mood, Mood::Lie | Mood::LostBefore) {
            self.take_away(job.username, old.password.expose());
        }
        match mood {
            Mood::LostBefore | Mood::LostAfter => {
                Outcome::Unknown(Fault::new(FaultClass::Ambiguous, "no answer"))
            }
            _ => Outcome::Applied,
        }
    }

    /// Shuts the account whose turn is over.
    fn shut(&mut self, job: Job<'_>, user: &str) -> Outcome {
        let mood = self.mood();
        if matches!(mood, Mood::Unreachable | Mood::Denied) {
            return Outcome::NotApplied(unreachable());
        }
        if let Err(fault) = self.manages(job.management) {
            return Outcome::NotApplied(fault);
        }
        self.delayed.retain(|(rotation, ..)| *rotation != job.rotation);
        match mood {
            Mood::Delayed => self.delayed.push((job.rotation, user.to_owned(), SHUT.to_owned())),
            Mood::Lie | Mood::LostBefore => {}
            _ => self.land(user, SHUT),
        }
        match mood {
            Mood::LostBefore | Mood::LostAfter | Mood::Delayed => {
                Outcome::Unknown(Fault::new(FaultClass::Ambiguous, "no answer"))
            }
            _ => Outcome::Applied,
        }
    }

    fn mood(&mut self) -> Mood {
        let mood = self.mood.take().unwrap_or(Mood::Well);
        if self.dead { Mood::Unreachable } else { mood }
    }

    fn manages(&mut self, management: &Login) -> Result<(), Fault> {
        if self.accepts(management) {
            return Ok(());
        }
        self.management_refused += 1;
        Err(Fault::new(FaultClass::ManagementAuthRefused, "refused"))
    }
}

/// The password of an account that none opens.
pub(crate) const SHUT: &str = "(shut)";

#[derive(Debug, Default)]
pub(crate) struct SimTarget(pub Mutex<State>);

fn unreachable() -> Fault {
    Fault::new(FaultClass::Unreachable, "no connection")
}

impl SimTarget {
    fn do_apply(&self, job: Job<'_>, candidate: &SecretString) -> Outcome {
        let mut state = self.0.lock().unwrap();
        let mood = state.mood();
        if mood == Mood::Unreachable {
            return Outcome::NotApplied(unreachable());
        }
        if let Err(fault) = state.manages(job.management) {
            return Outcome::NotApplied(fault);
        }
        if state.remembers && state.passwords.get(job.username).is_some_and(|set| set == candidate.expose()) {
            return Outcome::NotApplied(Fault::new(FaultClass::PolicyRejected, "used before"));
        }
        let lost = || Outcome::Unknown(Fault::new(FaultClass::Ambiguous, "no answer"));
        match mood {
            Mood::Well | Mood::Unreachable | Mood::Locked => {
                state.set(job.username, candidate.expose());
                Outcome::Applied
            }
            Mood::RightsGone => {
                state.set(job.username, candidate.expose());
                state.rights_lost.insert(job.username.to_owned(), candidate.expose().to_owned());
                Outcome::Applied
            }
            Mood::LostAfter => {
                state.set(job.username, candidate.expose());
                lost()
            }
            Mood::LostBefore => lost(),
            Mood::Delayed => {
                let change = (job.rotation, job.username.to_owned(), candidate.expose().to_owned());
                state.delayed.push(change);
                lost()
            }
            Mood::Lie => Outcome::Applied,
            Mood::PolicyRefuses => Outcome::NotApplied(Fault::new(FaultClass::PolicyRejected, "too plain")),
            Mood::Denied => Outcome::NotApplied(Fault::new(FaultClass::PermissionDenied, "denied")),
        }
    }

    fn do_mint(&self, job: Job<'_>) -> Minting {
        let handle = format!("key-{}", self.0.lock().unwrap().minted.len());
        let secret = format!("made-{handle}");
        {
            let mut state = self.0.lock().unwrap();
            let made = (job.rotation, job.username.to_owned(), secret.clone());
            state.minted.insert(handle.clone(), made);
        }
        let password = SecretString::new(secret);
        match self.do_apply(job, &password) {
            Outcome::Applied => Minting::Made(Minted { handle, username: None, password }),
            Outcome::NotApplied(fault) => Minting::NotMade(fault),
            Outcome::Unknown(fault) => Minting::Unknown(fault),
        }
    }

    fn do_probe(&self, login: &Login) -> Probe {
        let mut state = self.0.lock().unwrap();
        match state.mood() {
            Mood::Unreachable | Mood::LostAfter | Mood::LostBefore | Mood::Delayed => {
                Probe::Inconclusive(unreachable())
            }
            Mood::Locked => Probe::Blocked(Fault::new(FaultClass::AccountLocked, "locked")),
            _ if state.accepts(login) => Probe::Works,
            _ => Probe::Refused,
        }
    }

    fn do_verify(&self, job: Job<'_>, login: &Login, expected: &Rights) -> Verification {
        match self.do_probe(login) {
            Probe::Works => {
                let mut state = self.0.lock().unwrap();
                if state.mints && job.is_adoption {
                    state.passwords.insert(job.username.to_owned(), login.password.expose().to_owned());
                    state.older.remove(job.username);
                }
                if state.rights_lost.contains_key(&login.username) {
                    Verification::RightsLost(expected.0.clone())
                } else {
                    Verification::Verified
                }
            }
            Probe::Refused => Verification::Refused(Fault::new(FaultClass::VerifyRefused, "refused")),
            Probe::Blocked(fault) | Probe::Inconclusive(fault) => Verification::Inconclusive(fault),
        }
    }
}

impl Rotator for SimTarget {
    fn kind(&self) -> &'static str {
        "simulated"
    }

    fn validate(&self, _: &TargetSpec) -> Result<(), String> {
        Ok(())
    }

    fn validate_login(&self, _: &Login) -> Result<(), String> {
        Ok(())
    }

    fn check<'a>(&'a self, _: &'a TargetSpec, _: &'a Login) -> BoxFuture<'a, Result<CheckReport, Fault>> {
        Box::pin(ready(Ok(CheckReport::default())))
    }

    fn preflight<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<Rights, Fault>> {
        let mut state = self.0.lock().unwrap();
        let result = match state.mood() {
            Mood::Unreachable | Mood::LostAfter => Err(unreachable()),
            Mood::Denied => Err(Fault::new(FaultClass::PermissionDenied, "denied")),
            _ => state.manages(job.management).map(|()| Rights(vec!["login".into()])),
        };
        Box::pin(ready(result))
    }

    fn apply<'a>(&'a self, job: Job<'a>, candidate: &'a SecretString) -> BoxFuture<'a, Outcome> {
        Box::pin(ready(self.do_apply(job, candidate)))
    }

    fn settle<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        let mut state = self.0.lock().unwrap();
        let result = match state.mood() {
            Mood::Unreachable | Mood::Locked => Err(unreachable()),
            _ if !state.accepts(job.management) => {
                Err(Fault::new(FaultClass::ManagementAuthRefused, "refused"))
            }
            _ => {
                let remembers = state.remembers;
                state.delayed.retain(|(rotation, ..)| remembers || *rotation != job.rotation);
                let ours = |(rotation, ..): &(RotationId, String, String)| *rotation == job.rotation;
                let unknown = |handle: &String| !job.handles.know(handle);
                let minted = state.minted.clone();
                for (_, user, secret) in
                    minted.iter().filter(|(h, made)| unknown(h) && ours(made)).map(|(_, made)| made)
                {
                    state.take_away(user, secret);
                }
                Ok(())
            }
        };
        Box::pin(ready(result))
    }

    fn probe<'a>(&'a self, _: &'a TargetSpec, login: &'a Login) -> BoxFuture<'a, Probe> {
        Box::pin(ready(self.do_probe(login)))
    }

    fn verify<'a>(
        &'a self,
        job: Job<'a>,
        login: &'a Login,
        rights: &'a Rights,
    ) -> BoxFuture<'a, Verification> {
        Box::pin(ready(self.do_verify(job, login, rights)))
    }

    fn retire<'a>(&'a self, job: Job<'a>, old: &'a Login) -> BoxFuture<'a, Outcome> {
        Box::pin(ready(self.0.lock().unwrap().retire(job, old)))
    }

    fn overlaps(&self, _: &TargetSpec) -> bool {
        self.0.lock().unwrap().overlaps
    }

    fn mints(&self, _: &TargetSpec) -> bool {
        self.0.lock().unwrap().mints
    }

    fn mint<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Minting> {
        Box::pin(ready(self.do_mint(job)))
    }

    fn end_sessions<'a>(&'a self, _: Job<'a>) -> BoxFuture<'a, Result<u32, Fault>> {
        let mut state = self.0.lock().unwrap();
        let result = match state.mood() {
            Mood::Denied => Err(Fault::new(FaultClass::PermissionDenied, "denied")),
            Mood::Unreachable => Err(unreachable()),
            _ => Ok(0),
        };
        Box::pin(ready(result))
    }
}
