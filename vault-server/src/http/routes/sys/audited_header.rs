//! `sys/config/auditing/request-headers`: which headers of requests get into the audit trail.

use serde_json::{Map, Value, json};

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

pub(in crate::http::routes) async fn all(context: Context) -> Result<Answer, ApiError> {
    let headers = context.app.settings.audited_headers.readable()?;
    let shown: Map<_, _> =
        headers.iter().map(|(name, hmac)| (name.to_owned(), json!({ "hmac": hmac }))).collect();
    Ok(Answer::data(json!({ "headers": shown })).copied_to_top())
}

/// Under the name as it was asked for.
pub(in crate::http::routes) async fn read(context: Context) -> Result<Answer, ApiError> {
    let name = context.request.part("name")?;
    let hmac = context.app.settings.audited_headers.readable()?.get(name);
    let hmac = hmac.ok_or_else(|| ApiError::invalid("Could not find header in config"))?;
    let shown = Map::from_iter([(name.to_owned(), json!({ "hmac": hmac }))]);
    Ok(Answer::data(Value::Object(shown)).copied_to_top())
}

pub(in crate::http::routes) async fn write(context: Context) -> Result<Answer, ApiError> {
    let hmac = context.fields().flag("hmac")?.unwrap_or(false);
    context.app.settings.audit_header(context.request.part("name")?, hmac).await?;
    Ok(Answer::nothing())
}

pub(in crate::http::routes) async fn delete(context: Context) -> Result<Answer, ApiError> {
    context.app.settings.leave_out_header(context.request.part("name")?).await?;
    Ok(Answer::nothing())
}
