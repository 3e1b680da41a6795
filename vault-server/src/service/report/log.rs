//! What the rotation report adds up, one by one: rotations that ended, and attempts.

use vault_api::report::{EndedAttempt, EndedAttempts, EndedRotation, EndedRotations};
use vault_core::account::Subject;
use vault_core::account::plan::RunEnd;
use vault_core::clock::Timestamp;
use vault_core::id::RotationId;
use vault_core::incident::report::Window;
use vault_core::rotation::attempt::Attempt;
use vault_core::rotation::fault::FaultClass;
use vault_core::team::Team;

use super::{ReportService, before};
use crate::barrier::{LoadError, Record};

/// A part of a log, in the order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What lies in it.
    pub window: Window,
    /// The place after which it begins; else with the window.
    pub after: Option<Place>,
    /// How many records at most.
    pub limit: usize,
}

/// A place in a log: the name of the record that is there, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(Vec<u8>);

impl Place {
    /// Reads what [`next`](EndedRotations::next) said; `None` when it said nothing of that kind.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let millis: i64 = parts.next()?.parse().ok()?;
        let mut name = u64::try_from(millis).ok()?.to_be_bytes().to_vec();
        name.extend_from_slice(RotationId::parse(parts.next()?)?.as_bytes());
        if let Some(number) = parts.next() {
            name.extend_from_slice(&number.parse::<u32>().ok()?.to_be_bytes());
        }
        Some(Self(name))
    }
}

impl ReportService {
    /// Rotations that ended.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn ended(&self, part: &Part) -> Result<EndedRotations, LoadError> {
        let (found, is_all) = self.part(part, |end: &RunEnd| end.ended_at)?;
        let last = found.last().filter(|_| !is_all);
        let next = last.map(|end| format!("{}.{}", end.ended_at.as_millis(), end.rotation));
        Ok(EndedRotations { rotations: found.iter().map(rotation).collect(), next })
    }

    /// Attempts that ended.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn attempts(&self, part: &Part) -> Result<EndedAttempts, LoadError> {
        let (found, is_all) = self.part(part, |attempt: &Attempt| attempt.at)?;
        let last = found.last().filter(|_| !is_all);
        let next = last.map(|one| format!("{}.{}.{}", one.at.as_millis(), one.rotation, one.number));
        Ok(EndedAttempts { attempts: found.iter().map(attempt).collect(), next })
    }

    /// Records of a log, and whether these are the last of the window.
    fn part<R: Record>(
        &self,
        part: &Part,
        at: impl Fn(&R) -> Timestamp,
    ) -> Result<(Vec<R>, bool), LoadError> {
        let Part { window, after, limit } = part;
        let after = after.as_ref().map_or_else(|| before(window.from), |place| place.0.clone());
        let (mut found, mut is_all) = (Vec::new(), true);
        self.each(&[], Some(after), |record: R| {
            let (at, is_full) = (at(&record), found.len() >= *limit);
            is_all = at >= window.to || !is_full;
            found.extend(Some(record).filter(|_| window.holds(at) && !is_full));
            Ok(at < window.to && !is_full)
        })?;
        Ok((found, is_all))
    }
}

fn rotation(end: &RunEnd) -> EndedRotation {
    EndedRotation {
        rotation: end.rotation.to_string(),
        subject: subject(&end.subject),
        target: end.target.clone(),
        due_at: end.due_at.to_rfc3339(),
        started_at: end.started_at.to_rfc3339(),
        ended_at: end.ended_at.to_rfc3339(),
        attempts: u64::from(end.attempts),
        class: end.failed.as_ref().map(FaultClass::to_string),
        team: end.team.as_ref().map(Team::to_string),
    }
}

fn attempt(attempt: &Attempt) -> EndedAttempt {
    EndedAttempt {
        rotation: attempt.rotation.to_string(),
        number: u64::from(attempt.number),
        subject: subject(&attempt.subject),
        target: attempt.target.clone(),
        at: attempt.at.to_rfc3339(),
        succeeded: attempt.succeeded,
        class: attempt.class.as_ref().map(FaultClass::to_string),
        phase: attempt.phase.map(|step| format!("{step:?}").to_lowercase()),
        team: attempt.team.as_ref().map(Team::to_string),
    }
}

fn subject(key: &str) -> String {
    Subject::from_key(key).map_or_else(|| key.to_owned(), |subject| subject.to_string())
}
