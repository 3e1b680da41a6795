//! Decides what the clock asks for: a rotation that is due, a retry, and what it means that neither could begin.

use super::failure::fail;
use super::fault::{Fault, FaultClass};
use super::run::{Cause, Stage, Step};
use super::step::{resume, start};
use crate::account::plan::{Context, Effect, Plan};
use crate::account::{Account, Health, Subject};
use crate::lease::closing;

/// What the clock asks for: a lease that ends, a retry, a rotation that is due. `None`: nothing yet.
#[must_use]
pub fn tick(account: Account, ctx: &Context) -> Option<Plan> {
    if account.stage.is_active() {
        return None;
    }
    if account.lending.expired(ctx.now) {
        return Some(closing::expire(account, ctx));
    }
    if account.held().is_some_and(|held| held > ctx.now) {
        return None;
    }
    let due = account.next_rotation.is_some_and(|due| due <= ctx.now);
    match &account.stage {
        Stage::Waiting { at, .. } if *at > ctx.now || account.defers_start() => None,
        Stage::Waiting { run, step: Step::Prepare, .. }
            if run.cause == Cause::Schedule && !ctx.window_open =>
        {
            Some(wait_for_window(account, ctx))
        }
        Stage::Waiting { .. } => Some(unless_refused(resume(account, ctx), ctx)),
        Stage::Idle if account.lending.is_held() || !due => None,
        Stage::Idle if ctx.window_open => Some(unless_refused(start(account, Cause::Schedule, ctx), ctx)),
        Stage::Idle if was_just_held(&account, ctx) => Some(next_window(account, ctx)),
        Stage::Idle => Some(missed_window(account, ctx)),
        Stage::Active { .. } | Stage::Parked { .. } => None,
    }
}

/// What the clock begins, unless it is to log in first with a management credential that the target has refused: only
/// people try that again, who have mended it.
fn unless_refused(mut plan: Plan, ctx: &Context) -> Plan {
    if let Some(effect) = plan.effect
        && plan.account.is_refused_to_the_clock(effect)
        && let Some(run) = plan.account.stage.run().cloned()
    {
        fail(&mut plan, run, Step::Prepare, untried(), ctx);
    }
    plan
}

/// Why a management credential is not tried that the target has refused.
#[must_use]
pub fn untried() -> Fault {
    let what = "the target has refused it before, and it is not tried again by itself until it is mended";
    Fault::new(FaultClass::ManagementAuthRefused, what)
}

impl Account {
    /// Whether `effect` is to log in first with a management credential that the target has refused, and nobody but the
    /// clock has asked for it.
    #[must_use]
    pub fn is_refused_to_the_clock(&self, effect: Effect) -> bool {
        let is_refused =
            matches!(self.subject, Subject::Management(_)) && matches!(self.health, Health::Refused(_));
        let is_by_clock = self.stage.run().is_some_and(|run| run.cause == Cause::Schedule);
        is_refused && is_by_clock && effect == Effect::Prepare
    }
}

/// Whether a maintenance held it since it was due, until a moment ago. Of what came later nobody said that it would.
fn was_just_held(account: &Account, ctx: &Context) -> bool {
    let held = account.held().filter(|held| account.next_rotation.is_some_and(|due| due <= *held));
    held.is_some_and(|held| ctx.now.since(held) < OVERDUE_AFTER)
}

/// The window passed while the vault was down or the target busy: that is a failed rotation, and the
/// next try is in the next window.
fn missed_window(account: Account, ctx: &Context) -> Plan {
    let due = account.next_rotation.unwrap_or(ctx.now);
    let mut plan = Plan::new(account);
    let fault = Fault::new(FaultClass::Overdue, "its window passed before the rotation could begin");
    super::failure::raise(&mut plan, &fault, None, due, ctx.now, 0, ctx);
    plan.account.next_rotation = ctx.next_due;
    plan
}

/// Its window passed during a maintenance, which somebody declared: no failure. It is rotated in the next one.
fn next_window(account: Account, ctx: &Context) -> Plan {
    let mut plan = Plan::new(account);
    plan.account.next_rotation = ctx.next_due;
    plan
}

/// A retry that has not touched the target waits for the next window, like the rotation itself.
fn wait_for_window(account: Account, ctx: &Context) -> Plan {
    let mut plan = Plan::new(account);
    if let Stage::Waiting { at, .. } = &mut plan.account.stage {
        *at = ctx.next_due.unwrap_or(ctx.now.plus(ctx.retry_cap));
    }
    plan
}

/// A rotation that was due some time ago and could not begin: that is a failure too.
#[must_use]
pub fn overdue(account: Account, ctx: &Context) -> Option<Plan> {
    let due = account.next_rotation.filter(|_| account.stage == Stage::Idle && !account.lending.is_held())?;
    // What a maintenance held waits for its turn since that is over.
    let waits_since = account.held().map_or(due, |held| due.max(held));
    if account.incident.is_some() || ctx.now.since(waits_since) < OVERDUE_AFTER {
        return None;
    }
    let mut plan = Plan::new(account);
    let fault =
        Fault::new(FaultClass::Overdue, "the rotation is due and could not begin: its target is busy");
    super::failure::raise(&mut plan, &fault, None, due, ctx.now, 0, ctx);
    Some(plan)
}

/// A rotation that was begun and still waits for its turn at a busy target: that is a failure too.
#[must_use]
pub fn queued(account: Account, ctx: &Context) -> Option<Plan> {
    let run =
        account.stage.run().filter(|_| account.stage.is_active() && account.incident.is_none())?.clone();
    let step = account.stage.step();
    let mut plan = Plan::new(account);
    let fault = Fault::new(FaultClass::Overdue, "the rotation waits for its turn: its target is busy");
    super::failure::raise(&mut plan, &fault, step, run.due_at, run.started_at, run.attempts, ctx);
    Some(plan)
}

/// How long a rotation may be due without having begun.
pub const OVERDUE_AFTER: std::time::Duration = std::time::Duration::from_secs(60);

#[cfg(test)]
mod tests;
