//! Campaigns as they are told.

use std::fmt::Write as _;
use std::time::Duration;

use vault_api::campaign::{CampaignAccount, CampaignPlan, CampaignStatus, CampaignTally, PrincipalAccess};
use vault_core::account::Subject;
use vault_core::campaign::item::{Item, Look, State};
use vault_core::campaign::selection::Selection;
use vault_core::campaign::{Campaign, Paused, Phase, Tally};
use vault_core::clock::Timestamp;

use super::gather::Planned;
use super::principal::PrincipalFacts;

/// How a campaign stands at `now`.
#[must_use]
pub fn status(campaign: &Campaign, now: Timestamp) -> CampaignStatus {
    let (ended_at, cancelled) = match &campaign.phase {
        Phase::Ended { at, cancelled } => (Some(*at), cancelled.clone()),
        _ => (None, None),
    };
    let why = match &campaign.paused {
        _ if cancelled.is_some() => cancelled.map(|by| format!("cancelled by {by}")),
        Some(Paused::By(by)) => Some(format!("paused by {by}")),
        Some(Paused::Failures) => Some(format!(
            "more than {} % of wave {} failed; resume it, or cancel it",
            campaign.options.stop_at, campaign.wave.number
        )),
        None => None,
    };
    let since = ended_at.unwrap_or(now).since(campaign.going_since).max(Duration::from_millis(1));
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = campaign.settled().saturating_sub(campaign.settled_before) as f64 * 60.0 / since.as_secs_f64();
    let remaining = campaign.tally.remaining();
    let is_going = campaign.paused.is_none() && ended_at.is_none() && remaining > 0 && rate > 0.0;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a guess for people, and not negative"
    )]
    let left = is_going.then(|| (remaining as f64 * 60.0 / rate).ceil() as u64);
    CampaignStatus {
        id: campaign.id.to_string(),
        kind: campaign.kind.word().to_owned(),
        state: campaign.word().to_owned(),
        why,
        scope: scope(&campaign.selection),
        principal: campaign.principal.clone(),
        reason: campaign.reason.clone(),
        created_at: campaign.created_at.to_rfc3339(),
        ended_at: ended_at.map(Timestamp::to_rfc3339),
        wave: u64::from(campaign.wave.number),
        wave_size: campaign.wave.to.saturating_sub(campaign.wave.from),
        accounts: counts(&campaign.tally),
        targets: campaign.targets.iter().map(|(name, tally)| (name.clone(), counts(tally))).collect(),
        failures: campaign.failures.clone(),
        skips: campaign.skips.clone(),
        rate_per_minute: (rate * 10.0).round() / 10.0,
        seconds_left: left,
    }
}

/// What would be done.
#[must_use]
pub fn plan(selection: &Selection, planned: &Planned, access: Option<PrincipalAccess>) -> CampaignPlan {
    CampaignPlan {
        dry_run: true,
        scope: scope(selection),
        total: planned.total,
        waves: planned.waves,
        truncated: planned.total > planned.accounts.len() as u64,
        accounts: planned.accounts.iter().map(|(item, look)| intended(item, look)).collect(),
        access,
    }
}

/// What a principal still has.
#[must_use]
pub fn access(facts: PrincipalFacts) -> PrincipalAccess {
    let PrincipalFacts { tokens, leases, revoked } = facts;
    PrincipalAccess { tokens, leases, revoked }
}

/// One account of a campaign.
#[must_use]
pub fn account(item: &Item) -> CampaignAccount {
    let (why, detail) = match &item.state {
        State::Pending => (None, None),
        State::Waiting { holder, until } => {
            (Some(holder.clone()), Some(format!("until {}", until.to_rfc3339())))
        }
        State::Rotated { version } => (None, Some(format!("version {version}"))),
        State::Failed { class, detail } => (Some(class.clone()), Some(detail.clone())),
        State::Skipped(why) => (Some(why.word().to_owned()), None),
    };
    CampaignAccount { state: item.state.word().to_owned(), why, detail, ..named(item) }
}

fn intended(item: &Item, look: &Look) -> CampaignAccount {
    let (word, why) = match look {
        Look::Begin | Look::Wait => ("rotate", None),
        Look::Cut => ("cut", None),
        Look::Settled(State::Waiting { holder, .. }) => ("wait", Some(holder.clone())),
        Look::Settled(State::Skipped(why)) => ("skip", Some(why.word().to_owned())),
        Look::Settled(State::Failed { class, .. }) => ("fail", Some(class.clone())),
        Look::Settled(_) => ("skip", None),
    };
    CampaignAccount { state: word.to_owned(), why, ..named(item) }
}

fn named(item: &Item) -> CampaignAccount {
    let account = match &item.subject {
        Subject::Account(path) => path.to_string(),
        Subject::Management(target) => format!("management credential of {target}"),
    };
    CampaignAccount {
        account,
        target: item.target.clone(),
        version: item.version,
        ..CampaignAccount::default()
    }
}

fn counts(tally: &Tally) -> CampaignTally {
    CampaignTally {
        total: tally.total,
        rotated: tally.rotated,
        failed: tally.failed,
        skipped: tally.skipped,
        waiting: tally.waiting,
        remaining: tally.remaining(),
    }
}

fn scope(selection: &Selection) -> String {
    let mut text = match &selection.known_by {
        Some(named) => format!("what {} knows", named.text),
        None => "accounts".to_owned(),
    };
    if let Some(target) = &selection.target {
        let _ = write!(text, " of target {target}");
    }
    if let Some(filter) = &selection.filter {
        let _ = write!(text, " like {filter}");
    }
    if let Some(age) = selection.older_than {
        let _ = write!(text, " older than {} s", age.as_secs());
    }
    if selection.management && selection.known_by.is_none() {
        text.push_str(", and management credentials");
    }
    text
}
