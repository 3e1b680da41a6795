//! Versions and settings, as answers show them.

use std::time::Duration;

use serde_json::{Map, Value, json};
use vault_core::clock::Timestamp;
use vault_core::kv::{CustomMetadata, DeleteAfter, Metadata, MountSettings};
use vault_core::schedule::span;

use crate::service::kv::View;

/// A version, with what people noted about the secret.
pub(super) fn version(view: &View) -> Value {
    json!({
        "created_time": view.version.created_at.to_rfc3339(),
        "custom_metadata": custom(&view.custom),
        "deletion_time": time(view.version.deletion_time()),
        "destroyed": view.version.destroyed,
        "version": view.number,
    })
}

pub(super) fn metadata(metadata: &Metadata) -> Value {
    let versions: Map<String, Value> = metadata
        .versions()
        .iter()
        .map(|(number, version)| {
            let shown = json!({
                "created_time": version.created_at.to_rfc3339(),
                "deletion_time": time(version.deletion_time()),
                "destroyed": version.destroyed,
            });
            (number.to_string(), shown)
        })
        .collect();
    let settings = metadata.settings();
    json!({
        "cas_required": settings.cas_required,
        "created_time": metadata.created_at().to_rfc3339(),
        "current_version": metadata.current(),
        "custom_metadata": custom(metadata.custom()),
        "delete_version_after": span::format(settings.delete_after),
        "max_versions": settings.max_versions,
        "oldest_version": metadata.oldest(),
        "updated_time": metadata.updated_at().to_rfc3339(),
        "versions": versions,
    })
}

pub(super) fn settings(settings: &MountSettings) -> Value {
    let delete_after = match settings.delete_after {
        DeleteAfter::Unset => span::format(Duration::ZERO),
        DeleteAfter::After(span) => span::format(span),
        // As Vault stores it.
        DeleteAfter::Disabled => "-1s".to_owned(),
    };
    json!({
        "cas_required": settings.cas_required,
        "delete_version_after": delete_after,
        "max_versions": settings.max_versions,
    })
}

/// Nothing noted is null.
fn custom(custom: &CustomMetadata) -> Value {
    if custom.entries().is_empty() { Value::Null } else { json!(custom.entries()) }
}

/// Never is the empty text.
fn time(at: Option<Timestamp>) -> String {
    at.map(Timestamp::to_rfc3339).unwrap_or_default()
}
