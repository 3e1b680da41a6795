//! What is counted of deliveries. Labels are classes of failures, never names.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use vault_core::webhook::FailureClass;

use crate::telemetry::metrics::Metrics;

/// The counters of deliveries.
#[derive(Clone, Default)]
pub(super) struct Meter {
    attempts: Family<AttemptLabels, Counter>,
    dead: Counter,
    summed: Counter,
    pending: Gauge,
    dead_now: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    result: &'static str,
    class: &'static str,
}

impl Meter {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let meter = Self::default();
        metrics.register(|registry| {
            registry.register(
                "webhook_attempts",
                "Attempts to deliver a message, by result and class of failure",
                meter.attempts.clone(),
            );
            registry.register("webhook_messages_given_up", "Messages that were given up", meter.dead.clone());
            registry.register(
                "webhook_messages_summed",
                "Messages that were kept back, and told in a summary",
                meter.summed.clone(),
            );
            registry.register(
                "webhook_messages_pending",
                "Messages that are still to be delivered, counted once a minute",
                meter.pending.clone(),
            );
            registry.register(
                "webhook_messages_dead",
                "Messages in the log that were given up, counted once a minute",
                meter.dead_now.clone(),
            );
        });
        meter
    }

    pub(super) fn attempted(&self, failure: Option<FailureClass>) {
        let (result, class) = failure.map_or(("delivered", ""), |class| ("failed", class.word()));
        self.attempts.get_or_create(&AttemptLabels { result, class }).inc();
    }

    pub(super) fn died(&self) {
        self.dead.inc();
    }

    pub(super) fn summed(&self, count: u64) {
        self.summed.inc_by(count);
    }

    pub(super) fn counted(&self, pending: i64, dead: i64) {
        self.pending.set(pending);
        self.dead_now.set(dead);
    }
}
