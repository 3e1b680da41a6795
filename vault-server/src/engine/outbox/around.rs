//! Of whom an event tells beside the one that it names: accounts on a target, and those of the incidents that are merged.

use std::collections::BTreeSet;

use vault_core::account::Subject;
use vault_core::incident::{Incident, Kind};
use vault_core::webhook::Subscription;
use vault_core::webhook::event::Event;

use super::super::ledger::beneath;
use super::super::record::Managed;
use super::Outbox;
use crate::barrier::LoadError;

impl Outbox {
    /// With all accounts that `incident` stands for, where somebody is told of some accounts only.
    pub(super) fn around(
        &self,
        mut event: Event,
        incident: &Incident,
        subscriptions: &[Subscription],
    ) -> Result<Event, LoadError> {
        if !subscriptions.iter().any(Subscription::is_choosy) {
            return Ok(event);
        }
        let all = incident.merged.beneath.iter().map(|one| one.incident);
        let beneath = beneath(&self.inner.barrier, all)?;
        let is_of_target = |one: &&Incident| one.kind == Kind::Target;
        let targets: BTreeSet<&str> = std::iter::once(incident)
            .chain(&beneath)
            .filter(is_of_target)
            .map(|one| one.target.as_str())
            .collect();
        for target in targets {
            self.add_all_on(target, &mut event.beside)?;
        }
        event.beside.extend(beneath.iter().filter_map(|one| Subject::from_key(&one.subject)));
        Ok(event)
    }

    /// Adds the accounts on a target.
    fn add_all_on(&self, target: &str, found: &mut Vec<Subject>) -> Result<(), LoadError> {
        let prefix = [target.as_bytes(), &[0]].concat();
        let mut after = None::<Vec<u8>>;
        loop {
            let page = self.inner.barrier.list_each::<Managed>(&prefix, after.as_deref(), PAGE)?;
            let full = page.len() == PAGE;
            after = page.last().map(|(name, _)| name.clone());
            let managed = page.into_iter().filter_map(|(_, managed)| managed.ok());
            found.extend(managed.filter_map(|one| Subject::from_key(&one.value.subject)));
            if !full {
                return Ok(());
            }
        }
    }
}

/// Records read at a time.
const PAGE: usize = 500;
