//! How accounts, leases and incidents stand, as a walk over the records has counted them last.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use vault_core::account::standing::AgeCounts;
use vault_core::incident::severity::Severity;
use vault_core::rotation::fault::FaultClass;

use super::rotation::PLUGIN;

/// Gauges of what there is now.
#[derive(Clone, Default)]
pub(in crate::engine) struct StandingMeter {
    open: Family<IncidentLabels, Gauge>,
    oldest: Family<SeverityLabels, Gauge>,
    overdue: Family<RotatorLabels, Gauge>,
    overdue_max: Family<RotatorLabels, Gauge>,
    parked: Family<RotatorLabels, Gauge>,
    unverified: Family<RotatorLabels, Gauge>,
    out_of_sync: Gauge,
    unacked: Family<RotatorLabels, Gauge>,
    version_lag: Family<RotatorLabels, Gauge>,
    past_half: Family<RotatorLabels, Gauge>,
    unreviewed: Gauge,
    leases: Family<KindLabels, Gauge>,
    leases_overdue: Family<KindLabels, Gauge>,
    leases_stuck: Family<KindLabels, Gauge>,
    ages: Ages,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct IncidentLabels {
    class: &'static str,
    severity: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SeverityLabels {
    severity: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RotatorLabels {
    rotator: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

/// Open incidents, counted.
#[derive(Debug, Default)]
pub(in crate::engine) struct OpenIncidents {
    /// How many of each class, and as bad as it was since it was opened.
    pub(in crate::engine) of: BTreeMap<(FaultClass, Severity), i64>,
    /// The age of the oldest of each severity, in seconds.
    pub(in crate::engine) oldest: BTreeMap<Severity, i64>,
}

/// Accounts of one kind of rotator, counted.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::engine) struct Accounts {
    /// Due for a minute and longer, and not rotated.
    pub(in crate::engine) overdue: i64,
    /// The longest of those, in seconds.
    pub(in crate::engine) overdue_max: i64,
    /// Their rotation waits for a person.
    pub(in crate::engine) parked: i64,
    /// It is not known which credential the target takes.
    pub(in crate::engine) unverified: i64,
    /// Live consumers without the current version.
    pub(in crate::engine) unacked: i64,
    /// By how many versions the farthest of them is behind.
    pub(in crate::engine) version_lag: i64,
    /// How many of them have let half of their grace pass.
    pub(in crate::engine) past_half: i64,
}

/// Leases of one kind, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leases {
    /// Not over.
    pub active: i64,
    /// Over for a minute and longer, and nothing has begun to end them.
    pub overdue: i64,
    /// Ending for a minute and longer, without the proof that the target refuses them.
    pub stuck: i64,
}

/// All that a walk over the accounts counts.
#[derive(Debug, Default)]
pub(in crate::engine) struct Standings {
    /// By kind of rotator.
    pub(in crate::engine) accounts: BTreeMap<&'static str, Accounts>,
    /// Credentials that the target has refused outside of any rotation.
    pub(in crate::engine) out_of_sync: i64,
    /// Leases of accounts.
    pub(in crate::engine) leases: Leases,
    /// Age by policy of each credential that has one.
    pub(in crate::engine) ages: Vec<f64>,
    /// The same, counted.
    pub(in crate::engine) age_counts: AgeCounts,
}

impl StandingMeter {
    pub(super) fn register(&self, registry: &mut Registry) {
        for (name, help, family) in [
            ("rotation_overdue", "Accounts due for a minute and longer, and not rotated", &self.overdue),
            (
                "rotation_overdue_max_seconds",
                "How long the most overdue account has been due",
                &self.overdue_max,
            ),
            ("rotation_parked", "Accounts whose rotation waits for a person", &self.parked),
            (
                "rotation_unverified",
                "Accounts of which it is not known which credential the target takes",
                &self.unverified,
            ),
            ("consumers_unacked", "Live consumers that do not have the current version", &self.unacked),
            (
                "consumer_version_lag",
                "By how many versions the consumer is behind that is farthest behind",
                &self.version_lag,
            ),
            (
                "consumers_past_half_grace",
                "Live consumers without the current version when half of the grace is over",
                &self.past_half,
            ),
        ] {
            registry.register(name, help, family.clone());
        }
        registry.register("rotation_incidents_open", "Incidents that are open", self.open.clone());
        registry.register(
            "rotation_incident_oldest_open_seconds",
            "How long the oldest open incident has been open; 0 when there is none",
            self.oldest.clone(),
        );
        registry.register(
            "credential_out_of_sync",
            "Stored credentials that their target refuses",
            self.out_of_sync.clone(),
        );
        for (name, help, family) in [
            ("leases_active", "Leases that are not over", &self.leases),
            ("leases_overdue", "Leases past their end that nothing has begun to end", &self.leases_overdue),
            (
                "leases_revoking_stuck",
                "Leases that have been ending for a minute and longer without proof",
                &self.leases_stuck,
            ),
        ] {
            registry.register(name, help, family.clone());
        }
        registry.register(
            "rotation_incident_oldest_unreviewed_seconds",
            "How long the oldest incident that nobody has reviewed has been closed by proof; 0 when there is none",
            self.unreviewed.clone(),
        );
        registry.register_collector(Box::new(self.ages.clone()));
    }

    /// Shows how long the oldest incident has waited for its review, in seconds.
    pub(in crate::engine) fn unreviewed(&self, oldest: i64) {
        self.unreviewed.set(oldest);
    }

    /// Shows open incidents.
    pub(in crate::engine) fn incidents(&self, open: &OpenIncidents) {
        let all = FaultClass::ALL.into_iter();
        for (class, severity) in all.flat_map(|class| Severity::ALL.map(|severity| (class, severity))) {
            let labels = IncidentLabels { class: class.as_str(), severity: severity.as_str() };
            let count = open.of.get(&(class, severity)).copied();
            // Of what is worse, or less bad, than its class, only while there is, and after.
            if count.is_some() || severity == class.severity() || self.open.get(&labels).is_some() {
                self.open.get_or_create(&labels).set(count.unwrap_or(0));
            }
        }
        for severity in Severity::ALL {
            let labels = SeverityLabels { severity: severity.as_str() };
            self.oldest.get_or_create(&labels).set(open.oldest.get(&severity).copied().unwrap_or(0));
        }
    }

    /// Shows accounts and their leases; `kinds` are all that there may be.
    pub(in crate::engine) fn accounts(&self, kinds: impl Iterator<Item = &'static str>, counted: Standings) {
        for rotator in kinds.chain([PLUGIN]) {
            let accounts = counted.accounts.get(rotator).copied().unwrap_or_default();
            for (family, count) in [
                (&self.overdue, accounts.overdue),
                (&self.overdue_max, accounts.overdue_max),
                (&self.parked, accounts.parked),
                (&self.unverified, accounts.unverified),
                (&self.unacked, accounts.unacked),
                (&self.version_lag, accounts.version_lag),
                (&self.past_half, accounts.past_half),
            ] {
                family.get_or_create(&RotatorLabels { rotator }).set(count);
            }
        }
        self.out_of_sync.set(counted.out_of_sync);
        self.leases("account", counted.leases);
        self.ages.set(&counted.ages);
    }

    /// Shows the leases of a kind.
    pub(in crate::engine) fn leases(&self, kind: &'static str, leases: Leases) {
        for (family, count) in [
            (&self.leases, leases.active),
            (&self.leases_overdue, leases.overdue),
            (&self.leases_stuck, leases.stuck),
        ] {
            family.get_or_create(&KindLabels { kind }).set(count);
        }
    }
}

/// Ages of credentials by their policies, as they are now: a histogram that is counted anew each time.
#[derive(Clone)]
struct Ages(Arc<Mutex<Histogram>>);

impl Default for Ages {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Histogram::new(AGE_BUCKETS))))
    }
}

impl fmt::Debug for Ages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ages")
    }
}

impl Ages {
    fn set(&self, ratios: &[f64]) {
        let counted = Histogram::new(AGE_BUCKETS);
        ratios.iter().for_each(|ratio| counted.observe(*ratio));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = counted;
    }
}

impl Collector for Ages {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let help = "Age of each credential by the time that its policy lets it live, counted once a minute";
        counted.encode(encoder.encode_descriptor(
            "credential_age_ratio",
            help,
            None,
            MetricType::Histogram,
        )?)
    }
}

const AGE_BUCKETS: [f64; 7] = [0.25, 0.5, 0.75, 1.0, 1.1, 1.25, 2.0];
