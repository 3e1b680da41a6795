//! The first screen: what is broken, who has it, since when, and which button is safe.

mod below;

use askama::Template;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use vault_api::incident::{Incident, IncidentActions, IncidentList};
use vault_api::report::{RotationReport, Spread, StandingReport};
use vault_core::clock::Timestamp;

use self::below::{Aged, Device, Leases, Success, aged, leases, success, trail};
use super::reports::{Both, this_and_last};
use super::{Frame, html, incident_id};
use crate::dashboard::time::{When, figure, seconds, span};
use crate::dashboard::visit::{Part, SignedIn};

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    frame: Frame,
    incidents: Part<Broken>,
    report: Part<Figures>,
    accounts: Part<Tally>,
    /// This month beside the one before.
    months: Option<Both>,
    success: Option<Success>,
    audit: Part<Vec<Device>>,
}

/// What is open.
struct Broken {
    rows: Vec<Row>,
    total: usize,
    unacknowledged: usize,
}

/// An open incident.
struct Row {
    id: String,
    subject: String,
    target: String,
    /// How many are under it, when it is about a target.
    accounts: u64,
    /// How many others are merged into it.
    merged: usize,
    class: String,
    phase: String,
    detail: String,
    severity: String,
    since: When,
    owner: Option<String>,
    /// Whose it is as long as nobody has it.
    team: Option<String>,
    acknowledged: Option<When>,
    attempts: u64,
    next: Option<When>,
    /// What the vault did last by itself, and when.
    acted: Option<(String, When)>,
    silenced: Option<Quiet>,
    /// Looked up for a few only.
    press: Option<Press>,
}

/// Why nobody is told.
pub(super) struct Quiet {
    pub(super) mode: String,
    pub(super) until: When,
    pub(super) by: String,
    pub(super) reason: String,
}

/// What may be pressed.
struct Press {
    safe: Vec<Button>,
    /// How many there are that need a thought.
    others: usize,
}

struct Button {
    word: String,
    label: String,
}

/// The report of the last thirty days.
struct Figures {
    report: RotationReport,
    from: When,
    to: When,
    spreads: Vec<Line>,
    oldest: Option<String>,
}

struct Line {
    short: &'static str,
    name: &'static str,
    from_to: &'static str,
    n: u64,
    open: u64,
    mean: String,
    p50: String,
    p90: String,
    max: String,
}

/// How accounts stand.
struct Tally {
    at: When,
    leases: Option<Leases>,
    ages: Option<Aged>,
    report: StandingReport,
}

pub(in crate::dashboard) async fn show(signed_in: &SignedIn) -> Response<Body> {
    let now = signed_in.visit.now;
    let frame = Frame::of(signed_in, "overview", "Overview");
    let frame = Frame { is_reloaded: true, ..frame.refreshed("/ui/?auto=1".to_owned()) };
    let list: Part<IncidentList> =
        signed_in.part(&format!("incidents?state=open&order=exposure&limit={ROWS_MAX}")).await;
    let mut incidents = Part { told: list.told.map(|list| broken(list, now)), why: list.why };
    let mut rows: Vec<&mut Row> = incidents.told.iter_mut().flat_map(|broken| &mut broken.rows).collect();
    // What nobody has and nobody keeps quiet comes first.
    rows.sort_by_key(|row| row.silenced.is_some() || row.acknowledged.is_some());
    for row in rows.into_iter().take(PRESSED_ROWS) {
        row.press = press(signed_in, &row.id).await;
    }
    let report: Part<RotationReport> =
        signed_in.part(&format!("reports/rotation?max_age={FIGURES_AGE_MAX}")).await;
    // Who may not read the one may not read the others, and is asked about once.
    let (months, success) = match &report.told {
        Some(whole) => (this_and_last(signed_in).await, Some(success(signed_in, whole).await)),
        None => (None, None),
    };
    let report = Part { told: report.told.map(|report| figures(report, now)), why: report.why };
    let standing: Part<StandingReport> = signed_in.part("reports/standing").await;
    let accounts = Part { told: standing.told.map(|report| tally(report, now)), why: standing.why };
    let audit = trail(signed_in).await;
    html(StatusCode::OK, &Overview { frame, incidents, report, accounts, months, success, audit })
}

