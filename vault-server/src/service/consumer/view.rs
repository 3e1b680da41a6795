//! Who holds which version, as it is told.

use std::collections::BTreeMap;

use vault_core::account::{Account, Subject};
use vault_core::consumer::{Receipt, Standing, judge};

use super::{ConsumerService, SHARDS, prefix};
use crate::barrier::LoadError;

/// One consumer of an account.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// Its receipt.
    pub receipt: Receipt,
    /// How it stands to the current version.
    pub standing: Standing,
}

/// The known consumers of an account.
#[derive(Clone, Debug, Default)]
pub struct Consumers {
    /// All of them, by accessor; also those that are gone and know a password that may still open something.
    pub all: Vec<Consumer>,
}

impl Consumers {
    /// Those that stand so.
    pub fn standing(&self, standing: Standing) -> impl Iterator<Item = &Consumer> {
        self.all.iter().filter(move |consumer| consumer.standing == standing)
    }
}

impl ConsumerService {
    /// Who is known to have fetched credentials of `account`.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn of(&self, account: &Account) -> Result<Consumers, LoadError> {
        let (barrier, now) = (&self.inner.barrier, self.inner.clock.now());
        let prefix = prefix(&account.subject);
        // First, so that one that is written down meanwhile is in both and not in neither.
        let unwritten = self.unwritten(&account.subject);
        let mut receipts: BTreeMap<String, Receipt> = BTreeMap::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = barrier.list::<Receipt>(&prefix, after.as_deref(), PAGE)?;
            let full = page.len() == PAGE;
            after = page.last().map(|(name, _)| name.clone());
            let stored = page.into_iter().map(|(_, loaded)| loaded.value);
            receipts.extend(stored.map(|receipt| (receipt.accessor.clone(), receipt)));
            if !full {
                break;
            }
        }
        // What is not written down yet is known all the same.
        for receipt in unwritten {
            let merged = receipt.after(receipts.get(&receipt.accessor));
            receipts.extend(merged.map(|merged| (merged.accessor.clone(), merged)));
        }
        let ours = receipts.into_values().filter(|receipt| receipt.account == account.created_at);
        let looked = self.looked_at(ours, now)?;
        let standings = judge(account, &looked, now);
        let all = looked.into_iter().zip(standings);
        let all = all.map(|(looked, standing)| Consumer { receipt: looked.receipt, standing }).collect();
        Ok(Consumers { all })
    }

    fn unwritten(&self, subject: &Subject) -> Vec<Receipt> {
        let mut found = Vec::new();
        for at in 0..SHARDS {
            let shard = self.shard(at);
            let on_the_way = shard.on_the_way.iter().map(|(of, receipt)| (of, receipt));
            let dirty = shard.dirty.iter().filter_map(|key| shard.known.get(key));
            // What came later, last.
            let all = on_the_way.chain(dirty.map(|known| (&known.subject, &known.receipt)));
            found.extend(all.filter(|(of, _)| *of == subject).map(|(_, receipt)| receipt.clone()));
        }
        found
    }
}

/// Records read at a time.
const PAGE: usize = 500;
