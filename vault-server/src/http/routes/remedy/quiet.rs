//! Saying that the target of an incident is in maintenance.

use vault_api::incident::{ActResponse, IncidentAction};
use vault_core::incident::remedy::{Action, judge, maintenance_path};

use super::{permit, shown};
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::http::routes::silence::said;
use crate::service::remedy::Patient;

/// The action, while the incident is open and about a target.
pub(super) fn offered(context: &Context, patient: &Patient) -> Result<Option<IncidentAction>, ApiError> {
    let Ok(target) = patient.target() else { return Ok(None) };
    let lasts = context.app.silences().maintenance(&target)?;
    let remedy = judge(Action::Maintenance, patient.incident.class);
    let path = maintenance_path(target.as_str());
    Ok(Some(IncidentAction {
        action: remedy.action.as_str().to_owned(),
        safe: remedy.safe,
        why: remedy.why.to_owned(),
        permitted: permit(context, &path, None).is_ok(),
        path,
        steps: shown(&patient.outlook_of(target, lasts.map(|lasts| lasts.until))),
    }))
}

pub(super) async fn maintain(context: &Context, patient: Patient) -> Result<Answer, ApiError> {
    let target = patient.target()?;
    permit(context, &maintenance_path(target.as_str()), None)?;
    let (until, reason) = said(context)?;
    let dry_run = context.fields().flag("dry_run")?.unwrap_or(false);
    let remedy = judge(Action::Maintenance, patient.incident.class);
    let (remedies, by) = (context.app.remedies.clone(), context.caller.principal.display_name().to_owned());
    let (wish, said_by) = ((target.clone(), until, reason.clone()), by.clone());
    let foreseen =
        tokio::task::spawn_blocking(move || remedies.foresee_maintenance(&patient, wish, &said_by));
    let (id, foreseen) = foreseen.await.map_err(|_| ApiError::Internal)??;
    if !dry_run {
        context.app.remedies.maintain(id, target, until, reason, &by).await?;
    }
    Answer::of(&ActResponse {
        action: remedy.action.as_str().to_owned(),
        dry_run,
        safe: remedy.safe,
        why: remedy.why.to_owned(),
        steps: shown(&foreseen),
        outcome: if dry_run { "dry_run" } else { "done" }.to_owned(),
        state: "open".to_owned(),
        until: Some(until.to_rfc3339()),
        ..ActResponse::default()
    })
}
