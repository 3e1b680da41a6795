//! Decides the way on when it is not known what the target holds.
//!
//! The probe asks the target itself, after everything that an earlier attempt left there was ended.
//! A candidate that may be live is never discarded.

use super::failure::{fail, park, report, wait};
use super::fault::{Fault, FaultClass};
use super::port::Outcome;
use super::run::{Run, Step};
use super::step::{Finding, drop_pending, go};
use crate::account::plan::{Context, HistoryKind, Plan};
use crate::account::{Account, Health};
use crate::incident::ledger::LedgerEvent;

/// The probe has answered.
pub(super) fn probed(account: Account, run: Run, finding: Finding, ctx: &Context) -> Plan {
    let mut plan = Plan::new(account);
    let versions = plan.account.versions;
    let is =
        |version: Option<crate::account::Version>, number: u64| version.is_some_and(|v| v.number == number);
    match finding {
        Finding::Works(number) if is(versions.pending, number) => candidate_works(&mut plan, run, ctx),
        Finding::Works(number) if is(versions.current, number) => current_works(&mut plan, run, ctx),
        // The previous version coming back to life means that somebody restored the target.
        Finding::Works(_) | Finding::NoneWorks => none_works(&mut plan, run, ctx),
        Finding::Blocked(fault) | Finding::Inconclusive(fault) => {
            fail(&mut plan, run, Step::Probe, fault, ctx)
        }
    }
    plan
}

fn candidate_works(plan: &mut Plan, run: Run, ctx: &Context) {
    let pending = plan.account.versions.pending.map(|version| version.number);
    if run.reverting {
        if run.attempts > ctx.retries {
            return park(plan, run, Step::Revert, ctx);
        }
        let run = Run { attempts: run.attempts.saturating_add(1), ..run };
        go(plan, run, Step::Revert);
    } else if run.fault.as_ref().is_some_and(|fault| fault.class == FaultClass::VerifyRefused) {
        // The same login was refused a moment ago: give the target time, do not spin.
        wait(plan, run, Step::Verify, ctx);
    } else {
        go(plan, run, Step::Verify);
    }
    plan.note(HistoryKind::Probed, pending, ctx.now);
}

fn current_works(plan: &mut Plan, run: Run, ctx: &Context) {
    let current = plan.account.versions.current.map(|version| version.number);
    plan.account.health = Health::Verified(ctx.now);
    plan.note(HistoryKind::Probed, current, ctx.now);
    if is_unborn(plan, &run) {
        return unborn(plan, run, ctx);
    }
    if run.reverting {
        drop_pending(plan);
        plan.note(HistoryKind::Reverted, current, ctx.now);
        if let Some(incident) = plan.account.incident {
            plan.ledger.push(LedgerEvent::Mitigated { incident, at: ctx.now });
        }
        let run = Run { reverting: false, ..run };
        return park(plan, run, Step::Prepare, ctx);
    }
    match run.fault.as_ref().map(|fault| fault.class) {
        // A crash, not a fault: the change did not happen, so make it.
        None => go(plan, run, Step::Apply),
        Some(FaultClass::VerifyRefused) if run.attempts >= ctx.retries => park(plan, run, Step::Prepare, ctx),
        Some(_) => wait(plan, run, Step::Prepare, ctx),
    }
}

fn none_works(plan: &mut Plan, mut run: Run, ctx: &Context) {
    plan.note(HistoryKind::Probed, None, ctx.now);
    if is_unborn(plan, &run) {
        return unborn(plan, run, ctx);
    }
    if plan.account.versions.current.is_none() {
        // An account that is being adopted has no older version: the change just did not happen.
        return match run.fault.as_ref().map(|fault| fault.class) {
            None => go(plan, run, Step::Apply),
            Some(FaultClass::VerifyRefused) if run.attempts >= ctx.retries => {
                park(plan, run, Step::Prepare, ctx)
            }
            Some(_) => wait(plan, run, Step::Prepare, ctx),
        };
    }
    plan.account.health = Health::Refused(ctx.now);
    let fault =
        Fault::new(FaultClass::Drift, "the target refuses every stored version: it was changed outside");
    report(plan, &mut run, Step::Probe, fault, ctx);
    // A rotation sets the password by the management credential, so it also repairs the drift.
    if run.attempts >= ctx.retries {
        park(plan, run, Step::Prepare, ctx)
    } else {
        wait(plan, run, Step::Prepare, ctx)
    }
}

/// Whether the target has made a credential and does not let it in.
fn is_unborn(plan: &Plan, run: &Run) -> bool {
    run.mints && plan.account.versions.pending.is_some()
}

/// Gives a credential time to become known everywhere; then it is forgotten, and the next settlement takes it away.
fn unborn(plan: &mut Plan, mut run: Run, ctx: &Context) {
    if run.attempts < ctx.retries {
        return wait(plan, run, Step::Verify, ctx);
    }
    let what = "the target does not let in the credential that it made";
    report(plan, &mut run, Step::Verify, Fault::new(FaultClass::VerifyRefused, what), ctx);
    drop_pending(plan);
    go(plan, run, Step::Probe);
}

/// Putting the old password back has answered.
pub(super) fn reverted(account: Account, run: Run, outcome: Outcome, ctx: &Context) -> Plan {
    let mut plan = Plan::new(account);
    match outcome {
        // Only a login is proof, whatever the target said.
        Outcome::Applied | Outcome::Unknown(_) => go(&mut plan, run, Step::Probe),
        Outcome::NotApplied(fault) => fail(&mut plan, run, Step::Revert, fault, ctx),
    }
    plan
}
