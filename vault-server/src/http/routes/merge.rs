//! `incidents/<id>/merge` and `incidents/<id>/unmerge`: incidents that have one cause, and those that have not after all.

use vault_api::incident::{ActResponse, ActionStep};
use vault_core::id::IncidentId;

use super::incident::{id, name};
use super::remedy::permit;
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::service::incident::{Both, MergeError, Wish};

pub(super) async fn merge(context: Context) -> Result<Answer, ApiError> {
    let (one, by, dry_run) = (id(&context)?, name(&context), dry_run(&context)?);
    let into = IncidentId::parse(&context.fields().required_text("into")?)
        .ok_or_else(|| ApiError::invalid("into must be the id of an incident"))?;
    // Both are changed.
    permit(&context, &format!("incidents/{into}/merge"), None)?;
    let wish = Wish { at: context.now(), by: &by, dry_run };
    let both = context.app.incidents.merge(one, into, wish).await?;
    acted("merge", dry_run, "merged", steps_together(&both))
}

pub(super) async fn unmerge(context: Context) -> Result<Answer, ApiError> {
    let (one, by, dry_run) = (id(&context)?, name(&context), dry_run(&context)?);
    // Here as well.
    let read = context.app.incidents.read(one)?;
    if let Some(into) = read.and_then(|read| read.merged_into) {
        permit(&context, &format!("incidents/{into}/unmerge"), None)?;
    }
    let wish = Wish { at: context.now(), by: &by, dry_run };
    let both = context.app.incidents.unmerge(one, wish).await?;
    acted("unmerge", dry_run, "unmerged", steps_apart(&both))
}

fn dry_run(context: &Context) -> Result<bool, ApiError> {
    Ok(context.fields().flag("dry_run")?.unwrap_or(false))
}

fn acted(word: &str, dry_run: bool, state: &str, steps: Vec<ActionStep>) -> Result<Answer, ApiError> {
    Answer::of(&ActResponse {
        action: word.to_owned(),
        dry_run,
        safe: true,
        why: "nothing is done on a target, and each incident is still closed by its own verification alone"
            .to_owned(),
        steps,
        outcome: if dry_run { "dry_run" } else { "done" }.to_owned(),
        state: state.to_owned(),
        ..ActResponse::default()
    })
}

fn steps_together(Both { one, other, is_taken }: &Both) -> Vec<ActionStep> {
    let taken = if *is_taken {
        "somebody has that one, and has this from now on"
    } else {
        "who takes that one takes this as well"
    };
    steps([
        format!("the incident of {one} is shown beneath that of {other}, and counts with it as one"),
        format!("it sends no messages of its own that it is open, worse or waits; {taken}"),
        format!(
            "both time lines say so; the incident of {other} is not over before {one} is verified healthy by itself"
        ),
    ])
}

fn steps_apart(Both { one, other, .. }: &Both) -> Vec<ActionStep> {
    steps([
        format!("the incident of {one} stands for itself again: counted, told and escalated by itself"),
        "who had it before it was merged has it again, and nobody else".to_owned(),
        format!(
            "both time lines say so; that of {other} is over if all that it stands for is verified healthy"
        ),
    ])
}

fn steps<const N: usize>(texts: [String; N]) -> Vec<ActionStep> {
    texts.into_iter().map(|text| ActionStep { text, history: None }).collect()
}

impl From<MergeError> for ApiError {
    fn from(error: MergeError) -> Self {
        match error {
            MergeError::NotFound => Self::NotFound,
            MergeError::NoSuchOther(_) | MergeError::Refused(_) => Self::invalid(error.to_string()),
            MergeError::Plan(error) => error.into(),
        }
    }
}
