//! Decides what the lockout guard of a target means for an account: which logins an effect may cost, and what becomes of
//! one that must wait.
//!
//! What waits keeps its step, its candidate and its cause, and goes on by itself when there is room again. A probe that
//! runs out of room between two versions goes on with the next one: what was refused is not tried again.

pub mod bill;

use std::collections::BTreeMap;

use super::event::Event;
use super::fault::{Fault, FaultClass};
use super::port::{CheckReport, Outcome, Probe, Verification};
use super::run::{Stage, Step};
use crate::account::plan::{Context, Effect, HistoryEntry, HistoryKind, Plan};
use crate::account::{Account, Subject, Version};
use crate::incident::ledger::LedgerEvent;
use crate::target::lockout::{Held, Login};

/// Logins by name.
pub type Logins = BTreeMap<String, u32>;

/// What the logins of an effect may cost, and what they showed.
#[derive(Clone, Debug, Default)]
pub struct Purse {
    /// How many of each name may be refused; `None` where nothing is guarded.
    room: Option<Logins>,
    /// How many after one that worked.
    full: u32,
    /// What each login showed, in order.
    pub shown: Vec<(String, Login)>,
    /// Versions that the target has refused, and that need not be tried again in the same doubt.
    pub refused: Vec<u64>,
    /// Whether the management credential by which an account is changed was refused.
    pub management_refused: bool,
}

impl Purse {
    /// One with this room, and so much after a login that worked.
    #[must_use]
    pub fn with(room: Logins, full: u32) -> Self {
        Self { room: Some(room), full, ..Self::default() }
    }

    /// Whether anything is guarded.
    #[must_use]
    pub const fn is_guarded(&self) -> bool {
        self.room.is_some()
    }

    /// Whether one more login as `username` may be refused.
    #[must_use]
    pub fn admits(&self, username: &str) -> bool {
        self.room.as_ref().is_none_or(|room| room.get(username).is_none_or(|room| *room > 0))
    }

    /// Takes in what a login showed; `None`: it did not get as far as a password.
    pub fn pay(&mut self, username: &str, login: Option<Login>) {
        let (Some(room), Some(login)) = (&mut self.room, login) else { return };
        if let Some(room) = room.get_mut(username) {
            *room = if login == Login::Refused { room.saturating_sub(1) } else { self.full };
        }
        self.shown.push((username.to_owned(), login));
    }

    /// Remembers that the target has refused a version, where that spares it a login.
    pub fn refuse(&mut self, version: u64) {
        if self.room.is_some() && !self.refused.contains(&version) {
            self.refused.push(version);
        }
    }
}

/// What a probe tells of the login itself.
#[must_use]
pub fn of_probe(probe: &Probe) -> Option<Login> {
    match probe {
        Probe::Works => Some(Login::Works),
        Probe::Refused => Some(Login::Refused),
        Probe::Blocked(_) => None,
        Probe::Inconclusive(fault) => of_fault(fault),
    }
}

/// What a verification tells of the login itself.
#[must_use]
pub fn of_verification(verification: &Verification) -> Option<Login> {
    match verification {
        Verification::Verified | Verification::RightsLost(_) => Some(Login::Works),
        Verification::Refused(_) => Some(Login::Refused),
        Verification::Inconclusive(fault) => of_fault(fault),
    }
}

/// What a look at a target by its management credential tells of the login itself.
#[must_use]
pub fn of_check(checked: &Result<CheckReport, Fault>) -> Option<Login> {
    match checked {
        Ok(_) => Some(Login::Works),
        Err(fault) if fault.class == FaultClass::PermissionDenied => Some(Login::Works),
        Err(fault) => of_fault(fault),
    }
}

/// Of a call that failed it is not known whether its login was refused, unless nobody was there to refuse it.
fn of_fault(fault: &Fault) -> Option<Login> {
    match fault.class {
        FaultClass::Unreachable
        | FaultClass::Tls
        | FaultClass::Preflight
        | FaultClass::StoreFailed
        | FaultClass::AccountLocked => None,
        _ => Some(Login::Refused),
    }
}

/// What an effect's answer tells of the login of the management credential that made the call.
#[must_use]
pub fn of_management(event: &Event) -> Option<Login> {
    match event {
        _ if event.management_refused() => Some(Login::Refused),
        Event::Prepared(Ok(_)) | Event::Applied(Outcome::Applied) | Event::Reverted(Outcome::Applied) => {
            Some(Login::Works)
        }
        _ => None,
    }
}

/// For how many refused logins of each name there must be room before an effect begins. Before the target is changed
/// there must be room for the login that proves the change.
#[must_use]
pub fn asked(account: &Account, effect: Effect) -> Logins {
    let versions = account.versions;
    match effect {
        Effect::Prepare | Effect::Apply => Logins::from([(account.username_for(effect).to_owned(), 1)]),
        Effect::Verify => each(account, versions.pending.into_iter()),
        Effect::Probe => probed(account),
        Effect::Revert => own_management(account, 1),
        Effect::Retire { .. } => retired(account),
        Effect::Check => each(account, versions.current.into_iter()),
        Effect::CheckPrevious { .. } => each(account, versions.previous.into_iter()),
    }
}

