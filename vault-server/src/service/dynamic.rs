//! Dynamic leases by their ids: found, listed, ended. The ids begin with the path of a mount, and move with it.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use tokio::task::JoinHandle;
use vault_core::id::MountId;
use vault_core::identity::TokenDigest;
use vault_core::lease::dynamic::{CREDS, Dynamic};
use vault_core::lease::{EndCause, Lease};
use vault_core::mount::{Class, Kind, Mount};
use vault_core::store::key::Table;

use super::mount::MountService;
use crate::barrier::LoadError;
use crate::engine::commit::PlanError;
use crate::engine::dynamic::DynamicError;
use crate::engine::{Engine, OUTCOME_WAIT};

/// Where leases are: their mount, and what their ids begin with.
struct Place {
    id: MountId,
    path: String,
    holds: Holds,
}

/// Which of the mount's leases have their ids at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// All of them: the mount is there.
    All,
    /// Those that were made there; also the damaged ones, of which nobody knows, when `damaged`.
    Own { damaged: bool },
}

impl Place {
    /// The name of the record of the lease `rest`.
    fn key(&self, rest: &str) -> Vec<u8> {
        [self.id.as_bytes().as_slice(), rest.as_bytes()].concat()
    }
}

/// The dynamic leases. Cheap to clone.
#[derive(Clone)]
pub struct DynamicService {
    engine: Engine,
    mounts: MountService,
}

impl DynamicService {
    /// The dynamic leases of the mounts in `mounts`.
    #[must_use]
    pub fn new(engine: Engine, mounts: MountService) -> Self {
        Self { engine, mounts }
    }

