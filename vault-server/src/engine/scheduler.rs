//! Looks at the clock: finds what is due in the store's index and sets it going.
//!
//! Memory does not grow with the number of accounts: the index is read a page at a time. After a crash
//! the accounts that were in the middle of something stand at the front of it.

use std::time::Duration;

use tokio::task::JoinSet;
use vault_core::account::{Account, Subject};
use vault_core::clock::Timestamp;
use vault_core::consumer::Uptake;
use vault_core::id::SilenceId;
use vault_core::rotation::circuit::{self, Met};
use vault_core::rotation::grace;
use vault_core::rotation::run::Stage;
use vault_core::store::due::{self, Due};
use vault_core::store::key::Table;
use vault_core::target::breaker::Admission;

use super::drive::Chain;
use super::meter::rotation::Ticked;
use super::record::{DUE_ACCOUNT, DUE_DYNAMIC, DUE_ESCALATION, DUE_REHEARSAL, DUE_SILENCE};
use super::{ActError, Engine};
use crate::barrier::LoadError;

/// Runs until the server stops.
pub async fn run(engine: Engine) {
    let mut pulse = tokio::time::interval(PULSE);
    pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut cursor, mut last) = (None, engine.now());
    loop {
        tokio::select! {
            () = engine.inner.shutdown.begun() => return,
            _ = pulse.tick() => {}
        }
        match engine.look(cursor.take()).await {
            Ok(next) => cursor = next,
            // While sealed there is nothing to look at.
            Err(LoadError::Sealed) => {}
            Err(error) => tracing::error!(error = %Chain(&error), "the due index could not be read"),
        }
        engine.look_at_graces().await;
        last = engine.note_tick(last);
    }
}

impl Engine {
    /// Notes that the scheduler lives, and a clock that was stepped back since `last`; what it shows now.
    fn note_tick(&self, last: Timestamp) -> Timestamp {
        let (now, wall) = (self.now(), self.inner.clock.wall());
        let ahead = now.since(wall).as_secs();
        match self.inner.meter.rotation.ticked(last, now, wall) {
            Ticked::On => {}
            Ticked::Ahead => {
                tracing::warn!(
                    ahead,
                    "the machine's clock was stepped back; the vault's goes on until they meet"
                );
            }
            Ticked::Back => {
                let back = last.since(now).as_secs();
                tracing::warn!(back, "the clock was stepped back, and what waits waits so much longer");
            }
        }
        now
    }

