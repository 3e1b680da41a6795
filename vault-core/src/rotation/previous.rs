//! Decides whether the version before may be served again, because a person says so and the target lets it in.
//!
//! It is a stop-gap, not a repair: the rotation ends parked, its incident stays open as mitigated, and no stored
//! version is wiped. What was served until now keeps its place as the previous one, since it may be live; the next
//! rotation ends it.

use super::port::Probe;
use super::run::{Cause, Run, Stage, Step};
use super::step::new_run;
use crate::account::plan::{Context, Effect, HistoryKind, Plan, SecretChange};
use crate::account::{Account, Health, Version};
use crate::incident::ledger::LedgerEvent;

/// Why the version before cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Nothing is wrong with the account.
    #[error("the account has no open incident")]
    NoIncident,
    /// A call on the target is under way.
    #[error("a rotation is under way; wait until it rests")]
    Active,
    /// A lease hands out what is served, or ends and kills what it has handed out.
    #[error("the account is checked out; check it in first")]
    Held,
    /// There is none.
    #[error("no previous version is stored: it was wiped when the target was seen to refuse it")]
    NoPrevious,
    /// The one that is served works, and has taken its place on the target, which only lets it in for a while yet.
    #[error(
        "the version that is served works, and the previous one is about to stop working: there is nothing to mitigate"
    )]
    Dying,
    /// It is meant to die: after a breach, or with a lease.
    #[error("the rotation revokes the previous version; it must not be served again")]
    Revoked,
}

/// Whether the version before may come back, and which it is, if it logs in by this effect.
///
/// # Errors
/// [`Unfit`] by cause.
pub fn ask(account: &Account) -> Result<(Version, Effect), Unfit> {
    let run = account.stage.run();
    if account.incident.is_none() {
        return Err(Unfit::NoIncident);
    }
    if account.stage.is_active() {
        return Err(Unfit::Active);
    }
    if account.lending.is_held() {
        return Err(Unfit::Held);
    }
    let (Some(_), Some(previous)) = (account.versions.current, account.versions.previous) else {
        return Err(Unfit::NoPrevious);
    };
    if run.is_some_and(|run| run.cause.spares_nobody()) {
        return Err(Unfit::Revoked);
    }
    let overlaps = run.is_some_and(|run| run.overlaps);
    let step = account.stage.step();
    if step == Some(Step::Retire) && !overlaps {
        return Err(Unfit::Dying);
    }
    // What retires one of two that live side by side may still be on its way, as what changes one may.
    let settle = matches!(step, Some(Step::Apply | Step::Verify | Step::Probe | Step::Revert | Step::Retire));
    Ok((previous, Effect::CheckPrevious { settle }))
}

/// The version `number` was tried. `None` when it is not to be served: the target did not let it in, or the account
/// has moved on.
#[must_use]
pub fn tried(account: Account, number: u64, probe: &Probe, by: &str, ctx: &Context) -> Option<Plan> {
    let (previous, _) = ask(&account).ok()?;
    if previous.number != number || *probe != Probe::Works {
        return None;
    }
    let incident = account.incident?;
    let run = account
        .stage
        .run()
        .cloned()
        .unwrap_or_else(|| new_run(Cause::Demand { principal: by.to_owned() }, ctx.now, ctx));
    // Of two that live side by side since a rotation, the one that was served until now is the one that dies, when a
    // person says go on. Elsewhere a new one takes the place of both.
    let lives_beside = run.overlaps && account.stage.step() == Some(Step::Retire);
    let step = if lives_beside { Step::Retire } else { Step::Prepare };
    let run = Run { fault: None, reverting: false, grace: None, attempts: 1, ..run };
    let mut plan = Plan::new(account);
    let versions = &mut plan.account.versions;
    std::mem::swap(&mut versions.current, &mut versions.previous);
    // Of two names that take turns, a candidate for the one that is served now would change it under its readers.
    let turn = plan.account.is_alternates_turn();
    if let Some(untimely) = plan.account.versions.pending.take_if(|pending| pending.is_alternate != turn) {
        plan.secrets.push(SecretChange::Drop(untimely.number));
    }
    plan.account.health = Health::Verified(ctx.now);
    plan.account.stage = Stage::Parked { run, step };
    plan.ledger.push(LedgerEvent::Mitigated { incident, at: ctx.now });
    plan.ledger.push(LedgerEvent::Parked { incident, at: ctx.now });
    plan.note(HistoryKind::Reinstated, Some(number), ctx.now);
    if let Some(entry) = plan.history.last_mut() {
        entry.principal = Some(by.to_owned());
    }
    Some(plan)
}
