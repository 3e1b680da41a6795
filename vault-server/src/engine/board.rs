//! How all accounts and the open incidents stand, at hand while somebody looks.
//!
//! ```text
//!   commit ──► store tells which names ──► noted         look ──► what was noted is read anew ──► what is at hand
//! ```
//!
//! The first look reads everything once; each later one what has changed since. So a screen over fifty thousand accounts
//! costs no walk over their records, and shows the last commit all the same. What was read before a seal is let go, and
//! what is large and nobody has looked at for some minutes.

mod brief;
mod mirror;

pub use self::brief::{Brief, Find, Tally};
pub(crate) use self::brief::{held_until, state};

use std::sync::Arc;
use std::time::Duration;

use vault_core::account::{Account, Subject};
use vault_core::clock::Timestamp;
use vault_core::incident::{Incident, IncidentState};
use vault_core::store::key::Table;

use self::mirror::Mirror;
use crate::barrier::{Barrier, LoadError};

/// The board. Cheap to clone.
#[derive(Clone)]
pub struct Board {
    inner: Arc<Inner>,
}

struct Inner {
    accounts: Mirror<Account, Brief>,
    open: Mirror<Incident, Incident>,
}

/// Of what was looked for, a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// The part.
    pub part: Vec<T>,
    /// All that fits.
    pub total: usize,
}

impl Board {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(barrier: &Barrier) -> Self {
        let accounts = Mirror::new(barrier, b"a/", None, |account: &Account| Some(Brief::of(account)));
        let is_open = |incident: &Incident| incident.state == IncidentState::Open;
        let open = Mirror::new(barrier, b"", Some(Table::OpenIncident), move |incident: &Incident| {
            is_open(incident).then(|| incident.clone())
        });
        Self { inner: Arc::new(Inner { accounts, open }) }
    }

    /// How the accounts stand, counted; `soon` is what will be due within so long. Reads from disk, so not for a thread
    /// that answers requests.
    ///
    /// # Errors
    /// [`LoadError`] by cause. An account that cannot be read is left out.
    pub fn tally(&self, now: Timestamp, soon: Duration) -> Result<Tally, LoadError> {
        self.inner.accounts.look(|briefs| {
            let mut tally = Tally::default();
            briefs.values().for_each(|brief| tally.add(brief, now, soon));
            tally
        })
    }

    /// The accounts that fit, and of which `may`, if it is given, says that they may be told of, by path: `limit` of them,
    /// after so many.
    ///
    /// # Errors
    /// As [`tally`](Self::tally).
    pub fn find(
        &self,
        find: &Find,
        may: Option<&dyn Fn(&Subject) -> bool>,
        now: Timestamp,
        skip: usize,
        limit: usize,
    ) -> Result<Found<Subject>, LoadError> {
        self.inner.accounts.look(|briefs| {
            let fits = briefs.iter().filter(|(name, brief)| find.fits(name, brief, now));
            let subject = |name: &[u8]| Subject::from_key(std::str::from_utf8(name).ok()?);
            let told =
                fits.filter(|(name, _)| may.is_none_or(|may| subject(name).is_some_and(|it| may(&it))));
            let (mut part, mut total) = (Vec::new(), 0);
            for (name, _) in told {
                if total >= skip && part.len() < limit {
                    part.extend(subject(name));
                }
                total += 1;
            }
            Found { part, total }
        })
    }

    /// What `look` makes of the open incidents, which come in the order of their opening.
    ///
    /// # Errors
    /// As [`tally`](Self::tally).
    pub fn open_incidents<A>(
        &self,
        look: impl FnOnce(&mut dyn DoubleEndedIterator<Item = &Incident>) -> A,
    ) -> Result<A, LoadError> {
        self.inner.open.look(|incidents| look(&mut incidents.values()))
    }

    /// A minute has passed: lets go what nobody looks at.
    pub(crate) fn minute(&self) {
        self.inner.accounts.minute();
        self.inner.open.minute();
    }
}
