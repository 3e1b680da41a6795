//! `sys/rekey/…`: without token, since the shares are the permission.

use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value, json};

use super::{init, seal};
use crate::http::answer::Answer;
use crate::http::context::{Context, OpenContext};
use crate::http::error::ApiError;
use crate::service::seal::{CeremonyError, RekeyDone, RekeyStatus, SealError};

pub(in crate::http::routes) async fn status(context: OpenContext) -> Result<Answer, ApiError> {
    Ok(Answer::raw(wire(&context.app.seal.rekey_status().await?)))
}

pub(in crate::http::routes) async fn begin(context: OpenContext) -> Result<Answer, ApiError> {
    let (fields, app) = (&context.request.fields, &context.app);
    if fields.flag("backup")? == Some(true) {
        return Err(ApiError::invalid(
            "cannot request a backup of the new keys without providing PGP keys for encryption",
        ));
    }
    let verifies = fields.flag("require_verification")?.unwrap_or(false);
    app.seal.begin_rekey(init::request(fields)?, verifies, context.request.remote.ip()).await?;
    status(context).await
}

pub(in crate::http::routes) async fn cancel(context: OpenContext) -> Result<Answer, ApiError> {
    context.app.seal.cancel_rekey(context.request.remote.ip()).await?;
    Ok(Answer::nothing())
}

pub(in crate::http::routes) async fn update(context: OpenContext) -> Result<Answer, ApiError> {
    let (app, fields) = (&context.app, &context.request.fields);
    let share = seal::share(fields, app.seal.status().kind)?;
    let nonce = fields.text("nonce")?.unwrap_or_default();
    match app.seal.offer_to_rekey(share, &nonce, context.request.remote.ip()).await? {
        Some(done) => Ok(Answer::raw(wire_done(&done))),
        None => status(context).await,
    }
}

pub(in crate::http::routes) async fn verification(context: OpenContext) -> Result<Answer, ApiError> {
    let status = context.app.seal.rekey_status().await?;
    if status.nonce.is_none() {
        return Err(SealError::from(CeremonyError::NoRekeyConfiguration).into());
    }
    Ok(Answer::raw(json!({
        "nonce": status.verification_nonce.clone().unwrap_or_default(),
        "started": status.verification_nonce.is_some(),
        "t": status.wanted.map_or(0, |wanted| wanted.threshold()),
        "n": status.wanted.map_or(0, |wanted| wanted.shares()),
        "progress": status.verified,
    })))
}

pub(in crate::http::routes) async fn restart(context: OpenContext) -> Result<Answer, ApiError> {
    context.app.seal.restart_verification().await?;
    verification(context).await
}

pub(in crate::http::routes) async fn verify(context: OpenContext) -> Result<Answer, ApiError> {
    let (app, fields) = (&context.app, &context.request.fields);
    let wanted = app.seal.rekey_status().await?.wanted.map_or("shamir", |wanted| wanted.name());
    let share = seal::share(fields, wanted)?;
    let nonce = fields.text("nonce")?.unwrap_or_default();
    if app.seal.verify_rekey(share, &nonce, context.request.remote.ip()).await? {
        return Ok(Answer::raw(json!({ "nonce": nonce, "complete": true })));
    }
    verification(context).await
}

/// Encrypted copies of shares are not kept, so there are none.
pub(in crate::http::routes) async fn backup(_: Context) -> Result<Answer, ApiError> {
    Err(ApiError::invalid("no backed-up keys found"))
}

pub(in crate::http::routes) async fn drop_backup(_: Context) -> Result<Answer, ApiError> {
    Ok(Answer::nothing())
}

fn wire(status: &RekeyStatus) -> Value {
    let mut out = json!({
        "nonce": status.nonce.clone().unwrap_or_default(),
        "started": status.nonce.is_some(),
        "t": status.wanted.map_or(0, |wanted| wanted.threshold()),
        "n": status.wanted.map_or(0, |wanted| wanted.shares()),
        "progress": status.progress,
        "required": status.required,
        "pgp_fingerprints": null,
        "backup": false,
        "verification_required": status.verifies,
    });
    note_verification(&mut out, status.verification_nonce.as_deref());
    out
}

fn wire_done(done: &RekeyDone) -> Value {
    let hex: Vec<String> = done.shares.iter().map(|share| HEXLOWER.encode(share.expose())).collect();
    let base64: Vec<String> = done.shares.iter().map(|share| BASE64.encode(share.expose())).collect();
    let mut out = json!({
        "nonce": done.nonce,
        "complete": true,
        "keys": hex,
        "keys_base64": base64,
        "pgp_fingerprints": null,
        "backup": false,
        "verification_required": done.verification_nonce.is_some(),
    });
    note_verification(&mut out, done.verification_nonce.as_deref());
    if let (Some(map), true) = (out.as_object_mut(), done.uncertain) {
        map.insert("warnings".to_owned(), json!([UNCERTAIN]));
    }
    out
}

fn note_verification(out: &mut Value, nonce: Option<&str>) {
    if let (Some(map), Some(nonce)) = (out.as_object_mut(), nonce) {
        map.insert("verification_nonce".to_owned(), Value::from(nonce));
    }
}

const UNCERTAIN: &str = "the store failed during the change: keep these shares and the old ones until the next unseal has shown which are good";
