//! What is counted of the circuits of targets and of heartbeats, by state and result, never by name.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use vault_core::target::breaker::STATES;

use super::super::heartbeat::RESULTS;

/// How many circuits are in which state, and how many were opened.
#[derive(Clone)]
pub(in crate::engine) struct CircuitMeter {
    now: Family<StateLabels, Gauge>,
    opened: Counter,
    beats: Family<ResultLabels, Counter>,
    late: Gauge,
    held: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

impl CircuitMeter {
    /// At zero.
    pub(super) fn new() -> Self {
        let (now, opened) = (Family::default(), Counter::default());
        let meter =
            Self { now, opened, beats: Family::default(), late: Gauge::default(), held: Counter::default() };
        for result in RESULTS {
            drop(meter.beats.get_or_create(&ResultLabels { result }));
        }
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
        registry.register("heartbeats", "Heartbeats of accounts, by what they showed", self.beats.clone());
        registry.register(
            "heartbeats_late",
            "Accounts that have not been seen to work for two intervals of their heartbeat",
            self.late.clone(),
        );
        registry.register(
            "lockout_guard_held",
            "Calls held back because one more refused login could lock an account on its target",
            self.held.clone(),
        );
    }

    /// Counts one that was opened.
    pub(in crate::engine) fn opened(&self) {
        self.opened.inc();
    }

    /// Counts a heartbeat.
    pub(in crate::engine) fn beaten(&self, result: &'static str) {
        self.beats.get_or_create(&ResultLabels { result }).inc();
    }

    /// Counts a call that was held back by the lockout guard.
    pub(in crate::engine) fn held_back(&self) {
        self.held.inc();
    }

    /// Shows how many accounts are late.
    pub(in crate::engine) fn counted_late(&self, count: i64) {
        self.late.set(count);
    }

    /// Shows how many there are in each state.
    pub(in crate::engine) fn counted(&self, counts: &[(&'static str, i64)]) {
        for (state, count) in counts {
            self.now.get_or_create(&StateLabels { state }).set(*count);
        }
    }
}
