//! `sys/config/state/sanitized`: the settings in force.

use serde_json::json;

use crate::config::{Config, LogFormat};
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

/// By Vault's names where it has the same setting; spans in seconds. A configuration file has no secrets here, only
/// names of files that may have some.
pub(in crate::http::routes) async fn sanitized(context: Context) -> Result<Answer, ApiError> {
    let Config {
        data_dir,
        listener,
        engine,
        cache_bytes,
        suite,
        audit_file,
        default_ttl,
        max_ttl,
        body_bytes_max,
        request_deadline,
        requests_per_second,
        connections_max,
        plugins,
        dashboard,
        dashboard_url,
        log,
        telemetry,
        reports,
    } = &context.app.config;
    let mut listening =
        json!({ "address": listener.address.to_string(), "tls_disable": listener.tls.is_none() });
    if let (Some(tls), Some(listening)) = (&listener.tls, listening.as_object_mut()) {
        listening.insert("tls_cert_file".to_owned(), json!(tls.cert_file.display().to_string()));
        listening.insert("tls_key_file".to_owned(), json!(tls.key_file.display().to_string()));
    }
    let log_format = match log.format {
        LogFormat::Text => "standard",
        LogFormat::Json => "json",
    };
    let seal = context.app.seal.status().kind;
    Ok(Answer::data(json!({
        "api_addr": dashboard_url.as_deref().unwrap_or_default(),
        "cache_size": cache_bytes,
        "cluster_addr": "",
        "cluster_name": "",
        "default_lease_ttl": default_ttl.as_secs(),
        "max_lease_ttl": max_ttl.as_secs(),
        "default_max_request_duration": request_deadline.as_secs(),
        "disable_cache": false,
        "disable_clustering": true,
        "enable_ui": dashboard,
        "introspection_endpoint": false,
        "listeners": [{ "type": "tcp", "config": listening }],
        "log_format": log_format,
        "log_level": log.level,
        "plugin_directory": plugins.as_ref().map_or_else(String::new, |plugins| plugins.directory.display().to_string()),
        "raw_storage_endpoint": false,
        "seals": [{ "type": seal, "disabled": false }],
        "storage": { "type": engine.as_str(), "path": data_dir.display().to_string(), "cipher": suite.name(), "disable_clustering": true },
        "audit_file": audit_file.display().to_string(),
        "limits": {
            "body_bytes": body_bytes_max,
            "requests_per_second": requests_per_second,
            "connections": connections_max,
        },
        "reports": { "hourly_cost": reports.price(), "currency": reports.currency },
        "telemetry": { "otlp_endpoint": telemetry.as_ref().map(|telemetry| telemetry.url.as_str()) },
    })))
}
