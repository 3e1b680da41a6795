//! The configuration file as it is written. Unknown keys are refused; nothing is decided here.

use std::path::PathBuf;

use serde::Deserialize;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawConfig {
    /// Where the store, and by default the audit file, live.
    pub data_dir: Option<PathBuf>,
    /// Where to listen.
    pub listener: RawListener,
    /// The store.
    pub store: RawStore,
    /// The audit file.
    pub audit: RawAudit,
    /// Lease and token times.
    pub lease: RawLease,
    /// Bounds of requests.
    pub limits: RawLimits,
    /// Where plugins lie, and how they run.
    pub plugins: RawPlugins,
    /// The dashboard.
    pub ui: RawUi,
    /// The log.
    pub log: RawLog,
    /// Where traces go.
    pub telemetry: RawTelemetry,
    /// What reports reckon with.
    pub reports: RawReports,
}

/// `[listener]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawListener {
    /// IP address and port, such as `127.0.0.1:8200`.
    pub address: Option<String>,
    /// Certificate chain, PEM.
    pub tls_cert_file: Option<PathBuf>,
    /// Its key, PEM.
    pub tls_key_file: Option<PathBuf>,
    /// Plain HTTP on an address that others can reach.
    pub tls_disable: bool,
}

/// `[store]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawStore {
    /// `sled` or `redb`.
    pub engine: Option<String>,
    /// The engine's cache, in MiB.
    pub cache_mib: Option<u64>,
    /// `xchacha20-poly1305` or `aes-256-gcm`, for new records.
    pub cipher: Option<String>,
}

/// `[audit]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawAudit {
    /// The file; `audit.log` in the data directory when absent.
    pub file: Option<PathBuf>,
}

/// `[lease]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLease {
    /// For tokens and leases that name no time.
    pub default_ttl: Option<String>,
    /// For all of them.
    pub max_ttl: Option<String>,
}

/// `[limits]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLimits {
    /// Largest request body, in bytes.
    pub body_bytes: Option<u64>,
    /// How long a request may take.
    pub request_deadline: Option<String>,
    /// Requests a second from one client address; 0 is without limit.
    pub requests_per_second: Option<u32>,
    /// Connections at once.
    pub connections: Option<u64>,
}

/// `[plugins]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawPlugins {
    /// Where they lie; without it none runs.
    pub directory: Option<PathBuf>,
    /// Who they run as: a name of `/etc/passwd`, or `UID:GID`.
    pub user: Option<String>,
    /// How long one request may take.
    pub deadline: Option<String>,
    /// Most MiB that each process of one may write to in memory.
    pub memory_mib: Option<u64>,
    /// Most KiB of a reply.
    pub reply_kib: Option<u64>,
}

/// `[ui]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawUi {
    /// Whether `/ui` is answered; it is when absent.
    pub enabled: Option<bool>,
    /// By which address people reach the vault, such as `https://vault.example:8200`.
    pub external_url: Option<String>,
}

/// `[log]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLog {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter as `tracing` writes it.
    pub level: Option<String>,
    /// `text` or `json`.
    pub format: Option<String>,
}

/// `[telemetry]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawTelemetry {
    /// The address of an OTLP collector, such as `http://localhost:4318`; without it no traces are made.
    pub otlp_endpoint: Option<String>,
    /// Further headers of each request: one `name: value` on each line.
    pub otlp_headers_file: Option<PathBuf>,
    /// Who may have signed its certificate, PEM.
    pub otlp_ca_file: Option<PathBuf>,
    /// What the vault is called in traces.
    pub service_name: Option<String>,
}

/// `[reports]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawReports {
    /// What an hour of staff costs, such as `85.50`.
    pub hourly_cost: Option<f64>,
    /// What that is counted in, such as `EUR`.
    pub currency: Option<String>,
}
