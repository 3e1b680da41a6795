//! Saying that the target of an incident is in maintenance.

use serde_json::Value;
use vault_api::incident::{ActResponse, IncidentAction};
use vault_core::incident::remedy::{Action, judge, maintenance_path};
use vault_core::policy::Capability;

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
        permitted: may_at_all(context, &path)?,
        path,
        steps: shown(&patient.outlook_of(target, lasts.map(|lasts| lasts.until))),
    }))
}

/// Whether the caller may declare any maintenance of it: what exactly is decided when it is said.
fn may_at_all(context: &Context, path: &str) -> Result<bool, ApiError> {
    let acl = context.app.policies.acl(context.caller.token.policies())?;
    let may = acl.capabilities(path);
    Ok(may.iter().any(|may| matches!(may, Capability::Root | Capability::Update)))
}

pub(super) async fn maintain(context: &Context, patient: Patient) -> Result<Answer, ApiError> {
    let target = patient.target()?;
    // As the target's own path would be asked, which may let somebody say some things only.
    let asked = |name: &str| Some((name.to_owned(), context.fields().value(name)?.clone()));
    let data = ["for", "until", "reason", "dry_run"].into_iter().filter_map(asked).collect();
    permit(context, &maintenance_path(target.as_str()), Some(&Value::Object(data)))?;
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
