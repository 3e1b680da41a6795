//! Rehearsals: what a rotation of an account would come to, found out on a shadow account and told as a light.
//!
//! ```text
//!   look (check, preflight, one login) ──► red? ── yes ─► report
//!                                           │ no
//!                    commit: shadow ──► make ► change ► verify ► retire, twice ──► remove ──► commit: gone, report
//!                      └── crash ─────────────────────────────────────────────────► remove, again until it is gone
//! ```
//!
//! The account itself is looked at and never changed. That a shadow may be on the target is on disk before the target
//! hears of it, and stays there until the target says that it is gone. Its passwords are stored nowhere: nothing is
//! lost with them.

pub mod judge;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::account::Subject;
use crate::clock::Timestamp;
use crate::id::RotationId;
use crate::path::Name;
use crate::schedule::backoff;

/// What a rehearsal comes to, from good to bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Light {
    /// A rotation would work.
    #[default]
    Green,
    /// It would work, but something is worth mending, or could not be proved here.
    Amber,
    /// It would fail.
    Red,
}

impl Light {
    /// Every light, from good to bad.
    pub const ALL: [Self; 3] = [Self::Green, Self::Amber, Self::Red];

    /// The light as it stands in answers and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Amber => "amber",
            Self::Red => "red",
        }
    }
}

/// One thing that was found. Holds no secret: it is built of fixed words and of faults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is; never green.
    pub light: Light,
    /// What kind, as [`judge::Code::as_str`]; stable.
    pub code: String,
    /// What it is, as a sentence.
    pub what: String,
    /// What to mend.
    pub mend: String,
}

/// What a rehearsal found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// What was done and went well, in order.
    pub passed: Vec<String>,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// A report of these findings, in the order in which a person wants to read them.
    #[must_use]
    pub fn new(
        began_at: Timestamp,
        ended_at: Timestamp,
        passed: Vec<String>,
        mut findings: Vec<Finding>,
    ) -> Self {
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.light));
        Self { began_at, ended_at, passed, findings }
    }

    /// The worst light of all findings.
    #[must_use]
    pub fn light(&self) -> Light {
        worst(&self.findings)
    }
}

/// The worst light of these findings; green where there are none.
#[must_use]
pub fn worst(findings: &[Finding]) -> Light {
    findings.iter().map(|finding| finding.light).max().unwrap_or_default()
}

/// A shadow account that may be on a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shadow {
    /// Its name there.
    pub username: String,
    /// The target.
    pub target: Name,
    /// Marks everything that was done with it on the target.
    pub job: RotationId,
    /// When it was written down.
    pub made_at: Timestamp,
    /// How often its removal has failed.
    #[serde(default)]
    pub failures: u32,
    /// When it is to be removed. At first at once: as long as a rehearsal is at it, nobody else is.
    pub remove_at: Timestamp,
}

impl Shadow {
    /// One that is about to be made.
    #[must_use]
    pub fn new(username: String, target: Name, job: RotationId, now: Timestamp) -> Self {
        Self { username, target, job, made_at: now, failures: 0, remove_at: now }
    }

    /// Notes that a removal failed: it is tried again, less and less often.
    #[must_use]
    pub fn not_removed(mut self, now: Timestamp, draw: u64) -> Self {
        self.failures = self.failures.saturating_add(1);
        self.remove_at = now.plus(backoff(self.failures, REMOVE_BASE, REMOVE_CAP, draw));
        self
    }

    /// Whether nobody tries any more: what the target told to end the shadow has long taken effect, or it is a server
    /// that will not come back. It had no right but to log in, by a password that nobody knows.
    #[must_use]
    pub fn is_given_up(&self, now: Timestamp) -> bool {
        self.failures > 0 && now.since(self.made_at) >= GIVEN_UP_AFTER
    }
}

/// The record of an account's rehearsals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rehearsal {
    /// The shadow that may be on the target.
    pub shadow: Option<Shadow>,
    /// What the last one found out.
    pub last: Option<Report>,
    /// The time under which the record stands in the due index. Whoever commits it sets it.
    pub armed: Option<Timestamp>,
}

impl Rehearsal {
    /// When somebody has to look at it.
    #[must_use]
    pub fn wake(&self) -> Option<Timestamp> {
        self.shadow.as_ref().map(|shadow| shadow.remove_at)
    }
}

/// Whose work it is while a shadow of this account may be on a target: the name of its flight, and of who manages the
/// shadow's name. No account's subject begins so.
#[must_use]
pub fn shadow_subject(subject: &Subject) -> String {
    format!("{SUBJECT_PREFIX}{}", subject.key())
}

/// How a shadow's subject begins.
pub const SUBJECT_PREFIX: &str = "s/";
/// How long a target lets a shadow in at most, where it can be told that.
pub const SHADOW_LIFE: Duration = Duration::from_secs(15 * 60);
const REMOVE_BASE: Duration = Duration::from_secs(2);
const REMOVE_CAP: Duration = Duration::from_secs(5 * 60);
const GIVEN_UP_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::judge::{Code, Seen};
    use super::*;
    use crate::entropy::SeededEntropy;

    fn shadow(now: Timestamp) -> Shadow {
        let job = RotationId::generate(now, &SeededEntropy::new(7));
        Shadow::new("rotunda-shadow-00".to_owned(), Name::parse("pg").unwrap(), job, now)
    }

    #[test]
    fn the_worst_finding_is_the_light_and_comes_first() {
        let now = Timestamp::EPOCH;
        let (amber, red) = (Seen::new(Code::NoShadow), Seen::new(Code::CandidatesRepeat));
        for (findings, light) in [
            (vec![], Light::Green),
            (vec![amber.finding()], Light::Amber),
            (vec![amber.finding(), red.finding(), amber.finding()], Light::Red),
        ] {
            let report = Report::new(now, now, Vec::new(), findings);
            assert_eq!(report.light(), light);
            assert!(report.findings.is_sorted_by_key(|finding| std::cmp::Reverse(finding.light)));
        }
    }

    #[test]
    fn a_shadow_is_due_at_once_then_less_and_less_often_and_given_up_after_a_day() {
        let now = Timestamp::EPOCH;
        let mut shadow = shadow(now);
        assert_eq!(Rehearsal { shadow: Some(shadow.clone()), ..Rehearsal::default() }.wake(), Some(now));
        assert!(!shadow.is_given_up(now.plus(GIVEN_UP_AFTER)), "nobody has tried");
        let mut waits = Vec::new();
        for _ in 0..12 {
            shadow = shadow.not_removed(now, u64::MAX);
            waits.push(shadow.remove_at.since(now));
        }
        assert!(waits.is_sorted() && waits.last() == Some(&REMOVE_CAP), "{waits:?}");
        assert!(!shadow.is_given_up(now.plus(GIVEN_UP_AFTER - Duration::from_secs(1))));
        assert!(shadow.is_given_up(now.plus(GIVEN_UP_AFTER)));
    }

    #[test]
    fn a_shadows_subject_is_nobody_elses() {
        let subject = Subject::from_key("a/db/app").unwrap();
        assert_eq!(shadow_subject(&subject), "s/a/db/app");
        assert_eq!(Subject::from_key(&shadow_subject(&subject)), None);
    }
}
