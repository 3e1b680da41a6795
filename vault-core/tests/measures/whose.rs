//! Whose accounts and targets are, as that changes in the course of a history.

use std::collections::BTreeMap;

use vault_core::clock::Timestamp;
use vault_core::team::Team;

use super::history::{BEGIN, Dice, SPAN};

/// Of accounts, by their keys, and of targets, by their names: since when they are of which team, in order.
#[derive(Default)]
pub(crate) struct Teams(BTreeMap<String, Vec<(Timestamp, Option<Team>)>>);

impl Teams {
    /// Each changes hands now and then, at times of its own; half of the accounts are never said to be anybody's.
    pub(crate) fn random(seed: u64) -> Self {
        let mut dice = Dice(seed ^ 0x7EA3);
        let targets = (0..TARGETS).map(|target| format!("t{target}"));
        let accounts =
            (0..TARGETS).flat_map(|target| (0..4).map(move |app| format!("a/t{target}/app-{app}")));
        let owned = targets.chain(accounts).filter_map(|name| {
            let is_anybodys = dice.roll(2) == 0;
            let mut hands: Vec<(Timestamp, Option<Team>)> =
                (0..1 + dice.roll(5)).map(|_| (moment(&mut dice), any(&mut dice))).collect();
            hands.sort_by_key(|(since, _)| *since);
            is_anybodys.then_some((name, hands))
        });
        Self(owned.collect())
    }

    /// Whose something is at a time: the account's team, or its target's.
    pub(crate) fn of(&self, subject: &str, target: &str, at: Timestamp) -> Option<Team> {
        self.own(subject, at).or_else(|| self.own(target, at))
    }

    fn own(&self, name: &str, at: Timestamp) -> Option<Team> {
        let hands = self.0.get(name)?.iter();
        hands.take_while(|(since, _)| *since <= at).last().and_then(|(_, team)| team.clone())
    }

    /// Whether something came into other hands between two times.
    pub(crate) fn changed(&self, subject: &str, target: &str, (from, to): (Timestamp, Timestamp)) -> bool {
        self.of(subject, target, from) != self.of(subject, target, to)
    }
}

fn moment(dice: &mut Dice) -> Timestamp {
    Timestamp::from_millis(BEGIN + i64::try_from(dice.roll(u64::try_from(SPAN).unwrap())).unwrap())
}

/// Some team, or none any more.
fn any(dice: &mut Dice) -> Option<Team> {
    let name = ["payments", "platform", "-ops", ""][dice.choice(4)];
    (!name.is_empty()).then(|| Team::parse(name).unwrap())
}

/// Targets of a history: `t0`, `t1`, …
pub(crate) const TARGETS: u64 = 4;
