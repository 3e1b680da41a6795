//! `incidents/…`.

use vault_api::incident::{Incident, IncidentList};
use vault_core::clock::Timestamp;
use vault_core::id::IncidentId;
use vault_core::incident::entry::Cause;
use vault_core::incident::ledger::LedgerEvent;
use vault_core::policy::Operation;

use super::team::whose;
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::service::incident::{Listed, Order, RecordError, Which};

pub(super) async fn list(context: Context) -> Result<Answer, ApiError> {
    let which = match context.fields().text("state")?.as_deref() {
        None | Some("" | "open") => Which::Open,
        Some("closed") => Which::Closed,
        Some("all") => Which::All,
        Some(_) => return Err(ApiError::invalid("state must be open, closed or all")),
    };
    let order = match context.fields().text("order")?.as_deref() {
        None | Some("" | "opened") => Order::Opened,
        Some("exposure") => Order::Exposure,
        Some(_) => return Err(ApiError::invalid("order must be opened or exposure")),
    };
    let limit = context.fields().count("limit")?.filter(|limit| *limit > 0);
    let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let (service, silences, whose) =
        (context.app.incidents.clone(), context.app.silences(), whose(&context)?);
    let listed = tokio::task::spawn_blocking(move || {
        let mut listed = service.list(which, &whose, order, limit)?;
        silences.mark(&mut listed.part)?;
        Ok::<_, ApiError>(listed)
    });
    let Listed { part, total, unacknowledged } = listed.await.map_err(|_| ApiError::Internal)??;
    let (total, unacknowledged) = (total as u64, unacknowledged as u64);
    Answer::of(&IncidentList { incidents: part, total, unacknowledged })
}

pub(super) async fn read(context: Context) -> Result<Answer, ApiError> {
    marked(&context, context.app.incidents.read(id(&context)?)?)
}

fn permit_read(context: &Context, path: &str) -> Result<(), ApiError> {
    let acl = context.app.policies.acl(context.caller.token.policies())?;
    let _read =
        acl.decide(path, Operation::Read, None).authorize().map_err(|_| ApiError::PermissionDenied)?;
    Ok(())
}

pub(super) async fn ack(context: Context) -> Result<Answer, ApiError> {
    let (incident, at, by) = (id(&context)?, context.now(), name(&context));
    record(&context, &LedgerEvent::Acknowledged { incident, at, by }).await
}

pub(super) async fn assign(context: Context) -> Result<Answer, ApiError> {
    let (incident, at, by) = (id(&context)?, context.now(), name(&context));
    let owner = required(&context, "owner", OWNER_BYTES_MAX)?;
    record(&context, &LedgerEvent::Assigned { incident, at, by, owner }).await
}

pub(super) async fn note(context: Context) -> Result<Answer, ApiError> {
    let (incident, at, by) = (id(&context)?, context.now(), name(&context));
    let text = required(&context, "text", NOTE_BYTES_MAX)?;
    let staff_minutes = minutes(&context)?;
    record(&context, &LedgerEvent::Note { incident, at, by, text, staff_minutes }).await
}

pub(super) async fn review(context: Context) -> Result<Answer, ApiError> {
    let (incident, at, by) = (id(&context)?, context.now(), name(&context));
    let cause = context.fields().required_text("cause")?;
    let cause = Cause::parse(&cause).ok_or_else(|| {
        let words: Vec<&str> = Cause::ALL.into_iter().map(Cause::word).collect();
        ApiError::invalid(format!("cause must be one of {}", words.join(", ")))
    })?;
    let text = required(&context, "text", NOTE_BYTES_MAX)?;
    let staff_minutes = minutes(&context)?;
    record(&context, &LedgerEvent::Reviewed { incident, at, by, cause, text, staff_minutes }).await
}

