//! The count of who lags, and the end of receipts that say nothing any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use vault_core::account::{Account, Subject};
use vault_core::clock::Timestamp;
use vault_core::consumer::{Receipt, Standing, is_kept, judge, versions_behind};
use vault_core::path::Name;
use vault_core::rotation::grace;
use vault_core::store::batch::Revision;
use vault_core::store::key::Table;

use super::flush::FlushError;
use super::{ConsumerService, prefix};
use crate::barrier::{CommitError, LoadError};

/// The name and the revision of a receipt.
type Found = (Vec<u8>, Revision);

/// How the consumers of all accounts stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// When it was looked; `None` before the first look.
    pub at: Option<Timestamp>,
    /// Live ones that have the current version.
    pub current: u64,
    /// Live ones that have another.
    pub lagging: u64,
    /// Of these, how many are behind by so many versions. Who has the current one and was asked to confirm it is behind
    /// by none.
    pub behind: BTreeMap<u64, u64>,
    /// Those of the accounts on each target that has any live one.
    pub targets: BTreeMap<Name, Unacked>,
    /// The accounts with one that lags, as [`Subject::key`].
    pub laggards: Arc<BTreeSet<Vec<u8>>>,
}

/// How the consumers of the accounts on a target stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unacked {
    /// Live ones that do not have the current version, or were asked to confirm it and have not.
    pub count: u64,
    /// By how many versions the farthest of them is behind.
    pub versions: u64,
    /// How many of them have let pass half of the time that the version before lives on for them.
    pub past_half: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.current += other.current;
        self.lagging += other.lagging;
        for (versions, count) in other.behind {
            *self.behind.entry(versions).or_default() += count;
        }
        for (target, other) in other.targets {
            let of = self.targets.entry(target).or_default();
            of.count += other.count;
            of.versions = of.versions.max(other.versions);
            of.past_half += other.past_half;
        }
    }
}

impl ConsumerService {
    /// Looks at every receipt once, an account at a time.
    ///
    /// # Errors
    /// `FlushError` by cause; the rest waits for the next time.
    pub async fn walk(&self) -> Result<(), FlushError> {
        let (now, mut laggards) = (self.inner.clock.now(), BTreeSet::new());
        let (mut tally, mut after) = (Tally { at: Some(now), ..Tally::default() }, None::<Vec<u8>>);
        while let Some(name) = self.inner.barrier.names(Table::Consumer, &[], after.as_deref(), 1)?.pop() {
            let nul = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
            let subject = name.get(..nul).and_then(|key| std::str::from_utf8(key).ok());
            match subject.and_then(Subject::from_key) {
                Some(subject) => {
                    match self.look(&subject) {
                        Ok((looked, useless)) => {
                            if looked.lagging > 0 {
                                laggards.insert(subject.key().into_bytes());
                            }
                            tally.add(looked);
                            self.forget(useless).await?;
                        }
                        // One that is damaged must not hide how all others stand.
                        Err(error) if error.is_damage() => {
                            let error = &error as &dyn std::error::Error;
                            tracing::error!(account = %subject, error, "consumers cannot be counted");
                        }
                        Err(error) => return Err(error.into()),
                    }
                    // Behind the last name that the prefix may have.
                    let mut last = prefix(&subject);
                    last.extend([0xff; 8]);
                    after = Some(last);
                }
                None => after = Some(name),
            }
            tokio::task::yield_now().await;
        }
        tally.laggards = Arc::new(laggards);
        let gauge = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.inner.live.set(gauge(tally.current + tally.lagging));
        self.inner.lagging.set(gauge(tally.lagging));
        *self.inner.tally.lock().unwrap_or_else(PoisonError::into_inner) = tally;
        Ok(())
    }

    /// How all of them stood when they were looked at last, which is done once a minute.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.inner.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How the consumers of one account stand, and which receipts can go.
    fn look(&self, subject: &Subject) -> Result<(Tally, Vec<Found>), LoadError> {
        let (barrier, now) = (&self.inner.barrier, self.inner.clock.now());
        let mut page = Vec::new();
        loop {
            let after = page.last().map(|(name, _): &(Vec<u8>, _)| name.clone());
            let next = barrier.list::<Receipt>(&prefix(subject), after.as_deref(), PAGE)?;
            let full = next.len() == PAGE;
            page.extend(next);
            if !full {
                break;
            }
        }
        let Some(account) = barrier.load::<Account>(subject.key())? else {
            let all = page.into_iter().map(|(name, loaded)| (name, loaded.revision)).collect();
            return Ok((Tally::default(), all));
        };
        let account = account.value;
        let looked = self.looked_at(page.iter().map(|(_, loaded)| loaded.value.clone()), now)?;
        let (mut count, mut useless) = (Tally::default(), Vec::new());
        for ((name, loaded), standing) in page.into_iter().zip(judge(&account, &looked, now)) {
            match standing {
                Standing::Current => count.current += 1,
                Standing::Lagging => {
                    count.lagging += 1;
                    let behind = versions_behind(&loaded.value, &account.versions);
                    *count.behind.entry(behind).or_default() += 1;
                }
                Standing::Gone => {}
            }
            if !is_kept(&loaded.value, standing, account.created_at, &account.versions) {
                useless.push((name, loaded.revision));
            }
        }
        if count.lagging == 0 && count.current > 0 {
            self.may_be_ready(&account);
        }
        if count.lagging + count.current > 0 {
            let is_past_half = grace::of(&account).is_some_and(|grace| grace.is_past_half(now));
            let unacked = Unacked {
                count: count.lagging,
                versions: count.behind.keys().next_back().copied().unwrap_or(0),
                past_half: if is_past_half { count.lagging } else { 0 },
            };
            count.targets.insert(account.target.clone(), unacked);
        }
        Ok((count, useless))
    }

    async fn forget(&self, useless: Vec<Found>) -> Result<(), FlushError> {
        for some in useless.chunks(TOGETHER) {
            let mut batch = self.inner.barrier.transaction()?;
            for (name, revision) in some {
                batch.delete::<Receipt>(name.clone(), *revision);
            }
            match self.inner.barrier.commit(batch).await {
                // Somebody came back meanwhile.
                Ok(()) | Err(CommitError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Records read at a time.
const PAGE: usize = 500;
/// Receipts that go in one commit.
const TOGETHER: usize = 100;
