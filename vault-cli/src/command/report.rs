//! `rotunda report …`.

use std::fmt::Write as _;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use vault_api::{
    duration::Seconds,
    percent::Percent,
    report::{AgeBucket, AgeReport, Burn, DueReport, ReportGroup, RotationReport, Spread, StandingReport},
};

mod log;

use super::Session;
use crate::{
    args::report::ReportWord,
    client::Request,
    failure::{Exit, Failure},
    output,
};

pub(super) async fn run(word: ReportWord, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        ReportWord::Rotation(args) => {
            let given = [
                ("from", args.from),
                ("to", args.to),
                ("by", args.by),
                ("worst", args.worst),
                ("limit", args.limit),
                ("also", args.also),
                ("objective", args.objective),
                ("hourly_cost", args.hourly_cost),
            ];
            show(session, asked("reports/rotation", given), rotation).await
        }
        ReportWord::Ended(args) => log::pages("reports/rotation/ended", args, log::ended, session).await,
        ReportWord::Attempts(args) => {
            log::pages("reports/rotation/attempts", args, log::attempts, session).await
        }
        ReportWord::Standing(args) => {
            show(session, asked("reports/standing", [("within", args.within)]), standing).await
        }
        ReportWord::Ages(args) => show(session, asked("reports/ages", [("limit", args.limit)]), ages).await,
        ReportWord::Due(args) => {
            let given = [("within", args.within), ("limit", args.limit)];
            show(session, asked("reports/due", given), due).await
        }
    }
}

fn asked<const N: usize>(path: &str, given: [(&str, Option<String>); N]) -> Request {
    given
        .into_iter()
        .filter_map(|(key, value)| value.map(|value| (key, value)))
        .fold(Request::get(path), |request, (key, value)| request.with(key, value))
}

async fn show<T: DeserializeOwned>(
    session: &mut Session,
    request: Request,
    table: impl FnOnce(&T) -> String,
) -> Result<Exit, Failure> {
    if let Some(format) = session.console.format().of_server() {
        let answer = session.ask("adding up", request.reading_text(format)).await?;
        session.show(&answer, |answer, _| {
            Ok(answer.body().and_then(Value::as_str).unwrap_or_default().to_owned())
        })?;
        return Ok(Exit::Done);
    }
    let answer = session.ask("adding up", request).await?;
    let report: T = answer.read_data()?;
    session.show(&answer, |_, _| Ok(table(&report)))?;
    Ok(Exit::Done)
}

fn rotation(report: &RotationReport) -> String {
    let mut text = output::record(counts(report));
    let rows = [
        spread("detect (TTD)", &report.ttd),
        spread("notify (TTN)", &report.ttn),
        spread("ack (TTA)", &report.tta),
        spread("mitigate (TTM)", &report.ttm),
        spread("repair (TTR)", &report.ttr),
    ];
    let head = ["TIME TO", "N", "ENDED", "OPEN", "SUSPECT", "MEAN", "P50", "P90", "MAX"];
    text.push('\n');
    text.push_str(&output::columns(&head, &rows));
    if !report.by_class.is_empty() && report.groups.is_empty() {
        let classes: Vec<Vec<String>> = report
            .by_class
            .iter()
            .map(|(class, count)| vec![output::shown(class), count.to_string()])
            .collect();
        text.push('\n');
        text.push_str(&output::columns(&["CLASS", "INCIDENTS"], &classes));
    }
    text.push_str(&groups(report));
    for (word, also) in &report.also {
        let (from, to) = (output::shown(&also.window.from), output::shown(&also.window.to));
        // Writing to a string does not fail.
        let _ = writeln!(text, "\nBy {}, {from} to {to}", output::shown(word));
        text.push_str(&groups(also));
    }
    text
}

/// The parts, where there are any.
fn groups(report: &RotationReport) -> String {
    let mut text = String::new();
    if !report.groups.is_empty() {
        let rows: Vec<Vec<String>> = report.groups.iter().map(group).collect();
        let head = ["PART", "ROT FAILED", "ATT FAILED", "OPENED", "OPEN", "TTR P50", "TTR P90"];
        text.push('\n');
        text.push_str(&output::columns(&head, &rows));
    }
    text.push_str(&costs(report));
    text
}

/// What people spent on each part, where that is anything.
fn costs(report: &RotationReport) -> String {
    let mut text = String::new();
    if report.groups.iter().any(|part| part.work.staff_minutes > 0) {
        let rows: Vec<Vec<String>> = report
            .groups
            .iter()
            .map(|part| {
                vec![
                    output::shown(&part.name),
                    part.work.reviewed.to_string(),
                    part.work.unreviewed.to_string(),
                    Seconds(part.work.staff_minutes.saturating_mul(60)).to_string(),
                    part.work.cost.map_or_else(|| "-".to_owned(), |cost| price(cost, report)),
                ]
            })
            .collect();
        let head = ["PART", "REVIEWED", "NOT REVIEWED", "STAFF TIME", "COST"];
        text.push('\n');
        text.push_str(&output::columns(&head, &rows));
    }
    text + &beyond(report.left_out)
}