    /// Reads one page of what is due and sets it going. Gives back where to go on, when there is more.
    ///
    /// # Errors
    /// [`LoadError`] when the index cannot be read; a single account that cannot is passed over.
    pub async fn look(&self, after: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, LoadError> {
        let now = self.now();
        let names = self.inner.barrier.names(Table::Due, &[], after.as_deref(), PAGE)?;
        if after.is_none() {
            self.count_silences();
        }
        let more = names.len() == PAGE;
        let due: Vec<&Vec<u8>> =
            names.iter().take_while(|name| due::decode(name).is_none_or(|entry| entry.at <= now)).collect();
        let mut work = JoinSet::new();
        for entry in due.iter().filter_map(|name| due::decode(name)) {
            // Together, so that their commits share the disk's flush; and not all at once.
            if work.len() >= TOGETHER {
                work.join_next().await;
            }
            let engine = self.clone();
            work.spawn(async move {
                match entry.kind {
                    DUE_ACCOUNT => {
                        if let Some(subject) = subject_of(&entry) {
                            engine.attend(subject, now).await;
                        }
                    }
                    DUE_DYNAMIC => engine.attend_dynamic(&entry.name, now).await,
                    DUE_REHEARSAL => {
                        if let Some(subject) = subject_of(&entry) {
                            engine.attend_shadow(subject, now);
                        }
                    }
                    DUE_SILENCE => {
                        let id = <[u8; 16]>::try_from(entry.name.as_slice());
                        id.into_iter().for_each(|id| engine.attend_silence(SilenceId::from_stored(id)));
                    }
                    DUE_ESCALATION => engine.attend_escalation(&entry),
                    _ => {}
                }
            });
        }
        while work.join_next().await.is_some() {}
        let last = due.last().map(|name| (*name).clone()).filter(|_| more && due.len() == names.len());
        // After each page: that much is due elsewhere keeps no target waiting.
        self.look_at_circuits().await?;
        self.look_at_heartbeats()?;
        Ok(last)
    }

    /// Does what is due for one account, unless somebody is at it or its target is busy.
    pub(super) async fn attend(&self, subject: Subject, now: Timestamp) {
        let Some(mut flight) = self.inner.flights.try_take(&subject.key()) else { return };
        let account = match self.account(&subject) {
            Ok(Some(loaded)) => loaded.value,
            Ok(None) => return,
            Err(error) => {
                // One bad record must not keep the others waiting.
                tracing::error!(subject = %subject, error = %Chain(&error), "an account could not be read");
                return;
            }
        };
        if !circuit::is_met(&account, now) {
            return;
        }
        // Read under the account's lock: who ends the maintenance waits for that before it lets the account go.
        let maintenance = self.maintenance(&account.target);
        let is_busy = !self.has_room(&account);
        let target = account.target.clone();
        let admission = match circuit::asks(&account, maintenance.as_ref(), now) {
            true => self.admission(&account, is_busy, now),
            false => Admission::Go,
        };
        if admission == Admission::Go && !account.lending.expired(now) {
            flight.begins_by_clock();
        }
        let met = Met { admission, is_busy, maintenance: maintenance.as_ref() };
        let acted = self
            .act(flight, &subject, |account, context| {
                (circuit::attend(account, met, |account| self.uptake(account), context), ())
            })
            .await;
        match &acted {
            Ok(acted) if admission == Admission::Probe && acted.drive.is_none() => {
                self.unask_circuit(&target, &subject)
            }
            Err(_) if admission == Admission::Probe => self.unhear_circuit(&target, &subject),
            _ => {}
        }
        match acted {
            Ok(_) | Err(ActError::NotFound) => {}
            Err(error) => {
                tracing::error!(subject = %subject, error = %Chain(&error), "what was due could not be begun");
            }
        }
    }

    /// Whether the account's target lets it go on.
    fn admission(&self, account: &Account, is_busy: bool, now: Timestamp) -> Admission {
        if !is_busy {
            return self.ask_circuit(&account.target, &account.subject);
        }
        // There is no room to find out; what must wait waits there.
        let (_, admission) = self.circuit(&account.target).ask(now);
        if matches!(admission, Admission::Wait(_)) { admission } else { Admission::Go }
    }

    /// Looks at the accounts whose consumers may all have the new version by now.
    pub async fn look_at_graces(&self) {
        for subject in self.inner.consumers.take_ready() {
            // Whoever is at it decides; and once a minute all are looked at again.
            let Some(flight) = self.inner.flights.try_take(&subject.key()) else { continue };
            let acted = self.act(flight, &subject, |account, context| {
                let rests = grace::of(&account).is_none() || self.maintenance(&account.target).is_some();
                let is_shut = self.circuit(&account.target).shut_until().is_some();
                if rests || is_shut || !self.has_room(&account) {
                    return (None, ());
                }
                let uptake = self.uptake(&account);
                (grace::look(account, &uptake, context), ())
            });
            match acted.await {
                Ok(_) | Err(ActError::NotFound) => {}
                Err(error) => {
                    tracing::warn!(subject = %subject, error = %Chain(&error), "a grace could not be looked at");
                }
            }
        }
    }

    /// How far the new version of an account in its grace has come. Receipts that cannot be read are nobody's: then the
    /// grace lasts its whole time.
    fn uptake(&self, account: &Account) -> Uptake {
        if grace::of(account).is_none() {
            return Uptake::default();
        }
        self.inner.consumers.uptake(account).unwrap_or_else(|error| {
            let error = Chain(&error);
            tracing::error!(subject = %account.subject, %error, "consumers cannot be read; their grace ends by time");
            Uptake::default()
        })
    }

    /// Whether the account's target takes one more. Recovery does not ask: it waits in line.
    fn has_room(&self, account: &Account) -> bool {
        if matches!(account.stage, Stage::Active { .. }) {
            return true;
        }
        match self.target(&account.target) {
            Ok(Some(target)) => self.inner.gates.has_room(&target.value),
            Ok(None) | Err(_) => true,
        }
    }
}

/// The account that an entry of the index is about.
fn subject_of(entry: &Due) -> Option<Subject> {
    Subject::from_key(std::str::from_utf8(&entry.name).ok()?)
}

/// How often the index is looked at.
const PULSE: Duration = Duration::from_millis(250);
/// Entries read at a time.
const PAGE: usize = 500;
/// Accounts whose work is begun at the same time.
const TOGETHER: usize = 64;
