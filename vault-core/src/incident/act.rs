//! What the vault did last by itself in an incident: told beside what it will do next, so that nobody has to read the
//! time line to know whether it still works at it.

use serde::{Deserialize, Serialize};

use super::Incident;
use super::entry::{Entry, Failure, What};
use super::group::Why;
use crate::clock::Timestamp;
use crate::rotation::fault::FaultClass;
use crate::rotation::run::Step;

/// An act of the vault's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Looked whether the change could succeed.
    Prepare,
    /// Changed the password, as far as that came.
    Apply,
    /// Logged in with the new password.
    Verify,
    /// Asked which password works.
    Probe,
    /// Put the old password back.
    Revert,
    /// Looked whether the old password is refused.
    Retire,
    /// Looked at what is stored, outside of any rotation.
    Look,
    /// Saw that what was due had not begun.
    Notice,
    /// Stopped, and waits for a person.
    Park,
    /// Leaves the target alone until it answers.
    OpenCircuit,
    /// Let one account through to see whether the target answers.
    TryCircuit,
    /// Saw the target answer, and let those that waited go on.
    CloseCircuit,
    /// Set a fresh password, as the target's settings say.
    Reconcile,
    /// Held back a login that could have locked the account.
    HoldLogin,
    /// Saw that consumers can log in again.
    Mitigate,
    /// Proved one of its accounts healthy.
    Prove,
}

/// An act, and when it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acted {
    /// When.
    pub at: Timestamp,
    /// What.
    pub act: Act,
}

impl Act {
    /// Its stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Apply => "apply",
            Self::Verify => "verify",
            Self::Probe => "probe",
            Self::Revert => "revert",
            Self::Retire => "retire",
            Self::Look => "look",
            Self::Notice => "notice",
            Self::Park => "park",
            Self::OpenCircuit => "open_circuit",
            Self::TryCircuit => "try_circuit",
            Self::CloseCircuit => "close_circuit",
            Self::Reconcile => "reconcile",
            Self::HoldLogin => "hold_login",
            Self::Mitigate => "mitigate",
            Self::Prove => "prove",
        }
    }

    /// What the vault did, in words that go on from “the vault”.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Prepare => "looked whether the change could succeed",
            Self::Apply => "tried to change the password",
            Self::Verify => "tried to log in with the new password",
            Self::Probe => "asked the target which password works",
            Self::Revert => "tried to put the old password back",
            Self::Retire => "looked whether the old password is refused",
            Self::Look => "looked at what is stored, and changed nothing",
            Self::Notice => "saw that the rotation had not begun",
            Self::Park => "stopped, so as to make nothing worse",
            Self::OpenCircuit => "leaves the target alone until it answers",
            Self::TryCircuit => "let one account through to see whether the target answers",
            Self::CloseCircuit => "saw the target answer, and let those that waited go on",
            Self::Reconcile => "set a fresh password, as the target's settings say",
            Self::HoldLogin => "held back a login that could have locked the account",
            Self::Mitigate => "saw that consumers can log in again",
            Self::Prove => "proved one of the accounts healthy",
        }
    }

    /// What was being done when that failed.
    #[must_use]
    pub const fn failed(class: FaultClass, phase: Option<Step>) -> Self {
        match (class, phase) {
            (FaultClass::Overdue, _) => Self::Notice,
            (_, Some(Step::Prepare)) => Self::Prepare,
            (_, Some(Step::Apply)) => Self::Apply,
            (_, Some(Step::Verify)) => Self::Verify,
            (_, Some(Step::Probe)) => Self::Probe,
            (_, Some(Step::Revert)) => Self::Revert,
            (_, Some(Step::Retire)) => Self::Retire,
            (_, None) => Self::Look,
        }
    }

    /// What a line tells of; `None` of what people or receivers did, and of what is only counted.
    const fn of(entry: &Entry) -> Option<Self> {
        Some(match &entry.what {
            What::Opened { failure, .. }
            | What::Reopened { failure, .. }
            | What::Failed { failure, .. }
            | What::Joined { failure, .. }
            | What::ClassChanged { failure } => {
                let Failure { class, phase, .. } = failure;
                Self::failed(*class, *phase)
            }
            What::Left { why: Why::Proven, .. } => Self::Prove,
            What::CircuitOpened { .. } => Self::OpenCircuit,
            What::CircuitTried { .. } => Self::TryCircuit,
            What::CircuitClosed { .. } => Self::CloseCircuit,
            What::Reconciled => Self::Reconcile,
            What::LockoutGuardHeld { .. } => Self::HoldLogin,
            What::Parked => Self::Park,
            What::Mitigated => Self::Mitigate,
            _ => return None,
        })
    }
}

