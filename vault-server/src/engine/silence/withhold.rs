//! What is kept back of what one commit tells, in that commit.

use std::collections::BTreeSet;

use vault_core::clock::Timestamp;
use vault_core::id::{IncidentId, SilenceId};
use vault_core::incident::Incident;
use vault_core::incident::severity::Severity;
use vault_core::silence::{Silence, Withheld, covers, key, withheld_key};
use vault_core::store::batch::{Require, Revision};
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

/// A message that may be kept back.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Message {
    /// Of which kind.
    pub(in crate::engine) kind: EventKind,
    /// How bad the incident was as it was told before, if it was.
    pub(in crate::engine) told: Option<Severity>,
    /// Whether it is another failure than the one that was told.
    pub(in crate::engine) is_news: bool,
}

/// What becomes of a message.
pub(in crate::engine) enum Verdict {
    /// It is not told now.
    KeptBack,
    /// It is told; and so is what was kept back until now, if anything was.
    Told(Option<Kept>),
}

/// What is kept back of what one commit tells.
#[derive(Default)]
pub(in crate::engine) struct Withholding {
    known: Option<Vec<Loaded<Silence>>>,
    checked: BTreeSet<SilenceId>,
}

impl Withholding {
    /// Whether something is not told of an incident: its opening while it is silenced; and its closing, when nobody was told
    /// that it was opened. Puts that into `batch`.
    pub(in crate::engine) fn keeps(
        &mut self,
        barrier: &Barrier,
        batch: &mut Transaction,
        message: Message,
        about: About<'_>,
        now: Timestamp,
    ) -> Result<Verdict, LoadError> {
        let name = withheld_key(about.incident.id);
        let kept = kept(barrier, about.incident.id)?;
        if message.kind == EventKind::Closed {
            if let Some(Kept { at, .. }) = kept {
                batch.delete::<Withheld>(name, at);
            }
            let was_told = kept.is_none_or(|kept| kept.told.is_some());
            return Ok(if was_told { Verdict::Told(kept) } else { Verdict::KeptBack });
        }
        // An account by which it is opened is not written down to be beneath it yet.
        let is_new = about.is_joined && message.told.is_none() && kept.is_none();
        let has_own = !is_new && has_own_part(about.incident);
        let Some(silence) = self.covered(barrier, batch, about, has_own, now)? else {
            // Told now: not once more when a silence ends.
            if let Some(Kept { at, .. }) = kept {
                batch.delete::<Withheld>(name, at);
            }
            return Ok(Verdict::Told(kept));
        };
        let must = kept.map_or(Require::Absent, |kept| Require::At(kept.at));
        let told = kept.map_or(message.told, |kept| kept.told);
        let news = message.is_news || kept.is_some_and(|kept| kept.news);
        batch.put(name, must, &Withheld { silence, since: now, told, news });
        Ok(Verdict::KeptBack)
    }

    /// What was kept back of an incident, if it is told because it stands for something now that nobody silenced. Puts that
    /// into `batch`.
    pub(in crate::engine) fn lets_go(
        &mut self,
        barrier: &Barrier,
        batch: &mut Transaction,
        about: About<'_>,
        now: Timestamp,
    ) -> Result<Option<Kept>, LoadError> {
        let name = withheld_key(about.incident.id);
        let Some(kept) = kept(barrier, about.incident.id)? else { return Ok(None) };
        // What it stood for before is covered: else it would not have been kept back.
        let has_own = !about.is_joined && has_own_part(about.incident);
        if self.covered(barrier, batch, about, has_own, now)?.is_some() {
            return Ok(None);
        }
        batch.delete::<Withheld>(name, kept.at);
        Ok(Some(kept))
    }

    /// Of the silences that cover all that a message is about the one that ends first, on condition that each of them is still
    /// what was read; `None` where something of it is not covered.
    fn covered(
        &mut self,
        barrier: &Barrier,
        batch: &mut Transaction,
        About { incident, cause, .. }: About<'_>,
        has_own: bool,
        now: Timestamp,
    ) -> Result<Option<SilenceId>, LoadError> {
        let known = match &mut self.known {
            Some(known) => known,
            none => none.insert(silences(barrier)?),
        };
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

/// What is kept back of an incident.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Kept {
    /// Its revision.
    pub(in crate::engine) at: Revision,
    /// How bad the incident was as it was told before, if it was.
    pub(in crate::engine) told: Option<Severity>,
    /// Whether it is another failure than that.
    pub(in crate::engine) news: bool,
}

/// What is kept back of an incident. Of one that cannot be read nobody knows that it was told.
pub(in crate::engine) fn kept(barrier: &Barrier, incident: IncidentId) -> Result<Option<Kept>, LoadError> {
    let name = withheld_key(incident);
    match barrier.load::<Withheld>(name.clone()) {
        Ok(kept) => Ok(kept.map(|kept| {
            let Withheld { told, news, .. } = kept.value;
            Kept { at: kept.revision, told, news }
        })),
        Err(error) if error.is_damage() => {
            tracing::error!(%incident, %error, "what a silence keeps back cannot be read; it is told when that ends");
            Ok(barrier.revision::<Withheld>(name)?.map(|at| Kept { at, told: None, news: false }))
        }
        Err(error) => Err(error),
    }
}

/// Most silences that keep one message back together: each is a line of its commit. What needs more is told.
const TOGETHER_MAX: usize = 16;
