//! Decides what the logins of a call are written down as: before it is sent, and when its answer is known.
//!
//! Before: as refused, as far as there is room. After: as what they showed. What was never answered stays as it is.

use super::{Login, Logins, Purse, of_management};
use crate::account::plan::Effect;
use crate::account::{Account, Subject};
use crate::clock::Timestamp;
use crate::path::Name;
use crate::rotation::execute::Answer;
use crate::target::Target;
use crate::target::lockout::{Limit, Tally};

/// What a call may cost, and what was written down for it before it is sent.
#[derive(Clone, Debug, Default)]
pub struct Pass {
    /// What the target allows; `None` where nothing is guarded.
    pub limit: Option<Limit>,
    /// When it was written down.
    pub at: Option<Timestamp>,
    /// The logins that were, by name.
    pub reserved: Logins,
    /// The name of the target's management credential.
    pub manager: Option<String>,
    /// What the call may spend.
    pub purse: Purse,
}

/// What is to be written down of the logins of one name.
#[derive(Clone, Debug)]
pub struct Bill {
    /// Where.
    pub target: Name,
    /// The name there.
    pub username: String,
    /// What the target allows.
    pub limit: Limit,
    /// What was written down before, and when.
    pub reserved: Option<(u32, Timestamp)>,
    /// What each login showed, in order.
    pub shown: Vec<Login>,
}

/// What is written down of one name before a call.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The count after it.
    pub tally: Tally,
    /// How many of its logins may be refused.
    pub room: u32,
    /// How many were written down.
    pub reserved: u32,
}

/// Writes down what is `sent` of one name, as far as there is room. `None` where there is none for what is `needed`.
#[must_use]
pub fn grant(tally: Tally, sent: u32, needed: u32, limit: Limit, now: Timestamp) -> Option<Grant> {
    let room = tally.room(limit, now);
    if room < needed.min(limit.refusals) {
        return None;
    }
    let reserved = room.min(sent);
    Some(Grant { tally: tally.reserve(reserved, limit, now), room, reserved })
}

/// Whether an effect needs no other credential than the account's own.
#[must_use]
pub fn acts_alone(account: &Account, effect: Effect) -> bool {
    matches!(effect, Effect::Check | Effect::CheckPrevious { settle: false })
        || matches!(account.subject, Subject::Management(_))
}

impl Pass {
    /// What is to be written down where nothing was sent.
    #[must_use]
    pub fn unsent(self, account: &Account) -> Vec<Bill> {
        let (Some(limit), Some(at)) = (self.limit, self.at) else { return Vec::new() };
        let bill = |(username, reserved)| {
            let (target, shown) = (account.target.clone(), Vec::new());
            Bill { target, username, limit, reserved: Some((reserved, at)), shown }
        };
        self.reserved.into_iter().map(bill).collect()
    }

    /// What the answer to an effect cost; `is_managed`: the management credential made the call for the account. Without
    /// an answer what was reserved stays.
    #[must_use]
    pub fn bills(self, account: &Account, effect: Effect, answer: &Answer, is_managed: bool) -> Vec<Bill> {
        let (Some(limit), Some(at)) = (self.limit, self.at) else { return Vec::new() };
        let bill = |username, reserved, shown| {
            let target = account.target.clone();
            Bill { target, username, limit, reserved, shown }
        };
        let manager = self.manager.filter(|_| is_managed);
        let Some(purse) = &answer.purse else {
            // Nor is it known what became of the login by which the call was made.
            return manager.map(|manager| bill(manager, None, vec![Login::Refused])).into_iter().collect();
        };
        let own = matches!(account.subject, Subject::Management(_));
        let by_itself =
            matches!(effect, Effect::Prepare | Effect::Apply | Effect::Revert | Effect::Retire { .. });
        let of_manager = of_management(&answer.event);
        let of_manager = of_manager.or(purse.management_refused.then_some(Login::Refused));
        let mine = |(username, reserved): (String, u32)| {
            let shown = purse.shown.iter().filter(|(name, _)| *name == username).map(|(_, shown)| *shown);
            let shown = of_manager.filter(|_| own && by_itself).into_iter().chain(shown).collect();
            bill(username, Some((reserved, at)), shown)
        };
        let mut bills: Vec<Bill> = self.reserved.into_iter().map(mine).collect();
        bills.extend(of_manager.zip(manager).map(|(shown, manager)| bill(manager, None, vec![shown])));
        bills
    }
}

impl Bill {
    /// That of a call by the management credential that belongs to no account.
    #[must_use]
    pub fn of_management(target: &Target, limit: Limit, shown: Login) -> Self {
        let (name, username) = (target.name.clone(), target.username.clone());
        Self { target: name, username, limit, reserved: None, shown: vec![shown] }
    }

    /// The count after it.
    #[must_use]
    pub fn paid(&self, mut tally: Tally, now: Timestamp) -> Tally {
        if let Some((logins, at)) = self.reserved {
            tally = tally.release(logins, at);
        }
        self.shown.iter().fold(tally, |tally, shown| tally.heard(*shown, self.limit, now))
    }
}
