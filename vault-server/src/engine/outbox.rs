//! What webhooks are told, put into the very commit of what happened: neither is there without the other.
//!
//! Where no webhook is configured this writes nothing and reads nothing.

mod around;
mod queue;
mod record;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::Notify;
use vault_core::account::Account;
use vault_core::account::plan::Plan;
use vault_core::clock::{Clock, Timestamp};
use vault_core::entropy::Entropy;
use vault_core::id::{EventId, WebhookId};
use vault_core::incident::severity::Severity;
use vault_core::incident::{Incident, IncidentState, Kind};
use vault_core::webhook::event::{Event, EventKind, of_attention, of_incident, of_plan, of_worse};
use vault_core::webhook::{Subscription, WEBHOOKS_MAX, Webhook};

use super::backlog::Backlog;
use super::escalate;
use super::silence::{About, Kept, Message, Verdict, Withholding, kept};
use super::team;
use crate::barrier::{Barrier, LoadError, Transaction};
use crate::telemetry::metrics::Metrics;

pub use self::record::{Ended, Queued};

/// How an incident stands with people: how bad they are told it is, whether somebody takes it, and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attention {
    severity: Severity,
    waits_since: Option<Timestamp>,
    is_taken: bool,
    /// How many are merged into it.
    beneath: usize,
    /// How much of all that it stands for is open.
    open: u32,
}

impl Attention {
    /// That of `incident`.
    pub(crate) fn of(incident: &Incident) -> Self {
        let (severity, waits_since) = (incident.severity(), incident.waits_since());
        let (merged, is_taken) = (&incident.merged, incident.taken);
        let open = merged.open() + u32::from(!merged.own_over);
        Self { severity, waits_since, is_taken, beneath: merged.beneath.len(), open }
    }
}

/// An incident that a commit has opened or closed, that somebody has taken, that became worse, or that stands for others than
/// before; or an account of which it has put beneath it.
pub(crate) struct Turned {
    /// How it stood before; `None`: there was none.
    pub(crate) before: Option<IncidentState>,
    /// How it stood with people.
    pub(crate) was: Option<Attention>,
    /// How it stands now.
    pub(crate) incident: Incident,
    /// Whether it is open as before, and to who was told of it this is another failure.
    pub(crate) is_news: bool,
    /// Whether it is about what was committed, and not only merged with what is.
    pub(crate) is_direct: bool,
}

impl Turned {
    /// Whether it was opened, reopened or closed.
    pub(crate) fn is_turn(&self) -> bool {
        self.before != Some(self.incident.state)
    }
}

/// Who is told. Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    inner: Arc<Inner>,
}

struct Inner {
    barrier: Barrier,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// The webhooks as they are in the store, and how often they have changed; none when they are to be read.
    known: Mutex<(u64, Option<Arc<[Subscription]>>)>,
    /// Wakes those who deliver.
    news: Notify,
    /// What waits for each.
    backlog: Arc<Backlog>,
    /// Where people reach the dashboard, once that is known.
    dashboard: OnceLock<String>,
}

impl Outbox {
    /// Knows no webhook yet.
    #[must_use]
    pub fn new(
        barrier: Barrier,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        metrics: &Metrics,
    ) -> Self {
        let (known, news, backlog) = (Mutex::default(), Notify::new(), Arc::new(Backlog::new(metrics)));
        let dashboard = OnceLock::new();
        Self { inner: Arc::new(Inner { barrier, clock, entropy, known, news, backlog, dashboard }) }
    }

