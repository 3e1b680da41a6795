//! A mount, as listings show it.

use std::time::Duration;

use serde_json::{Map, Value, json};
use vault_core::mount::{Class, Mount};

/// Every key that clients require is there. A TTL that was not set reads as 0.
pub(super) fn described(mount: &Mount) -> Value {
    let seconds = |ttl: Option<Duration>| ttl.map_or(0, |ttl| ttl.as_secs());
    let mut config = Map::new();
    config.insert("default_lease_ttl".to_owned(), Value::from(seconds(mount.tuning.default_ttl)));
    config.insert("force_no_cache".to_owned(), Value::from(mount.tuning.force_no_cache));
    config.insert("max_lease_ttl".to_owned(), Value::from(seconds(mount.tuning.max_ttl)));
    if !mount.tuning.listing_visibility.is_empty() {
        config.insert("listing_visibility".to_owned(), Value::from(mount.tuning.listing_visibility.clone()));
    }
    if mount.kind.class() == Class::Auth {
        let token_type = mount.tuning.token_type.as_deref().unwrap_or(TOKEN_TYPE);
        config.insert("token_type".to_owned(), Value::from(token_type));
    }
    let options = if mount.options.is_empty() { Value::Null } else { json!(mount.options) };
    json!({
        "accessor": mount.accessor,
        "config": config,
        "deprecation_status": "supported",
        "description": mount.description,
        "external_entropy_access": false,
        "local": mount.local,
        "options": options,
        "plugin_version": "",
        "running_plugin_version": concat!("v", env!("CARGO_PKG_VERSION"), "+builtin.rotunda"),
        "running_sha256": "",
        "seal_wrap": mount.seal_wrap,
        "type": mount.kind.as_str(),
        "uuid": mount.id.to_string(),
    })
}

pub(super) const TOKEN_TYPE: &str = "default-service";
