//! Campaigns: the rotation of many accounts.
//!
//! ```text
//!   start ──► Campaign + (gathered a page at a time) CampaignItem 0 … n-1
//!     └─ driver: task(record) ──► gather · rotate a wave · watch ──► outcomes, many in one commit ──► task(record) …
//! ```
//!
//! What is in memory is one wave. The driver of a process that died leaves nothing behind that is not in the records.

mod attend;
mod drive;
pub mod gather;
mod principal;
mod tidy;
pub mod view;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::Notify;
use vault_core::campaign::item::Item;
use vault_core::campaign::selection::Selection;
use vault_core::campaign::step::{self, Event, Refusal};
use vault_core::campaign::{Campaign, Kind, Options};
use vault_core::id::CampaignId;
use vault_core::store::batch::Require;
use vault_core::store::key::Table;

pub use self::principal::PrincipalFacts;
use crate::barrier::{ATTEMPTS_MAX, CommitError, LoadError, Loaded, Record, Sealed};
use crate::engine::{ActError, Engine};
use crate::service::audit::AuditUnavailable;
use crate::service::knower::KnowerService;
use crate::service::mount::MountService;
use crate::service::token::{TokenService, TokenServiceError};
use crate::telemetry::metrics::Metrics;

impl Record for Campaign {
    const TABLE: Table = Table::Campaign;
}

impl Record for Item {
    const TABLE: Table = Table::CampaignItem;
}

/// The campaigns. Cheap to clone.
#[derive(Clone)]
pub struct CampaignService {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    knowers: KnowerService,
    tokens: Arc<TokenService>,
    mounts: MountService,
    /// Campaigns that have a driver in this process.
    driven: Mutex<HashSet<CampaignId>>,
    /// Tells drivers that a record has changed under them.
    news: Notify,
    /// Tells that there may be a campaign without a driver.
    work: Notify,
    running: Gauge,
    accounts: Family<StateLabels, Gauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// What for.
    pub kind: Kind,
    /// Which accounts.
    pub selection: Selection,
    /// How.
    pub options: Options,
    /// Why.
    pub reason: Option<String>,
    /// Whether the tokens of the principal that it is about are ended first.
    pub revoke: bool,
}

