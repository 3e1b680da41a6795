//! Decides when an account's credential is looked at by itself, and what a look means.
//!
//! Every proof is a beat, whoever asked for it: a rotation, a person. A login that the target has refused is never
//! repeated by the clock; it waits for a proof.

use std::time::Duration;

use super::event::Event;
use super::port::Probe;
use super::step::advance;
use crate::account::plan::{Context, HistoryKind, Plan};
use crate::account::{Account, Health};
use crate::clock::Timestamp;
use crate::schedule::{backoff, share};

/// What becomes of a heartbeat that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It is not.
    No,
    /// Nothing can be learnt now: at the next one.
    Later,
    /// Log in.
    Now,
}

/// Whether the account is looked at now.
#[must_use]
pub fn due(account: &Account, ctx: &Context) -> Due {
    if account.beat.next.is_none_or(|next| next > ctx.now) {
        return Due::No;
    }
    let is_refused = matches!(account.health, Health::Refused(_));
    let has_login =
        account.versions.current.is_some() && !account.stage.is_active() && account.stage.untouched();
    if has_login && !is_refused && ctx.heartbeat.is_some() { Due::Now } else { Due::Later }
}

/// The heartbeat is put off to the next one.
#[must_use]
pub fn later(account: Account, ctx: &Context) -> Plan {
    let mut plan = Plan::new(account);
    plan.account.beat.next = ctx.heartbeat.map(|every| next(every, ctx));
    plan
}

/// What the look has shown. One that showed nothing is tried again soon, after waits that grow.
#[must_use]
pub fn beaten(account: Account, event: &Event, ctx: &Context) -> Plan {
    if let Event::Checked(Probe::Inconclusive(_)) = event {
        let misses = account.beat.misses.saturating_add(1);
        let longest = ctx.heartbeat.unwrap_or(AGAIN_CAP).min(AGAIN_CAP);
        let mut plan = Plan::new(account);
        (plan.account.beat.misses, plan.account.beat.held) = (misses, false);
        plan.account.beat.next =
            Some(ctx.now.plus(backoff(misses, AGAIN_BASE.min(longest), longest, ctx.draw)));
        return plan;
    }
    let was_well = matches!(account.health, Health::Verified(_)) && account.incident.is_none();
    let mut plan = advance(account.clone(), event.clone(), ctx).unwrap_or_else(|| Plan::new(account));
    if was_well && matches!(plan.account.health, Health::Verified(_)) {
        // That all is as it was is no history: 365 lines a year would hide what is.
        plan.history.retain(|entry| entry.kind != HistoryKind::Verified);
    }
    (plan.account.beat.misses, plan.account.beat.held) = (0, false);
    plan.account.beat.next = ctx.heartbeat.map(|every| next(every, ctx));
    plan
}

/// Arms the next heartbeat of an account that is about to be committed: after a proof, of one that had none, and where
/// the settings say otherwise now. `before` is what it was.
pub fn arm(before: &Account, plan: &mut Plan, ctx: &Context) {
    let account = &mut plan.account;
    let Some(every) = ctx.heartbeat.filter(|_| account.versions.current.is_some()) else {
        account.beat.next = None;
        return;
    };
    let is_proof = matches!(account.health, Health::Verified(_)) && account.health != before.health;
    if matches!(account.health, Health::Refused(_)) {
        account.beat.next = None;
    } else if is_proof {
        (account.beat.misses, account.beat.held) = (0, false);
        account.beat.next = Some(next(every, ctx));
    } else if !is_armed(account, every, ctx.now) {
        // At some time within the interval, so that those that are met together do not come together.
        account.beat.next = Some(ctx.now.plus(share(ctx.draw, every)));
    }
}

/// Whether an account has the heartbeat that its settings ask for, `every` so often; zero: none.
#[must_use]
pub fn fits(account: &Account, every: Duration, now: Timestamp) -> bool {
    let wanted = !every.is_zero()
        && account.versions.current.is_some()
        && !matches!(account.health, Health::Refused(_));
    if wanted { is_armed(account, every, now) } else { account.beat.next.is_none() }
}

fn is_armed(account: &Account, every: Duration, now: Timestamp) -> bool {
    account.beat.next.is_some_and(|next| next <= now.plus(every))
}

/// Within the last tenth before the interval is over.
fn next(every: Duration, ctx: &Context) -> Timestamp {
    ctx.now.plus(every.saturating_sub(share(ctx.draw, every / 10)))
}

/// The first wait after a look that showed nothing.
pub const AGAIN_BASE: Duration = Duration::from_secs(60);
/// The longest.
pub const AGAIN_CAP: Duration = Duration::from_secs(3600);
