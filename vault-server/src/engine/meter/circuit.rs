//! What is counted of the circuits of targets, by state, never by name.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use vault_core::target::breaker::STATES;

/// How many circuits are in which state, and how many were opened.
#[derive(Clone)]
pub(in crate::engine) struct CircuitMeter {
    now: Family<StateLabels, Gauge>,
    opened: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

impl CircuitMeter {
    /// At zero.
    pub(super) fn new() -> Self {
        let meter = Self { now: Family::default(), opened: Counter::default() };
        for state in STATES {
            drop(meter.now.get_or_create(&StateLabels { state }));
        }
        meter
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("target_circuit", "Targets by the state of their circuit", self.now.clone());
        registry.register(
            "target_circuit_opened",
            "Circuits opened because a target did not answer",
            self.opened.clone(),
        );
    }

    /// Counts one that was opened.
    pub(in crate::engine) fn opened(&self) {
        self.opened.inc();
    }

    /// Shows how many there are in each state.
    pub(in crate::engine) fn counted(&self, counts: &[(&'static str, i64)]) {
        for (state, count) in counts {
            self.now.get_or_create(&StateLabels { state }).set(*count);
        }
    }
}
