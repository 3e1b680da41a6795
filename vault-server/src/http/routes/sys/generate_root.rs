//! `sys/generate-root/…`, also as `sys/generate-root-token/…`: without token, since the shares are the permission.

use serde_json::json;
use vault_core::seal::OTP_LENGTH;
use vault_core::secret::SecretString;

use super::seal;
use crate::http::answer::Answer;
use crate::http::context::OpenContext;
use crate::http::error::ApiError;
use crate::service::seal::{RootStatus, RootStep};

pub(in crate::http::routes) async fn status(context: OpenContext) -> Result<Answer, ApiError> {
    Ok(answer(&context.app.seal.root_status().await?, None, "", OTP_LENGTH))
}

pub(in crate::http::routes) async fn begin(context: OpenContext) -> Result<Answer, ApiError> {
    let (fields, app) = (&context.request.fields, &context.app);
    if fields.secret("pgp_key")?.is_some_and(|key| !key.expose().is_empty()) {
        return Err(ApiError::invalid("'pgp_key' is not supported; leave it out"));
    }
    let pad = fields.secret("otp")?.filter(|pad| !pad.expose().is_empty());
    let drawn = app.seal.begin_root(pad, context.request.remote.ip()).await?;
    let shown = drawn.as_ref().map_or("", SecretString::expose);
    Ok(answer(&app.seal.root_status().await?, None, shown, OTP_LENGTH))
}

pub(in crate::http::routes) async fn cancel(context: OpenContext) -> Result<Answer, ApiError> {
    context.app.seal.cancel_root(context.request.remote.ip()).await?;
    Ok(Answer::nothing())
}

pub(in crate::http::routes) async fn update(context: OpenContext) -> Result<Answer, ApiError> {
    let (app, fields) = (&context.app, &context.request.fields);
    let share = seal::share(fields, app.seal.status().kind)?;
    let nonce = fields.text("nonce")?.unwrap_or_default();
    Ok(match app.seal.offer_to_root(share, &nonce, context.request.remote.ip()).await? {
        RootStep::More(status) => answer(&status, None, "", 0),
        RootStep::Done(status, masked) => answer(&status, Some(&masked), "", 0),
    })
}

fn answer(status: &RootStatus, masked: Option<&str>, pad: &str, pad_length: usize) -> Answer {
    Answer::raw(json!({
        "nonce": status.nonce.clone().unwrap_or_default(),
        "started": status.nonce.is_some(),
        "progress": status.progress,
        "required": status.required,
        "complete": masked.is_some(),
        "encoded_token": masked.unwrap_or_default(),
        "encoded_root_token": masked.unwrap_or_default(),
        "pgp_fingerprint": "",
        "otp": pad,
        "otp_length": pad_length,
    }))
}
