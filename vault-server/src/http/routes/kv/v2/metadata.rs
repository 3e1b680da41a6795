//! `metadata/<path>`: versions, settings and notes of a secret, and its permanent removal.

use std::collections::BTreeMap;

use serde_json::Value;
use vault_core::kv::{CustomMetadata, KeyChange, Metadata};

use super::{After, delete_version_after, max_versions, shown};
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::http::routes::kv::Target;
use crate::service::kv::KvError;

pub(in crate::http::routes::kv) async fn read(context: Context) -> Result<Answer, ApiError> {
    let target = Target::of(&context.request)?;
    let metadata = context.app.kv.metadata(target.place())?.ok_or(ApiError::NotFound)?;
    Ok(Answer::data(shown::metadata(&metadata)))
}

pub(in crate::http::routes::kv) async fn write(context: Context) -> Result<Answer, ApiError> {
    let target = Target::of(&context.request)?;
    let fields = context.fields();
    let mut change = change(fields)?;
    if let Some(entries) = notes(fields)? {
        let entries = entries.into_iter().map(|(key, value)| (key, value.unwrap_or_default()));
        change.custom = Some(CustomMetadata::new(entries.collect()).map_err(KvError::from)?);
    } else if is_null(fields, "custom_metadata") {
        change.custom = Some(CustomMetadata::default());
    }
    if !change.is_empty() {
        context.app.kv.configure(target.place(), &change, context.now()).await?;
    }
    Ok(warned(&target, &change))
}

pub(in crate::http::routes::kv) async fn patch(context: Context) -> Result<Answer, ApiError> {
    let target = Target::of(&context.request)?;
    let fields = context.fields();
    let change = with_nulls(fields, change(fields)?);
    let (notes, all_go) = (notes(fields)?, is_null(fields, "custom_metadata"));
    let decide = |metadata: &Metadata| -> Result<KeyChange, KvError> {
        let custom = match &notes {
            _ if all_go => Some(CustomMetadata::default()),
            Some(notes) => Some(metadata.custom().patched(notes.clone())?),
            None => None,
        };
        Ok(KeyChange { custom, ..change.clone() })
    };
    context.app.kv.reconfigure(target.place(), decide).await?;
    Ok(warned(&target, &change))
}

pub(in crate::http::routes::kv) async fn delete(context: Context) -> Result<Answer, ApiError> {
    let target = Target::of(&context.request)?;
    context.app.kv.remove(target.place()).await?;
    Ok(Answer::nothing())
}

/// The settings that are named, without the notes.
fn change(fields: &Fields) -> Result<KeyChange, ApiError> {
    let delete_after = match delete_version_after(fields)? {
        Some(After::Never) => {
            return Err(ApiError::invalid("'delete_version_after' of a secret cannot be negative"));
        }
        Some(After::Span(span)) => Some(span),
        None => None,
    };
    Ok(KeyChange {
        cas_required: fields.flag("cas_required")?,
        max_versions: max_versions(fields)?,
        delete_after,
        custom: None,
    })
}

/// In a merge patch, null takes a setting away.
fn with_nulls(fields: &Fields, change: KeyChange) -> KeyChange {
    KeyChange {
        cas_required: change.cas_required.or(is_null(fields, "cas_required").then_some(false)),
        max_versions: change.max_versions.or(is_null(fields, "max_versions").then_some(0)),
        delete_after: change
            .delete_after
            .or(is_null(fields, "delete_version_after").then_some(Default::default())),
        custom: change.custom,
    }
}

fn is_null(fields: &Fields, name: &str) -> bool {
    fields.object().get(name).is_some_and(Value::is_null)
}

/// The notes that are named; `None` for one that is null.
fn notes(fields: &Fields) -> Result<Option<BTreeMap<String, Option<String>>>, ApiError> {
    let wrong = || ApiError::invalid("'custom_metadata' must be an object of strings");
    match fields.value("custom_metadata") {
        None => Ok(None),
        Some(Value::Object(entries)) => {
            let entry = |(key, value): (&String, &Value)| {
                let value = match value {
                    Value::Null => None,
                    Value::String(text) => Some(text.clone()),
                    Value::Number(number) => Some(number.to_string()),
                    Value::Bool(flag) => Some(flag.to_string()),
                    Value::Array(_) | Value::Object(_) => return Err(wrong()),
                };
                Ok((key.clone(), value))
            };
            entries.iter().map(entry).collect::<Result<_, _>>().map(Some)
        }
        Some(_) => Err(wrong()),
    }
}

fn warned(target: &Target, change: &KeyChange) -> Answer {
    if change.cas_required == Some(false) && target.mount.kv.cas_required {
        return Answer::nothing().warn(
            "\"cas_required\" set to false, but is mandated by backend config. This value will be ignored.",
        );
    }
    Answer::nothing()
}
