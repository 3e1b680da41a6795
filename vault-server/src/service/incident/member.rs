//! The accounts beneath the incident of a target, as they are told.

use vault_api::incident::{
    Incident as ShownIncident, IncidentAccount as Shown, IncidentAccounts, IncidentEvent,
};
use vault_core::account::Subject;
use vault_core::clock::Timestamp;
use vault_core::id::IncidentId;
use vault_core::incident::act::{Act, Acted};
use vault_core::incident::group::{Member, Told, Why};
use vault_core::incident::{Incident, IncidentState, Kind};

use super::{IncidentService, told_act};
use crate::barrier::LoadError;
use crate::engine::group::{member_name, members};

impl IncidentService {
    /// At most `limit` of the accounts that are, or were, beneath an incident: those after `after`, which is
    /// [`IncidentAccounts::next`] of the page before. `None` when there is no such incident.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn members(
        &self,
        id: IncidentId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Option<IncidentAccounts>, LoadError> {
        if self.barrier.load::<Incident>(*id.as_bytes())?.is_none() {
            return Ok(None);
        }
        let after = after.map(|subject| member_name(id, subject));
        let page = self.barrier.list::<Member>(id.as_bytes(), after.as_deref(), limit)?;
        let page: Vec<Member> = page.into_iter().map(|(_, loaded)| loaded.value).collect();
        let next = page.last().filter(|_| page.len() == limit).map(|last| last.subject.clone());
        Ok(Some(IncidentAccounts { accounts: page.iter().map(shown).collect(), next }))
    }

    /// What only the members of a target's incident know: their attempts, and when the next one is. With the first
    /// `names` of them.
    pub(super) fn with_members(
        &self,
        incident: &Incident,
        shown: ShownIncident,
        names: usize,
    ) -> Result<ShownIncident, LoadError> {
        if incident.kind == Kind::Account {
            return Ok(shown);
        }
        // Those that have left are in the record.
        let is_open = incident.state == IncidentState::Open;
        let inside = if is_open { members(&self.barrier, incident.id)? } else { Vec::new() };
        let inside: Vec<&Member> = inside.iter().filter(|member| member.is_in()).collect();
        let attempts: u64 = inside.iter().map(|member| u64::from(member.attempts)).sum();
        let next = inside.iter().filter_map(|member| member.next_attempt).min();
        let own = incident.last_act();
        let last = inside.iter().filter_map(|member| acted(member)).fold(own, |last, act| {
            // What has a line as well is told as that has it, except that it was the last for now.
            let is_end = act.at == last.at && act.act == Act::Park;
            if act.at > last.at || is_end { act } else { last }
        });
        Ok(ShownIncident {
            attempts: shown.attempts + attempts,
            next_attempt: next.map(Timestamp::to_rfc3339),
            accounts: inside.iter().take(names).map(|member| named(&member.subject)).collect(),
            accounts_open: Some(u64::from(incident.members.now)),
            accounts_total: Some(u64::from(incident.members.ever)),
            last_act: is_open.then(|| told_act(last)),
            ..shown
        })
    }
}

/// What the vault did last for a member, whose failures have no line in its incident.
fn acted(member: &Member) -> Option<Acted> {
    let last = member.failures.iter().max_by_key(|told| told.last_at)?;
    let failed = Act::failed(last.failure.class, last.failure.phase);
    Some(Acted { at: last.last_at, act: if member.parked { Act::Park } else { failed } })
}

fn named(subject: &str) -> String {
    Subject::from_key(subject).map_or_else(|| subject.to_owned(), |subject| subject.to_string())
}

fn shown(member: &Member) -> Shown {
    let time = |at: Option<Timestamp>| at.map(Timestamp::to_rfc3339);
    let state = match &member.left {
        Some((_, why)) => why.word(),
        None if member.parked => "parked",
        None => "open",
    };
    Shown {
        account: named(&member.subject),
        state: state.to_owned(),
        class: member.class.to_string(),
        phase: member.phase.map_or("check".to_owned(), |step| format!("{step:?}").to_lowercase()),
        detail: member.detail.clone(),
        attempts: u64::from(member.attempts),
        next_attempt: time(member.next_attempt),
        joined_at: member.joined_at.to_rfc3339(),
        mitigated_at: time(member.mitigated_at),
        left_at: time(member.left.as_ref().map(|(at, _)| *at)),
        moved_to: match &member.left {
            Some((_, Why::Moved(to))) => Some(to.to_string()),
            _ => None,
        },
        failures: member.failures.iter().map(failure).collect(),
    }
}

fn failure(told: &Told) -> IncidentEvent {
    let failure = &told.failure;
    let again = match told.repeats {
        0 => String::new(),
        times => format!(" ({times} times more, until {})", told.last_at.to_rfc3339()),
    };
    IncidentEvent {
        at: told.at.to_rfc3339(),
        kind: "failed".to_owned(),
        text: Some(format!("{}: {}{again}", failure.class, failure.detail)),
        class: Some(failure.class.to_string()),
        phase: failure.phase.map(|step| format!("{step:?}").to_lowercase()),
        attempt: Some(u64::from(failure.attempt)),
        ..IncidentEvent::default()
    }
}
