//! The trouble that a target has with dynamic leases: one incident for it, however many leases fail to end.
//!
//! It counts the leases that failed and are not over. The first of them opens the incident; when the last
//! one is proven over, it closes.

use serde::{Deserialize, Serialize};

use super::Dynamic;
use super::step::Report;
use crate::account::REOPEN_WITHIN;
use crate::clock::Timestamp;
use crate::id::IncidentId;
use crate::incident::ledger::{FaultReport, LedgerEvent};
use crate::rotation::fault::Scope;
use crate::rotation::run::Step;

/// The record of a target's trouble.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trouble {
    /// Leases that failed to end and are not over.
    pub failing: u64,
    /// Those of them that wait for a person.
    pub parked: u64,
    /// The open incident.
    pub incident: Option<IncidentId>,
    /// The incident closed last, and when.
    pub last_incident: Option<(IncidentId, Timestamp)>,
}

impl Trouble {
    /// Takes in what is reported of `lease`; gives what the incident ledger is told. `fresh` is the id that a
    /// new incident would get.
    pub fn hear(
        &mut self,
        lease: &Dynamic,
        report: &Report,
        fresh: IncidentId,
        now: Timestamp,
    ) -> Vec<LedgerEvent> {
        match report {
            Report::Healed => self.healed(now),
            Report::Resumed => self.resumed(now),
            Report::Failed { fault, first, next } => {
                self.failing = self.failing.saturating_add(u64::from(*first));
                let (incident, reopened) = match (self.incident, self.last_incident) {
                    (Some(open), _) => (open, false),
                    (None, Some((last, closed_at))) if now.since(closed_at) < REOPEN_WITHIN => (last, true),
                    (None, _) => (fresh, false),
                };
                self.incident = Some(incident);
                let due_at = lease.closing.unwrap_or(now);
                let others_parked = self.parked > 0;
                self.parked = self.parked.saturating_add(u64::from(next.is_none()));
                let follows = match next {
                    None => Some(LedgerEvent::Parked { incident, at: now }),
                    // It does not help those that wait for a person.
                    Some(_) if others_parked => None,
                    Some(at) => Some(LedgerEvent::NextAttempt { incident, at: Some(*at) }),
                };
                let failed = LedgerEvent::Fault(FaultReport {
                    incident,
                    reopened,
                    at: now,
                    subject: format!("{SUBJECT}{}", lease.target),
                    target: lease.target.to_string(),
                    class: fault.class,
                    phase: Some(Step::Retire),
                    detail: format!("user {}: {}", lease.username, fault.detail),
                    due_at,
                    started_at: due_at,
                    attempts: lease.failures,
                    stays_parked: others_parked,
                    scope: Scope::Account,
                    moved_from: None,
                });
                std::iter::once(failed).chain(follows).collect()
            }
        }
    }

    fn resumed(&mut self, now: Timestamp) -> Vec<LedgerEvent> {
        self.parked = self.parked.saturating_sub(1);
        match self.incident {
            Some(incident) if self.parked == 0 => vec![LedgerEvent::NextAttempt { incident, at: Some(now) }],
            _ => Vec::new(),
        }
    }

    fn healed(&mut self, now: Timestamp) -> Vec<LedgerEvent> {
        self.failing = self.failing.saturating_sub(1);
        match self.incident {
            Some(incident) if self.failing == 0 => {
                self.incident = None;
                self.last_incident = Some((incident, now));
                vec![LedgerEvent::Remediated { incident, at: now }]
            }
            _ => Vec::new(),
        }
    }
}

/// What an incident about dynamic leases names, before the target.
pub const SUBJECT: &str = "dynamic leases on ";