    /// The webhooks that are told of anything.
    ///
    /// # Errors
    /// [`LoadError`] by cause. One that cannot be read is left out, and the log names it.
    pub fn subscriptions(&self) -> Result<Arc<[Subscription]>, LoadError> {
        let known = || self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
        let change = match &*known() {
            (_, Some(known)) => return Ok(Arc::clone(known)),
            (change, None) => *change,
        };
        let mut found = Vec::new();
        for (name, webhook) in self.inner.barrier.list_each::<Webhook>(&[], None, WEBHOOKS_MAX)? {
            let name = String::from_utf8_lossy(&name).into_owned();
            match webhook {
                Ok(webhook) => found.extend(Subscription::of(name, &webhook.value)),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(webhook = name, error, "a webhook cannot be read, and is told nothing");
                }
            }
        }
        let found: Arc<[Subscription]> = found.into();
        let mut known = known();
        // What has changed since it was read is read again.
        if known.0 == change {
            known.1 = Some(Arc::clone(&found));
        }
        Ok(found)
    }

    /// Webhooks have changed in the store. What waits for each is as it was.
    pub fn changed(&self) {
        let mut known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = (known.0 + 1, None);
        drop(known);
        self.inner.news.notify_waiters();
    }

    /// The store was sealed: nothing that is known of it may be true any more.
    pub fn forget(&self) {
        self.inner.backlog.forget();
        self.changed();
    }

    /// Ends when something may be there to deliver.
    pub fn news(&self) -> impl Future<Output = ()> + '_ {
        self.inner.news.notified()
    }

    /// What was put has been committed.
    pub fn committed(&self) {
        self.inner.news.notify_waiters();
    }

    /// Has messages name their page at this address, as the configuration says.
    pub(crate) fn link_to(&self, dashboard: &str) {
        // Said once, at the start.
        let _ = self.inner.dashboard.set(dashboard.to_owned());
    }

    /// An event with its page, where that is known.
    pub(crate) fn linked(&self, event: Event) -> Event {
        match self.inner.dashboard.get() {
            Some(base) => event.linked(base),
            None => event,
        }
    }

    /// So many messages wait for a webhook no more.
    pub(crate) fn ended(&self, webhook: WebhookId, count: u64) {
        self.inner.backlog.ended(webhook, count);
    }

    /// So many wait for it, by the store.
    pub(crate) fn counted(&self, webhook: WebhookId, pending: u64) {
        self.inner.backlog.counted(webhook, pending);
    }

    /// A new id.
    #[must_use]
    pub fn id(&self) -> EventId {
        EventId::generate(self.inner.clock.now(), &*self.inner.entropy)
    }

    /// Puts what `plan`, decided upon `before`, and `turned` have to tell into `batch`; tells whether that was anything.
    pub(crate) fn put(
        &self,
        batch: &mut Transaction,
        plan: Option<(&Account, &Plan)>,
        turned: &[Turned],
    ) -> Result<bool, LoadError> {
        let subscriptions = self.subscriptions()?;
        if subscriptions.is_empty() {
            return Ok(false);
        }
        let (now, lines) = (self.inner.clock.now(), batch.len());
        let mut events = match plan {
            Some((before, plan)) => {
                let team = team::of_account(&self.inner.barrier, &plan.account)?;
                of_plan(before, plan, team.as_ref(), || self.id())
            }
            None => Vec::new(),
        };
        let mut withholding = Withholding::default();
        let subject = plan.map(|(_, plan)| plan.account.subject.key());
        let target = plan.map(|(_, plan)| plan.account.target.as_str());
        for turned in turned {
            self.arm(batch, turned, &subscriptions)?;
            let incident = &turned.incident;
            let is_of_target = turned.is_direct && incident.kind == Kind::Target;
            let cause = subject.as_deref().zip(target).filter(|_| is_of_target || !turned.is_direct);
            let about = About { incident, cause, is_joined: is_of_target && cause.is_some() };
            if let Some(event) = self.told(batch, &mut withholding, turned, about, now)? {
                events.push(self.around(event, incident, &subscriptions)?);
            }
        }
        self.queue_all(batch, &subscriptions, &events, now)?;
        Ok(batch.len() > lines)
    }

    /// What there is to tell of an incident, unless a silence keeps it back. `about` is whom it would tell of.
    fn told(
        &self,
        batch: &mut Transaction,
        withholding: &mut Withholding,
        turned: &Turned,
        about: About<'_>,
        now: Timestamp,
    ) -> Result<Option<Event>, LoadError> {
        let Turned { before, was, incident, is_news, .. } = turned;
        let (barrier, is_open) = (&self.inner.barrier, incident.state == IncidentState::Open);
        if is_open && incident.merged.into.is_some() {
            // The one that it is merged into speaks for it.
            return self.still_open(batch, withholding, turned, about, now);
        }
        let stays_open = *before == Some(IncidentState::Open) && is_open;
        let stands_for_more = was.is_some_and(|was| was.open < Attention::of(incident).open);
        let told_before = match () {
            // Told as one that was opened again.
            () if *is_news => Some(IncidentState::Closed),
            () if stays_open && (about.is_joined || stands_for_more) => {
                return match withholding.lets_go(barrier, batch, about, now)? {
                    Some(kept) => Ok(self.let_out(kept, incident, now)),
                    None => self.still_open(batch, withholding, turned, about, now),
                };
            }
            () => *before,
        };
        let Some(event) = of_incident(self.id(), told_before, incident, now) else {
            return self.still_open(batch, withholding, turned, about, now);
        };
        let told = was.map(|was| was.severity).filter(|_| *before == Some(IncidentState::Open));
        let message = Message { kind: event.kind, told, is_news: *is_news };
        Ok(match withholding.keeps(barrier, batch, message, about, now)? {
            Verdict::KeptBack => None,
            Verdict::Told(_) => Some(event),
        })
    }

    /// What was kept back of an incident that is open: to who knows of it only that it is worse, if it is no other failure.
    fn let_out(&self, kept: Kept, incident: &Incident, now: Timestamp) -> Option<Event> {
        match kept.told.filter(|_| !kept.news) {
            Some(told) => of_worse(self.id(), told, incident, now),
            None => of_incident(self.id(), None, incident, now),
        }
    }

    /// What there is to tell of an incident that is open as before: that somebody takes it, or that it is worse now.
    fn still_open(
        &self,
        batch: &mut Transaction,
        withholding: &mut Withholding,
        Turned { was, incident, .. }: &Turned,
        about: About<'_>,
        now: Timestamp,
    ) -> Result<Option<Event>, LoadError> {
        let (Some(was), IncidentState::Open) = (was, incident.state) else { return Ok(None) };
        let barrier = &self.inner.barrier;
        if !was.is_taken && incident.taken {
            let is_kept = kept(barrier, incident.id)?.is_some_and(|kept| kept.told.is_none());
            let event = || of_attention(self.id(), EventKind::Acknowledged, incident, now);
            return Ok((!is_kept).then(event));
        }
        if incident.merged.into.is_some() {
            return Ok(None);
        }
        let Some(event) = of_worse(self.id(), was.severity, incident, now) else { return Ok(None) };
        let message = Message { kind: EventKind::Opened, told: Some(was.severity), is_news: false };
        Ok(match withholding.keeps(barrier, batch, message, about, now)? {
            Verdict::KeptBack => None,
            Verdict::Told(None) => Some(event),
            Verdict::Told(Some(kept)) => self.let_out(kept, incident, now),
        })
    }

    /// Puts into `batch` that an incident is watched which waits for somebody, or is worse, and that one is not which waits
    /// no more.
    fn arm(
        &self,
        batch: &mut Transaction,
        Turned { was, incident, .. }: &Turned,
        subscriptions: &[Subscription],
    ) -> Result<(), LoadError> {
        let is_minded = subscriptions.iter().any(|subscription| subscription.patience.is_some());
        if !is_minded || *was == Some(Attention::of(incident)) {
            return Ok(());
        }
        let event = self.escalated(incident, subscriptions)?;
        escalate::arm(&self.inner.barrier, batch, (incident, &event), subscriptions, None)
    }

    fn escalated(&self, incident: &Incident, subscriptions: &[Subscription]) -> Result<Event, LoadError> {
        let event = of_attention(self.id(), EventKind::Escalated, incident, self.inner.clock.now());
        self.around(event, incident, subscriptions)
    }

    /// That nobody takes `incident`, and all who may be told.
    pub(super) fn escalation(&self, incident: &Incident) -> Result<(Event, Arc<[Subscription]>), LoadError> {
        let subscriptions = self.subscriptions()?;
        Ok((self.escalated(incident, &subscriptions)?, subscriptions))
    }

    /// Puts a message of `event` for each of these into `batch`.
    pub(super) fn tell_these(
        &self,
        batch: &mut Transaction,
        subscriptions: &[Subscription],
        event: &Event,
    ) -> Result<(), LoadError> {
        self.queue_all(batch, subscriptions, std::slice::from_ref(event), self.inner.clock.now())
    }

    /// Has all open incidents looked at again with the commit of `batch`, if anybody minds that they wait.
    pub(super) fn look_again(&self, batch: &mut Transaction) -> Result<(), LoadError> {
        if self.subscriptions()?.iter().any(|subscription| subscription.patience.is_some()) {
            self.look_at_all(batch);
        }
        Ok(())
    }

    /// Has all open incidents looked at again with the commit of `batch`.
    pub(crate) fn look_at_all(&self, batch: &mut Transaction) {
        escalate::look_at_all(batch, self.inner.clock.now(), self.id().as_bytes());
    }

    /// Puts into `batch` what was kept back of `incident`, which is still open.
    pub(super) fn tell_kept(
        &self,
        batch: &mut Transaction,
        incident: &Incident,
        kept: Kept,
    ) -> Result<(), LoadError> {
        let now = self.inner.clock.now();
        let subscriptions = self.subscriptions()?;
        if let Some(event) = self.let_out(kept, incident, now) {
            let event = self.around(event, incident, &subscriptions)?;
            self.queue_all(batch, &subscriptions, &[event], now)?;
            // Who is told now has the whole time from now.
            let event = self.escalated(incident, &subscriptions)?;
            escalate::arm(&self.inner.barrier, batch, (incident, &event), &subscriptions, Some(now))?;
        }
        Ok(())
    }
}
