//! Decides what a login with the current version means outside any rotation.

use super::failure::raise;
use super::fault::{Fault, FaultClass};
use super::port::Probe;
use super::run::Stage;
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
        }
        Probe::Blocked(fault) => raise(&mut plan, &fault, None, ctx.now, ctx.now, 0, ctx),
        // Nothing was learnt about the credential, so nothing is said about it.
        Probe::Inconclusive(_) => return None,
    }
    Some(plan)
}
