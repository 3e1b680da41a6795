//! Decides when the old version goes, where the target keeps it beside the new one.
//!
//! ```text
//!  promote ─► grace ─┬─ every live consumer has had the new one for `early_after` ──► Retire
//!                    ├─ over, and nobody lags ─────────────────────────────────────► Retire
//!                    └─ over, and somebody lags ─┬─ no `hold` ─► Retire; history names who lags (cut)
//!                                                └─ `hold` ────► incident `consumer_lag` ─┬─ nobody lags any more ─► Retire
//!                                                                                         └─ over ─► Retire (cut)
//! ```
//!
//! An account of which nobody is known to have fetched anything keeps its whole grace: that nobody is known says
//! nothing. A lease that ends waits for none of this ([`crate::lease::closing`]), and neither does a person who asks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::failure::raise;
use super::fault::{Fault, FaultClass, Scope};
use super::run::{Run, Stage, Step};
use super::{due, step};
use crate::account::Account;
use crate::account::plan::{Context, HistoryEntry, HistoryKind, Plan};
use crate::clock::Timestamp;
use crate::consumer::Uptake;
use crate::incident::ledger::LedgerEvent;

/// That a promoted rotation keeps the old version for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grace {
    /// When the new version was promoted.
    pub began: Timestamp,
    /// When it is over; of one that is held, when that is over.
    pub ends: Timestamp,
    /// Whether it was over once, and the old version is held for consumers that lag.
    pub held: bool,
}

impl Grace {
    /// Whether half of its time has passed, or it is held because that was not enough.
    #[must_use]
    pub fn is_past_half(&self, now: Timestamp) -> bool {
        self.held || now.since(self.began) >= self.ends.since(self.began) / 2
    }
}

/// The stage of a rotation that was promoted just now, and lets the old version live on.
#[must_use]
pub(super) fn begin(mut run: Run, ctx: &Context) -> Stage {
    let ends = ctx.now.plus(ctx.grace);
    run.grace = Some(Grace { began: ctx.now, ends, held: false });
    Stage::Waiting { run, step: Step::Retire, at: ends }
}

/// What waited begins; gives how many attempts more that is. The end of a grace is no second attempt.
pub(super) fn end(run: &mut Run) -> u32 {
    u32::from(run.grace.take().is_none())
}

/// The grace that the account is in.
#[must_use]
pub fn of(account: &Account) -> Option<Grace> {
    match &account.stage {
        Stage::Waiting { run, step: Step::Retire, .. } => run.grace,
        _ => None,
    }
}

/// What is to be done about an account in its grace, whose consumers stand like this; `None`: nothing yet. Of any
/// other account it is what the clock asks for.
#[must_use]
pub fn look(account: Account, consumers: &Uptake, ctx: &Context) -> Option<Plan> {
    if account.held().is_some_and(|held| held > ctx.now) && !account.lending.expired(ctx.now) {
        return None;
    }
    let (Some(grace), false) = (of(&account), account.lending.expired(ctx.now)) else {
        return due::tick(account, ctx);
    };
    let has_uptake = consumers.live > 0 && consumers.lagging == 0;
    let early = has_uptake.then(|| consumers.newest.max(Some(grace.began))).flatten();
    let end = early.map_or(grace.ends, |newest| newest.plus(ctx.early_after).min(grace.ends));
    if ctx.now < end {
        return wait_until(account, end);
    }
    if has_uptake && end < grace.ends {
        let live = consumers.live;
        return Some(retire(account, (HistoryKind::GraceEnded, None, all_have_it(live)), ctx));
    }
    if consumers.lagging == 0 {
        return Some(step::resume(account, ctx));
    }
    let text = laggards(&account, consumers);
    if !grace.held && !ctx.hold.is_zero() {
        return Some(hold(account, grace, &text, ctx));
    }
    Some(cut(account, &text, ctx))
}

