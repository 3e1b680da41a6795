//! `sys/config/cors`: from which web pages the vault may be asked.

use serde_json::json;
use vault_core::cors::Cors;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

pub(in crate::http::routes) async fn read(context: Context) -> Result<Answer, ApiError> {
    let cors = context.app.settings.cors.readable()?;
    let shown = if cors.is_on() {
        json!({
            "enabled": true,
            "allowed_origins": cors.origins(),
            "allowed_headers": cors.headers().collect::<Vec<_>>(),
            "allow_credentials": cors.credentials(),
        })
    } else {
        json!({ "enabled": false })
    };
    Ok(Answer::data(shown).copied_to_top())
}

/// Takes the place of what was there, as in Vault; it is on from then on, whatever `enable` says.
pub(in crate::http::routes) async fn write(context: Context) -> Result<Answer, ApiError> {
    let fields = context.fields();
    fields.ignore(&["enable"]);
    let origins = fields.comma_list("allowed_origins")?.unwrap_or_default();
    let headers = fields.comma_list("allowed_headers")?.unwrap_or_default();
    let credentials = fields.flag("allow_credentials")?.unwrap_or(false);
    context.app.settings.set_cors(Cors::allowing(origins, headers, credentials)?).await?;
    Ok(Answer::nothing())
}

pub(in crate::http::routes) async fn delete(context: Context) -> Result<Answer, ApiError> {
    context.app.settings.set_cors(Cors::default()).await?;
    Ok(Answer::nothing())
}
