//! `silences/…` and `targets/maintenance/…`.

use vault_api::silence::{Silence, SilenceList};
use vault_core::clock::Timestamp;
use vault_core::id::SilenceId;
use vault_core::path::Name;
use vault_core::silence::{Ask, Mode, PATTERN_BYTES_MAX, REASON_BYTES_MAX, Scope};

use super::incident::moment;
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::service::silence::{SilenceError, SilenceService};

pub(super) async fn list(context: Context) -> Result<Answer, ApiError> {
    Answer::of(&SilenceList { silences: context.app.silences().list()? })
}

pub(super) async fn make(context: Context) -> Result<Answer, ApiError> {
    let fields = context.fields();
    let target = fields.text("target")?.filter(|text| !text.is_empty());
    let accounts = fields.bounded_text("accounts", PATTERN_BYTES_MAX)?.filter(|text| !text.is_empty());
    let scope = match (target, accounts) {
        (Some(target), None) => Scope::Target(Name::parse(&target)?),
        (None, Some(pattern)) => Scope::Accounts(pattern),
        _ => return Err(ApiError::invalid("say what it is about: a target, or accounts by a pattern")),
    };
    let mode = match fields.text("mode")?.filter(|word| !word.is_empty()) {
        None => Mode::Silence,
        Some(word) => {
            Mode::parse(&word).ok_or_else(|| ApiError::invalid("mode must be silence or maintenance"))?
        }
    };
    let from = moment(&context, "from")?;
    let until = until(&context, from.unwrap_or_else(|| context.now()))?;
    let ask = Ask { scope, mode, from, until, reason: reason(&context)? };
    if !dry_run(&context)? {
        return Answer::of(&context.app.silences().make(ask, by(&context)).await?);
    }
    foreseen(&context, move |service, by| service.would_make(ask, by)).await
}

pub(super) async fn read(context: Context) -> Result<Answer, ApiError> {
    Answer::of(&context.app.silences().read(id(&context)?)?)
}

pub(super) async fn end(context: Context) -> Result<Answer, ApiError> {
    context.app.silences().end(id(&context)?, by(&context)).await?;
    Ok(Answer::nothing())
}

pub(super) async fn maintain(context: Context) -> Result<Answer, ApiError> {
    let target = context.request.name("name")?;
    let (until, reason) = said(&context)?;
    if !dry_run(&context)? {
        return Answer::of(&context.app.silences().maintain(target, until, reason, by(&context)).await?);
    }
    foreseen(&context, move |service, by| service.would_maintain(target, until, reason, by)).await
}

pub(super) async fn maintenance(context: Context) -> Result<Answer, ApiError> {
    let lasts = context.app.silences().maintenance(&context.request.name("name")?)?;
    Answer::of(&context.app.silences().read(lasts.ok_or(ApiError::NotFound)?.id)?)
}

pub(super) async fn end_maintenance(context: Context) -> Result<Answer, ApiError> {
    let (service, target) = (context.app.silences(), context.request.name("name")?);
    let mut lasts = service.maintenance(&target)?;
    if lasts.is_none() {
        return Err(ApiError::NotFound);
    }
    // There may be several, made one by one: who says that it is over means all of them.
    while let Some(one) = lasts {
        service.end(one.id, by(&context)).await?;
        lasts = service.maintenance(&target)?;
    }
    Ok(Answer::nothing())
}

/// The end and the reason of a maintenance.
pub(super) fn said(context: &Context) -> Result<(Timestamp, String), ApiError> {
    Ok((until(context, context.now())?, reason(context)?))
}

fn dry_run(context: &Context) -> Result<bool, ApiError> {
    Ok(context.fields().flag("dry_run")?.unwrap_or(false))
}

/// What would be made, told by who looks at each account of a target for that.
async fn foreseen(
    context: &Context,
    look: impl FnOnce(&SilenceService, &str) -> Result<Silence, SilenceError> + Send + 'static,
) -> Result<Answer, ApiError> {
    let (service, by) = (context.app.silences(), by(context).to_owned());
    let would = tokio::task::spawn_blocking(move || look(&service, &by));
    Answer::of(&would.await.map_err(|_| ApiError::Internal)??)
}

/// The end that is asked for: `until`, or `for` so long after `from`.
fn until(context: &Context, from: Timestamp) -> Result<Timestamp, ApiError> {
    match (moment(context, "until")?, context.fields().duration("for")?) {
        (Some(until), None) => Ok(until),
        (None, Some(span)) => Ok(from.plus(span)),
        _ => Err(ApiError::invalid("say when it ends: until, or for how long; none lasts for ever")),
    }
}

fn reason(context: &Context) -> Result<String, ApiError> {
    context.fields().bounded_text("reason", REASON_BYTES_MAX)?;
    context.fields().required_text("reason")
}

fn by(context: &Context) -> &str {
    context.caller.principal.display_name()
}

fn id(context: &Context) -> Result<SilenceId, ApiError> {
    SilenceId::parse(context.request.part("id")?).ok_or(ApiError::NotFound)
}
