//! `cubbyhole/<path>`: each token's own place.

use vault_core::secret::SecretString;

use crate::app::App;
use crate::http::answer::Answer;
use crate::http::context::{Context, Request};
use crate::http::error::ApiError;
use crate::service::token::Caller;

/// Whether the caller has something there.
pub(super) fn exists(app: &App, request: &Request, caller: &Caller) -> Result<bool, ApiError> {
    Ok(app.cubbyholes.has(caller, request.part("path")?)?)
}

pub(super) async fn read(context: Context) -> Result<Answer, ApiError> {
    let stored = context.app.cubbyholes.read(&context.caller, context.request.part("path")?)?;
    let object = stored.ok_or(ApiError::NotFound)?;
    serde_json::from_str(object.expose()).map(Answer::data).map_err(|_| ApiError::Internal)
}

pub(super) async fn write(context: Context) -> Result<Answer, ApiError> {
    if context.fields().is_empty() {
        return Err(ApiError::invalid("missing data fields"));
    }
    let object = SecretString::new(context.fields().whole().to_string());
    let path = context.request.part("path")?;
    context.app.cubbyholes.write(&context.caller, path, object, context.now()).await?;
    Ok(Answer::nothing())
}

pub(super) async fn delete(context: Context) -> Result<Answer, ApiError> {
    context.app.cubbyholes.delete(&context.caller, context.request.part("path")?).await?;
    Ok(Answer::nothing())
}

pub(super) async fn list(context: Context) -> Result<Answer, ApiError> {
    let folder = context.request.captures.get("path").map_or("", String::as_str);
    Answer::keys(context.app.cubbyholes.list(&context.caller, folder)?)
}
