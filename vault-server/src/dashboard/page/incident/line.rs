//! The time line on the page of an incident: its first and newest lines, or a page of it.

use vault_api::incident::{Incident, IncidentEvent, IncidentEvents};
use vault_core::clock::Timestamp;

use crate::dashboard::time::When;
use crate::dashboard::visit::{Part, SignedIn};

/// A part of a time line.
#[derive(Default)]
pub(super) struct TimeLine {
    pub(super) lines: Vec<Line>,
    /// How many are left out between the first and the newest, and where they are.
    pub(super) hidden: Option<(u64, String)>,
    /// Of a page of it.
    pub(super) page: Option<Page>,
    /// Why a page could not be read.
    pub(super) why: String,
    /// What follows the page's own address, so that it stays there when it is read again.
    pub(super) query: String,
}

/// Which lines are shown, and where the others are.
pub(super) struct Page {
    /// From 1 on.
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) total: u64,
    pub(super) older: Option<String>,
    pub(super) newer: Option<String>,
}

/// One line of the time line.
pub(super) struct Line {
    pub(super) at: When,
    pub(super) event: IncidentEvent,
}

impl TimeLine {
    /// Of `incident`, from which it takes the lines; with `line=…` in the address those from that place on.
    pub(super) async fn of(signed_in: &SignedIn, incident: &mut Incident) -> Self {
        let (events, now) = (std::mem::take(&mut incident.events), signed_in.visit.now);
        let Ok(from) = signed_in.visit.asked("line").parse::<u64>() else {
            let hidden = incident.events_total.saturating_sub(events.len() as u64);
            let hidden = (hidden > 0).then(|| (hidden, address(&incident.id, gap(&events))));
            return Self { lines: shown(events, now), hidden, ..Self::default() };
        };
        let after = from.checked_sub(1).map(|before| format!("&after={before}")).unwrap_or_default();
        let path = format!("incidents/{}/events?limit={LINES}{after}", incident.id);
        let told: Part<IncidentEvents> = signed_in.part(&path).await;
        let found = told.told.unwrap_or_default();
        // A place beyond the end leads back to the last page.
        let placed = incident.events_total.max(1) - 1;
        let before = from.min(placed.saturating_add(1)).saturating_sub(LINES);
        let page = Page {
            first: from.saturating_add(1),
            last: from.saturating_add(found.events.len() as u64),
            total: incident.events_total,
            older: (from > 0).then(|| address(&incident.id, before)),
            newer: found.next.map(|next| address(&incident.id, next.saturating_add(1))),
        };
        let lines = shown(found.events, now);
        Self { lines, hidden: None, page: Some(page), why: told.why, query: format!("line={from}&") }
    }
}

/// The first place that is missing between the first lines and the newest.
fn gap(events: &[IncidentEvent]) -> u64 {
    let places = || events.iter().filter_map(|event| event.seq);
    places().zip(0_u64..).find(|(place, expected)| place != expected).map_or(0, |(_, expected)| expected)
}

fn shown(events: Vec<IncidentEvent>, now: Timestamp) -> Vec<Line> {
    let line = |event: IncidentEvent| Line { at: When::of(Some(&event.at), now, ""), event };
    events.into_iter().map(line).collect()
}

fn address(id: &str, from: u64) -> String {
    format!("/ui/incident/{id}?line={from}#line")
}

/// Lines of a page.
const LINES: u64 = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_begins_at_the_first_place_that_is_missing() {
        let events = |places: &[Option<u64>]| -> Vec<IncidentEvent> {
            places.iter().map(|seq| IncidentEvent { seq: *seq, ..IncidentEvent::default() }).collect()
        };
        assert_eq!(gap(&events(&[Some(0), Some(1), Some(7), Some(8)])), 2);
        // Lines from before lines had places come first.
        assert_eq!(gap(&events(&[None, None, Some(0), Some(9)])), 1);
        assert_eq!(gap(&events(&[None])), 0);
    }
}
