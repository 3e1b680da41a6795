//! Counts what a maintenance or a silence is about.

use std::collections::BTreeSet;

use vault_core::account::Subject;
use vault_core::path::Name;
use vault_core::silence::foresee::Found;
use vault_core::silence::{Silence, hold};

use crate::barrier::LoadError;
use crate::engine::Engine;
use crate::engine::board::Find;
use crate::engine::record::{Managed, managed_prefix};

impl Engine {
    /// How many credentials are on a target, and for how many of them the clock would begin something that the
    /// maintenance would hold. Reads each, so not for a thread that answers requests.
    ///
    /// # Errors
    /// [`LoadError`] by cause, of the whole. One that is damaged is counted, and begins nothing.
    pub(crate) fn found_on(&self, target: &Name, maintenance: &Silence) -> Result<Found, LoadError> {
        let now = self.now();
        // One account may have two names there.
        let mut subjects = BTreeSet::from([Subject::Management(target.clone()).key()]);
        let (prefix, mut after) = (managed_prefix(target), None::<Vec<u8>>);
        loop {
            let page = self.inner.barrier.list_each::<Managed>(&prefix, after.as_deref(), PAGE)?;
            let full = page.len() == PAGE;
            after = page.last().map(|(name, _)| name.clone());
            subjects.extend(page.into_iter().filter_map(|(_, managed)| Some(managed.ok()?.value.subject)));
            if !full {
                break;
            }
        }
        let mut found = Found::default();
        for subject in subjects.iter().filter_map(|subject| Subject::from_key(subject)) {
            let held = match self.account(&subject) {
                Ok(Some(account)) => hold::is_held(&account.value, maintenance, now),
                Ok(None) => continue,
                Err(error) if error.is_damage() => false,
                Err(error) => return Err(error),
            };
            found.accounts += 1;
            found.held += u64::from(held);
        }
        Ok(found)
    }

    /// How many accounts fit `pattern`. Reads from disk, so not for a thread that answers requests.
    ///
    /// # Errors
    /// [`LoadError`] by cause, of the whole. One that is damaged is left out.
    pub(crate) fn found_by(&self, pattern: &str) -> Result<Found, LoadError> {
        let all = self.board().find(&Find::fitting(pattern), None, self.now(), 0, 0)?;
        Ok(Found { accounts: u64::try_from(all.total).unwrap_or(u64::MAX), held: 0 })
    }
}

/// Names that are read at a time.
const PAGE: usize = 500;
