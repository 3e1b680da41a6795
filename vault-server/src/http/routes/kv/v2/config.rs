//! `config`: what holds for every secret of the mount.

use vault_core::kv::DeleteAfter;

use super::{After, delete_version_after, max_versions, shown};
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

pub(in crate::http::routes::kv) async fn read(context: Context) -> Result<Answer, ApiError> {
    Ok(Answer::data(shown::settings(&context.request.mount()?.kv)))
}

pub(in crate::http::routes::kv) async fn write(context: Context) -> Result<Answer, ApiError> {
    let fields = context.fields();
    let cas_required = fields.flag("cas_required")?;
    let max_versions = max_versions(fields)?;
    let delete_after = delete_version_after(fields)?.map(|after| match after {
        After::Never => DeleteAfter::Disabled,
        After::Span(span) if span.is_zero() => DeleteAfter::Unset,
        After::Span(span) => DeleteAfter::After(span),
    });
    let decide = move |settings: &mut vault_core::kv::MountSettings| {
        settings.cas_required = cas_required.unwrap_or(settings.cas_required);
        settings.max_versions = max_versions.unwrap_or(settings.max_versions);
        settings.delete_after = delete_after.unwrap_or(settings.delete_after);
    };
    context.app.mounts.configure_kv(context.request.mount()?.id, decide).await?;
    Ok(Answer::nothing())
}
