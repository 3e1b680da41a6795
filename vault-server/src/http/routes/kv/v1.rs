//! Version 1: the whole body is the secret.

use std::time::Duration;

use serde_json::Value;
use vault_core::kv::Data;
use vault_core::schedule::span;

use super::{Target, exists_by};
use crate::app::App;
use crate::http::answer::{Answer, Renewable};
use crate::http::context::{Context, Request};
use crate::http::error::ApiError;

pub(super) fn exists(app: &App, request: &Request) -> Result<bool, ApiError> {
    exists_by(app, request, |app, place| Ok(app.kv.has_plain(place)?))
}

/// The lease is a hint when to read again, and nothing that could be renewed or revoked.
pub(super) async fn read(context: Context) -> Result<Answer, ApiError> {
    let target = Target::of(&context.request)?;
    let secret = context.app.kv.read_plain(target.place())?.ok_or(ApiError::NotFound)?;
    let tuning = &target.mount.tuning;
    let default = tuning.default_ttl.unwrap_or(context.app.config.default_ttl);
    let longest = tuning.max_ttl.unwrap_or(context.app.config.max_ttl);
    let lease = own_ttl(&secret.data).unwrap_or(default).min(longest);
    Ok(Answer::data(secret.data.into_exposed()).with_lease("", lease, Renewable::No))
}

/// What the writer put in as `ttl` or `lease`, when it is a duration.
fn own_ttl(data: &Data) -> Option<Duration> {
    let value: &Value = data.get("ttl").or_else(|| data.get("lease"))?;
    span::from_json(value).ok().flatten()
}

pub(super) async fn write(context: Context) -> Result<Answer, ApiError> {
    let target = Target::of(&context.request)?;
    if context.fields().is_empty() {
        return Err(ApiError::invalid("missing data fields"));
    }
    let data = super::object(context.fields().object(), "data")?;
    context.app.kv.write_plain(target.place(), &data, context.now()).await?;
    Ok(Answer::nothing())
}

pub(super) async fn delete(context: Context) -> Result<Answer, ApiError> {
    let target = Target::of(&context.request)?;
    context.app.kv.delete_plain(target.place()).await?;
    Ok(Answer::nothing())
}
