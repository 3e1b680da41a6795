//! Decides what a login with the current version means outside any rotation.

use super::failure::raise;
use super::fault::{Fault, FaultClass};
use super::port::Probe;
use super::run::{Cause, Stage, Step};
use super::step::{go, new_run};
use crate::account::plan::{Context, HistoryKind, Plan};
use crate::account::{Account, Health, Subject};
use crate::incident::ledger::LedgerEvent;

/// The current version was tried. `None` while a rotation may have changed what it is.
pub(super) fn checked(account: Account, probe: Probe, ctx: &Context) -> Option<Plan> {
    let current = account.versions.current?.number;
    if super::grace::of(&account).is_some() && probe == Probe::Refused {
        // The old one still lives: what ends the grace looks at both.
        return Some(super::step::resume(account, ctx));
    }
    if account.stage.is_active() || !account.stage.untouched() {
        return None;
    }
    let mut plan = Plan::new(account);
    match probe {
        Probe::Works => {
            plan.account.health = Health::Verified(ctx.now);
            plan.note(HistoryKind::Verified, Some(current), ctx.now);
            // A rotation that failed is still failed: only its own success closes its incident.
            if plan.account.stage == Stage::Idle
                && let Some(incident) = plan.account.incident
            {
                plan.ledger.push(LedgerEvent::Mitigated { incident, at: ctx.now });
                plan.remediated(ctx.now);
            }
        }
        Probe::Refused => {
            plan.account.health = Health::Refused(ctx.now);
            plan.note(HistoryKind::Drifted, Some(current), ctx.now);
            let class = match plan.account.subject {
                Subject::Account(_) => FaultClass::Drift,
                Subject::Management(_) => FaultClass::ManagementAuthRefused,
            };
            let fault = Fault::new(class, "the target refuses the stored password: it was changed outside");
            raise(&mut plan, &fault, None, ctx.now, ctx.now, 0, ctx);
            reconcile_by_policy(&mut plan, ctx);
        }
        Probe::Blocked(fault) => raise(&mut plan, &fault, None, ctx.now, ctx.now, 0, ctx),
        // Nothing was learnt about the credential, so nothing is said about it.
        Probe::Inconclusive(_) => return None,
    }
    Some(plan)
}

/// The management credential was refused as somebody else used it. Its own rotation that is under way, and has not got to
/// the target, finds that out by itself; nobody else tries it meanwhile.
#[must_use]
pub fn refused_to_others(account: Account, ctx: &Context) -> Option<Plan> {
    if account.stage.is_active() && account.stage.untouched() {
        let mut plan = Plan::new(account);
        plan.account.health = Health::Refused(ctx.now);
        return Some(plan);
    }
    checked(account, Probe::Refused, ctx)
}

/// Where the target's settings say so a fresh credential is set by the management credential: once for each incident, so
/// that two who manage the same account do not fight for it. What was lent is left alone: whoever holds it may have set
/// it, could not be told the new one, and the end of the lease sets a fresh one anyway.
fn reconcile_by_policy(plan: &mut Plan, ctx: &Context) {
    let account = &plan.account;
    let is_meant = ctx.reconciles && matches!(account.subject, Subject::Account(_));
    let is_free = account.stage == Stage::Idle && !account.lending.is_held();
    let Some(incident) = account.incident.filter(|_| is_meant && is_free) else { return };
    if account.reconciled == Some(incident) {
        plan.ledger.push(LedgerEvent::Parked { incident, at: ctx.now });
        return;
    }
    plan.account.reconciled = Some(incident);
    plan.ledger.push(LedgerEvent::Reconciled { incident, at: ctx.now });
    go(plan, new_run(Cause::Schedule, ctx.now, ctx), Step::Prepare);
    plan.note(HistoryKind::Started, None, ctx.now);
}
