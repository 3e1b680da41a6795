//! The configuration as it is meant.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use vault_core::crypto::Suite;
use vault_core::schedule;
use vault_core::store::EngineKind;

use super::ConfigError;
use super::plugin::{Plugins, plugins};
use super::raw::{RawConfig, RawLimits, RawListener, RawLog, RawUi};
use super::reports::{Reports, reports};
use super::telemetry::{Telemetry, telemetry};

/// A configuration that was checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the store lives.
    pub data_dir: PathBuf,
    /// Where to listen, and how.
    pub listener: Listener,
    /// The embedded engine.
    pub engine: EngineKind,
    /// The engine's cache, in bytes.
    pub cache_bytes: u64,
    /// The cipher of new records.
    pub suite: Suite,
    /// The audit file.
    pub audit_file: PathBuf,
    /// For tokens and leases that name no time.
    pub default_ttl: Duration,
    /// The longest that any of them lives.
    pub max_ttl: Duration,
    /// Largest request body, in bytes.
    pub body_bytes_max: usize,
    /// How long a request may take before its caller is sent away.
    pub request_deadline: Duration,
    /// Requests a second from one client address; 0 is without limit.
    pub requests_per_second: u32,
    /// Connections at once; further ones wait to be accepted.
    pub connections_max: usize,
    /// Where and how plugins run, if they do.
    pub plugins: Option<Plugins>,
    /// Whether the dashboard is served at `/ui`.
    pub dashboard: bool,
    /// By which address people reach it, without a slash at the end; `None` where it is not known, or not served.
    pub dashboard_url: Option<String>,
    /// The log.
    pub log: Log,
    /// Where traces go; `None`: nowhere, and none are made.
    pub telemetry: Option<Telemetry>,
    /// What reports reckon with.
    pub reports: Reports,
}

impl Config {
    /// The same with another address, which must fit the rest of it.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for plain HTTP on an address that others can reach.
    pub fn listening_on(mut self, address: SocketAddr) -> Result<Self, ConfigError> {
        if self.listener.tls.is_none()
            && !address.ip().is_loopback()
            && self.listener.address.ip().is_loopback()
        {
            return Err(ConfigError::Value {
                place: "command line".to_owned(),
                key: "--listen",
                mend: format!("{address} can be reached by others, and the configuration has no TLS"),
            });
        }
        self.listener.address = address;
        Ok(self)
    }

    /// The same with the records in another directory; an audit file in the old one moves along.
    #[must_use]
    pub fn with_data_in(mut self, dir: &Path) -> Self {
        if self.audit_file == self.data_dir.join(AUDIT_FILE) {
            self.audit_file = dir.join(AUDIT_FILE);
        }
        self.data_dir = dir.to_owned();
        self
    }
}

/// Where to listen.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
    /// TLS; `None` is plain HTTP, which was either asked for in words or is on loopback.
    pub tls: Option<Tls>,
}

/// Files for TLS.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Certificate chain, PEM.
    pub cert_file: PathBuf,
    /// Its key, PEM.
    pub key_file: PathBuf,
}

