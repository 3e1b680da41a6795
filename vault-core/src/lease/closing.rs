//! Decides how a lease ends: the account is rotated, and the lease is closed by the proof of death.

use super::checkout::{Stale, history};
use super::{EndCause, LeaseState};
use crate::account::Account;
use crate::account::plan::{Context, HistoryKind, Plan};
use crate::rotation::run::{Cause, Stage};
use crate::rotation::{grace, step};

/// Ends the lease `lease_id`, or whichever holds the account when none is named.
///
/// # Errors
/// [`Stale`] by cause; nothing changes then.
pub fn end(account: Account, lease_id: Option<&str>, cause: EndCause, ctx: &Context) -> Result<Plan, Stale> {
    let Some(lease) = &account.lending.holder else { return Err(Stale::NotHeld) };
    if lease_id.is_some_and(|id| id != lease.id) {
        return Err(Stale::OtherLease);
    }
    if lease.state != LeaseState::Active {
        return Err(Stale::Closing);
    }
    Ok(begin(account, cause, ctx))
}

/// Ends the lease that ran out.
pub(crate) fn expire(account: Account, ctx: &Context) -> Plan {
    begin(account, EndCause::Expired, ctx)
}

/// The lease begins to end, and the rotation that kills what it handed out starts with it.
fn begin(mut account: Account, cause: EndCause, ctx: &Context) -> Plan {
    let Some(mut lease) = account.lending.holder.take() else { return Plan::new(account) };
    lease.state = LeaseState::Revoking;
    lease.closing = Some(ctx.now);
    let principal = match &cause {
        EndCause::CheckIn => Some(lease.borrower.name.clone()),
        EndCause::Forced { principal } => Some(principal.clone()),
        EndCause::Expired | EndCause::TokenGone | EndCause::MountGone => None,
    };
    lease.ending = Some(cause);
    account.lending.holder = Some(lease.clone());
    let run_cause = Cause::LeaseClose { lease: lease.id.clone(), principal: principal.clone() };
    let mut plan = match &account.stage {
        Stage::Idle => step::start(account, run_cause, ctx),
        // A rotation that waited for the lease, or was parked before it touched the target, becomes this one.
        stage if stage.untouched() && !stage.is_active() => {
            account.stage = Stage::Idle;
            step::start(account, run_cause, ctx)
        }
        // What waits for consumers does not wait any longer: what was lent dies by the rotation after this one.
        _ if grace::of(&account).is_some() => step::resume(account, ctx),
        // A rotation is under way already; the lease closes when it is done.
        _ => Plan::new(account),
    };
    plan.history.insert(0, history(HistoryKind::Closing, &lease, principal, None, ctx.now));
    plan.lease = Some(lease);
    plan
}

/// Closes the ending lease if what it handed out is dead; called when a rotation is done.
///
/// A rotation is done only when the version before it was refused by the target. So a lease is closed
/// once the account has moved past the version that it handed out; if the rotation that has just ended
/// began before the lease did, another one follows.
pub(crate) fn settle(plan: &mut Plan, ctx: &Context) {
    let Some(lease) = plan.account.lending.holder.as_mut() else { return };
    if lease.state != LeaseState::Revoking {
        return;
    }
    let handed_out_is_current =
        plan.account.versions.current.is_some_and(|current| current.number == lease.version);
    if handed_out_is_current {
        let cause = Cause::LeaseClose { lease: lease.id.clone(), principal: None };
        let account = plan.account.clone();
        let next = step::start(account, cause, ctx);
        plan.account = next.account;
        plan.effect = next.effect;
        plan.history.extend(next.history);
        return;
    }
    lease.state = LeaseState::Closed;
    lease.closed_at = Some(ctx.now);
    let lease = lease.clone();
    plan.account.lending.holder = None;
    plan.history.push(history(HistoryKind::Closed, &lease, None, None, ctx.now));
    plan.lease = Some(lease);
}
