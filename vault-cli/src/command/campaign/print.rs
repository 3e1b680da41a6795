//! Campaigns, for people.

use std::collections::BTreeMap;

use vault_api::campaign::{CampaignAccount, CampaignPlan, CampaignStarted, CampaignStatus, PrincipalAccess};

use crate::{
    console::{Console, Tone},
    output,
};

pub(super) fn list(campaigns: &[CampaignStatus]) -> String {
    if campaigns.is_empty() {
        return "no campaign\n".to_owned();
    }
    let rows: Vec<Vec<String>> = campaigns
        .iter()
        .map(|one| {
            vec![
                output::shown(&one.id),
                output::shown(&one.kind),
                output::shown(&one.state),
                output::shown(&one.scope),
                one.accounts.total.to_string(),
                one.accounts.rotated.to_string(),
                one.accounts.failed.to_string(),
                output::shown(&one.created_at),
                output::shown(&one.principal),
            ]
        })
        .collect();
    let head = ["ID", "KIND", "STATE", "SCOPE", "TOTAL", "ROTATED", "FAILED", "BEGUN", "BY"];
    output::columns(&head, &rows)
}

pub(super) fn started(started: &CampaignStarted) -> String {
    let mut text = output::record([
        ("campaign", output::shown(&started.campaign.id)),
        ("kind", output::shown(&started.campaign.kind)),
        ("scope", output::shown(&started.campaign.scope)),
        ("state", output::shown(&started.campaign.state)),
    ]);
    if let Some(found) = &started.access {
        text.push_str(&access(found));
    }
    text
}

pub(super) fn access(access: &PrincipalAccess) -> String {
    let word = if access.revoked { "ended" } else { "live" };
    let mut text = format!("{word} tokens: {}; leases: {}\n", access.tokens.len(), access.leases.len());
    for token in &access.tokens {
        text.push_str(&format!("  token  {}\n", output::shown(token)));
    }
    for lease in &access.leases {
        text.push_str(&format!("  lease  {}\n", output::shown(lease)));
    }
    text
}

pub(super) fn plan(plan: &CampaignPlan) -> String {
    let mut text = output::record([
        ("scope", output::shown(&plan.scope)),
        ("accounts", plan.total.to_string()),
        ("waves", plan.waves.to_string()),
    ]);
    if let Some(found) = &plan.access {
        text.push_str(&access(found));
    }
    if !plan.accounts.is_empty() {
        text.push('\n');
        text.push_str(&accounts(&plan.accounts));
    }
    if plan.truncated {
        text.push_str("… and more\n");
    }
    text
}

pub(super) fn accounts(accounts: &[CampaignAccount]) -> String {
    let rows: Vec<Vec<String>> = accounts
        .iter()
        .map(|one| {
            vec![
                output::shown(&one.account),
                output::shown(&one.target),
                one.version.map_or_else(|| "-".to_owned(), |version| version.to_string()),
                output::shown(&one.state),
                output::optional(one.why.as_deref()),
                output::optional(one.detail.as_deref()),
            ]
        })
        .collect();
    output::columns(&["ACCOUNT", "TARGET", "VERSION", "STATE", "WHY", "DETAIL"], &rows)
}

pub(super) fn status(status: &CampaignStatus, console: &Console) -> String {
    let tone = match status.state.as_str() {
        "paused" | "cancelled" => Tone::Bad,
        "done" if status.accounts.failed == 0 => Tone::Good,
        _ => Tone::Warn,
    };
    let counts = &status.accounts;
    let mut pairs = vec![
        ("campaign", output::shown(&status.id)),
        ("kind", output::shown(&status.kind)),
        ("scope", output::shown(&status.scope)),
        ("state", console.emphasised(tone, &output::shown(&status.state))),
    ];
    if let Some(why) = &status.why {
        pairs.push(("why", output::shown(why)));
    }
    if let Some(reason) = &status.reason {
        pairs.push(("reason", output::shown(reason)));
    }
    pairs.extend([
        ("begun", format!("{} by {}", output::shown(&status.created_at), output::shown(&status.principal))),
        ("ended", output::optional(status.ended_at.as_deref())),
        ("wave", format!("{} of {} accounts", status.wave, status.wave_size)),
        ("rotated", format!("{} of {}", counts.rotated, counts.total)),
        ("failed", with_reasons(counts.failed, &status.failures)),
        ("skipped", with_reasons(counts.skipped, &status.skips)),
        ("waiting", counts.waiting.to_string()),
        ("remaining", counts.remaining.to_string()),
        ("rate", format!("{:.1} a minute", status.rate_per_minute)),
    ]);
    if let Some(seconds) = status.seconds_left {
        pairs.push(("time left", format!("{seconds} s")));
    }
    let mut text = output::record(pairs);
    if status.targets.len() > 1 {
        let number = |count: u64| count.to_string();
        let rows: Vec<Vec<String>> = status
            .targets
            .iter()
            .map(|(name, of)| {
                let counts = [of.total, of.rotated, of.failed, of.skipped, of.waiting, of.remaining];
                std::iter::once(output::shown(name)).chain(counts.map(number)).collect()
            })
            .collect();
        text.push('\n');
        let head = ["TARGET", "TOTAL", "ROTATED", "FAILED", "SKIPPED", "WAITING", "REMAINING"];
        text.push_str(&output::columns(&head, &rows));
    }
    text
}

pub(super) fn troubles(state: &str, count: u64, found: &[CampaignAccount]) -> String {
    let mut text = format!("\n{state}:\n{}", accounts(found));
    let more = count.saturating_sub(found.len() as u64);
    if more > 0 {
        text.push_str(&format!("… and {more} more: rotunda campaign accounts ID --state {state}\n"));
    }
    text
}

fn with_reasons(count: u64, reasons: &BTreeMap<String, u64>) -> String {
    if reasons.is_empty() {
        return count.to_string();
    }
    let told: Vec<String> =
        reasons.iter().map(|(name, count)| format!("{} {count}", output::shown(name))).collect();
    format!("{count} ({})", told.join(", "))
}
