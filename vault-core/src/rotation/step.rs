//! Decides what a rotation does next.
//!
//! Pure: no I/O, no clock, no randomness. The caller commits the returned [`Plan`] before it runs the
//! plan's effect, and feeds the effect's result back in here. After a crash [`recover`] names the one
//! safe way on: an `Apply` whose result was not committed is probed, never blindly repeated.

pub use super::due::{OVERDUE_AFTER, overdue, queued, tick};
pub use super::event::{Event, Finding, Retirement};
use super::failure::fail;
use super::fault::{Fault, FaultClass};
use super::grace;
use super::port::{Outcome, Rights, Verification};
use super::run::{Cause, Run, Stage, Step};
use crate::account::plan::{Context, Effect, HistoryKind, Plan, RunEnd, SecretChange};
use crate::account::{Account, Health, Subject, Version};
use crate::clock::Timestamp;
use crate::incident::ledger::LedgerEvent;
use crate::lease::closing;

/// Why a rotation is not started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// One is running: join it and share its outcome.
    InProgress,
    /// Somebody holds the account on a lease, and a rotation would kill the password in their hands.
    Lent,
}

/// Starts a rotation, or resumes the one that waits or is parked, at once.
///
/// # Errors
/// [`Refusal`] by cause.
pub fn request(account: Account, cause: Cause, ctx: &Context) -> Result<Plan, Refusal> {
    if account.stage.is_active() {
        return Err(Refusal::InProgress);
    }
    if account.defers_start() {
        return Err(Refusal::Lent);
    }
    Ok(match account.stage {
        Stage::Idle => start(account, cause, ctx),
        Stage::Waiting { .. } => resume(hurried(account, cause), ctx),
        Stage::Parked { .. } => unpark(account, cause, ctx),
        Stage::Active { .. } => return Err(Refusal::InProgress),
    })
}

/// Picks up the work of a process that died while an effect was in flight.
#[must_use]
pub fn recover(account: Account, ctx: &Context) -> Option<Plan> {
    let Stage::Active { mut run, step } = account.stage.clone() else { return None };
    let step = match step {
        // The target may already hold the candidate (or the old password again): find out first.
        Step::Apply | Step::Revert => {
            run.doubtful = true;
            Step::Probe
        }
        other => other,
    };
    let mut plan = Plan::new(account);
    go(&mut plan, run, step);
    plan.note(HistoryKind::Recovered, None, ctx.now);
    Some(plan)
}

/// Moves on once an effect has answered. `None` when the account is no longer where the effect began.
#[must_use]
pub fn advance(account: Account, event: Event, ctx: &Context) -> Option<Plan> {
    if let Event::Checked(probe) = event {
        return super::check::checked(account, probe, ctx);
    }
    let Stage::Active { run, step } = account.stage.clone() else { return None };
    match (step, event) {
        (Step::Prepare, Event::Prepared(result)) => Some(prepared(account, run, result, ctx)),
        (Step::Apply, Event::Applied(outcome)) => Some(applied(account, run, outcome, ctx)),
        (Step::Verify, Event::Verified(result)) => Some(verified(account, run, result, ctx)),
        (Step::Probe, Event::Probed(finding)) => Some(super::doubt::probed(account, run, finding, ctx)),
        (Step::Revert, Event::Reverted(outcome)) => Some(super::doubt::reverted(account, run, outcome, ctx)),
        (Step::Retire, Event::Retired(result)) => Some(retired(account, run, result, ctx)),
        // Whoever runs it finds that there is no room, and holds it.
        (Step::Probe | Step::Retire, Event::OutOfRoom) => {
            let mut plan = Plan::new(account);
            go(&mut plan, run, step);
            Some(plan)
        }
        _ => None,
    }
}

/// Begins a new rotation.
pub(crate) fn start(account: Account, cause: Cause, ctx: &Context) -> Plan {
    let due_at = match cause {
        Cause::Schedule => account.next_rotation.unwrap_or(ctx.now),
        _ => ctx.now,
    };
    let mut plan = Plan::new(account);
    go(&mut plan, new_run(cause, due_at, ctx), Step::Prepare);
    plan.note(HistoryKind::Started, None, ctx.now);
    plan
}