/// The clock looks again at `end`, if that is not what it does already.
fn wait_until(account: Account, end: Timestamp) -> Option<Plan> {
    let mut plan = Plan::new(account);
    match &mut plan.account.stage {
        Stage::Waiting { at, .. } if *at != end => *at = end,
        _ => return None,
    }
    Some(plan)
}

/// The grace is over and somebody lags: the old version stays, and people are told.
fn hold(account: Account, grace: Grace, text: &str, ctx: &Context) -> Plan {
    let mut plan = Plan::new(account);
    let ends = ctx.now.plus(ctx.hold);
    let Stage::Waiting { run, at, .. } = &mut plan.account.stage else { return plan };
    run.grace = Some(Grace { ends, held: true, ..grace });
    *at = ends;
    let run = run.clone();
    let note = (HistoryKind::Held, Some(FaultClass::ConsumerLag), format!("the old version is held: {text}"));
    plan.history.push(entry(&plan.account, &run, note, ctx));
    lag(&mut plan, &run, text, ctx);
    if let Some(incident) = plan.account.incident {
        plan.ledger.push(LedgerEvent::NextAttempt { incident, at: Some(ends) });
    }
    plan
}

/// The old version goes although somebody lags.
fn cut(account: Account, text: &str, ctx: &Context) -> Plan {
    let run = account.stage.run().cloned();
    let had_incident = account.incident.is_some() && account.incident_scope == Scope::Account;
    let note = (HistoryKind::Cut, Some(FaultClass::ConsumerLag), format!("retired all the same: {text}"));
    let mut plan = retire(account, note, ctx);
    // The incident of a hold says how that ended. Without one there is none: what was asked for is no failure.
    if let Some(run) = run.filter(|_| had_incident) {
        lag(&mut plan, &run, &format!("retired all the same: {text}"), ctx);
    }
    plan
}

fn lag(plan: &mut Plan, run: &Run, text: &str, ctx: &Context) {
    let fault = Fault::new(FaultClass::ConsumerLag, text);
    raise(plan, &fault, Some(Step::Retire), run.due_at, run.started_at, run.attempts, ctx);
}

/// What a line of history says: its kind, a class, a sentence.
type Note = (HistoryKind, Option<FaultClass>, String);

/// The Retire that waited begins, and the history says why.
fn retire(account: Account, note: Note, ctx: &Context) -> Plan {
    let mut plan = step::resume(account, ctx);
    if let Some(run) = plan.account.stage.run().cloned() {
        let line = entry(&plan.account, &run, note, ctx);
        plan.history.insert(0, line);
    }
    plan
}

fn entry(account: &Account, run: &Run, (kind, class, detail): Note, ctx: &Context) -> HistoryEntry {
    HistoryEntry {
        at: ctx.now,
        kind,
        version: account.versions.previous.map(|version| version.number),
        rotation: Some(run.id),
        principal: run.cause.principal(),
        class,
        detail: Some(detail),
    }
}

fn all_have_it(live: u64) -> String {
    match live {
        1 => "the only known live consumer has the new version".to_owned(),
        live => format!("all {live} known live consumers have the new version"),
    }
}

/// Who lags, by name.
fn laggards(account: &Account, consumers: &Uptake) -> String {
    let number = |version: Option<crate::account::Version>| version.map_or(0, |version| version.number);
    let current = number(account.versions.current);
    let (lagging, live) = (consumers.lagging, consumers.live);
    let named: Vec<&str> = consumers.laggards.iter().map(String::as_str).take(NAMED_MAX).collect();
    let more = lagging.saturating_sub(named.len() as u64);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{lagging} of {live} live consumers do not have version {current}: {}{more}", named.join(", "))
}

/// How long every live consumer must have had the new version before a grace ends early, when the policy does not
/// say: time for logins that are under way with the old one.
pub const EARLY_AFTER_DEFAULT: Duration = Duration::from_secs(30);
/// Most laggards that a sentence names.
pub const NAMED_MAX: usize = 20;

#[cfg(test)]
mod tests;
