//! What is measured of rotations while they run, and of incidents as they turn. Labels are closed sets: kinds of
//! rotators, steps, classes and severities, never the name of a target, an account or a plugin.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use vault_core::clock::Timestamp;
use vault_core::incident::{Incident, IncidentState};
use vault_core::rotation::attempt::Attempt;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::run::Step;

use super::word;

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// Counters and histograms of rotations and incidents.
#[derive(Clone)]
pub(in crate::engine) struct RotationMeter {
    attempts: Family<AttemptLabels, Counter>,
    ended: Family<ResultLabels, Counter>,
    durations: Histograms<PhaseLabels>,
    opened: Family<IncidentLabels, Counter>,
    resolved: Family<IncidentLabels, Counter>,
    detect: Histograms<ClassLabels>,
    ack: Histograms<ClassLabels>,
    mitigate: Histograms<ClassLabels>,
    remediate: Histograms<ClassLabels>,
    revocations: Histograms<KindLabels>,
    last_tick: Gauge,
    clock_ahead: Gauge,
    stepped_back: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    rotator: &'static str,
    result: &'static str,
    phase: String,
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    rotator: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhaseLabels {
    rotator: &'static str,
    phase: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct IncidentLabels {
    class: &'static str,
    severity: &'static str,
}

impl IncidentLabels {
    fn of(class: FaultClass) -> Self {
        Self { class: class.as_str(), severity: class.severity().as_str() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabels {
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

impl RotationMeter {
    /// At zero. What an alert counts the first increase of is there from the beginning: of a series that comes with its
    /// first event, nobody sees that one.
    pub(super) fn new(kinds: impl Iterator<Item = &'static str>) -> Self {
        let meter = Self {
            attempts: Family::default(),
            ended: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(STEP_BUCKETS)),
            opened: Family::default(),
            resolved: Family::default(),
            detect: Family::new_with_constructor(|| Histogram::new(REPAIR_BUCKETS)),
            ack: Family::new_with_constructor(|| Histogram::new(REPAIR_BUCKETS)),
            mitigate: Family::new_with_constructor(|| Histogram::new(REPAIR_BUCKETS)),
            remediate: Family::new_with_constructor(|| Histogram::new(REPAIR_BUCKETS)),
            revocations: Family::new_with_constructor(|| Histogram::new(REPAIR_BUCKETS)),
            last_tick: Gauge::default(),
            clock_ahead: Gauge::default(),
            stepped_back: Counter::default(),
        };
        for class in FaultClass::ALL {
            drop(meter.opened.get_or_create(&IncidentLabels::of(class)));
            drop(meter.resolved.get_or_create(&IncidentLabels::of(class)));
            for family in [&meter.detect, &meter.ack, &meter.mitigate, &meter.remediate] {
                drop(family.get_or_create(&ClassLabels { class: class.as_str() }));
            }
        }
        for rotator in kinds.chain([PLUGIN]) {
            let none = AttemptLabels { rotator, result: "ok", phase: String::new(), class: "" };
            drop(meter.attempts.get_or_create(&none));
            for result in ["ok", "failed", "ambiguous"] {
                drop(meter.ended.get_or_create(&ResultLabels { rotator, result }));
            }
            let class = FaultClass::OldStillValid.as_str();
            let alive = AttemptLabels { rotator, result: "failed", phase: word(&Step::Retire), class };
            drop(meter.attempts.get_or_create(&alive));
        }
        meter
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "rotation_attempts",
            "Attempts that are over, by what came of them, the step they failed in and the class",
            self.attempts.clone(),
        );
        registry.register(
            "rotation_attempts_ended",
            "The same, by what came of them alone: each there from the beginning, for alerts on their share",
            self.ended.clone(),
        );
        registry.register(
            "rotation_duration_seconds",
            "How long a call to a target took, by step",
            self.durations.clone(),
        );
        registry.register("rotation_incidents_opened", "Incidents opened or reopened", self.opened.clone());
        registry.register(
            "rotation_incidents_resolved",
            "Incidents closed by proof; what was withdrawn is not in it",
            self.resolved.clone(),
        );
        let ended = "of incidents that ended; those that are open are in no bucket";
        for (name, what, family) in [
            ("rotation_time_to_detect_seconds", "First evidence to detection", &self.detect),
            ("rotation_time_to_ack_seconds", "Detection to the first who took it", &self.ack),
            ("rotation_time_to_mitigate_seconds", "Detection to consumers served again", &self.mitigate),
            ("rotation_time_to_remediate_seconds", "Detection to the proof of repair", &self.remediate),
        ] {
            registry.register(name, format!("{what}, {ended}"), family.clone());
        }
        registry.register(
            "lease_revoke_duration_seconds",
            "From the end of a lease to the proof that the target refuses what it handed out",
            self.revocations.clone(),
        );
        registry.register(
            "rotation_last_scheduler_tick_timestamp_seconds",
            "When the scheduler last looked at the clock: a dead-man's switch",
            self.last_tick.clone(),
        );
        registry.register(
            "clock_ahead_seconds",
            "How much later it is for the vault than by the machine's clock, which was stepped back",
            self.clock_ahead.clone(),
        );
        registry.register(
            "clock_stepped_back",
            "Steps back of the vault's own clock: what waits waits so much longer",
            self.stepped_back.clone(),
        );
    }

    /// Counts an attempt that is over.
    pub(in crate::engine) fn attempted(&self, rotator: &'static str, attempt: &Attempt) {
        let result = match attempt.class {
            _ if attempt.succeeded => "ok",
            Some(FaultClass::Ambiguous) => "ambiguous",
            _ => "failed",
        };
        let phase = attempt.phase.as_ref().map(word).unwrap_or_default();
        let class = attempt.class.filter(|_| !attempt.succeeded).map_or("", |class| class.as_str());
        self.ended.get_or_create(&ResultLabels { rotator, result }).inc();
        self.attempts.get_or_create(&AttemptLabels { rotator, result, phase, class }).inc();
    }

    /// Notes how long a call took.
    pub(in crate::engine) fn called(&self, rotator: &'static str, phase: &'static str, took: Duration) {
        self.durations.get_or_create(&PhaseLabels { rotator, phase }).observe(took.as_secs_f64());
    }

    /// Counts an incident that was opened, reopened or closed.
    pub(in crate::engine) fn turned(&self, incident: &Incident) {
        // It counts with the one that it is merged into.
        if incident.merged.into.is_some() {
            return;
        }
        let labels = IncidentLabels::of(incident.class);
        if incident.state == IncidentState::Open {
            self.opened.get_or_create(&labels).inc();
            return;
        }
        // What was withdrawn was never proved.
        let Some(repaired) = incident.marks.t7 else { return };
        self.resolved.get_or_create(&labels).inc();
        let marks = &incident.marks;
        let (Some(detected), None) = (marks.t3, incident.stepped_back) else { return };
        let class = ClassLabels { class: incident.class.as_str() };
        let spans = [
            (&self.detect, marks.t2.map(|fault| detected.since(fault))),
            (&self.ack, marks.t5.map(|taken| taken.since(detected))),
            (&self.mitigate, marks.t6.map(|served| served.since(detected))),
            (&self.remediate, Some(repaired.since(detected))),
        ];
        for (family, span) in spans {
            span.into_iter().for_each(|span| family.get_or_create(&class).observe(span.as_secs_f64()));
        }
    }

    /// Notes how long a lease took to die.
    pub(in crate::engine) fn revoked(&self, kind: &'static str, took: Duration) {
        self.revocations.get_or_create(&KindLabels { kind }).observe(took.as_secs_f64());
    }

    /// Notes that the scheduler lives, when the vault's clock shows `now` and the machine's `wall`, and the vault's showed
    /// `last` before. Who watches it compares with a clock of theirs, so it is told by the machine's.
    pub(in crate::engine) fn ticked(&self, last: Timestamp, now: Timestamp, wall: Timestamp) -> Ticked {
        self.last_tick.set(wall.as_secs());
        let ahead = i64::try_from(now.since(wall).as_secs()).unwrap_or(i64::MAX);
        let before = self.clock_ahead.set(ahead);
        if last.since(now) >= NOTED {
            self.stepped_back.inc();
            return Ticked::Back;
        }
        if before < ahead { Ticked::Ahead } else { Ticked::On }
    }
}

/// How the clocks have gone since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Ticked {
    /// On.
    On,
    /// The machine's was stepped back, and the vault's was not.
    Ahead,
    /// The vault's was stepped back, too.
    Back,
}

/// What is no step.
const NOTED: Duration = Duration::from_secs(1);
/// The kind of every rotator that is a plugin: how plugins are called is the operator's choice.
pub(in crate::engine) const PLUGIN: &str = "plugin";
/// From a local socket to a target that runs into its deadline.
const STEP_BUCKETS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0];
/// From a minute to a week.
const REPAIR_BUCKETS: [f64; 11] = [
    60.0,
    300.0,
    900.0,
    1_800.0,
    3_600.0,
    2.0 * 3_600.0,
    4.0 * 3_600.0,
    8.0 * 3_600.0,
    24.0 * 3_600.0,
    3.0 * 24.0 * 3_600.0,
    7.0 * 24.0 * 3_600.0,
];