/// The log.
#[derive(Clone, Debug)]
pub struct Log {
    /// A level or a filter.
    pub level: String,
    /// Its form.
    pub format: LogFormat,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

pub(super) fn check(raw: RawConfig, base: &Path, place: &str) -> Result<Config, ConfigError> {
    let wrong = |key, mend: String| ConfigError::Value { place: place.to_owned(), key, mend };
    let data_dir = raw
        .data_dir
        .filter(|dir| !dir.as_os_str().is_empty())
        .ok_or_else(|| wrong("data_dir", "name the directory where the vault keeps its data".to_owned()))?;
    let data_dir = base.join(data_dir);
    let audit_file = raw.audit.file.map_or_else(|| data_dir.join(AUDIT_FILE), |file| base.join(file));
    let default_ttl = span(raw.lease.default_ttl.as_deref(), DEFAULT_TTL)
        .ok_or_else(|| wrong("lease.default_ttl", not_a_span()))?;
    let max_ttl = span(raw.lease.max_ttl.as_deref(), DEFAULT_TTL)
        .ok_or_else(|| wrong("lease.max_ttl", not_a_span()))?;
    if default_ttl > max_ttl {
        return Err(wrong("lease.default_ttl", "it must not be longer than lease.max_ttl".to_owned()));
    }
    let limits = limits(&raw.limits).map_err(|(key, mend)| wrong(key, mend))?;
    let engine =
        engine_of(raw.store.engine.as_deref(), &data_dir).map_err(|mend| wrong("store.engine", mend))?;
    Ok(Config {
        listener: listener(raw.listener, base).map_err(|(key, mend)| wrong(key, mend))?,
        engine,
        cache_bytes: cache(raw.store.cache_mib, engine).map_err(|mend| wrong("store.cache_mib", mend))?,
        suite: suite(raw.store.cipher.as_deref()).map_err(|mend| wrong("store.cipher", mend))?,
        data_dir,
        audit_file,
        default_ttl,
        max_ttl,
        body_bytes_max: limits.body_bytes_max,
        request_deadline: limits.request_deadline,
        requests_per_second: limits.requests_per_second,
        connections_max: limits.connections_max,
        plugins: plugins(&raw.plugins, base).map_err(|(key, mend)| wrong(key, mend))?,
        dashboard: raw.ui.enabled.unwrap_or(true),
        dashboard_url: external(&raw.ui).map_err(|mend| wrong("ui.external_url", mend))?,
        log: log(raw.log).map_err(|mend| wrong("log.format", mend))?,
        telemetry: telemetry(raw.telemetry, base).map_err(|(key, mend)| wrong(key, mend))?,
        reports: reports(raw.reports).map_err(|(key, mend)| wrong(key, mend))?,
    })
}

pub(super) type Mend = (&'static str, String);

fn listener(raw: RawListener, base: &Path) -> Result<Listener, Mend> {
    let text = raw.address.unwrap_or_else(|| DEFAULT_ADDRESS.to_owned());
    let address: SocketAddr = text.parse().map_err(|_| {
        (
            "listener.address",
            format!("{text:?} is not an IP address with a port, such as {DEFAULT_ADDRESS:?}"),
        )
    })?;
    let tls = match (raw.tls_cert_file, raw.tls_key_file) {
        (Some(cert), Some(key)) if raw.tls_disable => {
            let _ = (cert, key);
            return Err(("listener.tls_disable", "it is true although a certificate is given".to_owned()));
        }
        (Some(cert), Some(key)) => Some(Tls { cert_file: base.join(cert), key_file: base.join(key) }),
        (Some(_), None) => return Err(("listener.tls_key_file", "the certificate needs its key".to_owned())),
        (None, Some(_)) => {
            return Err(("listener.tls_cert_file", "the key needs its certificate".to_owned()));
        }
        (None, None) => None,
    };
    if tls.is_none() && !raw.tls_disable && !address.ip().is_loopback() {
        return Err((
            "listener.address",
            format!(
                "{address} can be reached by others: give listener.tls_cert_file and listener.tls_key_file, or say listener.tls_disable = true to send secrets in plain text"
            ),
        ));
    }
    Ok(Listener { address, tls })
}

/// The address for links, which stand in messages to people: nothing in it may be markup there.
fn external(raw: &RawUi) -> Result<Option<String>, String> {
    let Some(text) = &raw.external_url else { return Ok(None) };
    let wrong = || {
        format!("{text:?} is not an address of the vault for people, such as \"https://vault.example:8200\"")
    };
    let url = reqwest::Url::parse(text).map_err(|_| wrong())?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/[]%".contains(&byte);
    let is_more = url.query().is_some() || url.fragment().is_some();
    let has_user = !url.username().is_empty() || url.password().is_some();
    let is_short = text.len() <= URL_BYTES_MAX && text.bytes().all(is_plain);
    if !matches!(url.scheme(), "http" | "https")
        || url.host_str().is_none()
        || is_more
        || has_user
        || !is_short
    {
        return Err(wrong());
    }
    let is_served = raw.enabled.unwrap_or(true);
    Ok(is_served.then(|| url.as_str().trim_end_matches('/').to_owned()))
}

/// Where nothing is said, a store that is there is opened by its own engine.
fn engine_of(name: Option<&str>, data_dir: &Path) -> Result<EngineKind, String> {
    match name {
        None => Ok(EngineKind::found_in(data_dir).unwrap_or_default()),
        Some("sled") => Ok(EngineKind::Sled),
        Some("redb") => Ok(EngineKind::Redb),
        Some(other) => Err(format!("{other:?} is not an engine; choose \"sled\" or \"redb\"")),
    }
}

fn suite(name: Option<&str>) -> Result<Suite, String> {
    let Some(name) = name else { return Ok(Suite::default()) };
    Suite::parse(name).ok_or_else(|| {
        let known: Vec<_> = Suite::ALL.iter().map(|suite| format!("{:?}", suite.name())).collect();
        format!("{name:?} is not a cipher; choose {}", known.join(" or "))
    })
}

fn cache(mib: Option<u64>, engine: EngineKind) -> Result<u64, String> {
    let Some(mib) = mib else { return Ok(engine.cache_bytes_default()) };
    if !(1..=CACHE_MIB_MAX).contains(&mib) {
        return Err(format!("it must be between 1 and {CACHE_MIB_MAX} MiB"));
    }
    Ok(mib * MIB)
}

struct Limits {
    body_bytes_max: usize,
    request_deadline: Duration,
    requests_per_second: u32,
    connections_max: usize,
}

fn limits(raw: &RawLimits) -> Result<Limits, Mend> {
    let body = raw.body_bytes.unwrap_or(DEFAULT_BODY_BYTES);
    let body_bytes_max =
        usize::try_from(body)
            .ok()
            .filter(|bytes| (1024..=BODY_BYTES_MAX).contains(bytes))
            .ok_or_else(|| ("limits.body_bytes", format!("it must be between 1024 and {BODY_BYTES_MAX}")))?;
    let request_deadline = span(raw.request_deadline.as_deref(), DEFAULT_DEADLINE)
        .ok_or_else(|| ("limits.request_deadline", not_a_span()))?;
    let connections_max = usize::try_from(raw.connections.unwrap_or(DEFAULT_CONNECTIONS))
        .ok()
        .filter(|count| (1..=CONNECTIONS_MAX).contains(count))
        .ok_or_else(|| ("limits.connections", format!("it must be between 1 and {CONNECTIONS_MAX}")))?;
    let requests_per_second = raw.requests_per_second.unwrap_or(DEFAULT_REQUESTS_PER_SECOND);
    Ok(Limits { body_bytes_max, request_deadline, requests_per_second, connections_max })
}

fn log(raw: RawLog) -> Result<Log, String> {
    let format = match raw.format.as_deref() {
        None | Some("text") => LogFormat::Text,
        Some("json") => LogFormat::Json,
        Some(other) => return Err(format!("{other:?} is not a form; choose \"text\" or \"json\"")),
    };
    Ok(Log { level: raw.level.unwrap_or_else(|| DEFAULT_LOG_LEVEL.to_owned()), format })
}

pub(super) fn span(text: Option<&str>, default: Duration) -> Option<Duration> {
    text.map_or(Some(default), |text| schedule::span::parse(text).ok().flatten())
}

fn not_a_span() -> String {
    "it must be a duration such as \"90s\", \"1h30m\" or \"32d\"".to_owned()
}

pub(super) const MIB: u64 = 1024 * 1024;
const AUDIT_FILE: &str = "audit.log";
const DEFAULT_ADDRESS: &str = "127.0.0.1:8200";
/// Vault's default for both times: 32 days.
const DEFAULT_TTL: Duration = Duration::from_secs(2_764_800);
const CACHE_MIB_MAX: u64 = 1024 * 1024;
/// Vault's limit: clients send bodies up to it.
const DEFAULT_BODY_BYTES: u64 = 32 * MIB;
const BODY_BYTES_MAX: usize = 1024 * 1024 * 1024;
const DEFAULT_DEADLINE: Duration = Duration::from_secs(90);
/// Far above what one honest client sends; bounds what a broken one can do.
const DEFAULT_REQUESTS_PER_SECOND: u32 = 100_000;
const DEFAULT_CONNECTIONS: u64 = 4096;
const CONNECTIONS_MAX: usize = 1_000_000;
/// Longest address for links.
const URL_BYTES_MAX: usize = 500;
const DEFAULT_LOG_LEVEL: &str = "info";
