//! What the first screen shows below what is broken: success against the objective, leases, ages and the audit trail.

use std::collections::BTreeMap;

use vault_api::audit::AuditDevice;
use vault_api::report::{LeaseCounts, RotationReport, StandingReport};
use vault_core::clock::Timestamp;

use crate::dashboard::page::reports::{Burning, Share, ages_drawn, burns, percent, shares};
use crate::dashboard::plot::Drawing;
use crate::dashboard::time::When;
use crate::dashboard::visit::{Part, SignedIn};

/// What share of rotations succeeded in the last thirty days, against the objective.
pub(super) struct Success {
    pub(super) objective: f64,
    /// Of all rotations that ended.
    pub(super) ratio: String,
    pub(super) burns: Vec<Burning>,
    /// The worst targets.
    pub(super) targets: Vec<Share>,
    /// The worst kinds of target.
    pub(super) rotators: Vec<Share>,
    pub(super) at: When,
}

/// How old credentials were when they were counted last.
pub(super) struct Aged {
    pub(super) at: When,
    pub(super) drawing: Drawing,
    pub(super) names: Vec<(String, u64)>,
    pub(super) without_policy: u64,
    pub(super) without_credential: u64,
}

/// How leases stood when they were counted last.
pub(super) struct Leases {
    pub(super) at: When,
    pub(super) kinds: [(&'static str, LeaseCounts); 2],
}

/// An audit device, and how it fares.
pub(super) struct Device {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) is_ill: bool,
    pub(super) is_behind: bool,
    pub(super) failures: u64,
    pub(super) newest_line: Option<u64>,
    pub(super) newest_at: When,
    /// What the last check of the chained file has shown.
    pub(super) chain: Option<Chain>,
}

/// The last check of the chained file.
pub(super) struct Chain {
    pub(super) at: When,
    pub(super) line: u64,
    pub(super) findings: u64,
}

/// Success by target and rotator; `whole` is what was told of all of them, to who may read it.
pub(super) async fn success(signed_in: &SignedIn, whole: &RotationReport) -> Success {
    let mut parts = [Vec::new(), Vec::new()];
    for (part, by) in parts.iter_mut().zip(["target", "rotator"]) {
        let path = format!("reports/rotation?max_age={}&by={by}&worst={WORST}", super::FIGURES_AGE_MAX);
        let told: Part<RotationReport> = signed_in.part(&path).await;
        *part = told.told.map(|report| shares(&report.groups)).unwrap_or_default();
    }
    let [targets, rotators] = parts;
    let share = whole.rotations.failure_share;
    Success {
        objective: whole.budget.objective,
        ratio: share.map_or("–".to_owned(), |share| percent(1.0 - share)),
        burns: burns(&whole.budget),
        targets,
        rotators,
        at: When::of(Some(&whole.window.to), signed_in.visit.now, ""),
    }
}

/// Nothing before the first count.
pub(super) fn aged(report: &StandingReport, now: Timestamp) -> Option<Aged> {
    let ages = &report.ages;
    let at = When::of(Some(ages.as_of.as_deref()?), now, "");
    let (drawing, names) = ages_drawn(&ages.buckets);
    let (without_policy, without_credential) = (ages.without_policy, ages.without_credential);
    Some(Aged { at, drawing, names, without_policy, without_credential })
}

/// Nothing before the first count.
pub(super) fn leases(report: &StandingReport, now: Timestamp) -> Option<Leases> {
    let leases = &report.leases;
    let at = When::of(Some(leases.as_of.as_deref()?), now, "");
    let kinds = [("of accounts", leases.account), ("dynamic: users made for a lease", leases.dynamic)];
    Some(Leases { at, kinds })
}

/// The audit devices, the chained file first. Who may not read them is not asked about them: a refusal at each look
/// would be noise in the trail.
pub(super) async fn trail(signed_in: &SignedIn) -> Part<Vec<Device>> {
    let path = "sys/audit".to_owned();
    let rights = signed_in.rights(std::slice::from_ref(&path)).await;
    if !rights.may("read", &path) || !rights.may("sudo", &path) {
        return Part::withheld();
    }
    let devices: Part<BTreeMap<String, AuditDevice>> = signed_in.part(&path).await;
    let now = signed_in.visit.now;
    let told = devices.told.map(|devices| {
        let mut devices: Vec<Device> = devices.into_values().map(|device| shown(device, now)).collect();
        // Of those alike in the order of names.
        devices.sort_by_key(|device| device.newest_line.is_none());
        devices
    });
    Part { told, why: devices.why }
}

fn shown(device: AuditDevice, now: Timestamp) -> Device {
    let health = device.health;
    let chain = health.checked_at.as_deref().map(|at| Chain {
        at: When::of(Some(at), now, ""),
        line: health.checked_line.unwrap_or_default(),
        findings: health.findings.unwrap_or_default(),
    });
    Device {
        name: device.path.trim_end_matches('/').to_owned(),
        kind: device.kind,
        is_ill: !health.takes_lines,
        is_behind: health.behind,
        failures: health.failures,
        newest_line: health.newest_line,
        newest_at: When::of(health.newest_at.as_deref(), now, "none yet"),
        chain,
    }
}

/// Targets and kinds of target that are named.
const WORST: usize = 8;
