//! Counters and gauges in Prometheus' text form. Labels are closed sets: no path, no account, no token.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::Method;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use vault_core::clock::Timestamp;

/// Everything that is counted.
pub struct Metrics {
    /// What this program is about.
    registry: Mutex<Registry>,
    /// What credentials, rotations and the audit trail are about.
    fleet: Mutex<Registry>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<DurationLabels, Histogram>,
    audit_failures: Counter,
    chain_verified_at: Gauge,
    chain_findings: Gauge,
    sealed: Gauge,
    commits: Gauge,
    records: Gauge,
    unread_mounts: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: MethodLabel,
    code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DurationLabels {
    method: MethodLabel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum MethodLabel {
    Get,
    List,
    Post,
    Put,
    Patch,
    Delete,
    Other,
}

impl MethodLabel {
    /// A method is the client's text: unknown ones share one label, or they would fill our memory.
    fn of(method: &Method) -> Self {
        match method.as_str() {
            "GET" => Self::Get,
            "LIST" => Self::List,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            _ => Self::Other,
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("rotunda");
        let requests = Family::default();
        registry.register("requests", "Requests answered, by method and status code", requests.clone());
        let durations = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        registry.register(
            "request_duration_seconds",
            "Time from the request's head to its answer",
            durations.clone(),
        );
        let mut fleet = Registry::with_prefix("vault");
        let audit_failures = Counter::default();
        fleet.register("audit_write_failures", "Entries that no audit sink accepted", audit_failures.clone());
        let chain_verified_at = Gauge::default();
        let help = "When the audit file was last seen to be as it was written; 0 before the first time";
        fleet.register("audit_chain_verified_timestamp_seconds", help, chain_verified_at.clone());
        let chain_findings = Gauge::default();
        let help = "How much the last check found to be wrong with the audit file";
        fleet.register("audit_chain_findings", help, chain_findings.clone());
        let (sealed, commits, records) = (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register("sealed", "1 while the vault is sealed", sealed.clone());
        registry.register("store_commit", "The number of the store's last commit", commits.clone());
        registry.register("store_records", "Records in the store", records.clone());
        let unread_mounts = Gauge::default();
        registry.register("unread_mounts", "Mounts whose records cannot be read", unread_mounts.clone());
        Self {
            registry: Mutex::new(registry),
            fleet: Mutex::new(fleet),
            requests,
            durations,
            audit_failures,
            chain_verified_at,
            chain_findings,
            sealed,
            commits,
            records,
            unread_mounts,
        }
    }

    /// Counts one answered request.
    pub fn request(&self, method: &Method, code: u16, took: Duration) {
        let method = MethodLabel::of(method);
        self.requests.get_or_create(&RequestLabels { method, code }).inc();
        self.durations.get_or_create(&DurationLabels { method }).observe(took.as_secs_f64());
    }

    /// Counts one entry that was not recorded.
    pub fn audit_failed(&self) {
        self.audit_failures.inc();
    }

    /// Says what a check of the audit file has shown that began at `at`.
    pub fn chain_checked(&self, at: Timestamp, findings: u64) {
        self.chain_findings.set(i64::try_from(findings).unwrap_or(i64::MAX));
        if findings == 0 {
            self.chain_verified_at.set(at.as_secs());
        }
    }

    /// Entries that were not recorded since the start.
    #[must_use]
    pub fn audit_failures(&self) -> u64 {
        self.audit_failures.get()
    }

    /// Sets what is read at the moment of asking: the seal, where the store stands (while unsealed), and how many
    /// mounts cannot be read.
    pub fn observe(&self, is_sealed: bool, position: Option<(u64, u64)>, unread_mounts: usize) {
        self.sealed.set(i64::from(is_sealed));
        self.unread_mounts.set(i64::try_from(unread_mounts).unwrap_or(i64::MAX));
        if let Some((commit, records)) = position {
            self.commits.set(i64::try_from(commit).unwrap_or(i64::MAX));
            self.records.set(i64::try_from(records).unwrap_or(i64::MAX));
        }
    }

    /// Adds further metrics; their labels must be closed sets too.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Adds metrics of credentials, rotations and their incidents.
    pub fn register_fleet(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.fleet.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Everything in the OpenMetrics text form.
    ///
    /// # Errors
    /// What the encoder reports.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        for registry in [&self.registry, &self.fleet] {
            encode_registry(&mut out, &registry.lock().unwrap_or_else(PoisonError::into_inner))?;
        }
        encode_eof(&mut out)?;
        Ok(out)
    }
}

/// From a policy denial to a rotation that waits for its target, in seconds.
const BUCKETS: [f64; 12] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 60.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_that_clients_invent_share_one_label() {
        let metrics = Metrics::new();
        for method in ["GET", "BREW", "MAKE"] {
            metrics.request(&Method::from_bytes(method.as_bytes()).unwrap(), 200, Duration::ZERO);
        }
        let text = metrics.text().unwrap();
        assert!(text.contains("rotunda_requests_total{method=\"Other\",code=\"200\"} 2"), "{text}");
        assert!(!text.contains("BREW"));
    }
}