/// A rotation before its first step.
pub(super) fn new_run(cause: Cause, due_at: Timestamp, ctx: &Context) -> Run {
    Run {
        id: ctx.rotation,
        cause,
        due_at,
        started_at: ctx.now,
        attempts: 1,
        refusals: 0,
        rights: Rights::default(),
        reverting: false,
        overlaps: ctx.overlaps,
        mints: ctx.mints,
        doubtful: false,
        fault: None,
        grace: None,
        held: None,
        refused: Vec::new(),
        parked: 0,
    }
}

/// Tries the waiting step again.
pub(crate) fn resume(account: Account, ctx: &Context) -> Plan {
    let mut plan = Plan::new(account);
    let Stage::Waiting { mut run, step, .. } = plan.account.stage.clone() else { return plan };
    let more = grace::end(&mut run);
    // What was held back was not tried.
    run.attempts = run.attempts.saturating_add(if run.held.is_some() { 0 } else { more });
    let step = if step == Step::Revert { Step::Probe } else { step };
    go(&mut plan, run, step);
    plan.note(HistoryKind::Started, None, ctx.now);
    plan
}

/// What waits is hurried by who revokes; otherwise it keeps its cause.
fn hurried(mut account: Account, cause: Cause) -> Account {
    if let Stage::Waiting { run, .. } = &mut account.stage {
        // People may have been at it: what the target said before is asked again.
        run.refused.clear();
    }
    if let Stage::Waiting { run, .. } = &mut account.stage
        && matches!(cause, Cause::Revocation { .. })
        && !run.cause.spares_nobody()
    {
        run.cause = cause;
    }
    account
}

/// Lets a parked rotation go on because a person said so.
fn unpark(account: Account, cause: Cause, ctx: &Context) -> Plan {
    let mut plan = Plan::new(account);
    let Stage::Parked { mut run, step } = plan.account.stage.clone() else { return plan };
    run.attempts = 1;
    run.refusals = 0;
    run.refused.clear();
    run.cause = match run.cause {
        // The lease still has to close by this rotation, and what was revoked still has to die.
        kept if kept.spares_nobody() => kept,
        _ => cause,
    };
    // Whatever was true when it stopped, people have been at it since: ask the target first.
    let step = if matches!(step, Step::Verify | Step::Revert) { Step::Probe } else { step };
    go(&mut plan, run, step);
    plan.note(HistoryKind::Started, None, ctx.now);
    plan
}

fn prepared(account: Account, mut run: Run, result: Result<Rights, Fault>, ctx: &Context) -> Plan {
    let mut plan = Plan::new(account);
    let is_manager = matches!(plan.account.subject, Subject::Management(_));
    if result.is_ok() && is_manager && matches!(plan.account.health, Health::Refused(_)) {
        // It was mended, and has just logged in.
        plan.account.health = Health::Verified(ctx.now);
    }
    match result {
        // What the target made is never asked for twice: whether it works decides.
        Ok(_) if run.mints && plan.account.versions.pending.is_some() => go(&mut plan, run, Step::Verify),
        Ok(rights) if run.mints => {
            run.rights = rights;
            go(&mut plan, run, Step::Apply);
        }
        Ok(rights) => {
            run.rights = rights;
            stage_candidate(&mut plan, run.refusals > 0, ctx);
            go(&mut plan, run, Step::Apply);
            let pending = plan.account.versions.pending.map(|version| version.number);
            plan.note(HistoryKind::Staged, pending, ctx.now);
        }
        Err(fault) => fail(&mut plan, run, Step::Prepare, fault, ctx),
    }
    plan
}

