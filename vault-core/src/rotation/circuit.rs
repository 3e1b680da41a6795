//! Decides what the open circuit of its target means for an account.
//!
//! What the clock would begin waits until the target answers again, without a time of its own: so fifty thousand accounts
//! on a dead target cost nothing while it is dead. A lease that runs out is ended all the same, and what is in flight is
//! brought to its end.

use super::fault::{Fault, FaultClass};
use super::run::Stage;
use crate::account::plan::{Context, Plan};
use crate::account::{Account, Subject};
use crate::incident::ledger::LedgerEvent;

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
