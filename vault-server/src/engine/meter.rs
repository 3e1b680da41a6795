//! What the engine counts. Labels are closed sets: kinds of events and classes of faults, never names.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use vault_core::account::plan::Plan;
use vault_core::lease::dynamic::step::Note;
use vault_core::rehearsal::Light;
use vault_core::rotation::fault::FaultClass;
use vault_core::silence::Mode;

use self::circuit::CircuitMeter;
use self::rotation::RotationMeter;
use self::standing::StandingMeter;
use crate::telemetry::metrics::Metrics;

pub(super) mod circuit;
pub(super) mod rotation;
pub(super) mod standing;

/// The engine's counters.
#[derive(Clone)]
pub(super) struct Meter {
    /// Rotations while they run, and incidents as they turn.
    pub(super) rotation: RotationMeter,
    /// How accounts, leases and incidents stand.
    pub(super) standing: StandingMeter,
    /// Which targets answer.
    pub(super) circuits: CircuitMeter,
    events: Family<EventLabels, Counter>,
    rotations: Family<RotationLabels, Counter>,
    leases: Family<EventLabels, Counter>,
    leases_now: Family<StateLabels, Gauge>,
    rehearsals: Family<LightLabels, Counter>,
    rehearsed_now: Family<LightLabels, Gauge>,
    shadows_now: Gauge,
    silences_now: Family<ModeLabels, Gauge>,
    escalations: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModeLabels {
    mode: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LightLabels {
    light: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabels {
    kind: String,
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RotationLabels {
    result: &'static str,
    class: &'static str,
}

impl Meter {
    /// Counters at zero, shown by `metrics`; `kinds` are the rotators that are built in.
    #[must_use]
    pub(super) fn new(metrics: &Metrics, kinds: impl Iterator<Item = &'static str>) -> Self {
        let meter = Self {
            rotation: RotationMeter::new(kinds),
            standing: StandingMeter::default(),
            circuits: CircuitMeter::new(),
            events: Family::default(),
            rotations: Family::default(),
            leases: Family::default(),
            leases_now: Family::default(),
            rehearsals: Family::default(),
            rehearsed_now: Family::default(),
            shadows_now: Gauge::default(),
            silences_now: Family::default(),
            escalations: Counter::default(),
        };
        for (result, class) in
            FaultClass::ALL.map(|class| ("failed", class.as_str())).into_iter().chain([("succeeded", "")])
        {
            drop(meter.rotations.get_or_create(&RotationLabels { result, class }));
        }
        metrics.register_fleet(|registry| {
            meter.rotation.register(registry);
            meter.standing.register(registry);
        });
        metrics.register(|registry| {
            meter.circuits.register(registry);
            registry.register(
                "account_events",
                "What happened to accounts, by kind and class",
                meter.events.clone(),
            );
            registry.register(
                "rotations",
                "Rotations that ended, by result and class",
                meter.rotations.clone(),
            );
            registry.register(
                "dynamic_lease_events",
                "What happened to dynamic leases, by kind and class of failure",
                meter.leases.clone(),
            );
            registry.register(
                "dynamic_leases",
                "Dynamic leases by state, counted once a minute",
                meter.leases_now.clone(),
            );
            registry.register("rehearsals", "Rehearsals that ended, by light", meter.rehearsals.clone());
            registry.register(
                "rehearsed_accounts",
                "Accounts by the light of their last rehearsal, counted once a minute",
                meter.rehearsed_now.clone(),
            );
            registry.register(
                "rehearsal_shadows",
                "Shadow accounts that may still be on a target, counted once a minute",
                meter.shadows_now.clone(),
            );
            registry.register(
                "incident_escalations",
                "How often it was told that nobody had acknowledged an incident",
                meter.escalations.clone(),
            );
            registry.register(
                "silences_active",
                "Silences and maintenance windows that last now, by mode",
                meter.silences_now.clone(),
            );
        });
        meter
    }

    /// Counts what a committed plan says.
    pub(super) fn committed(&self, plan: &Plan) {
        for entry in &plan.history {
            let kind = word(&entry.kind);
            let class = entry.class.map_or("", |class| class.as_str());
            self.events.get_or_create(&EventLabels { kind, class }).inc();
        }
        if let Some(end) = &plan.ended {
            let (result, class) = end.failed.map_or(("succeeded", ""), |class| ("failed", class.as_str()));
            self.rotations.get_or_create(&RotationLabels { result, class }).inc();
        }
    }

    /// It was told that nobody takes an incident.
    pub(super) fn escalated(&self) {
        self.escalations.inc();
    }

    /// Counts what happened to a dynamic lease.
    pub(super) fn noted(&self, note: &Note) {
        let class = note.fault.as_ref().map_or("", |fault| fault.class.as_str());
        let kind = note.kind.as_str().to_owned();
        self.leases.get_or_create(&EventLabels { kind, class }).inc();
    }

    /// Shows how many dynamic leases there are in each state.
    pub(super) fn counted(&self, counts: &[(&'static str, i64)]) {
        for (state, count) in counts {
            self.leases_now.get_or_create(&StateLabels { state }).set(*count);
        }
    }

    /// Counts a rehearsal.
    pub(super) fn rehearsed(&self, light: Light) {
        self.rehearsals.get_or_create(&LightLabels { light: light.as_str() }).inc();
    }

    /// Shows how many accounts have which light, and how many shadows there may be.
    pub(super) fn counted_rehearsals(&self, lights: &[(Light, i64)], shadows: i64) {
        for (light, count) in lights {
            self.rehearsed_now.get_or_create(&LightLabels { light: light.as_str() }).set(*count);
        }
        self.shadows_now.set(shadows);
    }

    /// Shows how many silences of a mode are in force.
    pub(super) fn counted_silences(&self, mode: Mode, count: i64) {
        self.silences_now.get_or_create(&ModeLabels { mode: mode.word() }).set(count);
    }
}

/// A kind as it stands in records, answers and labels.
pub(super) fn word(kind: &impl serde::Serialize) -> String {
    serde_json::to_value(kind).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
