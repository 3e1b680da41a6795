//! The settings of a mount: from a request, and back as they are in force.

use std::time::Duration;

use serde_json::{Value, json};
use vault_core::mount::{Class, Kind, Mount, Tuning};

use super::described::TOKEN_TYPE;
use crate::app::App;
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::service::mount::Change;

/// Which engine is asked for, and the KV version that the word for it implies.
pub(super) fn kind(fields: &Fields, class: Class) -> Result<(Kind, Option<&'static str>), ApiError> {
    let word = match fields.text("type")?.unwrap_or_default() {
        // The old way to name a plugin.
        word if word == "plugin" => fields.text("plugin_name")?.unwrap_or_default(),
        word => word,
    };
    if word.is_empty() {
        return Err(ApiError::invalid("backend type must be specified as a string"));
    }
    let kind = Kind::mountable(class, &word)
        .ok_or_else(|| ApiError::invalid(format!("plugin not found in the catalog: {word}")))?;
    let version = match word.as_str() {
        "kv-v2" => Some("2"),
        "kv-v1" => Some("1"),
        _ => None,
    };
    Ok((kind, version))
}

/// The settings of a new mount, under `config`.
pub(super) fn tuning(fields: &Fields) -> Result<Tuning, ApiError> {
    let Some(config) = fields.nested("config")? else { return Ok(Tuning::default()) };
    let change = change(&config)?;
    Ok(Tuning {
        default_ttl: change.default_ttl.flatten(),
        max_ttl: change.max_ttl.flatten(),
        listing_visibility: change.listing_visibility.unwrap_or_default(),
        token_type: change.token_type,
        force_no_cache: change.force_no_cache.unwrap_or(false),
    })
}

/// What a tune changes.
pub(super) fn change(fields: &Fields) -> Result<Change, ApiError> {
    let ttl = |name| -> Result<Option<Option<Duration>>, ApiError> {
        match fields.text(name)? {
            None => Ok(None),
            Some(text) if text == "system" => Ok(Some(None)),
            Some(_) => Ok(Some(fields.duration(name)?)),
        }
    };
    let (default_ttl, max_ttl) = (ttl("default_lease_ttl")?, ttl("max_lease_ttl")?);
    let listing_visibility = fields.text("listing_visibility")?;
    if let Some("" | "unauth" | "hidden") | None = listing_visibility.as_deref() {
    } else {
        return Err(ApiError::invalid("'listing_visibility' is \"unauth\", \"hidden\" or empty"));
    }
    let token_type = fields.text("token_type")?.filter(|word| !word.is_empty());
    if let Some(word) = &token_type
        && !["default-service", "service"].contains(&word.as_str())
    {
        return Err(ApiError::invalid("'token_type' is \"default-service\" or \"service\""));
    }
    Ok(Change {
        description: fields.bounded_text("description", super::DESCRIPTION_BYTES_MAX)?,
        default_ttl,
        max_ttl,
        listing_visibility,
        token_type,
        force_no_cache: fields.flag("force_no_cache")?,
        options: fields.text_map("options")?.unwrap_or_default(),
    })
}

/// The settings as they are in force.
pub(super) fn effective(app: &App, mount: &Mount) -> Value {
    let mut data = json!({
        "default_lease_ttl": mount.tuning.default_ttl.unwrap_or(app.config.default_ttl).as_secs(),
        "description": mount.description,
        "force_no_cache": mount.tuning.force_no_cache,
        "max_lease_ttl": mount.tuning.max_ttl.unwrap_or(app.config.max_ttl).as_secs(),
    });
    if let Some(map) = data.as_object_mut() {
        if !mount.options.is_empty() {
            map.insert("options".to_owned(), json!(mount.options));
        }
        if !mount.tuning.listing_visibility.is_empty() {
            map.insert("listing_visibility".to_owned(), json!(mount.tuning.listing_visibility));
        }
        if mount.kind.class() == Class::Auth {
            map.insert(
                "token_type".to_owned(),
                json!(mount.tuning.token_type.as_deref().unwrap_or(TOKEN_TYPE)),
            );
        }
    }
    data
}
