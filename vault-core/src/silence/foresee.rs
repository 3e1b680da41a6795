//! Says what a silence or a maintenance will keep back, until when, and what it will not.

use super::{Mode, SPREAD_MAX, Scope, Silence};
use crate::clock::Timestamp;

/// A silence that is not there yet, or the other end of one that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// What it is about.
    pub scope: Scope,
    /// What it does.
    pub mode: Mode,
    /// When it begins; `None` is at once.
    pub from: Option<Timestamp>,
    /// When it ends; `None` while nobody has said so.
    pub until: Option<Timestamp>,
    /// When it was to end, of one that lasts already.
    pub before: Option<Timestamp>,
    /// What it finds; `None` where that was not counted.
    pub found: Option<Found>,
}

/// What is on a target, or fits a pattern.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Accounts; of a target its management credential is among them.
    pub accounts: u64,
    /// Of these, those of a maintenance for which the clock would begin something before the end ([`super::hold::is_held`]).
    pub held: u64,
}

impl Outlook {
    /// That of a maintenance of `target` that nobody has said the end of; one that lasts is to end at `before`.
    #[must_use]
    pub fn of_maintenance(target: crate::path::Name, before: Option<Timestamp>) -> Self {
        let (scope, mode) = (Scope::Target(target), Mode::Maintenance);
        Self { scope, mode, from: None, until: None, before, found: None }
    }

    /// That of `silence`; one that lasts already was to end at `before`.
    #[must_use]
    pub fn of(silence: &Silence, before: Option<Timestamp>, now: Timestamp) -> Self {
        Self {
            scope: silence.scope.clone(),
            mode: silence.mode,
            from: Some(silence.from).filter(|from| *from > now),
            until: Some(silence.until),
            before,
            found: None,
        }
    }

    /// What will come of it, in order.
    #[must_use]
    pub fn steps(&self) -> Vec<String> {
        let mut steps = vec![self.lasts()];
        match self.mode {
            Mode::Silence => {
                steps.extend(self.found.map(|found| self.covers(found)));
                steps.push("rotations, retries and all else go on as ever".to_owned());
            }
            Mode::Maintenance => steps.push(self.holds()),
        }
        steps.push(
            "nobody is notified meanwhile that an incident of it was opened or waits to be taken; it is opened, counted \
             and shown as ever, and told at the end if it is still open then"
                .to_owned(),
        );
        if self.mode == Mode::Maintenance {
            steps.push(
                "not held: what a person asks for (when it fails, its retries wait), the end of a lease and a revocation \
                 with their retries, users that are made for a lease, and what is in flight"
                    .to_owned(),
            );
            steps.push(format!(
                "what was held begins after the end, spread by chance over {} s at most; where a rotation policy has \
                 windows, in the next one",
                SPREAD_MAX.as_secs()
            ));
        }
        steps
    }

    fn about(&self) -> String {
        match &self.scope {
            Scope::Target(target) => format!("the {} of {target}", self.mode.word()),
            Scope::Accounts(pattern) => format!("the {} of accounts {pattern}", self.mode.word()),
        }
    }

    /// From when to when.
    fn lasts(&self) -> String {
        let (about, until) = (self.about(), self.until.map(Timestamp::to_rfc3339));
        let until =
            until.unwrap_or_else(|| "the time that you say, 30 days from now at the latest".to_owned());
        match (self.before, self.from) {
            (Some(before), _) => {
                format!(
                    "{about}, which was to end at {}, ends by itself at {until} instead",
                    before.to_rfc3339()
                )
            }
            (None, Some(from)) => {
                format!("{about} begins at {}, and ends by itself at {until}", from.to_rfc3339())
            }
            (None, None) => format!("{about} begins at once, and ends by itself at {until}"),
        }
    }

    /// What a silence is about now, and later.
    fn covers(&self, Found { accounts, .. }: Found) -> String {
        let there_are = match accounts {
            0 => "no account that there is".to_owned(),
            1 => "1 account that there is".to_owned(),
            more => format!("{more} accounts that there are"),
        };
        match self.scope {
            Scope::Target(_) => {
                format!("it covers all that is on it: {accounts} credentials now, and what comes meanwhile")
            }
            Scope::Accounts(_) => format!("it covers {there_are} now, and those that come to fit meanwhile"),
        }
    }

    fn holds(&self) -> String {
        let what = "held until then: what the clock asks for on it: rotations that are due, retries, ends of a grace";
        match self.found {
            None => what.to_owned(),
            Some(Found { accounts, held }) => {
                format!(
                    "{what}; of its {accounts} credentials {held} would begin one of these before the end"
                )
            }
        }
    }
}