impl Incident {
    /// What the vault did last by itself. Of an incident from before this was written down it is what its last failure
    /// tells. What accounts beneath a target's incident did since has no line, and is not in here.
    #[must_use]
    pub fn last_act(&self) -> Acted {
        self.acted.unwrap_or_else(|| {
            let known = self.failed_at != Timestamp::EPOCH;
            let at = if known { self.failed_at } else { self.marks.t3.unwrap_or(self.last_at) };
            let act = if self.parked { Act::Park } else { Act::failed(self.class, self.phase) };
            Acted { at, act }
        })
    }

    /// Takes in the next line.
    pub(super) fn note_act(&mut self, entry: &Entry) {
        if let Some(act) = Act::of(entry) {
            self.acted = Some(Acted { at: entry.at, act });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::entropy::SeededEntropy;
    use crate::id::IncidentId;
    use crate::incident::ledger::{FaultReport, LedgerEvent, record};
    use crate::rotation::fault::Scope;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + second)
    }

    fn id() -> IncidentId {
        IncidentId::generate(at(0), &SeededEntropy::new(1))
    }

    fn fault(second: i64, phase: Option<Step>) -> LedgerEvent {
        LedgerEvent::Fault(FaultReport {
            incident: id(),
            reopened: false,
            at: at(second),
            subject: "a/app".to_owned(),
            target: "t".to_owned(),
            class: FaultClass::Ambiguous,
            phase,
            detail: "words".to_owned(),
            due_at: at(0),
            started_at: at(0),
            attempts: 1,
            stays_parked: false,
            scope: Scope::Account,
            moved_from: None,
        })
    }

    fn after(events: &[LedgerEvent]) -> Incident {
        let fold = |incident, event| record(incident, event).map(|recorded| recorded.incident);
        events.iter().fold(None, fold).unwrap()
    }

    #[test]
    fn the_last_act_is_the_vaults_own_and_not_what_people_did_since() {
        let mut events = vec![fault(0, Some(Step::Apply))];
        assert_eq!(after(&events).last_act(), Acted { at: at(0), act: Act::Apply });
        events.push(fault(5, Some(Step::Probe)));
        events.push(LedgerEvent::Acknowledged { incident: id(), at: at(6), by: "ann".to_owned() });
        let (text, staff_minutes) = ("looked".to_owned(), 1);
        let note = LedgerEvent::Note { incident: id(), at: at(7), by: "ann".to_owned(), text, staff_minutes };
        events.push(note);
        assert_eq!(after(&events).last_act(), Acted { at: at(5), act: Act::Probe });
        events.push(LedgerEvent::Parked { incident: id(), at: at(8) });
        assert_eq!(after(&events).last_act(), Acted { at: at(8), act: Act::Park });
        events.push(LedgerEvent::Reconciled { incident: id(), at: at(9) });
        assert_eq!(after(&events).last_act().act, Act::Reconcile);
        events.push(LedgerEvent::Mitigated { incident: id(), at: at(10) });
        assert_eq!(after(&events).last_act(), Acted { at: at(10), act: Act::Mitigate });
    }

    #[test]
    fn a_failure_without_a_line_of_its_own_is_an_act_all_the_same() {
        let mut incident = after(&[fault(0, None)]);
        incident.lines = crate::incident::entry::WHOLE_LINES;
        let recorded = record(Some(incident), &fault(3, None)).unwrap();
        assert_eq!(recorded.entry, None);
        assert_eq!(recorded.incident.last_act(), Acted { at: at(3), act: Act::Look });
    }

    #[test]
    fn of_an_incident_from_before_the_last_failure_tells_it() {
        let old = Incident { acted: None, ..after(&[fault(0, None), fault(4, Some(Step::Retire))]) };
        assert_eq!(old.last_act(), Acted { at: at(4), act: Act::Retire });
        let parked = Incident { parked: true, ..old.clone() };
        assert_eq!(parked.last_act().act, Act::Park);
        let oldest = Incident { failed_at: Timestamp::EPOCH, ..old };
        assert_eq!(oldest.last_act().at, at(0), "when it was opened");
    }
}
