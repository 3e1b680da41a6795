//! `sys/host-info`: the machine below.

use serde_json::Value;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

/// A part that cannot be read is left out, with a warning.
pub(in crate::http::routes) async fn read(context: Context) -> Result<Answer, ApiError> {
    let mut info = context.app.host.read().await;
    info.parts.insert("timestamp".to_owned(), Value::from(context.now().to_rfc3339()));
    let answer = Answer::data(Value::Object(info.parts));
    Ok(info.missing.into_iter().fold(answer, Answer::warn))
}