fn applied(account: Account, mut run: Run, outcome: Outcome, ctx: &Context) -> Plan {
    let mut plan = Plan::new(account);
    match outcome {
        Outcome::Applied => {
            if run.mints {
                let number = new_pending(&mut plan, ctx);
                plan.secrets.push(SecretChange::Keep(number));
                plan.note(HistoryKind::Staged, Some(number), ctx.now);
            }
            go(&mut plan, run, Step::Verify);
            let pending = plan.account.versions.pending.map(|version| version.number);
            plan.note(HistoryKind::Applied, pending, ctx.now);
        }
        Outcome::NotApplied(fault) => fail(&mut plan, run, Step::Apply, fault, ctx),
        Outcome::Unknown(fault) => {
            super::failure::report(&mut plan, &mut run, Step::Apply, fault, ctx);
            run.doubtful = true;
            go(&mut plan, run, Step::Probe);
        }
    }
    plan
}

fn verified(account: Account, mut run: Run, result: Verification, ctx: &Context) -> Plan {
    let mut plan = Plan::new(account);
    match result {
        Verification::Verified => promote(&mut plan, run, ctx),
        Verification::Refused(fault) => {
            super::failure::report(&mut plan, &mut run, Step::Verify, fault, ctx);
            go(&mut plan, run, Step::Probe);
        }
        Verification::RightsLost(lost) => {
            let fault = Fault::new(FaultClass::RightsLost, format!("lost: {}", lost.join(", ")));
            // Where both live side by side the old one still works: there is nothing to put back.
            if plan.account.versions.current.is_some() && !run.overlaps && !run.mints {
                super::failure::report(&mut plan, &mut run, Step::Verify, fault, ctx);
                run.reverting = true;
                go(&mut plan, run, Step::Revert);
            } else {
                fail(&mut plan, run, Step::Verify, fault, ctx);
            }
        }
        Verification::Inconclusive(fault) => fail(&mut plan, run, Step::Verify, fault, ctx),
    }
    plan
}

/// Pending becomes current and current becomes previous, in one commit.
fn promote(plan: &mut Plan, run: Run, ctx: &Context) {
    // What went wrong on the way is over.
    let run = Run { fault: None, ..run };
    let versions = &mut plan.account.versions;
    let Some(candidate) = versions.pending.take() else {
        // Cannot be: Verify is only entered with a candidate. Nothing is lost by looking again.
        return go(plan, run, Step::Probe);
    };
    if let Some(older) = versions.previous.take() {
        plan.secrets.push(SecretChange::Drop(older.number));
    }
    versions.previous = versions.current.replace(candidate);
    let previous = versions.previous;
    plan.account.last_rotation = Some(ctx.now);
    plan.account.next_rotation = ctx.next_due;
    plan.account.health = Health::Verified(ctx.now);
    if let Some(incident) = plan.account.incident {
        plan.ledger.push(LedgerEvent::Mitigated { incident, at: ctx.now });
    }
    // Nobody knows what opens the second name of an account that is adopted: that is shut until its first turn.
    let takes_turns = plan.account.settings.alternate_username.is_some();
    match previous {
        None if !takes_turns => {
            plan.account.stage = Stage::Active { run: run.clone(), step: Step::Retire };
            plan.note(HistoryKind::Promoted, Some(candidate.number), ctx.now);
            finish(plan, run, ctx);
        }
        // A lease that ends leaves nothing alive, and neither does who revokes.
        Some(_) if run.overlaps && !ctx.grace.is_zero() && !run.cause.spares_nobody() => {
            plan.account.stage = grace::begin(run, ctx);
            plan.note(HistoryKind::Promoted, Some(candidate.number), ctx.now);
        }
        _ => {
            go(plan, run, Step::Retire);
            plan.note(HistoryKind::Promoted, Some(candidate.number), ctx.now);
        }
    }
}

