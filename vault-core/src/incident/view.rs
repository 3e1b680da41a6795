//! What was known of an incident before a given moment: so a window that is past shows the same for ever.
//!
//! The marks of the record are what all lines say. Where a line was written at the moment or later, they follow from the
//! lines before it once more. Of an incident that was begun before version 2, the first lines are in the record.

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};

use super::entry::{Entry, What};
use super::merge::earlier;
use super::{EarlierEvent, Incident, IncidentState, Marks, STEP_MIN};
use crate::clock::Timestamp;
use crate::id::IncidentId;
use crate::rotation::fault::FaultClass;

/// An incident as it was known before a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The class of its last failure until then.
    pub class: FaultClass,
    /// When it began to be wrong.
    pub fault: Option<Timestamp>,
    /// When it was detected.
    pub detected: Timestamp,
    /// When somebody was first notified.
    pub notified: Option<Timestamp>,
    /// When it was first acknowledged.
    pub acknowledged: Option<Timestamp>,
    /// When consumers could log in again.
    pub mitigated: Option<Timestamp>,
    /// Whether and how it is over.
    pub end: End,
    /// When it was reviewed last.
    pub reviewed: Option<Timestamp>,
    /// Minutes that people had spent on it.
    pub staff_minutes: u64,
    /// Whether the clock was stepped back meanwhile: its durations are no observations.
    pub stepped_back: bool,
    /// The incident that it was merged into.
    pub into: Option<IncidentId>,
}

/// Whether and how an incident is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Not yet.
    Open,
    /// Verified healthy at this time.
    Remediated(Timestamp),
    /// Its subject was given up at this time, so that nobody will ever know.
    Withdrawn(Timestamp),
}

impl End {
    /// When it was over.
    #[must_use]
    pub const fn at(self) -> Option<Timestamp> {
        match self {
            Self::Open => None,
            Self::Remediated(at) | Self::Withdrawn(at) => Some(at),
        }
    }
}

impl View {
    /// What was known of `incident` before `until`; `None` when it was not detected by then.
    ///
    /// `lines` are those of its time line, in order, at least those before `until`; they are looked at only where
    /// [`View::needs_lines`] says so.
    #[must_use]
    pub fn before(incident: &Incident, lines: &[Entry], until: Timestamp) -> Option<Self> {
        let detected = incident.marks.t3.filter(|at| *at < until)?;
        let known = if Self::needs_lines(incident, until) {
            Known::told(incident, lines, until)
        } else {
            Known::recorded(incident)
        };
        let Marks { t2, t4, t5, t6, t7, t8, .. } = known.marks;
        let end = match (t7, known.withdrawn) {
            (Some(at), _) => End::Remediated(at),
            (None, Some(at)) => End::Withdrawn(at),
            (None, None) => End::Open,
        };
        Some(Self {
            class: known.class,
            fault: t2,
            detected,
            notified: t4,
            acknowledged: t5,
            mitigated: t6,
            end,
            reviewed: t8,
            staff_minutes: known.staff_minutes,
            stepped_back: known.stepped_back,
            into: known.into,
        })
    }

    /// It and `beneath`, which was merged into it, as the one incident that they are: from the first evidence of any until
    /// its own end, which is that of the last.
    #[must_use]
    pub fn with(self, beneath: &Self) -> Self {
        let gave_up = matches!(beneath.end, End::Withdrawn(_)) && beneath.mitigated.is_none();
        let mitigated = if gave_up {
            self.mitigated
        } else {
            self.mitigated.zip(beneath.mitigated).map(|(one, other)| one.max(other))
        };
        Self {
            fault: earlier(self.fault, beneath.fault),
            detected: self.detected.min(beneath.detected),
            notified: earlier(self.notified, beneath.notified),
            acknowledged: earlier(self.acknowledged, beneath.acknowledged),
            mitigated,
            staff_minutes: self.staff_minutes.saturating_add(beneath.staff_minutes),
            stepped_back: self.stepped_back || beneath.stepped_back,
            ..self
        }
    }

    /// Whether the record of `incident` alone does not tell what was known before `until`.
    #[must_use]
    pub fn needs_lines(incident: &Incident, until: Timestamp) -> bool {
        if incident.marks.t3.is_none_or(|at| at >= until) {
            return false;
        }
        // When it was withdrawn stands in its lines only.
        let is_withdrawn = incident.state == IncidentState::Closed && incident.marks.t7.is_none();
        let earlier = incident.events.iter().map(|event| event.at);
        is_withdrawn || earlier.chain([incident.last_at]).any(|at| at >= until)
    }
}

