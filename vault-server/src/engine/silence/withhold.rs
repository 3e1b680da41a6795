//! What is kept back of what one commit tells, in that commit.

use std::collections::BTreeSet;

use vault_core::clock::Timestamp;
use vault_core::id::SilenceId;
use vault_core::incident::Incident;
use vault_core::silence::{Silence, Withheld, covers, key, withheld_key};
use vault_core::store::batch::Require;
use vault_core::webhook::event::EventKind;

use super::{has_own_part, silences, whole};
use crate::barrier::{Barrier, LoadError, Loaded, Transaction};

/// What a message is about.
#[derive(Clone, Copy)]
pub(in crate::engine) struct About<'a> {
    /// The incident that it tells of, and what is merged into that.
    pub(in crate::engine) incident: &'a Incident,
    /// The account by which it came to that, and its target: one beneath the incident of its target, or of one that is merged into it.
    pub(in crate::engine) cause: Option<(&'a str, &'a str)>,
    /// Whether the account is beneath this very incident, and stands for it.
    pub(in crate::engine) is_joined: bool,
}

/// What is kept back of what one commit tells.
#[derive(Default)]
pub(in crate::engine) struct Withholding {
    known: Option<Vec<Loaded<Silence>>>,
    checked: BTreeSet<SilenceId>,
}

impl Withholding {
    /// Whether `kind` is not told of an incident: its opening while it is silenced; and its closing, when nobody was told
    /// that it was opened. Puts that into `batch`.
    pub(in crate::engine) fn keeps(
        &mut self,
        barrier: &Barrier,
        batch: &mut Transaction,
        kind: EventKind,
        about: About<'_>,
        now: Timestamp,
    ) -> Result<bool, LoadError> {
        let name = withheld_key(about.incident.id);
        let kept = barrier.revision::<Withheld>(name.clone())?;
        if kind == EventKind::Closed {
            if let Some(at) = kept {
                batch.delete::<Withheld>(name, at);
            }
            return Ok(kept.is_some());
        }
        let Some(by) = self.covered(barrier, batch, about, now)? else {
            // Told now: not once more when a silence ends.
            if let Some(at) = kept {
                batch.delete::<Withheld>(name, at);
            }
            return Ok(false);
        };
        batch.put(name, kept.map_or(Require::Absent, Require::At), &Withheld { silence: by, since: now });
        Ok(true)
    }

    /// Whether the opening of an incident, which was kept back, is told because it stands for something now that nobody
    /// silenced. Puts that into `batch`.
    pub(in crate::engine) fn lets_go(
        &mut self,
        barrier: &Barrier,
        batch: &mut Transaction,
        about: About<'_>,
        now: Timestamp,
    ) -> Result<bool, LoadError> {
        let name = withheld_key(about.incident.id);
        let Some(kept) = barrier.revision::<Withheld>(name.clone())? else { return Ok(false) };
        if self.covered(barrier, batch, about, now)?.is_some() {
            return Ok(false);
        }
        batch.delete::<Withheld>(name, kept);
        Ok(true)
    }

    /// Of the silences that cover all that a message is about the one that ends first, on condition that each of them is still
    /// what was read; `None` where something of it is not covered.
    fn covered(
        &mut self,
        barrier: &Barrier,
        batch: &mut Transaction,
        About { incident, cause, is_joined }: About<'_>,
        now: Timestamp,
    ) -> Result<Option<SilenceId>, LoadError> {
        let known = match &mut self.known {
            Some(known) => known,
            none => none.insert(silences(barrier)?),
        };
        let has_own = !is_joined && has_own_part(incident);
        let Some(mut by) = whole(barrier, known, incident, has_own, now)? else { return Ok(None) };
        if let Some((subject, target)) = cause {
            let all = known.iter().map(|silence| &silence.value);
            let Some(of_cause) = covers(all, subject, target, now) else { return Ok(None) };
            by.push(of_cause);
        }
        let first = by.iter().min_by_key(|silence| silence.until).map(|silence| silence.id);
        let by: BTreeSet<SilenceId> = by.into_iter().map(|silence| silence.id).collect();
        if by.len() > TOGETHER_MAX {
            return Ok(None);
        }
        for loaded in known.iter().filter(|silence| by.contains(&silence.value.id)) {
            if self.checked.insert(loaded.value.id) {
                batch.check::<Silence>(key(loaded.value.id), loaded.require());
            }
        }
        Ok(first)
    }
}

/// Most silences that keep one message back together: each is a line of its commit. What needs more is told.
const TOGETHER_MAX: usize = 16;