    /// The open lease with this id.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn open(&self, id: &str) -> Result<Option<Lease>, LoadError> {
        for place in self.places_over(id)? {
            let rest = id.strip_prefix(place.path.as_str()).and_then(|rest| rest.strip_prefix('/'));
            let rest = rest.and_then(|rest| rest.strip_prefix(CREDS)).and_then(|rest| rest.strip_prefix('/'));
            let Some(rest) = rest else { continue };
            if let Some(loaded) = self.engine.dynamic(&place.key(rest))? {
                return Ok(Some(loaded.value.shown(&place.path)));
            }
        }
        Ok(None)
    }

    /// The ids of open leases that start with `prefix`.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn ids(&self, prefix: &str) -> Result<Vec<String>, LoadError> {
        let mut ids = Vec::new();
        for place in self.places_over(prefix)? {
            let base = format!("{}/{CREDS}/", place.path);
            // What the prefix says of the lease itself narrows the search.
            let below = prefix.strip_prefix(base.as_str()).unwrap_or_default();
            for key in self.engine.dynamic_keys(&place.key(below))? {
                if !self.is_at(&place, &key)? {
                    continue;
                }
                let rest =
                    key.get(place.id.as_bytes().len()..).and_then(|rest| std::str::from_utf8(rest).ok());
                let id = rest.map(|rest| format!("{base}{rest}"));
                ids.extend(id.filter(|id| id.starts_with(prefix)));
            }
        }
        Ok(ids)
    }

    /// Shows every open lease to `see`, also one that cannot be read.
    ///
    /// # Errors
    /// [`LoadError`] by cause, and what `see` gives back.
    pub(in crate::service) fn each(
        &self,
        mut see: impl FnMut(String, Result<Option<Lease>, LoadError>) -> Result<(), LoadError>,
    ) -> Result<(), LoadError> {
        for place in self.places_over("")? {
            for key in self.engine.dynamic_keys(place.id.as_bytes())? {
                if !self.is_at(&place, &key)? {
                    continue;
                }
                let rest = String::from_utf8_lossy(key.get(place.id.as_bytes().len()..).unwrap_or_default());
                let loaded = self.engine.dynamic(&key);
                let lease = loaded.map(|loaded| loaded.map(|loaded| loaded.value.shown(&place.path)));
                see(format!("{}/{CREDS}/{rest}", place.path), lease)?;
            }
        }
        Ok(())
    }

    /// The mounts that leases whose ids begin with `text` may be of; also those that are being taken away, which
    /// stay until their leases are over, and those whose records cannot be read.
    fn places_over(&self, text: &str) -> Result<Vec<Place>, LoadError> {
        let table = self.mounts.table();
        let place =
            |mount: &Mount| Place { id: mount.id, path: mount.path.as_str().to_owned(), holds: Holds::All };
        let of_databases = |mount: &&Mount| mount.kind == Kind::Database;
        let answering = table.of(Class::Secret).map(|mount| &**mount);
        let mut places: Vec<Place> = answering.filter(of_databases).map(place).collect();
        places.extend(self.mounts.ending()?.iter().filter(of_databases).map(place));
        for id in table.unread() {
            places.extend(self.remembered(id)?);
        }
        places.retain(|place| {
            let base = format!("{}/", place.path);
            base.starts_with(text) || text.starts_with(&base)
        });
        Ok(places)
    }

    /// Where a mount was whenever one of its leases was made.
    fn remembered(&self, id: MountId) -> Result<Vec<Place>, LoadError> {
        let mut paths = BTreeSet::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.engine.barrier().list_each::<Dynamic>(id.as_bytes(), after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            paths.extend(
                page.into_iter().filter_map(|(_, lease)| lease.ok()).map(|lease| lease.value.mount_path),
            );
        }
        let place = |(at, path)| Place { id, path, holds: Holds::Own { damaged: at == 0 } };
        Ok(paths.into_iter().enumerate().map(place).collect())
    }

    /// Whether the lease has its id at the place.
    fn is_at(&self, place: &Place, key: &[u8]) -> Result<bool, LoadError> {
        let Holds::Own { damaged } = place.holds else { return Ok(true) };
        match self.engine.dynamic(key) {
            Ok(lease) => Ok(lease.is_some_and(|lease| lease.value.mount_path == place.path)),
            Err(error) if error.is_damage() => Ok(damaged),
            Err(error) => Err(error),
        }
    }

    /// Gives a lease more time.
    ///
    /// # Errors
    /// [`DynamicError`] by cause.
    pub async fn renew(&self, lease: &Lease, increment: Option<Duration>) -> Result<Lease, DynamicError> {
        let key = Dynamic::key_of(&lease.subject).unwrap_or_default();
        let renewed = self.engine.renew_dynamic(&key, increment).await?;
        let path = lease.id.strip_suffix(&renewed.id("")).unwrap_or(&renewed.mount_path);
        Ok(renewed.shown(path))
    }

    /// Makes durable that a lease ends, without waiting for its user.
    ///
    /// # Errors
    /// `PlanError` by cause.
    pub async fn begin_end(&self, lease: &Lease, cause: &EndCause) -> Result<(), PlanError> {
        let key = Dynamic::key_of(&lease.subject).unwrap_or_default();
        self.engine.begin_end_dynamic(&key, cause).await.map(drop)
    }

    /// Makes durable that everything the token holds ends. One that cannot end does not hold up the others.
    ///
    /// # Errors
    /// The first error, after all were tried.
    pub async fn token_gone(&self, token: &TokenDigest) -> Result<(), PlanError> {
        let prefix = crate::engine::record::token_lease_name(token.as_bytes(), b"");
        let mut failed = None;
        let mut after: Option<Vec<u8>> = None;
        loop {
            let names = self.engine.barrier().names(Table::TokenLease, &prefix, after.as_deref(), PAGE)?;
            let Some(last) = names.last() else { break };
            after = Some(last.clone());
            for key in names.iter().filter_map(|name| name.get(prefix.len()..)) {
                if let Err(error) = self.engine.begin_end_dynamic(key, &EndCause::TokenGone).await {
                    failed = failed.or(Some(error));
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Ends every lease of a mount that is being taken away, and waits at most `wait` until their users are
    /// gone. Gives back how many are left; they are tried again until they are over. One that cannot end does not
    /// hold up the others.
    ///
    /// # Errors
    /// The first error, after all were tried.
    pub async fn end_all(&self, mount: &Mount, wait: Duration) -> Result<usize, PlanError> {
        let keys = self.engine.dynamic_keys(mount.id.as_bytes())?;
        let (ending, failed) = self.begin_each(keys, &EndCause::MountGone).await;
        self.removed(ending, wait).await;
        failed.map_or(Ok(()), Err)?;
        Ok(self.engine.dynamic_keys(mount.id.as_bytes())?.len())
    }

    /// Makes durable that each of these ends. Gives back those that have a user to remove, and the first error,
    /// after all were tried.
    async fn begin_each(&self, keys: Vec<Vec<u8>>, cause: &EndCause) -> (Vec<Dynamic>, Option<PlanError>) {
        let (mut ending, mut failed) = (Vec::new(), None);
        for key in keys {
            match self.engine.begin_end_dynamic(&key, cause).await {
                Ok(lease) => ending.extend(lease),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        (ending, failed)
    }

    /// Waits, for at most `wait`, until the users of leases that end are gone.
    async fn removed(&self, ending: Vec<Dynamic>, wait: Duration) {
        let removals = async {
            let mut going = VecDeque::new();
            for lease in ending {
                if going.len() >= REMOVALS_MAX
                    && let Some(first) = going.pop_front()
                {
                    join(first).await;
                }
                going.push_back(self.engine.spawn_removal(&lease));
            }
            for removal in going {
                join(removal).await;
            }
        };
        if !wait.is_zero() {
            let _ = tokio::time::timeout(wait, removals).await;
        }
    }

    /// Makes durable that `leases` end, without waiting for their users, which [`settled`](Self::settled) does.
    /// The first error comes after all were tried.
    pub(in crate::service) async fn begin_together(
        &self,
        leases: &[Lease],
        cause: &EndCause,
    ) -> (Vec<Dynamic>, Option<PlanError>) {
        let keys = leases.iter().map(|lease| Dynamic::key_of(&lease.subject).unwrap_or_default());
        self.begin_each(keys.collect(), cause).await
    }

    /// Waits, bounded, until the users of leases that end are gone.
    pub(in crate::service) async fn settled(&self, ending: Vec<Dynamic>) {
        self.removed(ending, OUTCOME_WAIT).await;
    }
}

/// Waits until a removal is over, however it went: the records tell.
async fn join(removal: JoinHandle<()>) {
    let _ = removal.await;
}

/// Records read at a time.
const PAGE: usize = 500;
/// Removals that one request has going at a time; the scheduler takes what is left when it no longer waits.
const REMOVALS_MAX: usize = 16;
