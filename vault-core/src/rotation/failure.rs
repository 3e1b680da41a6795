//! Decides what a failure leads to: a paced retry, a fresh candidate, or a person.
//!
//! Every failure reaches the incident ledger, whatever comes next. What a retry may do is a property
//! of the class ([`FaultClass::action`]), never of the text.

use super::fault::{Action, Fault, FaultClass, Scope};
use super::run::{Run, Stage, Step};
use super::step::{drop_pending, ended, go, stage_candidate};
use crate::account::plan::{Context, HistoryEntry, HistoryKind, Plan};
use crate::account::{Health, Subject};
use crate::incident::group::opens;
use crate::incident::ledger::{FaultReport, LedgerEvent};
use crate::schedule::backoff;

/// A step failed: report it and decide.
pub(super) fn fail(plan: &mut Plan, mut run: Run, step: Step, fault: Fault, ctx: &Context) {
    let action = fault.class.action();
    let is_own_login =
        matches!(plan.account.subject, Subject::Management(_)) && matches!(step, Step::Prepare | Step::Apply);
    if is_own_login && fault.class == FaultClass::ManagementAuthRefused {
        // It was tried for itself: nobody else tries it before it is mended.
        plan.account.health = Health::Refused(ctx.now);
    }
    report(plan, &mut run, step, fault, ctx);
    // An Apply that certainly did not happen leaves everything as it was before: look again from the start,
    // with the same candidate.
    let step = if step == Step::Apply && action != Action::FreshCandidate { Step::Prepare } else { step };
    match action {
        Action::RetryPaced => wait(plan, run, step, ctx),
        Action::Probe if matches!(step, Step::Verify | Step::Revert) => go(plan, run, Step::Probe),
        Action::Probe => wait(plan, run, step, ctx),
        Action::FreshCandidate => fresh_candidate(plan, run, step, ctx),
        Action::Park => park(plan, run, step, ctx),
    }
}

/// The target's policy refused the candidate: another one under a stricter rule, then a person.
fn fresh_candidate(plan: &mut Plan, mut run: Run, step: Step, ctx: &Context) {
    if step != Step::Apply || run.mints {
        let step = if step == Step::Apply { Step::Prepare } else { step };
        return park(plan, run, step, ctx);
    }
    if run.doubtful {
        // It may be refused because it is what the target holds: that is asked before the candidate is forgotten.
        run.doubtful = false;
        return go(plan, run, Step::Probe);
    }
    drop_pending(plan);
    run.refusals = run.refusals.saturating_add(1);
    if run.refusals >= REFUSALS_MAX {
        return park(plan, run, Step::Prepare, ctx);
    }
    run.attempts = run.attempts.saturating_add(1);
    stage_candidate(plan, true, ctx);
    go(plan, run, Step::Apply);
    let pending = plan.account.versions.pending.map(|version| version.number);
    plan.note(HistoryKind::Staged, pending, ctx.now);
}

/// Tries `step` again later, with backoff and jitter.
pub(super) fn wait(plan: &mut Plan, run: Run, step: Step, ctx: &Context) {
    let at = ctx.now.plus(backoff(run.attempts, ctx.retry_base, ctx.retry_cap, ctx.draw));
    if let Some(incident) = plan.account.incident {
        plan.ledger.push(LedgerEvent::NextAttempt { incident, at: Some(ctx.circuit.unwrap_or(at)) });
    }
    plan.effect = None;
    plan.account.waits = ctx.circuit.is_some();
    plan.account.stage = Stage::Waiting { run, step, at };
}

/// Stops at `step` until a person says go on.
pub(super) fn park(plan: &mut Plan, mut run: Run, step: Step, ctx: &Context) {
    let class = run.fault.as_ref().map(|fault| fault.class);
    if let Some(incident) = plan.account.incident {
        plan.ledger.push(LedgerEvent::Parked { incident, at: ctx.now });
    }
    plan.ended = Some(ended(plan, &run, ctx, class.or(Some(FaultClass::Overdue))));
    plan.effect = None;
    run.parked = run.parked.saturating_add(1);
    plan.account.stage = Stage::Parked { run, step };
    plan.note(HistoryKind::Parked, None, ctx.now);
}

/// Tells history and ledger about a fault and remembers it in the run.
pub(super) fn report(plan: &mut Plan, run: &mut Run, step: Step, fault: Fault, ctx: &Context) {
    plan.history.push(HistoryEntry {
        at: ctx.now,
        kind: HistoryKind::Failed,
        version: plan.account.versions.pending.map(|version| version.number),
        rotation: Some(run.id),
        principal: run.cause.principal(),
        class: Some(fault.class),
        detail: Some(fault.detail.clone()),
    });
    raise(plan, &fault, Some(step), run.due_at, run.started_at, run.attempts, ctx);
    run.fault = Some(fault);
}

/// Opens an incident, reopens the last one, or adds to the open one. What is the target's trouble goes to the target's
/// incident, unless the account has one of its own; what turns out to be the account's own goes to one of its own.
pub(super) fn raise(
    plan: &mut Plan,
    fault: &Fault,
    phase: Option<Step>,
    due_at: crate::clock::Timestamp,
    started_at: crate::clock::Timestamp,
    attempts: u32,
    ctx: &Context,
) {
    let account = &plan.account;
    let (incident, scope, reopened) = match (account.incident, account.incident_scope) {
        (Some(own), Scope::Account) => (own, Scope::Account, false),
        (Some(group), Scope::Target) if fault.class.scope() == Scope::Target => (group, Scope::Target, false),
        (None, _) if fault.class.scope() == Scope::Target => {
            let (group, reopened) = ctx.group.opens(ctx.incident, ctx.now);
            (group, Scope::Target, reopened)
        }
        (_, _) => {
            let (own, reopened) = opens(account.last_incident, ctx.incident, ctx.now);
            (own, Scope::Account, reopened)
        }
    };
    let moved_from = account.incident.filter(|open| *open != incident);
    if let Some(group) = moved_from {
        plan.ledger.push(LedgerEvent::Moved { incident: group, at: ctx.now, to: incident });
    }
    plan.account.incident = Some(incident);
    plan.account.incident_scope = scope;
    plan.ledger.push(LedgerEvent::Fault(FaultReport {
        incident,
        reopened,
        at: ctx.now,
        subject: plan.account.subject.key(),
        target: plan.account.target.to_string(),
        class: fault.class,
        phase,
        detail: fault.detail.clone(),
        due_at,
        started_at,
        attempts,
        stays_parked: false,
        scope,
        moved_from,
    }));
}

/// Candidates that a target's policy may refuse before a person must look.
pub const REFUSALS_MAX: u32 = 2;
