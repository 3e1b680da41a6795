//! `reports/…`.

mod also;

use std::time::Duration;

use vault_api::report::RotationReport;
use vault_core::account::Subject;
use vault_core::incident::budget::Objective;
use vault_core::incident::report::{By, MONTHS_MAX, WINDOW_DEFAULT, Window, months};

use super::incident::moment;
use super::team::may_read;
use crate::config::HOURLY_COST_MAX;
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::service::report::sheet::{Sheet, ages, due, rotation, standing};
use crate::service::report::{Asked, Lately, Part, Place, ReportService, Terms, keep_worst};

/// The forms of a report.
#[derive(Clone, Copy)]
enum Form {
    Json,
    Csv,
    Markdown,
}

pub(super) async fn of_rotations(context: Context) -> Result<Answer, ApiError> {
    let (window, by, form) = (window(&context)?, by(&context)?, form(&context)?);
    let worst = worst(&context, by)?;
    if let Some(max_age) = context.fields().duration("max_age")? {
        return recent(&context, max_age, (by, worst), form).await;
    }
    let durations = context.fields().flag("durations")?.unwrap_or(false);
    let terms = Terms { objective: objective(&context)?, hourly_cost: hourly_cost(&context)?, durations };
    let mut asked = vec![Asked { window, by, terms }];
    let words = also::asked(&context, &mut asked)?;
    if !words.is_empty() && !matches!(form, Form::Json) {
        return Err(ApiError::invalid("also is for format=json"));
    }
    for Asked { window, by, .. } in &asked {
        if *by == By::Month && months(*window).last().is_some_and(|(_, last)| last.to < window.as_of()) {
            return Err(ApiError::invalid(format!("by month, a report covers at most {MONTHS_MAX} months")));
        }
    }
    let is_named = asked.iter().any(|asked| asked.by == By::Account);
    let (most, may) = if is_named { (limit(&context)?, Some(may_read(&context)?)) } else { (0, None) };
    let may = move |subject: &Subject| may.as_ref().is_some_and(|may| may(subject));
    let mut reports = read(&context, move |service| service.rotation(&asked, most, may)).await?.into_iter();
    let report = reports.next().ok_or(ApiError::Internal)?;
    let report = RotationReport { also: words.into_iter().zip(reports).collect(), ..report };
    answer(form, &cut(report, worst), rotation)
}

pub(super) async fn ended(context: Context) -> Result<Answer, ApiError> {
    let part = part(&context)?;
    Answer::of(&read(&context, move |service| service.ended(&part)).await?)
}

pub(super) async fn attempts(context: Context) -> Result<Answer, ApiError> {
    let part = part(&context)?;
    Answer::of(&read(&context, move |service| service.attempts(&part)).await?)
}

/// The part of a log that is asked for.
fn part(context: &Context) -> Result<Part, ApiError> {
    let fields = context.fields();
    let limit = fields.count("limit")?.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let after = fields.text("after")?.filter(|after| !after.is_empty());
    let after = after.map(|after| {
        Place::parse(&after).ok_or_else(|| ApiError::invalid("after must be next of the page before"))
    });
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok(Part { window: window(context)?, after: after.transpose()?, limit })
}

/// The report as it was a moment ago.
async fn recent(
    context: &Context,
    max_age: Duration,
    (by, worst): (By, Option<usize>),
    form: Form,
) -> Result<Answer, ApiError> {
    let refused = || ApiError::invalid("with max_age, by must be month, target or rotator, or is left out");
    let lately = Lately::by(by).ok_or_else(refused)?;
    for other in ["from", "to", "objective", "hourly_cost", "durations", "also"] {
        if context.fields().text(other)?.is_some_and(|text| !text.is_empty()) {
            let what = "max_age is for the last 30 days, or for this month and the last";
            return Err(ApiError::invalid(format!("{what}: leave out {other}")));
        }
    }
    let report = read(context, move |service| service.recent(lately, max_age.min(MAX_AGE_MAX))).await?;
    answer(form, &cut(report, worst), rotation)
}

/// The parts that are asked for.
fn cut(mut report: RotationReport, worst: Option<usize>) -> RotationReport {
    if let Some(most) = worst {
        keep_worst(&mut report.groups, most);
    }
    report
}

pub(super) async fn of_standing(context: Context) -> Result<Answer, ApiError> {
    let (form, now) = (form(&context)?, context.now());
    let within = context.fields().duration("within")?.unwrap_or(SOON).min(WITHIN_MAX);
    let report = read(&context, move |service| service.standing(now, within)).await?;
    answer(form, &report, standing)
}

pub(super) async fn of_ages(context: Context) -> Result<Answer, ApiError> {
    let (form, limit, now) = (form(&context)?, limit(&context)?, context.now());
    let report = read(&context, move |service| service.ages(now, limit)).await?;
    answer(form, &report, ages)
}

pub(super) async fn of_due(context: Context) -> Result<Answer, ApiError> {
    let (form, limit, now) = (form(&context)?, limit(&context)?, context.now());
    let within = context.fields().duration("within")?.unwrap_or(SOON).min(WITHIN_MAX);
    let report = read(&context, move |service| service.due(now, within, limit)).await?;
    answer(form, &report, due)
}

