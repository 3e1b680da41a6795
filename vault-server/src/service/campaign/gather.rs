//! Which accounts a campaign is about: found a page at a time, and written down before the first is rotated.

use std::collections::BTreeMap;

use vault_core::account::{Account, Subject};
use vault_core::campaign::item::{Item, Look, State};
use vault_core::campaign::selection::Selection;
use vault_core::campaign::step::Event;
use vault_core::campaign::{Campaign, WAVE_GROWTH, WAVE_MAX};
use vault_core::clock::Timestamp;
use vault_core::id::CampaignId;
use vault_core::knower::Named;

use super::drive::unreadable;
use super::{Ask, CampaignError, CampaignService, TOGETHER};
use crate::barrier::LoadError;

/// A page of what a selection finds.
pub(super) struct Found {
    items: Vec<Item>,
    /// Where to go on; `None` when there are no more.
    last: Option<Vec<u8>>,
}

/// What a campaign would do.
#[derive(Debug, Default)]
pub struct Planned {
    /// How many accounts it is about.
    pub total: u64,
    /// In how many waves.
    pub waves: u64,
    /// The first of them, and what would be done with each.
    pub accounts: Vec<(Item, Look)>,
}

impl CampaignService {
    /// What a campaign would do if it began now. Nothing changes.
    ///
    /// # Errors
    /// [`CampaignError`] by cause.
    pub fn plan(&self, ask: &Ask) -> Result<Planned, CampaignError> {
        let engine = &self.inner.engine;
        let now = engine.now();
        let id = CampaignId::generate(now, engine.entropy());
        let (selection, options) = (ask.selection.clone(), ask.options.clone());
        let campaign = Campaign::new(id, ask.kind, selection, options, String::new(), now);
        let (mut planned, mut after) = (Planned::default(), None);
        loop {
            let found = self.page(&campaign.selection, after, now)?;
            for item in found.items {
                planned.total += 1;
                if planned.accounts.len() < PLANNED_MAX {
                    let look = match self.look(&campaign, &item) {
                        Err(error) => Look::Settled(unreadable(error.into())?),
                        found => found?,
                    };
                    planned.accounts.push((item, look));
                }
            }
            after = found.last;
            if after.is_none() {
                break;
            }
        }
        planned.waves = waves(planned.total, campaign.options.canary);
        Ok(planned)
    }

    /// Whether whoever is `named` knows anything that is still stored.
    ///
    /// # Errors
    /// [`CampaignError`] by cause.
    pub fn knows_any(&self, named: &Named) -> Result<bool, CampaignError> {
        let selection = Selection { known_by: Some(named.clone()), ..Selection::default() };
        let (now, mut after) = (self.inner.engine.now(), None);
        loop {
            let found = self.page(&selection, after, now)?;
            if !found.items.is_empty() {
                return Ok(true);
            }
            after = found.last;
            if after.is_none() {
                return Ok(false);
            }
        }
    }

    /// Writes down the next page of accounts.
    pub(super) async fn gather(
        &self,
        campaign: &Campaign,
        after: Option<Vec<u8>>,
    ) -> Result<(), CampaignError> {
        let Found { items, last } = self.page(&campaign.selection, after, campaign.created_at)?;
        let mut found: BTreeMap<String, u64> = BTreeMap::new();
        for item in &items {
            *found.entry(item.target.clone()).or_default() += 1;
        }
        let numbered: Vec<(u64, Item)> = (campaign.tally.total..).zip(items).collect();
        self.note(campaign.id, &Event::Gathered { found, last }, &numbered).await?;
        Ok(())
    }

    fn page(
        &self,
        selection: &Selection,
        after: Option<Vec<u8>>,
        now: Timestamp,
    ) -> Result<Found, LoadError> {
        match &selection.known_by {
            Some(named) => self.known(selection, named, after, now),
            None => self.all(selection, after, now),
        }
    }

    /// Accounts in the order of their paths, then management credentials in the order of their targets.
    fn all(&self, selection: &Selection, after: Option<Vec<u8>>, now: Timestamp) -> Result<Found, LoadError> {
        let page = self.inner.engine.barrier().list_each::<Account>(&[], after.as_deref(), TOGETHER)?;
        let last = page.last().filter(|_| page.len() == TOGETHER).map(|(name, _)| name.clone());
        let mut items = Vec::new();
        for (_, loaded) in page {
            match loaded {
                Ok(loaded) if selection.takes(&loaded.value, now) => {
                    let version = loaded.value.versions.current.map(|current| current.number);
                    items.push(item(loaded.value, version));
                }
                Ok(_) => {}
                Err(error) if error.is_damage() => {
                    tracing::error!(error = &error as &dyn std::error::Error, "an account cannot be read");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Found { items, last })
    }

    /// What somebody knows and is still stored; in the same order.
    fn known(
        &self,
        selection: &Selection,
        named: &Named,
        mut after: Option<Vec<u8>>,
        now: Timestamp,
    ) -> Result<Found, LoadError> {
        let (engine, knowers) = (&self.inner.engine, &self.inner.knowers);
        let mut items = Vec::new();
        for _ in 0..TOGETHER {
            let Some((subject, last)) = knowers.next(after.as_deref())? else {
                return Ok(Found { items, last: None });
            };
            after = Some(last);
            let account = match engine.account(&subject) {
                Ok(Some(loaded)) => loaded.value,
                Ok(None) => continue,
                Err(error) if error.is_damage() => {
                    tracing::error!(account = %subject, error = &error as &dyn std::error::Error,
                        "an account cannot be read");
                    if knowers.knows_any(&subject, named)? {
                        items.push(damaged(subject));
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            let versions = knowers.known(&account, named)?;
            let current = account.versions.current.map(|current| current.number);
            // The current one before any other: with that, those before it go, too.
            let version = current.filter(|current| versions.contains(current)).or(versions.first().copied());
            if let Some(version) = version
                && selection.takes(&account, now)
            {
                items.push(item(account, Some(version)));
            }
        }
        Ok(Found { items, last: after })
    }
}

fn item(account: Account, version: Option<u64>) -> Item {
    Item {
        target: account.target.to_string(),
        account: account.created_at,
        subject: account.subject,
        version,
        state: State::Pending,
    }
}

/// One whose record cannot be read: it is written down, so that it is told as failed.
fn damaged(subject: Subject) -> Item {
    let (target, account) = ("?".to_owned(), Timestamp::from_secs(0));
    Item { subject, target, account, version: Some(0), state: State::Pending }
}

/// In how many waves so many accounts rotate.
fn waves(total: u64, canary: u64) -> u64 {
    let (mut left, mut waves) = (total, 0);
    let mut size = if canary == 0 { WAVE_MAX } else { canary.min(WAVE_MAX) };
    while left > 0 {
        left = left.saturating_sub(size);
        size = size.saturating_mul(WAVE_GROWTH).min(WAVE_MAX);
        waves += 1;
    }
    waves
}

/// Most accounts that a plan names.
const PLANNED_MAX: usize = 10_000;
