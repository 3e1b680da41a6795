//! Decides what the open circuit of its target means for an account.
//!
//! What the clock would begin waits until the target answers again, without a time of its own: so fifty thousand accounts
//! on a dead target cost nothing while it is dead. A lease that runs out is ended all the same, and what is in flight is
//! brought to its end.

use super::fault::{Fault, FaultClass};
use super::run::Stage;
use super::{grace, step};
use crate::account::plan::{Context, Plan};
use crate::account::wake::wake;
use crate::account::{Account, Subject};
use crate::clock::Timestamp;
use crate::consumer::Uptake;
use crate::incident::ledger::LedgerEvent;
use crate::silence::Silence;
use crate::silence::hold::hold;
use crate::target::breaker::Admission;

/// How the clock meets an account.
#[derive(Clone, Copy, Debug)]
pub struct Met<'a> {
    /// What the circuit of its target lets it do.
    pub admission: Admission,
    /// Whether its target takes nobody more now.
    pub is_busy: bool,
    /// The maintenance that its target is in.
    pub maintenance: Option<&'a Silence>,
}

/// Whether the clock has anything to do for an account now. Who waits for its target is let go from there, whatever the
/// time.
#[must_use]
pub fn is_met(account: &Account, now: Timestamp) -> bool {
    let waits = account.waits && !account.lending.expired(now);
    waits || wake(account).is_some_and(|at| at <= now)
}

/// Whether the circuit of its target is asked before the clock does anything for an account. What is in flight is
/// recovered, a lease that ran out is ended, and what a maintenance holds asks for nothing.
#[must_use]
pub fn asks(account: &Account, maintenance: Option<&Silence>, now: Timestamp) -> bool {
    let is_held = maintenance.is_some() && !account.must_go();
    !is_held && !account.stage.is_active() && !account.lending.expired(now)
}

/// Does for an account what the clock asks for. `None`: nothing.
#[must_use]
pub fn attend(
    account: Account,
    met: Met<'_>,
    uptake: impl FnOnce(&Account) -> Uptake,
    ctx: &Context,
) -> Option<Plan> {
    let is_held = met.maintenance.is_some() && !account.must_go();
    let is_shut = matches!(met.admission, Admission::Wait(_));
    let is_urgent = account.lending.expired(ctx.now);
    let is_let_go = account.waits && !is_shut && (is_held || !met.is_busy);
    let is_known = account.incident.is_some() && met.maintenance.is_none();
    if !is_shut && met.is_busy && is_known && !is_urgent {
        // It waits, and that is known: nothing to decide.
        return None;
    }
    // Let go, it is due; what waits for it no longer waits for the target.
    let account = if is_let_go { release(account, ctx) } else { account };
    let as_it_is = account.clone();
    let held = met.maintenance.and_then(|by| hold(account.clone(), by, ctx));
    let plan = if held.is_some() {
        held
    } else if is_shut {
        defer(account, ctx)
    } else if account.stage.is_active() {
        step::recover(account, ctx)
    } else if met.is_busy && !is_urgent {
        step::overdue(account, ctx)
    } else {
        let uptake = uptake(&account);
        grace::look(account, &uptake, ctx)
    };
    plan.or_else(|| is_let_go.then(|| Plan::new(as_it_is)))
}

/// Puts what is due now among those that wait for the target. It joins the target's incident by that, unless it has one
/// already. `None` when it waits there, or nothing of it can wait.
#[must_use]
pub fn defer(account: Account, ctx: &Context) -> Option<Plan> {
    if account.waits || account.stage.is_active() || account.lending.expired(ctx.now) {
        return None;
    }
    Some(wait(account, ctx))
}

fn wait(account: Account, ctx: &Context) -> Plan {
    let (due, started, attempts) = account.stage.run().map_or_else(
        || (account.next_rotation.unwrap_or(ctx.now), ctx.now, 0),
        |run| (run.due_at, run.started_at, run.attempts),
    );
    let step = account.stage.step();
    let mut plan = Plan::new(account);
    plan.account.waits = true;
    if plan.account.incident.is_none() {
        let what = "what is due waits until its target answers: its circuit is open";
        let fault = Fault::new(FaultClass::Overdue, what);
        super::failure::raise(&mut plan, &fault, step, due, started, attempts, ctx);
    }
    if let Some(incident) = plan.account.incident {
        plan.ledger.push(LedgerEvent::NextAttempt { incident, at: ctx.circuit });
    }
    plan
}

/// Puts what was begun among those that wait for the target, for which that has stopped answering before it was called.
/// `None` when nothing was begun.
#[must_use]
pub fn turn_away(mut account: Account, ctx: &Context) -> Option<Plan> {
    let Stage::Active { run, step } = account.stage else { return None };
    account.stage = Stage::Waiting { run, step, at: ctx.now };
    Some(wait(account, ctx))
}

/// Takes an account from among those that wait for its target: what it waits for is due now.
#[must_use]
pub fn release(mut account: Account, ctx: &Context) -> Account {
    account.waits = false;
    if let Stage::Waiting { at, .. } = &mut account.stage {
        *at = (*at).min(ctx.now);
    }
    account
}

impl Account {
    /// Its place among those that wait for the target: first the management credential, without which nothing can be
    /// done for the others; then what ends a lease, and what was revoked. `None` while it does not wait there.
    #[must_use]
    pub fn place_in_line(&self) -> Option<u8> {
        let place = match self.subject {
            Subject::Management(_) => 0,
            _ if self.must_go() => 1,
            _ => 2,
        };
        self.waits.then_some(place)
    }
}
