//! Reports: what failed, how long repair took, how old credentials are and what comes due, as plots and tables.

mod cost;
mod shown;
mod window;

use askama::Template;
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use vault_api::report::{AgeReport, DueReport, ReportGroup, RotationReport};

use self::cost::{Costly, Costs};
use self::shown::{Ages, Dues, Months, Whole};
pub(super) use self::shown::{Burning, Share, ages_drawn, burns, percent, shares};
use self::window::Window;
use super::{Frame, html, state};
use crate::dashboard::visit::{Part, SignedIn, reason};

#[derive(Template)]
#[template(path = "reports.html")]
struct Reports {
    frame: Frame,
    label: String,
    choices: Vec<Choice>,
    whole: Part<Whole>,
    /// By the kind of rotator.
    rotators: Vec<shown::Share>,
    /// By team.
    teams: Vec<shown::Share>,
    months: Part<Months>,
    /// Of the same months.
    costs: Option<Costs>,
    costly: Option<Costly>,
    ages: Part<Ages>,
    dues: Part<Dues>,
    downloads: Vec<Download>,
}

struct Choice {
    word: String,
    label: String,
    is_chosen: bool,
}

struct Download {
    name: &'static str,
    /// The word of each form, and where it is.
    forms: Vec<(&'static str, String)>,
}

/// GET `/ui/reports?window=…`.
pub(in crate::dashboard) async fn show(signed_in: &SignedIn) -> Response<Body> {
    let now = signed_in.visit.now;
    let window = Window::parse(signed_in.visit.asked("window"));
    // All that is about incidents and rotations in one walk over the records.
    let (year, also) = (window.year_query(now), window.also(now));
    let path = format!("reports/rotation?{year}&by=month&durations=true&limit={COSTLY_MAX}&also={also}");
    // Together: each walks the store on a thread of its own.
    let (told, ages, dues) = tokio::join!(
        signed_in.part::<RotationReport>(&path),
        signed_in.part::<AgeReport>("reports/ages?limit=20"),
        signed_in.part::<DueReport>(DUE),
    );
    let part = |word: &str| told.told.as_ref().and_then(|report| report.also.get(word));
    let shares = |word: &str| part(word).map(|report| shown::shares(&report.groups)).unwrap_or_default();
    let choice = |it: Window| Choice { word: it.word(), label: it.label(), is_chosen: it == window };
    let mut choices: Vec<Choice> = Window::all(now).into_iter().map(choice).collect();
    if !choices.iter().any(|choice| choice.is_chosen) {
        choices.push(choice(window.clone()));
    }
    let page = Reports {
        frame: Frame::of(signed_in, "reports", "Reports"),
        label: window.label(),
        choices,
        whole: Part { told: part("target").map(|report| shown::whole(report, now)), why: told.why.clone() },
        rotators: shares("rotator"),
        teams: shares("team"),
        months: Part { told: told.told.as_ref().map(shown::months), why: told.why.clone() },
        costs: told.told.as_ref().map(cost::costs),
        costly: part("account").map(cost::costly),
        ages: Part { told: ages.told.map(|report| shown::ages(report, now)), why: ages.why },
        dues: Part { told: dues.told.map(|report| shown::dues(report, now)), why: dues.why },
        downloads: downloads(&window),
    };
    html(StatusCode::OK, &page)
}

/// This month and the one before.
pub(super) struct Both {
    this: ReportGroup,
    last: ReportGroup,
}

impl Both {
    pub(super) fn each(&self) -> [&ReportGroup; 2] {
        [&self.this, &self.last]
    }
}

/// What failed this month and in the one before, where the token may know.
pub(super) async fn this_and_last(signed_in: &SignedIn) -> Option<Both> {
    let path = "reports/rotation?max_age=1d&by=month";
    let mut groups = signed_in.part::<RotationReport>(path).await.told?.groups;
    Some(Both { this: groups.pop()?, last: groups.pop()? })
}

fn downloads(window: &Window) -> Vec<Download> {
    let window = window.word();
    let download = |(name, word): (&'static str, &'static str)| Download {
        name,
        forms: FORMS
            .map(|(form, _)| {
                (form, format!("/ui/reports/download?report={word}&format={form}&window={window}"))
            })
            .to_vec(),
    };
    KINDS.into_iter().map(download).collect()
}

/// GET `/ui/reports/download?report=…&format=…&window=…`.
pub(in crate::dashboard) async fn download(signed_in: &SignedIn) -> Response<Body> {
    let visit = &signed_in.visit;
    let (kind, form) = (visit.asked("report"), visit.asked("format"));
    let window = Window::parse(visit.asked("window"));
    let Some((_, ending)) = FORMS.into_iter().find(|(word, _)| *word == form) else {
        return state::missing(StatusCode::NOT_FOUND);
    };
    let path = match kind {
        "rotation" => format!("reports/rotation?{}&by=target", window.query(visit.now)),
        "months" => format!("reports/rotation?{}&by=month&durations=true", window.year_query(visit.now)),
        "costly" => format!("reports/rotation?{}&by=account&limit=10000", window.year_query(visit.now)),
        "ages" => "reports/ages?limit=10000".to_owned(),
        "due" => DUE.to_owned(),
        _ => return state::missing(StatusCode::NOT_FOUND),
    };
    let path = format!("{path}&format={form}");
    let (status, content_type, bytes) = match visit.inside.fetch(&signed_in.session.token, &path).await {
        Ok(fetched) => fetched,
        Err(told) => return state::unread(told.status, &reason(&told)),
    };
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let day = visit.now.to_rfc3339();
    let day = day.get(..10).unwrap_or("report");
    let name = format!("attachment; filename=\"rotunda-{kind}-{day}.{ending}\"");
    if let Ok(name) = HeaderValue::try_from(name) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

/// Credentials that are named for what they cost.
const COSTLY_MAX: usize = 10;
/// What comes due within four weeks, with all names.
const DUE: &str = "reports/due?within=28d&limit=10000";
/// The words of the forms, and how files of it end.
const FORMS: [(&str, &str); 3] = [("csv", "csv"), ("json", "json"), ("markdown", "md")];
const KINDS: [(&str, &str); 5] = [
    ("Rotations and incidents, by target", "rotation"),
    ("The same, by month of the last year", "months"),
    ("The same of that year, by account: the costly ones first", "costly"),
    ("Ages of credentials", "ages"),
    ("What is due within four weeks", "due"),
];
