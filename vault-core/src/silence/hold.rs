//! Decides what a maintenance of its target means for an account.
//!
//! What the clock would begin is held: a rotation that is due, a retry, the end of a grace. What a person asks for goes,
//! and so does what must die: the rotation that ends a lease and the one that revokes, with their retries. A closed
//! lease is dead on its target; a maintenance may make its closing fail, which opens an incident, but it does not put
//! it off. What is in flight is brought to its end.

use std::time::Duration;

use super::Silence;
use crate::account::Account;
use crate::account::plan::{Context, HistoryEntry, HistoryKind, Plan};
use crate::clock::Timestamp;
use crate::incident::ledger::LedgerEvent;
use crate::rotation::run::Stage;
use crate::schedule::share;

/// Holds what the clock asks for now until the maintenance is over. `None` when it asks for nothing that can be held.
#[must_use]
pub fn hold(account: Account, maintenance: &Silence, ctx: &Context) -> Option<Plan> {
    if account.lending.expired(ctx.now) || account.must_go() {
        return None;
    }
    asked(&account).filter(|at| *at <= ctx.now)?;
    let spread = maintenance.spread(maintenance.until);
    let mut plan = until(account, maintenance.until, spread, ctx);
    let rotation = plan.account.stage.run().map(|run| run.id);
    let ends = maintenance.until.to_rfc3339();
    plan.history.push(HistoryEntry {
        at: ctx.now,
        kind: HistoryKind::Postponed,
        version: None,
        rotation,
        principal: Some(maintenance.by.clone()),
        class: None,
        detail: Some(format!("its target is in maintenance until {ends}")),
    });
    Some(plan)
}

/// Whether the clock would begin something for an account while `maintenance` lasts, which holds it. What begins before
/// that is not held, and what is due `now` begins now.
#[must_use]
pub fn is_held(account: &Account, maintenance: &Silence, now: Timestamp) -> bool {
    let is_in = |at: Timestamp| at.max(now) >= maintenance.from && at < maintenance.until;
    !account.must_go() && asked(account).is_some_and(is_in)
}

/// When the clock asks for something that can be held.
pub(crate) fn asked(account: &Account) -> Option<Timestamp> {
    match &account.stage {
        Stage::Waiting { at, .. } => (!account.defers_start()).then_some(*at),
        Stage::Idle if account.lending.is_held() => None,
        Stage::Idle => account.next_rotation,
        Stage::Active { .. } | Stage::Parked { .. } => None,
    }
}

/// Lets an account go on whose maintenance is over, within `spread`. `None` when it does so anyway: also where this was
/// done before.
#[must_use]
pub fn release(account: Account, spread: Duration, ctx: &Context) -> Option<Plan> {
    account.held_until.filter(|held| *held > ctx.now.plus(spread))?;
    Some(until(account, ctx.now, spread, ctx))
}

fn until(account: Account, ends: Timestamp, spread: Duration, ctx: &Context) -> Plan {
    let at = ends.plus(share(ctx.draw, spread));
    let mut plan = Plan::new(account);
    plan.account.held_until = Some(at);
    if let (Some(incident), Stage::Waiting { .. }) = (plan.account.incident, &plan.account.stage) {
        plan.ledger.push(LedgerEvent::NextAttempt { incident, at: Some(at) });
    }
    plan
}

impl Account {
    /// Until when the clock begins nothing for it, because its target is, or was, in maintenance.
    #[must_use]
    pub fn held(&self) -> Option<Timestamp> {
        self.held_until.filter(|_| !self.must_go())
    }

    /// Whether what it waits for must not be put off: what ends a lease, and what was revoked.
    #[must_use]
    pub fn must_go(&self) -> bool {
        let closes = self.lending.holder.as_ref().is_some_and(|holder| holder.closing.is_some());
        closes || self.stage.run().is_some_and(|run| run.cause.spares_nobody())
    }
}
