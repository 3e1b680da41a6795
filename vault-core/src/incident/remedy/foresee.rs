//! Says what an action will do, by letting the very state machine that will do it run on answers as they are when all
//! goes well.

use super::Action;
use crate::account::plan::{Context, Effect, HistoryEntry, HistoryKind, Plan};
use crate::account::{Account, Health, Subject, Version};
use crate::clock::Timestamp;
use crate::incident::ledger::LedgerEvent;
use crate::rotation::event::{Event, Retirement};
use crate::rotation::fault::Scope;
use crate::rotation::port::{Outcome, Probe, Rights, Verification};
use crate::rotation::run::{Cause, Stage};
use crate::rotation::{previous, step};
use crate::silence::foresee::Outlook;
use crate::silence::hold;

/// One thing that will be done, when all goes well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreseen {
    /// In words.
    pub text: String,
    /// What the account's history will say of it; `None` when it says nothing of its own.
    pub history: Option<HistoryKind>,
}

impl Foreseen {
    fn said(text: impl Into<String>) -> Self {
        Self { text: text.into(), history: None }
    }

    fn noted(kind: HistoryKind, text: impl Into<String>) -> Self {
        Self { text: text.into(), history: Some(kind) }
    }
}

/// What `action` would do now, in order. Asks and changes nothing; empty when nothing would be done.
#[must_use]
pub fn dry_run(action: Action, account: &Account, ctx: &Context) -> Vec<Foreseen> {
    match action {
        Action::Retry | Action::Unpark => rotation(account, ctx),
        Action::Reconcile => reconciliation(account, ctx),
        Action::UsePrevious => reinstatement(account),
        Action::SetPassword => adoption(account),
        Action::Maintenance => {
            maintenance(&Outlook::of_maintenance(account.target.clone(), None), Some(account))
        }
    }
}

/// What a maintenance of the target would do, for the account that an incident is about, if it is about one.
#[must_use]
pub fn maintenance(outlook: &Outlook, account: Option<&Account>) -> Vec<Foreseen> {
    let own = account.and_then(|account| postponed(account, outlook.until));
    let stays = "leaves the incident open: nothing but a verified login closes it".to_owned();
    outlook.steps().into_iter().chain(own).chain([stays]).map(Foreseen::said).collect()
}

/// What becomes of what the account itself waits for.
fn postponed(account: &Account, until: Option<Timestamp>) -> Option<String> {
    let subject = &account.subject;
    let at = hold::asked(account)?;
    if account.must_go() {
        return Some(format!(
            "{subject} is tried all the same: what ends a lease or was revoked is not put off"
        ));
    }
    let when = at.to_rfc3339();
    match until {
        None => Some(format!("what the clock asks of {subject} at {when} is held, if the end is later")),
        Some(until) => (at < until).then(|| format!("what the clock asks of {subject} at {when} is held")),
    }
}

/// What a proof does with the incident.
const fn healed(account: &Account) -> &'static str {
    match account.incident_scope {
        Scope::Account => "closes the incident, verified healthy",
        Scope::Target => {
            "leaves the incident of its target, verified healthy; the last one to leave closes it"
        }
    }
}

/// A rotation that a person asks for, until it rests or the target must be asked.
fn rotation(account: &Account, ctx: &Context) -> Vec<Foreseen> {
    let cause = Cause::Demand { principal: String::new() };
    let mut steps = Vec::new();
    let mut next = step::request(account.clone(), cause, ctx).ok();
    for _ in 0..PLANS_MAX {
        let Some(plan) = next else { break };
        steps.extend(plan.history.iter().map(|entry| told(entry, &plan)));
        if plan.ledger.iter().any(|event| matches!(event, LedgerEvent::Remediated { .. })) {
            steps.push(Foreseen::said(healed(account)));
        }
        if let Stage::Waiting { at, .. } = &plan.account.stage {
            let ends = at.to_rfc3339();
            steps.push(Foreseen::said(format!("lets the version before live on until {ends}, its grace")));
        }
        next = match plan.effect.map(well) {
            Some(Some(event)) => step::advance(plan.account, event, ctx),
            Some(None) => {
                steps.push(Foreseen::said(DEPENDS));
                None
            }
            None => None,
        };
    }
    steps
}

/// The answer to an effect when all goes well; `None` when there is no telling.
fn well(effect: Effect) -> Option<Event> {
    match effect {
        Effect::Prepare => Some(Event::Prepared(Ok(Rights::default()))),
        Effect::Apply => Some(Event::Applied(Outcome::Applied)),
        Effect::Verify => Some(Event::Verified(Verification::Verified)),
        Effect::Retire { .. } => {
            Some(Event::Retired(Retirement::Dead { sessions: None, sessions_left: None }))
        }
        Effect::Probe | Effect::Revert | Effect::Check | Effect::CheckPrevious { .. } => None,
    }
}

