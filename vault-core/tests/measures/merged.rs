//! Histories of which some are merged into others, somewhere in between, and now and then taken apart again.

use vault_core::clock::Timestamp;
use vault_core::id::IncidentId;
use vault_core::incident::entry::Entry;
use vault_core::incident::ledger::{LedgerEvent, record, refusal};
use vault_core::incident::merge::{follows, hear, may_merge, may_unmerge};
use vault_core::incident::{Incident, Kind};

use super::history::Dice;

/// The events of one incident, in order, each with the time by which it counts.
pub(crate) type Told = Vec<(Timestamp, LedgerEvent)>;

/// The record after an event, and the lines that it makes.
pub(crate) fn fold(incident: Option<Incident>, event: &LedgerEvent) -> Option<(Incident, Vec<Entry>)> {
    if let LedgerEvent::Beneath { .. } = event {
        return incident.map(|incident| hear(incident, event)).map(|heard| (heard.incident, heard.entries));
    }
    let recorded = record(incident, event)?;
    let is_targets = recorded.incident.subject.starts_with(OF_TARGET);
    let kind = if is_targets { Kind::Target } else { Kind::Account };
    Some((Incident { kind, ..recorded.incident }, recorded.entry.into_iter().collect()))
}

/// Merges one or two into some of them.
pub(crate) fn some(dice: &mut Dice, all: &mut [Told]) {
    let mut rest = all;
    while let [survivor, others @ ..] = rest {
        let count = usize::try_from(dice.roll(3)).unwrap().min(others.len());
        let (beneath, after) = others.split_at_mut(count);
        for other in beneath {
            let (one, two) = Pair::told(dice, std::mem::take(survivor), std::mem::take(other));
            (*survivor, *other) = (one, two);
        }
        rest = after;
    }
}

/// Two incidents side by side.
#[derive(Default)]
struct Pair {
    known: [Option<Incident>; 2],
    told: [Told; 2],
}

impl Pair {
    /// Both histories as they are when the second is merged into the first.
    fn told(dice: &mut Dice, survivor: Told, other: Told) -> (Told, Told) {
        let ids = [&survivor, &other].map(|told| told[0].1.incident());
        let mut rest = [survivor.into_iter().peekable(), other.into_iter().peekable()];
        let mut pair = Self::default();
        loop {
            let [one, two] = rest.each_mut().map(|told| told.peek().map(|(at, _)| *at));
            let which = match (one, two) {
                (None, None) => break,
                (Some(one), Some(two)) => usize::from(two < one),
                (one, _) => usize::from(one.is_none()),
            };
            let Some((at, event)) = rest[which].next() else { break };
            let is_refused = pair.known[which].as_ref().is_some_and(|known| refusal(known, &event).is_some());
            if !is_refused {
                pair.happens(ids, which, at, event);
            }
            pair.decide(dice, ids, at);
        }
        let [one, two] = pair.told;
        (one, two)
    }

    fn happens(&mut self, ids: [IncidentId; 2], which: usize, at: Timestamp, event: LedgerEvent) {
        let before = self.known[which].clone();
        let Some((after, _)) = fold(before.clone(), &event) else { return };
        let found = follows(before.as_ref(), &after, &[&event]);
        self.known[which] = Some(after);
        self.told[which].push((at, event));
        for event in found {
            let Some(which) = ids.iter().position(|id| *id == event.incident()) else { continue };
            self.known[which] = fold(self.known[which].take(), &event).map(|(incident, _)| incident);
            self.told[which].push((at, event));
        }
    }

    /// Now and then somebody sees that both have one cause, or have not.
    fn decide(&mut self, dice: &mut Dice, ids: [IncidentId; 2], at: Timestamp) {
        let [Some(survivor), Some(other)] = &self.known else { return };
        let (by, incident) = ("eve".to_owned(), ids[1]);
        if other.merged.into.is_none() {
            if may_merge(other, survivor).is_ok() && dice.roll(3) == 0 {
                self.happens(ids, 1, at, LedgerEvent::Merged { incident, at, by, into: ids[0] });
            }
        } else if may_unmerge(Some(survivor)).is_ok() && dice.roll(12) == 0 {
            self.happens(ids, 1, at, LedgerEvent::Unmerged { incident, at, by });
        }
    }
}

/// What an incident about a whole target names, before the target.
pub(crate) const OF_TARGET: &str = "target ";
