//! `data/<path>` and `subkeys/<path>`.

use serde_json::{Value, json};
use vault_core::kv::Data;

use super::shown;
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::http::routes::kv::{Target, object};
use crate::service::kv::{Found, KvError};

pub(in crate::http::routes::kv) async fn read(context: Context) -> Result<Answer, ApiError> {
    shown_as(&context, "data", Data::into_exposed)
}

/// The names in a secret, without a value.
pub(in crate::http::routes::kv) async fn subkeys(context: Context) -> Result<Answer, ApiError> {
    let depth = context.fields().count("depth")?.unwrap_or(0);
    shown_as(&context, "subkeys", |data| data.subkeys(depth))
}

fn shown_as(context: &Context, name: &str, show: impl FnOnce(Data) -> Value) -> Result<Answer, ApiError> {
    let target = Target::of(&context.request)?;
    let number = context.fields().count("version")?;
    match context.app.kv.read(target.place(), number, context.now())? {
        Found::Nothing => Err(ApiError::NotFound),
        Found::Gone(view) => Err(ApiError::NotFoundWith {
            data: json!({ name: null, "metadata": shown::version(&view) }),
            warnings: Vec::new(),
        }),
        Found::Data(view, data) => {
            Ok(Answer::data(json!({ name: show(data), "metadata": shown::version(&view) })))
        }
    }
}

pub(in crate::http::routes::kv) async fn write(context: Context) -> Result<Answer, ApiError> {
    let target = Target::of(&context.request)?;
    let (data, cas) = asked(context.fields())?;
    let view = context.app.kv.write(target.place(), &data, cas, context.now()).await?;
    Ok(Answer::data(shown::version(&view)))
}

pub(in crate::http::routes::kv) async fn patch(context: Context) -> Result<Answer, ApiError> {
    let target = Target::of(&context.request)?;
    let (data, cas) = asked(context.fields())?;
    match context.app.kv.patch(target.place(), &data, cas, context.now()).await {
        Ok(view) => Ok(Answer::data(shown::version(&view))),
        Err(KvError::Gone(view)) => {
            Err(ApiError::NotFoundWith { data: shown::version(&view), warnings: Vec::new() })
        }
        Err(error) => Err(error.into()),
    }
}

pub(in crate::http::routes::kv) async fn delete(context: Context) -> Result<Answer, ApiError> {
    let target = Target::of(&context.request)?;
    context.app.kv.delete(target.place(), None, context.now()).await?;
    Ok(Answer::nothing())
}

/// What is to be written, and which version it follows.
fn asked(fields: &Fields) -> Result<(Data, Option<i64>), ApiError> {
    fields.ignore(&["data"]);
    let data = fields.object().get("data").ok_or_else(|| ApiError::invalid("no data provided"))?;
    let data = object(data, "data")?;
    let cas = match fields.nested("options")? {
        Some(options) => options.object().get("cas").map(cas).transpose()?,
        None => None,
    };
    Ok((data, cas))
}

/// A whole number in any spelling that Vault reads; nothing counts as 0.
fn cas(value: &Value) -> Result<i64, ApiError> {
    let number = match value {
        Value::Null => Some(0),
        Value::Bool(flag) => Some(i64::from(*flag)),
        Value::Number(number) => number.to_string().parse().ok(),
        Value::String(text) if text.is_empty() => Some(0),
        Value::String(text) => text.trim().parse().ok(),
        Value::Array(_) | Value::Object(_) => None,
    };
    number.ok_or_else(|| ApiError::invalid("error parsing check-and-set parameter"))
}