/// That a table is not whole.
fn beyond(left_out: u64) -> String {
    if left_out > 0 { format!("\n{left_out} more are left out: --limit\n") } else { String::new() }
}

fn price(cost: f64, report: &RotationReport) -> String {
    let currency = report.currency.as_deref().map(output::shown);
    currency.map_or_else(|| format!("{cost:.2}"), |currency| format!("{cost:.2} {currency}"))
}

fn counts(report: &RotationReport) -> Vec<(&'static str, String)> {
    let (rotations, attempts, incidents) = (&report.rotations, &report.attempts, &report.incidents);
    let ended = |succeeded: u64, failed: u64, share: Option<f64>| {
        format!("{succeeded} succeeded, {failed} failed ({})", percent(share))
    };
    let work = &report.work;
    let spent = format!(
        "{} on {} reviewed, {} not reviewed",
        Seconds(work.staff_minutes.saturating_mul(60)),
        work.reviewed,
        work.unreviewed
    );
    let cost = work.cost.map_or_else(String::new, |cost| format!(", cost {}", price(cost, report)));
    vec![
        ("window", format!("{} to {}", output::shown(&report.window.from), output::shown(&report.window.to))),
        ("rotations", ended(rotations.succeeded, rotations.failed, rotations.failure_share)),
        ("attempts", ended(attempts.succeeded, attempts.failed, attempts.failure_share)),
        ("objective", format!("{} %", report.budget.objective)),
        ("  rotations", burn(report.budget.rotations)),
        ("  attempts", burn(report.budget.attempts)),
        (
            "incidents",
            format!("{} opened, {} resolved, {} open", incidents.opened, incidents.resolved, incidents.open),
        ),
        (
            "apart",
            format!(
                "{} never acknowledged, {} never notified, {} withdrawn",
                incidents.never_acknowledged, incidents.never_notified, incidents.withdrawn
            ),
        ),
        ("oldest open", incidents.oldest_open_seconds.map_or_else(|| "-".to_owned(), brief)),
        ("staff time", format!("{spent}{cost}")),
    ]
}

fn group(part: &ReportGroup) -> Vec<String> {
    let change = |of: Option<i64>| of.map_or_else(String::new, |change| format!(" ({change:+})"));
    let (rotations, attempts) = (&part.rotations, &part.attempts);
    let failed = |failed: u64, succeeded: u64| format!("{failed} of {}", failed.saturating_add(succeeded));
    let since = part.change;
    vec![
        output::shown(&part.name),
        failed(rotations.failed, rotations.succeeded) + &change(since.map(|change| change.failed_rotations)),
        failed(attempts.failed, attempts.succeeded) + &change(since.map(|change| change.failed_attempts)),
        format!("{}{}", part.incidents.opened, change(since.map(|change| change.opened))),
        part.incidents.open.to_string(),
        seconds(part.ttr.p50, part.ttr.p50_is_floor),
        seconds(part.ttr.p90, part.ttr.p90_is_floor),
    ]
}

fn spread(name: &str, spread: &Spread) -> Vec<String> {
    vec![
        name.to_owned(),
        spread.n.to_string(),
        spread.completed.to_string(),
        spread.censored.to_string(),
        spread.suspect.to_string(),
        seconds(spread.mean, false),
        seconds(spread.p50, spread.p50_is_floor),
        seconds(spread.p90, spread.p90_is_floor),
        seconds(spread.max, spread.max_is_floor),
    ]
}

/// A figure that may be more has a `>`.
fn seconds(figure: Option<f64>, is_floor: bool) -> String {
    let sign = if is_floor { ">" } else { "" };
    // A duration that no clock shows is none.
    let whole = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX).as_secs();
    figure.map_or_else(
        || "-".to_owned(),
        |seconds| {
            if seconds < 60.0 {
                format!("{sign}{seconds:.1}s")
            } else {
                format!("{sign}{}", brief(whole(seconds)))
            }
        },
    )
}

/// A duration in its two largest units, rounded down: the other forms of the report have all of it.
fn brief(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let (large, small) = match (days, hours, minutes) {
        (0, 0, 0) => return format!("{seconds}s"),
        (0, 0, _) => (format!("{minutes}m"), (seconds % 60, "s")),
        (0, _, _) => (format!("{hours}h"), (minutes % 60, "m")),
        (_, _, _) => (format!("{days}d"), (hours % 24, "h")),
    };
    if small.0 == 0 { large } else { format!("{large}{}{}", small.0, small.1) }
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| Percent(share).to_string())
}

fn burn(burn: Option<Burn>) -> String {
    burn.map_or_else(
        || "-".to_owned(),
        |burn| format!("burn {:.2}, {} of 30 days spent", burn.rate, Percent(burn.spent)),
    )
}

