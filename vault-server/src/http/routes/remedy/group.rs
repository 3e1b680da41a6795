//! What may be pressed about the incident of a target: for all that is beneath it, and for each of them.

use axum::http::StatusCode;
use vault_api::incident::{AccountAction, AccountActions, ActResponse, ActionStep, IncidentAction};
use vault_core::account::Subject;
use vault_core::incident::remedy::{Action, Remedy, Unfit, judge};
use vault_core::incident::{Incident, IncidentState};

use super::permit;
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::service::remedy::{Patient, RemedyError};

/// Whether a retry fits one of those beneath a target's incident.
fn is_retriable(patient: &Patient) -> bool {
    patient.foresee(Action::Retry).is_ok()
}

fn may_retry(context: &Context, patient: &Patient) -> bool {
    let target = &patient.incident.target;
    let path = patient.subject.as_ref().map(|subject| Action::Retry.path(subject, target));
    path.is_some_and(|path| permit(context, &path, None).is_ok())
}

/// What the one action that is for all of them would do.
pub(super) fn retry_all(
    context: &Context,
    incident: &Incident,
    beneath: &[Patient],
) -> Option<IncidentAction> {
    let fitting: Vec<&Patient> = beneath.iter().filter(|patient| is_retriable(patient)).collect();
    let first = fitting.iter().find_map(|patient| patient.subject.as_ref())?;
    let permitted = fitting.iter().filter(|patient| may_retry(context, patient)).count();
    let remedy = judge(Action::Retry, incident.class);
    Some(IncidentAction {
        action: remedy.action.as_str().to_owned(),
        safe: remedy.safe,
        why: remedy.why.to_owned(),
        permitted: permitted > 0,
        path: Action::Retry.path(first, &incident.target),
        // What it would do for this caller; to who may do nothing, what it is for.
        steps: vec![tries(if permitted > 0 { permitted } else { fitting.len() })],
    })
}

/// What may be pressed for each of the first of those beneath it. By the management credential all others stand or fall,
/// so it is the first of all.
pub(super) fn one_by_one(context: &Context, beneath: &[Patient]) -> Vec<AccountActions> {
    let mut named: Vec<(&Subject, &Patient)> =
        beneath.iter().filter_map(|patient| Some((patient.subject.as_ref()?, patient))).collect();
    named.sort_by_key(|(subject, _)| matches!(subject, Subject::Account(_)));
    let action = |subject: &Subject, target: &str, remedy: &Remedy| AccountAction {
        action: remedy.action.as_str().to_owned(),
        safe: remedy.safe,
        permitted: permit(context, &remedy.action.path(subject, target), None).is_ok(),
    };
    named
        .into_iter()
        .take(ACCOUNTS_MAX)
        .map(|(subject, patient)| AccountActions {
            account: subject.to_string(),
            class: patient.incident.class.to_string(),
            actions: patient
                .remedies()
                .iter()
                .map(|remedy| action(subject, &patient.incident.target, remedy))
                .collect(),
        })
        .collect()
}

fn tries(count: usize) -> ActionStep {
    ActionStep {
        text: format!("tries {count} accounts at once, as many at a time as the target takes"),
        history: None,
    }
}

/// Tries those beneath a target's incident that the caller may rotate.
pub(super) async fn act_on_all(context: &Context, patient: &Patient) -> Result<Answer, ApiError> {
    let incident = &patient.incident;
    if incident.state == IncidentState::Closed {
        return Err(RemedyError::Unfit(Unfit::Closed).into());
    }
    let mut fitting = context.app.remedies.beneath(incident)?;
    let count = fitting.len();
    fitting.retain(is_retriable);
    let is_any = !fitting.is_empty();
    let permitted: Vec<Patient> = fitting.into_iter().filter(|patient| may_retry(context, patient)).collect();
    if is_any && permitted.is_empty() {
        return Err(ApiError::PermissionDenied);
    }
    let dry_run = context.fields().flag("dry_run")?.unwrap_or(false);
    let steps = vec![tries(permitted.len())];
    let accounts = if dry_run {
        permitted.len() as u64
    } else {
        let by = &context.caller.principal;
        context.app.remedies.retry_all(incident.id, &permitted, by).await?
    };
    let remedy = judge(Action::Retry, incident.class);
    let answer = Answer::of(&ActResponse {
        action: remedy.action.as_str().to_owned(),
        dry_run,
        safe: remedy.safe,
        why: remedy.why.to_owned(),
        steps,
        outcome: if dry_run { "dry_run" } else { "running" }.to_owned(),
        state: "open".to_owned(),
        accounts: Some(accounts),
        left_alone: Some((count as u64).saturating_sub(accounts)),
        ..ActResponse::default()
    })?;
    Ok(if dry_run { answer } else { answer.with_status(StatusCode::ACCEPTED) })
}

/// Accounts that are told of one by one. Each can be asked for by its name.
const ACCOUNTS_MAX: usize = 50;