fn retired(account: Account, run: Run, result: Retirement, ctx: &Context) -> Plan {
    let mut plan = Plan::new(account);
    match result {
        Retirement::Dead { sessions, sessions_left } => {
            let old = plan.account.versions.previous.take();
            if let Some(old) = old {
                plan.secrets.push(SecretChange::Drop(old.number));
            }
            plan.note(HistoryKind::Retired, old.map(|version| version.number), ctx.now);
            if let Some(entry) = plan.history.last_mut() {
                entry.detail = match (sessions, sessions_left) {
                    (_, Some(fault)) => Some(format!("open sessions could not be ended: {fault}")),
                    (Some(count), None) => Some(format!("{count} open sessions ended")),
                    (None, None) => None,
                };
            }
            finish(&mut plan, run, ctx);
        }
        Retirement::StillValid => {
            let fault = Fault::new(FaultClass::OldStillValid, "the target still accepts the old password");
            fail(&mut plan, run, Step::Retire, fault, ctx);
        }
        Retirement::CurrentRefused { old_works } => taken_away(&mut plan, run, old_works, ctx),
        Retirement::Unproven(fault) => fail(&mut plan, run, Step::Retire, fault, ctx),
    }
    plan
}

/// The new version was taken away outside while the old one lived on beside it: the old one is served again, if it
/// works, and a rotation repairs the rest.
fn taken_away(plan: &mut Plan, mut run: Run, old_works: bool, ctx: &Context) {
    let versions = &mut plan.account.versions;
    if old_works {
        std::mem::swap(&mut versions.current, &mut versions.previous);
    }
    let works = versions.current.map(|version| version.number);
    plan.account.health = if old_works { Health::Verified(ctx.now) } else { Health::Refused(ctx.now) };
    plan.note(HistoryKind::Probed, works.filter(|_| old_works), ctx.now);
    let what = "the target refuses the new credential: it was taken away outside";
    super::failure::report(plan, &mut run, Step::Retire, Fault::new(FaultClass::Drift, what), ctx);
    if run.attempts >= ctx.retries {
        super::failure::park(plan, run, Step::Prepare, ctx);
    } else {
        super::failure::wait(plan, run, Step::Prepare, ctx);
    }
}

/// The rotation is done: the new version works and the old one is refused.
fn finish(plan: &mut Plan, run: Run, ctx: &Context) {
    plan.ended = Some(ended(plan, &run, ctx, None));
    plan.account.stage = Stage::Idle;
    plan.remediated(ctx.now);
    closing::settle(plan, ctx);
}

/// The log line of a rotation that ends here.
pub(super) fn ended(plan: &Plan, run: &Run, ctx: &Context, failed: Option<FaultClass>) -> RunEnd {
    RunEnd {
        rotation: run.id,
        subject: plan.account.subject.key(),
        target: plan.account.target.to_string(),
        due_at: run.due_at,
        started_at: run.started_at,
        ended_at: ctx.now,
        attempts: run.attempts,
        failed,
        team: None,
    }
}

/// Puts a step in flight.
pub(super) fn go(plan: &mut Plan, mut run: Run, step: Step) {
    run.held = None;
    if !matches!(step, Step::Probe | Step::Retire) {
        run.refused.clear();
    }
    plan.effect = Some(match step {
        Step::Prepare => Effect::Prepare,
        Step::Apply => Effect::Apply,
        Step::Verify => Effect::Verify,
        Step::Probe => Effect::Probe,
        Step::Revert => Effect::Revert,
        Step::Retire => Effect::Retire { end_sessions: run.cause.spares_nobody() },
    });
    plan.account.held_until = None;
    plan.account.waits = false;
    plan.account.stage = Stage::Active { run, step };
}

/// Makes sure that there is a candidate: the one at hand if it may still be live, else a new one.
pub(super) fn stage_candidate(plan: &mut Plan, stricter: bool, ctx: &Context) {
    if plan.account.versions.pending.is_none() {
        let version = new_pending(plan, ctx);
        plan.secrets.push(SecretChange::Make { version, stricter });
    }
}

/// Makes room for a candidate; gives back its number.
fn new_pending(plan: &mut Plan, ctx: &Context) -> u64 {
    let is_alternate = plan.account.is_alternates_turn();
    let versions = &mut plan.account.versions;
    versions.last += 1;
    let number = versions.last;
    versions.pending = Some(Version { number, created_at: ctx.now, is_alternate });
    number
}

/// Wipes a candidate that is certainly not live.
pub(super) fn drop_pending(plan: &mut Plan) {
    if let Some(pending) = plan.account.versions.pending.take() {
        plan.secrets.push(SecretChange::Drop(pending.number));
    }
}
