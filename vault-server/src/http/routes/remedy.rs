//! `incidents/<id>/actions` and `incidents/<id>/act/<action>`: what may be pressed about an incident.
//!
//! The right to an incident's path is not the right to the act: that is asked for at the act's own path as well.

mod group;
mod quiet;

use axum::http::StatusCode;
use serde_json::{Value, json};
use vault_api::incident::{ActResponse, ActionStep, IncidentAction, IncidentActions, Runbook};
use vault_core::account::Subject;
use vault_core::id::IncidentId;
use vault_core::incident::IncidentState;
use vault_core::incident::remedy::runbook::{Names, runbook};
use vault_core::incident::remedy::{Action, Foreseen, judge};
use vault_core::path::Name;
use vault_core::policy::Operation;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::service::account::Rotated;
use crate::service::remedy::{Patient, RemedyError};

pub(super) async fn actions(context: Context) -> Result<Answer, ApiError> {
    let patient = patient(&context)?;
    let incident = &patient.incident;
    let book = runbook(incident.class);
    let (mut actions, mut accounts) = (Vec::new(), Vec::new());
    if patient.is_group() && incident.state == IncidentState::Open {
        let beneath = context.app.remedies.beneath(incident)?;
        actions.extend(group::retry_all(&context, incident, &beneath));
        accounts = group::one_by_one(&context, &beneath);
    } else if let Some(subject) = &patient.subject {
        for (remedy, steps) in patient.actions() {
            let path = remedy.action.path(subject, &incident.target);
            actions.push(IncidentAction {
                action: remedy.action.as_str().to_owned(),
                safe: remedy.safe,
                why: remedy.why.to_owned(),
                permitted: permit(&context, &path, None).is_ok(),
                path,
                steps: shown(&steps),
            });
        }
    }
    // A maintenance repairs nothing.
    let nothing = actions.is_empty().then(|| match patient.foresee(Action::Retry) {
        Err(error) => error.to_string(),
        Ok(_) => patient.nothing().to_string(),
    });
    actions.extend(quiet::offered(&context, &patient)?);
    Answer::of(&IncidentActions {
        id: incident.id.to_string(),
        subject: patient.subject.as_ref().map_or_else(|| incident.subject.clone(), Subject::to_string),
        class: incident.class.to_string(),
        runbook: Runbook {
            means: book.means.to_owned(),
            by_itself: book.by_itself.to_owned(),
            commands: typed(&context, &patient)?,
        },
        actions,
        nothing,
        accounts,
    })
}

/// The commands of the runbook with the names of this incident.
fn typed(context: &Context, patient: &Patient) -> Result<Vec<String>, ApiError> {
    let (incident, plugin) = (&patient.incident, context.app.remedies.plugin_of(&patient.incident)?);
    let id = incident.id.to_string();
    let names = Names {
        incident: Some(&id),
        account: match &patient.subject {
            Some(Subject::Account(path)) => Some(path.as_str()),
            Some(Subject::Management(_)) | None => None,
        },
        target: Some(&incident.target),
        is_management: matches!(patient.subject, Some(Subject::Management(_))),
        rotation_policy: patient.rotation_policy().map(Name::as_str),
        plugin: plugin.as_deref(),
    };
    Ok(runbook(incident.class).typed(&names))
}

pub(super) async fn act(context: Context) -> Result<Answer, ApiError> {
    let word = context.request.part("action")?;
    let words = Action::ALL.map(Action::as_str).join(", ");
    let action = Action::parse(word)
        .ok_or_else(|| ApiError::invalid(format!("there is no action {word:?}; there are {words}")))?;
    let patient = patient(&context)?;
    if action == Action::Maintenance {
        return quiet::maintain(&context, patient).await;
    }
    if patient.is_group() && action == Action::Retry {
        return group::act_on_all(&context, &patient).await;
    }
    let Some(subject) = &patient.subject else { return Err(patient.nothing().into()) };
    let fields = context.fields();
    let password = fields.secret("password")?.filter(|password| !password.expose().is_empty());
    // As the act's own path would be asked: with the password and nothing else.
    let data = password.as_ref().map(|password| json!({ "password": password.expose() }));
    permit(&context, &action.path(subject, &patient.incident.target), data.as_ref())?;
    let dry_run = fields.flag("dry_run")?.unwrap_or(false);
    let steps = patient.foresee(action)?;
    let rotated = if dry_run {
        None
    } else {
        let by = &context.caller.principal;
        Some(context.app.remedies.act(&patient, action, password, by).await?)
    };
    let (state, version) = context.app.remedies.standing(subject)?.ok_or(ApiError::NotFound)?;
    let remedy = judge(action, patient.incident.class);
    let answer = Answer::of(&ActResponse {
        action: action.as_str().to_owned(),
        dry_run,
        safe: remedy.safe,
        why: remedy.why.to_owned(),
        steps: shown(&steps),
        outcome: match rotated {
            None => "dry_run",
            Some(Rotated::Done { .. }) => "done",
            Some(Rotated::Running) => "running",
        }
        .to_owned(),
        version,
        state,
        ..ActResponse::default()
    })?;
    Ok(match rotated {
        Some(Rotated::Running) => answer.with_status(StatusCode::ACCEPTED),
        _ => answer,
    })
}

fn patient(context: &Context) -> Result<Patient, ApiError> {
    let id = IncidentId::parse(context.request.part("id")?).ok_or(ApiError::NotFound)?;
    let account = context.fields().text("account")?.filter(|account| !account.is_empty());
    context.app.remedies.look(id, account.as_deref())?.ok_or(ApiError::NotFound)
}

/// Whether the caller may do the act at its own path.
pub(super) fn permit(context: &Context, path: &str, data: Option<&Value>) -> Result<(), ApiError> {
    let acl = context.app.policies.acl(context.caller.token.policies())?;
    let decision = acl.decide_wrapped(path, Operation::Update, data, context.request.wrap_ttl);
    let _meant = decision.authorize().map_err(|_| ApiError::PermissionDenied)?;
    Ok(())
}

fn shown(steps: &[Foreseen]) -> Vec<ActionStep> {
    let word = |step: &Foreseen| {
        let word = serde_json::to_value(step.history?).ok()?;
        word.as_str().map(str::to_owned)
    };
    steps.iter().map(|step| ActionStep { text: step.text.clone(), history: word(step) }).collect()
}

impl From<RemedyError> for ApiError {
    fn from(error: RemedyError) -> Self {
        match error {
            RemedyError::Nothing | RemedyError::Unfit(_) => Self::conflict(error.to_string()),
            RemedyError::NameOne | RemedyError::NoPassword => Self::invalid(error.to_string()),
            RemedyError::Account(error) => error.into(),
            RemedyError::Written(error) => error.into(),
            RemedyError::Load(error) => error.into(),
            RemedyError::Silence(error) => error.into(),
        }
    }
}