/// What lines say, one after the other.
struct Known {
    class: FaultClass,
    marks: Marks,
    withdrawn: Option<Timestamp>,
    staff_minutes: u64,
    stepped_back: bool,
    into: Option<IncidentId>,
    /// When it was acknowledged before it was merged.
    own: Option<Timestamp>,
}

impl Known {
    /// What the record says: all that happened is known, and the incident was not withdrawn.
    fn recorded(incident: &Incident) -> Self {
        Self {
            class: incident.class,
            marks: incident.marks,
            withdrawn: None,
            staff_minutes: u64::from(incident.staff_minutes),
            stepped_back: incident.stepped_back.is_some() || goes_back(&incident.events),
            into: incident.merged.into,
            own: None,
        }
    }

    /// What the lines before `until` say.
    fn told(incident: &Incident, lines: &[Entry], until: Timestamp) -> Self {
        // No line tells the first of these of an incident that was begun before version 2.
        let Marks { t0, t1, t2, t3, t5, .. } = incident.marks;
        let t5 = t5.filter(|at| *at < until);
        let start = Self {
            class: incident.class,
            marks: Marks { t0, t1, t2, t3, t5, ..Marks::default() },
            withdrawn: None,
            staff_minutes: 0,
            stepped_back: goes_back(&incident.events),
            into: None,
            own: None,
        };
        let earlier = incident.events.iter().filter(|event| event.at < until).fold(start, Self::earlier);
        lines.iter().take_while(|line| line.at < until).fold(earlier, Self::line)
    }

    fn line(mut self, line: &Entry) -> Self {
        // An account that comes beneath a target's incident does not say what that is about: its class changes by lines of
        // their own.
        let is_of_member = matches!(line.what, What::Joined { .. });
        if let Some(failure) = line.failure().filter(|_| !is_of_member) {
            self.class = failure.class;
        }
        match &line.what {
            What::Opened { started_at, .. } => self.stepped_back |= *started_at > line.at,
            What::Reopened { .. } => self.withdrawn = None,
            What::Merged { into } => (self.into, self.own) = (Some(*into), self.marks.t5),
            // It was taken with the other for as long as they were one.
            What::Unmerged { .. } => (self.into, self.marks.t5) = (None, self.own),
            What::Withdrawn | What::Dissolved if self.marks.t7.is_none() => {
                self.withdrawn.get_or_insert(line.at);
            }
            _ => {}
        }
        self.marks.fold(line);
        self.staff_minutes += u64::from(line.staff_minutes());
        self.stepped_back |= line.wall.is_some_and(|wall| line.at.since(wall) >= STEP_MIN);
        self
    }

    fn earlier(mut self, event: &EarlierEvent) -> Self {
        let marks = &mut self.marks;
        match event.kind.as_str() {
            "opened" | "failed" => self.class = class_of(&event.text).unwrap_or(self.class),
            "reopened" => {
                self.class = class_of(&event.text).unwrap_or(self.class);
                (marks.t6, marks.t7) = (None, None);
                self.withdrawn = None;
            }
            "acknowledged" => {
                marks.t5.get_or_insert(event.at);
            }
            "mitigated" => {
                marks.t6.get_or_insert(event.at);
            }
            "remediated" => {
                marks.t6.get_or_insert(event.at);
                marks.t7 = Some(event.at);
            }
            "withdrawn" if marks.t7.is_none() => {
                self.withdrawn.get_or_insert(event.at);
            }
            _ => {}
        }
        self
    }
}

/// Whether the clock was stepped back between two of these: before version 2 they bear what it showed.
fn goes_back(events: &[EarlierEvent]) -> bool {
    events.iter().zip(events.iter().skip(1)).any(|(one, next)| one.at.since(next.at) >= STEP_MIN)
}

/// The class that the text of an earlier failure begins with.
fn class_of(text: &str) -> Option<FaultClass> {
    let (word, _) = text.split_once(": ")?;
    let word: StrDeserializer<'_, Error> = word.into_deserializer();
    FaultClass::deserialize(word).ok()
}

#[cfg(test)]
mod tests;