fn tally(report: StandingReport, now: Timestamp) -> Tally {
    Tally {
        at: When::of(Some(&report.as_of), now, ""),
        leases: leases(&report, now),
        ages: aged(&report, now),
        report,
    }
}

fn broken(list: IncidentList, now: Timestamp) -> Broken {
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    Broken {
        total: count(list.total),
        unacknowledged: count(list.unacknowledged),
        rows: list.incidents.into_iter().map(|incident| row(incident, now)).collect(),
    }
}

fn row(incident: Incident, now: Timestamp) -> Row {
    let known = |at: Option<String>| at.map(|at| When::of(Some(&at), now, ""));
    Row {
        since: When::of(Some(&incident.opened_at), now, "unknown"),
        acknowledged: known(incident.acknowledged_at),
        next: known(incident.next_attempt),
        acted: incident.last_act.map(|act| (act.text, When::of(Some(&act.at), now, ""))),
        silenced: incident.silenced.map(|silenced| quiet(silenced, now)),
        detail: incident.detail.unwrap_or_default(),
        id: incident.id,
        subject: incident.subject,
        accounts: incident.accounts_open.unwrap_or(0),
        merged: incident.merged.len(),
        target: incident.target,
        class: incident.class,
        severity: incident.severity,
        phase: incident.phase,
        owner: incident.owner,
        team: incident.team,
        attempts: incident.attempts,
        press: None,
    }
}

pub(super) fn quiet(silenced: vault_api::silence::Silenced, now: Timestamp) -> Quiet {
    Quiet {
        until: When::of(Some(&silenced.until), now, ""),
        mode: silenced.mode,
        by: silenced.by,
        reason: silenced.reason,
    }
}

/// What fits one incident, as far as the caller may press it.
async fn press(signed_in: &SignedIn, id: &str) -> Option<Press> {
    let actions: IncidentActions =
        signed_in.part(&format!("incidents/{}/actions", incident_id(id)?)).await.told?;
    let (safe, others): (Vec<_>, Vec<_>) =
        actions.actions.into_iter().filter(|action| action.permitted).partition(|action| action.safe);
    let safe = safe
        .into_iter()
        .map(|action| Button { label: super::act::label(&action.action), word: action.action });
    Some(Press { safe: safe.collect(), others: others.len() })
}

fn figures(report: RotationReport, now: Timestamp) -> Figures {
    let line = |short, name, from_to, spread: &Spread| Line {
        short,
        name,
        from_to,
        n: spread.n,
        open: spread.censored,
        mean: seconds(spread.mean),
        p50: figure(spread.p50, spread.p50_is_floor),
        p90: figure(spread.p90, spread.p90_is_floor),
        max: figure(spread.max, spread.max_is_floor),
    };
    let spreads = vec![
        line("MTTD", "to detect", "fault to incident", &report.ttd),
        line("MTTA", "to acknowledge", "incident to somebody taking it", &report.tta),
        line("MTTM", "to mitigate", "incident to consumers served again", &report.ttm),
        line("MTTR", "to remediate", "incident to verified repair", &report.ttr),
    ];
    let oldest = report.incidents.oldest_open_seconds.map(|age| span(std::time::Duration::from_secs(age)));
    Figures {
        from: When::of(Some(&report.window.from), now, ""),
        to: When::of(Some(&report.window.to), now, ""),
        spreads,
        oldest,
        report,
    }
}

/// Rows of the first screen; the rest is counted.
const ROWS_MAX: usize = 100;
/// How old the figures of the last thirty days may be: nobody waits for them, and they are told with their time. Who
/// looks has them added up anew for the next look, and so has the clock, long before they are as old as that.
const FIGURES_AGE_MAX: &str = "1d";
/// Each costs a request of its own, which is in the trail.
const PRESSED_ROWS: usize = 5;
