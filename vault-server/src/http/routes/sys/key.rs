//! `sys/key-status`, `sys/rotate`, `sys/rotate/keyring`.

use serde_json::{Map, Value};
use vault_api::seal::{KeyStatus, RewrapProgress};

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

pub(in crate::http::routes) async fn status(context: Context) -> Result<Answer, ApiError> {
    let app = &context.app;
    let key = app.seal.key_state().ok_or(ApiError::Sealed)?;
    let records = app.barrier.store().position().map_or(0, |position| position.records);
    let rewrap = app.rewrap.progress()?.map(|record| RewrapProgress {
        remaining: if record.cursor.is_some() { records.saturating_sub(record.seen) } else { 0 },
        done: record.moved,
    });
    let status = KeyStatus {
        term: key.term.into(),
        install_time: key.installed_at.to_rfc3339(),
        encryptions: key.encryptions,
        rewrap,
    };
    let mut data = serde_json::to_value(status).map_err(|_| ApiError::Internal)?;
    let extra = Map::from_iter([("older_generations".to_owned(), Value::from(key.older))]);
    if let Some(map) = data.as_object_mut() {
        map.extend(extra);
    }
    Ok(Answer::data(data).copied_to_top())
}

pub(in crate::http::routes) async fn rotate(context: Context) -> Result<Answer, ApiError> {
    context.app.seal.rotate().await?;
    Ok(Answer::nothing())
}