/// A line of the history that is yet to come, in words.
fn told(entry: &HistoryEntry, plan: &Plan) -> Foreseen {
    let target = &plan.account.target;
    let version = named(entry.version);
    let text = match entry.kind {
        HistoryKind::Started => format!("begins at once, and {}", begun(plan)),
        HistoryKind::Staged => format!("stores a new candidate, {version}, before {target} hears of it"),
        HistoryKind::Applied => format!("sets {version} on {target}"),
        HistoryKind::Promoted => {
            format!("logs in afresh with {version}, compares its rights, and serves it from then on")
        }
        HistoryKind::Retired => format!("sees {target} refuse {version}, and wipes it"),
        HistoryKind::Drifted => format!("logs in with {version}, which {target} refused before"),
        kind => format!("notes {kind:?} of {version}").to_lowercase(),
    };
    Foreseen::noted(entry.kind, text)
}

/// What a rotation begins with.
fn begun(plan: &Plan) -> String {
    let target = &plan.account.target;
    let versions = &plan.account.versions;
    let number = |version: Option<Version>| named(version.map(|version| version.number));
    match plan.effect {
        Some(Effect::Prepare) => format!("looks on {target} whether the credential can be changed"),
        Some(Effect::Apply) => format!("sets {} on {target}", number(versions.pending)),
        Some(Effect::Verify) => format!("logs in to {target} with {}", number(versions.pending)),
        Some(Effect::Retire { .. }) => {
            format!("sees to it that {target} refuses {}", number(versions.previous))
        }
        Some(Effect::Probe | Effect::Revert | Effect::Check | Effect::CheckPrevious { .. }) | None => {
            let stored: Vec<String> = versions.stored().map(|version| version.number.to_string()).collect();
            let stored = stored.join(", ");
            format!(
                "ends what earlier attempts left on {target}, and asks which of versions {stored} it accepts"
            )
        }
    }
}

fn named(version: Option<u64>) -> String {
    version.map_or("what lives beside it".to_owned(), |number| format!("version {number}"))
}

/// A look at the credential that is served, then a rotation if it is refused.
fn reconciliation(account: &Account, ctx: &Context) -> Vec<Foreseen> {
    let Some(current) = account.versions.current else { return rotation(account, ctx) };
    // What the last look showed is what the next one will show, as far as anybody knows.
    let refused = match account.health {
        Health::Refused(_) => step::advance(account.clone(), Event::Checked(Probe::Refused), ctx),
        Health::Unknown | Health::Verified(_) => None,
    };
    let mut steps: Vec<Foreseen> = match refused {
        Some(plan) => plan.history.iter().map(|entry| told(entry, &plan)).collect(),
        None => {
            vec![Foreseen::said(format!("logs in to {} with version {}", account.target, current.number))]
        }
    };
    steps.push(Foreseen::said(if account.stage == Stage::Idle {
        "if it works: closes the incident, and leaves all as it is; else:"
    } else {
        "whatever that shows, goes on with the rotation:"
    }));
    steps.extend(rotation(account, ctx));
    steps
}

/// The version before is served again.
fn reinstatement(account: &Account) -> Vec<Foreseen> {
    let Ok((version, effect)) = previous::ask(account) else { return Vec::new() };
    let (number, target) = (version.number, &account.target);
    let current = account.versions.current.map_or(0, |current| current.number);
    let settle = (effect == Effect::CheckPrevious { settle: true })
        .then(|| Foreseen::said(format!("ends what earlier attempts left on {target}")));
    let try_it = format!("logs in to {target} with version {number}; if it is refused, nothing is changed");
    let serve = format!("serves version {number}; version {current} stays stored as the previous one");
    let rest = [
        Foreseen::said(try_it),
        Foreseen::noted(HistoryKind::Reinstated, serve),
        Foreseen::said("parks the account: nothing rotates until somebody unparks it or a lease of it ends"),
        Foreseen::said("leaves the incident open, mitigated"),
    ];
    settle.into_iter().chain(rest).collect()
}

/// A password that is known out of band is taken.
fn adoption(account: &Account) -> Vec<Foreseen> {
    let target = &account.target;
    let number = account.versions.last.saturating_add(1);
    let is_management = matches!(account.subject, Subject::Management(_));
    let store = format!("stores it as version {number}, and keeps the one before");
    let mut steps = vec![
        Foreseen::said(format!(
            "logs in to {target} with the given password; if it is refused, nothing is stored"
        )),
        // The history of a management credential begins with the look.
        Foreseen { text: store, history: (!is_management).then_some(HistoryKind::Configured) },
        Foreseen::noted(HistoryKind::Verified, format!("logs in with version {number}, and serves it")),
    ];
    steps.push(Foreseen::said(if account.stage == Stage::Idle {
        "closes the incident, verified healthy"
    } else {
        "leaves the incident open: the rotation that failed is still to be done"
    }));
    if is_management {
        steps.push(Foreseen::said("lets accounts go on that were parked because the old one was refused"));
    }
    steps
}

const DEPENDS: &str = "what follows depends on the answer: a candidate that works is verified and served; where the \
                       served version works, the change is made anew; where none works, it is a drift, and is repaired";

/// Decisions of a rotation that goes well, and of the one that may follow it.
const PLANS_MAX: usize = 16;