/// How many logins of each name an effect sends at most.
#[must_use]
pub fn sent(account: &Account, effect: Effect) -> Logins {
    let own = matches!(account.subject, Subject::Management(_));
    match effect {
        Effect::Prepare | Effect::Apply | Effect::Revert => own_management(account, 1),
        // A management credential that is in doubt first ends by itself what it left on the target.
        Effect::Probe if own => each(account, untried(account).chain(untried(account))),
        Effect::Probe => each(account, untried(account)),
        Effect::Retire { .. } if own => {
            each(account, account.versions.current.into_iter().chain(old(account)))
        }
        Effect::CheckPrevious { settle: true } if own => {
            each(account, account.versions.stored().chain(account.versions.previous))
        }
        Effect::Verify | Effect::Retire { .. } | Effect::Check | Effect::CheckPrevious { .. } => {
            asked(account, effect)
        }
    }
}

fn own_management(account: &Account, logins: u32) -> Logins {
    match account.subject {
        Subject::Management(_) => Logins::from([(account.username.clone(), logins)]),
        Subject::Account(_) => Logins::new(),
    }
}

/// The stored versions that the target has not refused in this doubt, in the order in which they are tried; and after
/// them the candidate once more, if it was refused: since then it may have become true.
fn untried(account: &Account) -> impl Iterator<Item = Version> {
    let refused = account.stage.run().map(|run| run.refused.clone()).unwrap_or_default();
    let is_refused = move |version: &Version| refused.contains(&version.number);
    let again = account.versions.pending.filter(&is_refused);
    account.versions.stored().filter(move |version| !is_refused(version)).chain(again)
}

/// The first of those; and where two live side by side under names of their own the refused candidate, which is asked
/// after another one that works.
fn probed(account: &Account) -> Logins {
    let mut logins = each(account, untried(account).take(1));
    let run = account.stage.run().filter(|run| run.overlaps);
    let is_refused = |version: &Version| run.is_some_and(|run| run.refused.contains(&version.number));
    if let Some(again) = account.versions.pending.filter(is_refused) {
        logins.entry(account.username_of(again).to_owned()).or_insert(1);
    }
    logins
}

/// The versions that a retirement logs in with: the old one, and the new one where both live side by side.
fn old(account: &Account) -> impl Iterator<Item = Version> + use<> {
    let run = account.stage.run();
    let beside = account
        .versions
        .current
        .filter(|current| run.is_some_and(|run| run.overlaps && !run.refused.contains(&current.number)));
    beside.into_iter().chain(account.versions.previous)
}

fn retired(account: &Account) -> Logins {
    if account.versions.previous.is_none() { Logins::new() } else { each(account, old(account)) }
}

fn each(account: &Account, versions: impl Iterator<Item = Version>) -> Logins {
    let mut logins = Logins::new();
    for version in versions {
        *logins.entry(account.username_of(version).to_owned()).or_default() += 1;
    }
    logins
}

/// Remembers which versions were refused in the doubt that the account is in.
#[must_use]
pub fn remember(mut account: Account, refused: &[u64]) -> Account {
    if let Stage::Active { run, .. } = &mut account.stage {
        for version in refused {
            if !run.refused.contains(version) {
                run.refused.push(*version);
            }
        }
    }
    account
}

/// Puts off what was about to call the target: it goes on when there is room. `None` when nothing was about to.
#[must_use]
pub fn hold(mut account: Account, held: &Held, ctx: &Context) -> Option<Plan> {
    let Stage::Active { mut run, step } = account.stage else { return None };
    run.held = Some(held.until);
    // What certainly was not applied is looked at again from the start, with the same candidate.
    let step = if step == Step::Apply { Step::Prepare } else { step };
    account.stage = Stage::Waiting { run: run.clone(), step, at: held.until };
    let mut plan = Plan::new(account);
    plan.history.push(line(&plan.account, held, ctx));
    if plan.account.incident.is_none() {
        // Nothing has failed, and yet nothing goes on.
        let fault = Fault::new(FaultClass::Overdue, held.to_string());
        super::failure::raise(&mut plan, &fault, Some(step), run.due_at, run.started_at, run.attempts, ctx);
    }
    if let Some(incident) = plan.account.incident {
        plan.ledger.push(LedgerEvent::LockoutGuard { incident, at: ctx.now, text: held.to_string() });
        plan.ledger.push(LedgerEvent::NextAttempt { incident, at: Some(held.until) });
    }
    Some(plan)
}

/// What waits for room goes on now, because the target says something else about when it locks. `None` when nothing
/// waits for that.
#[must_use]
pub fn let_go(mut account: Account, ctx: &Context) -> Option<Plan> {
    let Stage::Waiting { run, at, .. } = &mut account.stage else { return None };
    run.held?;
    *at = (*at).min(ctx.now);
    Some(Plan::new(account))
}

/// The heartbeat is put off until there is room. Its history says so once, however often that is, until it goes on.
#[must_use]
pub fn hold_heartbeat(account: Account, held: &Held, ctx: &Context) -> Plan {
    let mut plan = Plan::new(account);
    // Never later than it would come anyway, by which it is known to be armed.
    plan.account.beat.next = ctx.heartbeat.map(|every| held.until.min(ctx.now.plus(every)));
    if !std::mem::replace(&mut plan.account.beat.held, true) {
        plan.history.push(line(&plan.account, held, ctx));
    }
    plan
}

fn line(account: &Account, held: &Held, ctx: &Context) -> HistoryEntry {
    let run = account.stage.run();
    HistoryEntry {
        at: ctx.now,
        kind: HistoryKind::LockoutGuardHeld,
        version: None,
        rotation: run.map(|run| run.id),
        principal: run.and_then(|run| run.cause.principal()),
        class: None,
        detail: Some(held.to_string()),
    }
}

#[cfg(test)]
mod tests;