pub(super) async fn events(context: Context) -> Result<Answer, ApiError> {
    let fields = context.fields();
    let limit = fields.count("limit")?.unwrap_or(LINES_MAX).clamp(1, LINES_MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let found = context.app.incidents.events(id(&context)?, fields.count("after")?, limit)?;
    Answer::of(&found.ok_or(ApiError::NotFound)?)
}

pub(super) async fn accounts(context: Context) -> Result<Answer, ApiError> {
    let fields = context.fields();
    let limit = fields.count("limit")?.unwrap_or(LINES_MAX).clamp(1, LINES_MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let after = fields.text("after")?.filter(|after| !after.is_empty());
    let found = context.app.incidents.members(id(&context)?, after.as_deref(), limit)?;
    Answer::of(&found.ok_or(ApiError::NotFound)?)
}

/// Minutes of work that a note or review tells of.
fn minutes(context: &Context) -> Result<u32, ApiError> {
    let minutes = context.fields().count("staff_minutes")?.unwrap_or(0);
    u32::try_from(minutes).ok().filter(|minutes| *minutes <= MINUTES_MAX).ok_or_else(|| {
        ApiError::invalid(format!("staff_minutes must be at most {MINUTES_MAX}: a year of one person"))
    })
}

async fn record(context: &Context, event: &LedgerEvent) -> Result<Answer, ApiError> {
    let written = context.app.incidents.record(event).await.map_err(|error| match error {
        RecordError::State(text) => ApiError::conflict(text.to_owned()),
        RecordError::Plan(error) => error.into(),
    })?;
    marked(context, written)
}

/// An incident, with the silence that it is under.
fn marked(context: &Context, incident: Option<Incident>) -> Result<Answer, ApiError> {
    let mut incident = incident.ok_or(ApiError::NotFound)?;
    // Of those beneath it only what the caller may look at, alone or in the list.
    if permit_read(context, "incidents").is_err() {
        incident.merged.retain(|one| permit_read(context, &format!("incidents/{}", one.id)).is_ok());
    }
    context.app.silences().mark(std::slice::from_mut(&mut incident))?;
    Answer::of(&incident)
}

pub(super) fn id(context: &Context) -> Result<IncidentId, ApiError> {
    IncidentId::parse(context.request.part("id")?).ok_or(ApiError::NotFound)
}

pub(super) fn name(context: &Context) -> String {
    context.caller.principal.display_name().to_owned()
}

fn required(context: &Context, field: &str, bytes_max: usize) -> Result<String, ApiError> {
    context.fields().bounded_text(field, bytes_max)?;
    let text = context.fields().required_text(field)?;
    if text.trim().is_empty() {
        return Err(ApiError::invalid(format!("'{field}' is blank")));
    }
    Ok(text)
}

/// An RFC 3339 instant, or whole seconds since 1970.
pub(super) fn moment(context: &Context, field: &str) -> Result<Option<Timestamp>, ApiError> {
    let text = context.fields().text(field)?.filter(|text| !text.is_empty());
    text.map(|text| moment_of(field, &text)).transpose()
}

/// Reads a time that was given as `field`.
pub(super) fn moment_of(field: &str, text: &str) -> Result<Timestamp, ApiError> {
    let parsed = match text.parse::<i64>() {
        Ok(seconds) => Some(Timestamp::from_secs(seconds)).filter(|at| at.is_in_calendar()),
        Err(_) => Timestamp::parse_rfc3339(text),
    };
    parsed.ok_or_else(|| {
        ApiError::invalid(format!(
            "{field} must be a time such as 2026-11-21T00:00:00Z, or seconds since 1970"
        ))
    })
}

const OWNER_BYTES_MAX: usize = 256;
/// Longest note: an incident full of them still fits in one commit beside everything else.
const NOTE_BYTES_MAX: usize = 2048;
/// Lines of a time line that are told at a time, at most.
const LINES_MAX: u64 = 1000;
/// Most minutes of work that one note or review tells of.
const MINUTES_MAX: u32 = 525_600;