/// Reads all records of a kind, so not on a thread that answers requests.
async fn read<T: Send + 'static, E: Into<ApiError> + Send + 'static>(
    context: &Context,
    report: impl FnOnce(&ReportService) -> Result<T, E> + Send + 'static,
) -> Result<T, ApiError> {
    let service = context.app.reports();
    let read = tokio::task::spawn_blocking(move || report(&service)).await;
    read.map_err(|_| ApiError::Internal)?.map_err(Into::into)
}

fn answer<T: serde::Serialize>(
    form: Form,
    report: &T,
    sheet: impl FnOnce(&T) -> Sheet,
) -> Result<Answer, ApiError> {
    Ok(match form {
        Form::Json => return Answer::of(report),
        Form::Csv => Answer::text("text/csv; charset=utf-8", sheet(report).csv()),
        Form::Markdown => Answer::text("text/markdown; charset=utf-8", sheet(report).markdown()),
    })
}

fn window(context: &Context) -> Result<Window, ApiError> {
    let now = context.now();
    let to = moment(context, "to")?.unwrap_or_else(|| Window::until_now(now).to);
    let from = moment(context, "from")?.unwrap_or_else(|| to.minus(WINDOW_DEFAULT));
    if from >= to || !from.is_in_calendar() {
        return Err(ApiError::invalid("from must be before to, and not before the year 0"));
    }
    Ok(Window { from, to, now })
}

fn by(context: &Context) -> Result<By, ApiError> {
    let text = context.fields().text("by")?.unwrap_or_default();
    let refused = || ApiError::invalid("by must be class, target, rotator, team, account or month");
    parts(&text).ok_or_else(refused)
}

/// What a word says that a report is divided by.
fn parts(word: &str) -> Option<By> {
    Some(match word {
        "" => By::Whole,
        "class" => By::Class,
        "target" => By::Target,
        "rotator" => By::Rotator,
        "team" => By::Team,
        "account" => By::Account,
        "month" => By::Month,
        _ => return None,
    })
}

/// How many of the parts are asked for; `None` for all, by name.
fn worst(context: &Context, by: By) -> Result<Option<usize>, ApiError> {
    let Some(most) = context.fields().count("worst")? else { return Ok(None) };
    if !matches!(by, By::Target | By::Rotator) {
        return Err(ApiError::invalid("worst is for by=target and by=rotator"));
    }
    Ok(Some(usize::try_from(most).unwrap_or(usize::MAX)))
}

fn form(context: &Context) -> Result<Form, ApiError> {
    Ok(match context.fields().text("format")?.as_deref() {
        None | Some("" | "json") => Form::Json,
        Some("csv") => Form::Csv,
        Some("markdown") => Form::Markdown,
        Some(_) => return Err(ApiError::invalid("format must be json, csv or markdown")),
    })
}

/// Per cent, with at most four digits after the point.
fn objective(context: &Context) -> Result<Objective, ApiError> {
    let Some(text) = context.fields().text("objective")?.filter(|text| !text.is_empty()) else {
        return Ok(Objective::default());
    };
    decimal(&text, 4)
        .and_then(|millionths| Objective::from_millionths(u32::try_from(millionths).ok()?))
        .ok_or_else(|| ApiError::invalid("objective must be per cent such as 99.5, above 0 and below 100"))
}

/// In hundredths.
fn hourly_cost(context: &Context) -> Result<Option<u64>, ApiError> {
    let text = context.fields().text("hourly_cost")?.filter(|text| !text.is_empty());
    let cost = text.map(|text| decimal(&text, 2).filter(|hundredths| *hundredths <= HOURLY_COST_MAX));
    cost.map(|cost| {
        cost.ok_or_else(|| ApiError::invalid("hourly_cost must be a number such as 85.50, at most 1000000"))
    })
    .transpose()
}

/// A plain number with at most `digits` digits after the point, without the point.
fn decimal(text: &str, digits: usize) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = !whole.is_empty() && part.len() <= digits && is_digits(whole) && is_digits(part);
    format!("{whole}{part:0<digits$}").parse().ok().filter(|_| is_plain)
}

fn limit(context: &Context) -> Result<usize, ApiError> {
    let Some(text) = context.fields().text("limit")?.filter(|text| !text.is_empty()) else {
        return Ok(LISTED_DEFAULT);
    };
    let limit = text.parse().ok().filter(|limit| *limit <= LISTED_MAX);
    limit.ok_or_else(|| ApiError::invalid(format!("limit must be a number of at most {LISTED_MAX}")))
}

/// Records of a log that are told at a time, at most.
const PAGE_MAX: u64 = 1000;
/// The oldest answer that anybody may want.
const MAX_AGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// What counts as soon when nothing is asked for.
const SOON: Duration = Duration::from_secs(24 * 60 * 60);
const WITHIN_MAX: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);
/// Accounts that are named when nothing is asked for.
const LISTED_DEFAULT: usize = 100;
const LISTED_MAX: usize = 10_000;