fn standing(report: &StandingReport) -> String {
    let consumers = &report.consumers;
    let behind =
        consumers.behind.iter().map(|(by, count)| format!("; {count} behind by {}", output::shown(by)));
    let behind: String = behind.collect();
    let mut text = output::record([
        ("as of", output::shown(&report.as_of)),
        ("accounts", report.accounts.to_string()),
        ("failing", report.failing.to_string()),
        ("overdue", report.overdue.to_string()),
        ("held", format!("{} by a maintenance of their target", report.held)),
        ("due soon", format!("{} within {}", report.soon, Seconds(report.within_seconds))),
        ("never rotated", report.never_rotated.to_string()),
        (
            "checked out",
            format!("{}, {} beyond their time, {} ending", report.lent, report.lent_late, report.revoking),
        ),
        (
            "consumers",
            format!(
                "{} with the current version, {} with another{behind}",
                consumers.current, consumers.lagging
            ),
        ),
    ]);
    let states: Vec<Vec<String>> =
        report.by_state.iter().map(|(state, count)| vec![output::shown(state), count.to_string()]).collect();
    text.push('\n');
    text.push_str(&output::columns(&["STATE", "ACCOUNTS"], &states));
    if report.leases.as_of.is_some() {
        let kinds = [("of accounts", report.leases.account), ("dynamic", report.leases.dynamic)];
        let rows: Vec<Vec<String>> = kinds
            .map(|(kind, of)| {
                let counts = [of.live, of.overdue, of.stuck].map(|count| count.to_string());
                std::iter::once(kind.to_owned()).chain(counts).collect()
            })
            .to_vec();
        text.push('\n');
        text.push_str(&output::columns(&["LEASES", "LIVE", "OVERDUE", "STUCK"], &rows));
    }
    if report.ages.as_of.is_some() {
        text.push('\n');
        text.push_str(&buckets(&report.ages.buckets));
    }
    text
}

/// How many credentials are how old, by the periods of their policies.
fn buckets(buckets: &[AgeBucket]) -> String {
    let row = |bucket: &AgeBucket| {
        let to = bucket.to.map_or_else(String::new, |to| format!(" to {to}"));
        vec![format!("{}{to}", bucket.from), bucket.accounts.to_string()]
    };
    let rows: Vec<Vec<String>> = buckets.iter().map(row).collect();
    output::columns(&["AGE BY PERIOD", "ACCOUNTS"], &rows)
}

fn ages(report: &AgeReport) -> String {
    let mut text = output::record([
        ("as of", output::shown(&report.as_of)),
        ("accounts", report.accounts.to_string()),
        ("without policy", report.without_policy.to_string()),
        ("without credential", report.without_credential.to_string()),
        ("never rotated", report.never_rotated.to_string()),
    ]);
    let oldest: Vec<Vec<String>> = report
        .oldest
        .iter()
        .map(|account| {
            vec![
                output::shown(&account.account),
                output::shown(&account.target),
                brief(account.age_seconds),
                brief(account.period_seconds),
                format!("{:.2}", account.ratio),
            ]
        })
        .collect();
    text.push('\n');
    text.push_str(&buckets(&report.buckets));
    text.push('\n');
    text.push_str(&output::columns(&["ACCOUNT", "TARGET", "AGE", "PERIOD", "RATIO"], &oldest));
    text + &beyond(report.left_out)
}

fn due(report: &DueReport) -> String {
    let mut text = output::record([
        ("as of", output::shown(&report.as_of)),
        ("accounts", report.accounts.to_string()),
        ("overdue", report.overdue.to_string()),
        ("held", format!("{} by a maintenance of their target", report.held)),
        ("due soon", format!("{} within {}", report.soon, Seconds(report.within_seconds))),
        ("never rotated", report.never_rotated.to_string()),
        ("parked", report.parked.to_string()),
    ]);
    let rows: Vec<Vec<String>> = report
        .listed
        .iter()
        .map(|account| {
            let late = match (account.overdue_seconds, &account.held_until) {
                (_, Some(_)) => "held".to_owned(),
                (Some(late), None) => brief(late),
                (None, None) => "-".to_owned(),
            };
            vec![
                output::shown(&account.account),
                output::shown(&account.target),
                output::shown(&account.state),
                to_the_minute(account.due_at.as_deref()),
                late,
            ]
        })
        .collect();
    text.push('\n');
    text.push_str(&output::columns(&["ACCOUNT", "TARGET", "STATE", "DUE (UTC)", "OVERDUE"], &rows));
    text + &beyond(report.left_out)
}

/// `2026-11-21 03:00` of `2026-11-21T03:00:00Z`.
fn to_the_minute(time: Option<&str>) -> String {
    let Some(time) = time else { return "-".to_owned() };
    let is_plain = time.ends_with('Z') && time.is_ascii();
    let minute = time.get(..16).filter(|_| is_plain);
    minute.map_or_else(|| output::shown(time), |minute| output::shown(&minute.replacen('T', " ", 1)))
}

#[cfg(test)]
mod tests;
