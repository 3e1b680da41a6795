//! Exposure: how long an incident has been open to harm, and which of several is looked at first.

use std::time::Duration;

use super::Incident;
use super::severity::Severity;
use crate::clock::Timestamp;

impl Incident {
    /// For how long it has been, or was, open to harm: from the first evidence (t2, or t3 where there is none) until
    /// verified healthy (t7), or until `now` while it is open.
    #[must_use]
    pub fn exposure(&self, now: Timestamp) -> Duration {
        let (from, until) = (self.marks.t2.or(self.marks.t3), self.marks.t7.unwrap_or(now));
        from.map_or(Duration::ZERO, |from| until.since(from))
    }

    /// What orders open incidents, the most pressing highest: exposure × severity × accounts that are hit. One that is
    /// new has [`HEAD_START`] already, so that a bad one is not last until it has become old.
    #[must_use]
    pub fn pressure(&self, now: Timestamp) -> u64 {
        let seconds = self.exposure(now).saturating_add(HEAD_START).as_secs();
        let accounts = u64::from(self.members.now.max(1));
        seconds.saturating_mul(weight(self.severity())).saturating_mul(accounts)
    }
}

/// How much more one hour of an incident weighs than one of a warning.
const fn weight(severity: Severity) -> u64 {
    match severity {
        Severity::Warning => 1,
        Severity::Error => 4,
        Severity::Critical => 16,
    }
}

/// What each incident is taken to have been open for already: as long as a critical one may be before somebody is paged
/// for its age.
pub const HEAD_START: Duration = Duration::from_mins(15);

#[cfg(test)]
mod tests {
    use crate::id::IncidentId;
    use crate::incident::ledger::{FaultReport, LedgerEvent, record};
    use crate::incident::{Marks, Members};
    use crate::rotation::fault::FaultClass;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn incident(class: FaultClass, minutes: u64, accounts: u32) -> Incident {
        let at = NOW.minus(Duration::from_secs(60 * minutes));
        let report = FaultReport {
            incident: IncidentId::from_stored([7; 16]),
            reopened: false,
            at,
            subject: "a/db/app".into(),
            target: "pg".into(),
            class,
            phase: None,
            detail: "something".into(),
            due_at: at,
            started_at: at,
            attempts: 1,
            stays_parked: false,
            scope: Default::default(),
            moved_from: None,
        };
        let members = Members { now: accounts, ..Members::default() };
        Incident { members, ..record(None, &LedgerEvent::Fault(report)).unwrap().incident }
    }

    #[test]
    fn age_severity_and_accounts_decide_together() {
        let by_pressure = [
            ("a dead target for an hour", incident(FaultClass::Unreachable, 60, 40)),
            ("an old password that works, for an hour", incident(FaultClass::OldStillValid, 60, 0)),
            ("a refused candidate for four hours", incident(FaultClass::PolicyRejected, 240, 0)),
            ("an old password that works, just seen", incident(FaultClass::OldStillValid, 0, 0)),
            ("a warning for three hours", incident(FaultClass::Overdue, 180, 0)),
            ("a refused candidate, just seen", incident(FaultClass::PolicyRejected, 0, 0)),
            ("a warning, just seen", incident(FaultClass::Overdue, 0, 0)),
        ];
        for pair in by_pressure.windows(2) {
            let [(more, first), (less, second)] = pair else { unreachable!() };
            assert!(first.pressure(NOW) > second.pressure(NOW), "{more} before {less}");
        }
    }

    #[test]
    fn exposure_ends_with_the_proof() {
        let mut incident = incident(FaultClass::Drift, 60, 0);
        assert_eq!(incident.exposure(NOW), Duration::from_secs(3600));
        incident.marks.t7 = Some(NOW.minus(Duration::from_secs(600)));
        assert_eq!(incident.exposure(NOW), Duration::from_secs(3000));
        // A clock that was stepped back makes no exposure of its own.
        assert_eq!(incident.exposure(Timestamp::from_secs(1)), Duration::from_secs(3000));
        incident.marks = Marks::default();
        assert_eq!(incident.exposure(NOW), Duration::ZERO);
    }
}