/// Why something about a campaign was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CampaignError {
    /// There is no such campaign.
    #[error("there is no such campaign")]
    NotFound,
    /// The caller's input; the sentence says what to mend.
    #[error("{0}")]
    Invalid(String),
    /// It stands so that this cannot be done.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Tokens were not read or ended.
    #[error(transparent)]
    Token(#[from] TokenServiceError),
    /// An account was not decided about.
    #[error(transparent)]
    Act(#[from] ActError),
    /// The act is not in the audit file.
    #[error(transparent)]
    Audit(#[from] AuditUnavailable),
    /// A record was not read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A change was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<Sealed> for CampaignError {
    fn from(_: Sealed) -> Self {
        Self::Load(LoadError::Sealed)
    }
}

impl CampaignService {
    /// Over what the engine works on.
    #[must_use]
    pub fn new(
        engine: Engine,
        knowers: KnowerService,
        tokens: Arc<TokenService>,
        mounts: MountService,
        metrics: &Metrics,
    ) -> Self {
        let (running, accounts) = (Gauge::default(), Family::<StateLabels, Gauge>::default());
        metrics.register(|registry| {
            registry.register(
                "campaigns_running",
                "Campaigns that are neither over nor paused",
                running.clone(),
            );
            registry.register(
                "campaign_accounts",
                "Accounts of the campaigns that are not over, by how they stand",
                accounts.clone(),
            );
        });
        let inner = Inner {
            engine,
            knowers,
            tokens,
            mounts,
            driven: Mutex::default(),
            news: Notify::new(),
            work: Notify::new(),
            running,
            accounts,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Begins a campaign; it goes on by itself.
    ///
    /// # Errors
    /// [`CampaignError`] by cause.
    pub async fn start(&self, ask: Ask, principal: &str) -> Result<Campaign, CampaignError> {
        self.tidy().await?;
        let engine = &self.inner.engine;
        let now = engine.now();
        let id = CampaignId::generate(now, engine.entropy());
        let mut campaign = Campaign::new(id, ask.kind, ask.selection, ask.options, principal.to_owned(), now);
        campaign.reason = ask.reason;
        self.audited("campaign_started", &campaign)?;
        let mut batch = engine.barrier().transaction()?;
        batch.put(*id.as_bytes(), Require::Absent, &campaign);
        engine.barrier().commit(batch).await?;
        self.inner.work.notify_one();
        Ok(campaign)
    }

    /// One campaign.
    ///
    /// # Errors
    /// [`CampaignError::NotFound`], [`CampaignError::Load`].
    pub fn read(&self, id: CampaignId) -> Result<Campaign, CampaignError> {
        Ok(self.load(id)?.value)
    }

    /// The campaigns that are kept, the latest first.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn list(&self) -> Result<Vec<Campaign>, LoadError> {
        let mut all: Vec<Campaign> = Vec::new();
        for (_, loaded) in self.inner.engine.barrier().list_each::<Campaign>(&[], None, LISTED_MAX)? {
            match loaded {
                Ok(loaded) => all.push(loaded.value),
                Err(error) if error.is_damage() => {
                    tracing::error!(error = &error as &dyn std::error::Error, "a campaign cannot be read");
                }
                Err(error) => return Err(error),
            }
        }
        all.reverse();
        Ok(all)
    }

    /// Up to `limit` accounts of a campaign that stand so (all when `None`), from the number `from` on; and the number
    /// at which to go on, if there may be more.
    ///
    /// # Errors
    /// [`CampaignError`] by cause.
    pub fn accounts(
        &self,
        id: CampaignId,
        state: Option<&str>,
        from: u64,
        limit: usize,
    ) -> Result<(Vec<Item>, Option<u64>), CampaignError> {
        self.load(id)?;
        let (mut found, mut next) = (Vec::new(), from);
        loop {
            let page = self.items(id, next, u64::MAX, PAGE)?;
            let Some((last, _)) = page.last() else { return Ok((found, None)) };
            next = last + 1;
            for (number, item) in page {
                if state.is_none_or(|state| item.state.word() == state) {
                    found.push(item);
                    if found.len() >= limit {
                        return Ok((found, Some(number + 1)));
                    }
                }
            }
        }
    }

    /// Pauses a campaign; what is under way goes on to its end.
    ///
    /// # Errors
    /// [`CampaignError`] by cause.
    pub async fn pause(&self, id: CampaignId, by: &str) -> Result<Campaign, CampaignError> {
        self.told(id, &Event::Pause { by: by.to_owned() }).await
    }

    /// Lets a paused campaign go on.
    ///
    /// # Errors
    /// [`CampaignError`] by cause.
    pub async fn resume(&self, id: CampaignId) -> Result<Campaign, CampaignError> {
        self.told(id, &Event::Resume).await
    }

    /// Ends a campaign; what is under way goes on to its end.
    ///
    /// # Errors
    /// [`CampaignError`] by cause.
    pub async fn cancel(&self, id: CampaignId, by: &str) -> Result<Campaign, CampaignError> {
        self.told(id, &Event::Cancel { by: by.to_owned() }).await
    }

    async fn told(&self, id: CampaignId, event: &Event) -> Result<Campaign, CampaignError> {
        let campaign = self.note(id, event, &[]).await?;
        self.inner.news.notify_waiters();
        self.inner.work.notify_one();
        Ok(campaign)
    }

    /// Commits what `event` makes of a campaign, together with these of its accounts.
    async fn note(
        &self,
        id: CampaignId,
        event: &Event,
        items: &[(u64, Item)],
    ) -> Result<Campaign, CampaignError> {
        let barrier = self.inner.engine.barrier();
        for _ in 0..ATTEMPTS_MAX {
            let loaded = self.load(id)?;
            let next = step::step(loaded.value.clone(), event.clone(), self.inner.engine.now())?;
            let mut batch = barrier.transaction()?;
            batch.put(*id.as_bytes(), loaded.require(), &next);
            for (number, item) in items {
                let name = item_name(id, *number);
                let there = barrier.revision::<Item>(name.clone())?;
                batch.put(name, there.map_or(Require::Absent, Require::At), item);
            }
            match barrier.commit(batch).await {
                Err(CommitError::Conflict) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    self.tell_change(&loaded.value, &next);
                    return Ok(next);
                }
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Audits what a commit has changed about the campaign itself. The commit stands.
    fn tell_change(&self, before: &Campaign, after: &Campaign) {
        let mut events = Vec::new();
        if after.wave.number != before.wave.number {
            events.push("campaign_wave");
        }
        if after.paused != before.paused {
            events.push(if after.paused.is_some() { "campaign_paused" } else { "campaign_resumed" });
        }
        if after.is_over() && !before.is_over() {
            events.push("campaign_ended");
        }
        for event in events {
            if let Err(error) = self.audited(event, after) {
                tracing::error!(%error, event, "an act of the vault is missing from the audit trail");
            }
        }
    }

    fn audited(&self, event: &str, campaign: &Campaign) -> Result<(), AuditUnavailable> {
        let data = serde_json::json!({
            "kind": campaign.kind.word(),
            "state": campaign.word(),
            "principal": campaign.principal,
            "wave": campaign.wave.number,
            "total": campaign.tally.total,
            "rotated": campaign.tally.rotated,
            "failed": campaign.tally.failed,
            "skipped": campaign.tally.skipped,
        });
        self.inner.engine.audited(event, &format!("campaigns/{}", campaign.id), &data).map(drop)
    }

    fn load(&self, id: CampaignId) -> Result<Loaded<Campaign>, CampaignError> {
        self.inner.engine.barrier().load::<Campaign>(*id.as_bytes())?.ok_or(CampaignError::NotFound)
    }

    /// The accounts with the numbers from `from` up to, and without, `to`; `limit` of them at most.
    fn items(&self, id: CampaignId, from: u64, to: u64, limit: usize) -> Result<Vec<(u64, Item)>, LoadError> {
        let after = from.checked_sub(1).map(|last| item_name(id, last));
        let page = self.inner.engine.barrier().list::<Item>(id.as_bytes(), after.as_deref(), limit)?;
        let number = |name: &[u8]| name.last_chunk::<8>().map_or(0, |number| u64::from_be_bytes(*number));
        let items = page.into_iter().map(|(name, loaded)| (number(&name), loaded.value));
        Ok(items.take_while(|(number, _)| *number < to).collect())
    }
}

/// Campaign id, number.
fn item_name(id: CampaignId, number: u64) -> Vec<u8> {
    [id.as_bytes().as_slice(), &number.to_be_bytes()].concat()
}

/// Accounts read at a time.
const PAGE: usize = 500;
/// Records of one commit, below the limit of a batch.
const TOGETHER: usize = 100;
/// Most campaigns that one listing shows.
const LISTED_MAX: usize = 1000;
