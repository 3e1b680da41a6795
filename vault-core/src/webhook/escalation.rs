//! Who is told again that nobody has acknowledged an incident, and when: a pure decision.
//!
//! ```text
//!  an incident waits for somebody ──► since + after: told ──► told + repeat: told again ──► …
//!        └─ a silence covers it: the time counts from its end     └─ acknowledged, or over: nothing more
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{IncidentId, WebhookId};

/// How long a receiver lets an incident wait for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// It is told after so long.
    pub after: Duration,
    /// And again each time that so much more has passed; `None`: once.
    pub repeat: Option<Duration>,
}

/// What is known of an incident that waits for somebody. Stored under the incident's id, while it is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Which incident.
    pub incident: IncidentId,
    /// Since when it waits: what was told of an earlier time does not count.
    pub since: Timestamp,
    /// From when the time counts: later than that where it was silenced.
    pub from: Timestamp,
    /// Who was told when last.
    pub told: BTreeMap<WebhookId, Timestamp>,
    /// When it is looked at; its place in the due index.
    pub armed: Option<Timestamp>,
}

impl Watch {
    /// Of an incident that waits since `since`; nobody was told yet.
    #[must_use]
    pub fn new(incident: IncidentId, since: Timestamp) -> Self {
        Self { incident, since, from: since, told: BTreeMap::new(), armed: None }
    }

    /// The watch after a look at `now`, and who is told now. `listeners` are those who want to know of this incident;
    /// `silenced` is until when it is silenced.
    #[must_use]
    pub fn look(
        &self,
        listeners: &[(WebhookId, Patience)],
        silenced: Option<Timestamp>,
        now: Timestamp,
    ) -> (Self, Vec<WebhookId>) {
        let mut next = self.clone();
        // A silence may have ended before its time.
        next.from = silenced.unwrap_or_else(|| self.from.min(now));
        let mut tell = Vec::new();
        if silenced.is_none() {
            let is_due = |&&(id, patience): &&(WebhookId, Patience)| {
                next.due(id, patience).is_some_and(|at| at <= now)
            };
            tell = listeners.iter().filter(is_due).map(|(id, _)| *id).collect();
            next.told.extend(tell.iter().map(|id| (*id, now)));
        }
        let dues = listeners.iter().filter_map(|(id, patience)| next.due(*id, *patience));
        next.armed = dues.map(|at| silenced.map_or(at, |until| at.max(until))).min();
        (next, tell)
    }

    /// The same, to be looked at when the first of `listeners` is told.
    #[must_use]
    pub fn armed(self, listeners: &[(WebhookId, Patience)]) -> Self {
        let armed = listeners.iter().filter_map(|(id, patience)| self.due(*id, *patience)).min();
        Self { armed, ..self }
    }

    fn due(&self, id: WebhookId, patience: Patience) -> Option<Timestamp> {
        match self.told.get(&id) {
            None => Some(self.from.plus(patience.after)),
            Some(told) => patience.repeat.map(|repeat| told.plus(repeat)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    fn at(minutes: u64) -> Timestamp {
        Timestamp::from_secs(1_000_000).plus(Duration::from_secs(minutes * 60))
    }

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(minutes * 60)
    }

    fn listeners() -> (Watch, [(WebhookId, Patience); 2]) {
        let entropy = SeededEntropy::new(1);
        let id = || WebhookId::generate(at(0), &entropy);
        let (first, second) = (id(), id());
        let watch = Watch::new(IncidentId::generate(at(0), &entropy), at(0));
        let patience = |after, repeat| Patience { after: minutes(after), repeat };
        (watch, [(first, patience(15, None)), (second, patience(30, Some(minutes(10))))])
    }

    #[test]
    fn each_is_told_when_its_patience_is_over_and_again_where_it_says_so() {
        let (watch, all) = listeners();
        let (watch, told) = watch.look(&all, None, at(0));
        assert_eq!((told, watch.armed), (vec![], Some(at(15))));
        let (watch, told) = watch.look(&all, None, at(14));
        assert_eq!((told, watch.armed), (vec![], Some(at(15))), "a look before its time changes nothing");
        let (watch, told) = watch.look(&all, None, at(15));
        assert_eq!((told, watch.armed), (vec![all[0].0], Some(at(30))));
        let (watch, told) = watch.look(&all, None, at(31));
        assert_eq!((told, watch.armed), (vec![all[1].0], Some(at(41))));
        let (watch, told) = watch.look(&all, None, at(100));
        assert_eq!((told, watch.armed), (vec![all[1].0], Some(at(110))), "once, however much was missed");
        let (watch, told) = watch.look(&all[..1], None, at(200));
        assert_eq!((told, watch.armed), (vec![], None), "the one that repeats is gone");
    }

    #[test]
    fn nobody_is_told_in_a_silence_and_the_time_counts_from_its_end() {
        let (watch, all) = listeners();
        let (watch, told) = watch.look(&all, Some(at(60)), at(15));
        assert_eq!((told, watch.armed), (vec![], Some(at(75))));
        // It was ended by hand.
        let (early, told) = watch.look(&all, None, at(20));
        assert_eq!((told, early.armed), (vec![], Some(at(35))));
        let (watch, told) = watch.look(&all, None, at(75));
        assert_eq!((told, watch.armed), (vec![all[0].0], Some(at(90))));
        let (watch, _) = watch.look(&all, None, at(90));
        let (watch, told) = watch.look(&all, Some(at(120)), at(100));
        assert_eq!((told, watch.armed), (vec![], Some(at(120))), "what repeats waits for the end as well");
        assert_eq!(watch.look(&all, None, at(120)).1, [all[1].0]);
    }

    #[test]
    fn nobody_listens_and_nothing_is_armed() {
        let (watch, _) = listeners();
        assert_eq!(watch.look(&[], None, at(99)).0.armed, None);
        let bytes = rmp_serde::to_vec_named(&watch).unwrap();
        assert_eq!(rmp_serde::from_slice::<Watch>(&bytes).unwrap(), watch);
    }
}
