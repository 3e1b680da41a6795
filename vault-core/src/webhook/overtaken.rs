//! Messages overtake each other: one that is late may say of an incident what is not true any more.

use super::delivery::Delivery;
use super::event::EventKind;
use crate::incident::{Incident, IncidentState};

impl Delivery {
    /// Whether a pager that hears it now would take `incident` for another than it is: it would be called for one that
    /// somebody has taken, or that is over; or would fall silent about one that has been opened again since, for a
    /// pager knows an incident that was reopened by the name that it has had.
    #[must_use]
    pub fn is_overtaken(&self, incident: &Incident) -> bool {
        let is_reopened = self.about.is_some_and(|about| incident.reopened > about.opening);
        match self.kind {
            kind if kind.notifies() => incident.waits_since().is_none(),
            EventKind::Acknowledged => is_reopened || incident.waits_since().is_some(),
            EventKind::Closed => is_reopened || incident.state == IncidentState::Open,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::clock::Timestamp;
    use crate::entropy::SeededEntropy;
    use crate::id::{EventId, IncidentId};
    use crate::incident::ledger::{FaultReport, LedgerEvent, record};
    use crate::rotation::fault::FaultClass;
    use crate::webhook::About;
    use crate::webhook::event::Event;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn incident(state: IncidentState, taken: bool, reopened: u32) -> Incident {
        let report = FaultReport {
            incident: IncidentId::from_stored([7; 16]),
            reopened: false,
            at: NOW,
            subject: "a/db/app".into(),
            target: "pg".into(),
            class: FaultClass::Drift,
            phase: None,
            detail: "something".into(),
            due_at: NOW,
            started_at: NOW,
            attempts: 1,
            stays_parked: false,
            scope: Default::default(),
            moved_from: None,
        };
        let opened = record(None, &LedgerEvent::Fault(report)).unwrap().incident;
        Incident { state, taken, reopened, ..opened }
    }

    fn delivery(kind: EventKind) -> Delivery {
        let event = EventId::generate(NOW, &SeededEntropy::new(1));
        let about = Some(About { incident: IncidentId::from_stored([7; 16]), opening: 0 });
        Delivery { kind, about, ..Delivery::of(&Event::test(event, NOW, "w")) }
    }

    #[test]
    fn what_is_not_true_any_more_is_told_to_no_pager() {
        let states = [
            ("waits", incident(IncidentState::Open, false, 0)),
            ("taken", incident(IncidentState::Open, true, 0)),
            ("over", incident(IncidentState::Closed, true, 0)),
            ("waits again", incident(IncidentState::Open, false, 1)),
            ("taken again", incident(IncidentState::Open, true, 1)),
            ("over again", incident(IncidentState::Closed, true, 1)),
        ];
        for (kind, still_true) in [
            (EventKind::Opened, vec!["waits", "waits again"]),
            (EventKind::Escalated, vec!["waits", "waits again"]),
            (EventKind::Acknowledged, vec!["taken", "over"]),
            (EventKind::Closed, vec!["over"]),
            (EventKind::Failed, states.iter().map(|(name, _)| *name).collect()),
        ] {
            let told: Vec<&str> = states
                .iter()
                .filter(|(_, incident)| !delivery(kind).is_overtaken(incident))
                .map(|(name, _)| *name)
                .collect();
            assert_eq!(told, still_true, "{kind:?}");
        }
    }
}
