//! Webhooks: who is told of what happens to credentials, and what became of each message.
//!
//! ```text
//!   engine/outbox.rs ── the event, in the commit of what happened ──► WebhookQueue
//!                                                                        │ lane.rs, one for each webhook
//!   log.rs ◄── delivered or dead ◄── send.rs: signed POST, mail ◄───────────┤ later again, when it failed
//!         ◄── limit.rs: kept back, and told in one ◄─────────────────────┘ above the receiver's limit
//! ```

pub mod address;
mod bundle;
mod check;
mod lane;
mod limit;
mod log;
mod mail;
mod meter;
mod send;
mod thread;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use vault_core::clock::{Clock, Timestamp};
use vault_core::entropy::Entropy;
use vault_core::id::WebhookId;
use vault_core::path::Name;
use vault_core::secret::SecretString;
use vault_core::store::key::Table;
use vault_core::webhook::format::Format;
use vault_core::webhook::{Former, WEBHOOKS_MAX, Webhook, sign};

use self::address::AddressError;
use self::check::{SECRET_FORM, check};
use self::meter::Meter;
use crate::barrier::{Barrier, CommitError, LoadError, Loaded, Sealed, require};
use crate::engine::commit::PlanError;
use crate::engine::outbox::Outbox;
use crate::shutdown::Shutdown;
use crate::telemetry::metrics::Metrics;

pub use self::log::{Counts, SHOWN_MAX, Shown};

/// Webhooks. Cheap to clone.
#[derive(Clone)]
pub struct WebhookService {
    barrier: Barrier,
    outbox: Outbox,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    meter: Meter,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// There is no webhook, or no delivery, of that name.
    #[error("there is no such webhook or delivery")]
    NotFound,
    /// There are [`WEBHOOKS_MAX`] already.
    #[error("there are 16 webhooks already; remove one first")]
    TooMany,
    /// The URL is no place for messages.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A setting is wrong; the text says what to mend.
    #[error("{0}")]
    Invalid(String),
    /// A record was not loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The change was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<Sealed> for WebhookError {
    fn from(_: Sealed) -> Self {
        Self::Load(LoadError::Sealed)
    }
}

impl From<PlanError> for WebhookError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Load(error) => Self::Load(error),
            PlanError::Commit(error) => Self::Commit(error),
            // Of accounts only.
            PlanError::BorrowerGone | PlanError::NothingToKeep => Self::Commit(CommitError::Conflict),
        }
    }
}

impl WebhookError {
    fn is_sealed(&self) -> bool {
        matches!(self, Self::Load(LoadError::Sealed) | Self::Commit(CommitError::Sealed))
    }
}

/// A webhook that was written.
#[derive(Debug)]
pub struct Written {
    /// Which one it is.
    pub id: WebhookId,
    /// Its secret, when the vault has just made it: shown once.
    pub secret: Option<SecretString>,
}

impl WebhookService {
    /// Delivers nothing yet.
    #[must_use]
    pub fn new(
        barrier: Barrier,
        outbox: Outbox,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        metrics: &Metrics,
    ) -> Self {
        Self { barrier, outbox, clock, entropy, meter: Meter::new(metrics) }
    }

    /// A webhook.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn find(&self, name: &Name) -> Result<Option<Loaded<Webhook>>, LoadError> {
        self.barrier.load(name.as_str())
    }

    /// The names of all.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn names(&self) -> Result<Vec<String>, LoadError> {
        self.barrier.names_below(Table::Webhook, &[])
    }

    /// Puts what `decide` makes of the webhook in its place. It is given what is there, or a new one without a URL,
    /// with a secret of the vault's making; and it may be asked again when another change comes first.
    ///
    /// # Errors
    /// What `decide` says, or [`WebhookError`] by cause; nothing was changed.
    pub async fn write<E: From<WebhookError>>(
        &self,
        name: &Name,
        decide: impl Fn(&mut Webhook) -> Result<(), E>,
    ) -> Result<Written, E> {
        loop {
            let there = self.find(name).map_err(WebhookError::from)?;
            let must = require(there.as_ref());
            let is_new = there.is_none();
            if is_new && self.names().map_err(WebhookError::from)?.len() >= WEBHOOKS_MAX {
                return Err(WebhookError::TooMany.into());
            }
            let mut webhook = there.map_or_else(|| self.fresh(), |there| there.value);
            let before = webhook.secret.duplicate();
            decide(&mut webhook)?;
            check(&webhook)?;
            let made = (is_new && webhook.secret.ct_eq(before.expose())).then_some(before);
            match self.put(name, must, &webhook).await {
                Err(WebhookError::Commit(CommitError::Conflict)) => {}
                outcome => {
                    outcome?;
                    return Ok(Written { id: webhook.id, secret: made });
                }
            }
        }
    }

    async fn put(
        &self,
        name: &Name,
        must: vault_core::store::batch::Require,
        webhook: &Webhook,
    ) -> Result<(), WebhookError> {
        let mut batch = self.barrier.transaction()?;
        batch.put(name.as_str(), must, webhook);
        if webhook.escalate_after.is_some() && !webhook.disabled {
            // It is told of incidents that are open already, too.
            self.outbox.look_at_all(&mut batch);
        }
        self.barrier.commit(batch).await?;
        self.outbox.changed();
        Ok(())
    }

    /// Gives a webhook another secret; the one before signs beside it for `overlap`. Answers the new one when the vault
    /// has made it, and until when the old one signs.
    ///
    /// # Errors
    /// [`WebhookError`] by cause.
    pub async fn rotate_secret(
        &self,
        name: &Name,
        given: Option<&SecretString>,
        overlap: Duration,
    ) -> Result<(Option<SecretString>, Timestamp), WebhookError> {
        if given.is_some_and(|given| !sign::is_secret(given)) {
            return Err(WebhookError::Invalid(SECRET_FORM.to_owned()));
        }
        let made = sign::generate(&*self.entropy);
        loop {
            let there = self.find(name)?.ok_or(WebhookError::NotFound)?;
            let must = there.require();
            let mut webhook = there.value;
            let until = self.clock.now().plus(overlap);
            let next = given.unwrap_or(&made).duplicate();
            let former = std::mem::replace(&mut webhook.secret, next);
            webhook.former = (!overlap.is_zero()).then_some(Former { secret: former, until });
            match self.put(name, must, &webhook).await {
                Err(WebhookError::Commit(CommitError::Conflict)) => {}
                outcome => {
                    outcome?;
                    return Ok((given.is_none().then_some(made), until));
                }
            }
        }
    }

    /// Removes a webhook; what is pending for it is not sent any more. Removing what is not there is no mistake.
    ///
    /// # Errors
    /// [`WebhookError`] by cause.
    pub async fn remove(&self, name: &Name) -> Result<(), WebhookError> {
        loop {
            let Some(revision) = self.barrier.revision::<Webhook>(name.as_str())? else { return Ok(()) };
            let mut batch = self.barrier.transaction()?;
            batch.delete::<Webhook>(name.as_str(), revision);
            match self.barrier.commit(batch).await {
                Err(CommitError::Conflict) => {}
                outcome => {
                    outcome?;
                    self.outbox.changed();
                    return Ok(());
                }
            }
        }
    }

    fn fresh(&self) -> Webhook {
        use vault_core::webhook::rate::RATE_DEFAULT;
        use vault_core::webhook::{ATTEMPTS_DEFAULT, RETRY_BASE_DEFAULT, RETRY_CAP_DEFAULT, TIMEOUT_DEFAULT};
        let now = self.clock.now();
        Webhook {
            id: WebhookId::generate(now, &*self.entropy),
            url: String::new(),
            events: Default::default(),
            accounts: Vec::new(),
            disabled: false,
            allow_http: false,
            tls_ca: None,
            timeout: TIMEOUT_DEFAULT,
            max_attempts: ATTEMPTS_DEFAULT,
            retry_base: RETRY_BASE_DEFAULT,
            retry_cap: RETRY_CAP_DEFAULT,
            secret: sign::generate(&*self.entropy),
            former: None,
            created_at: now,
            format: Format::Standard,
            routing_key: None,
            min_severity: None,
            escalate_after: None,
            escalate_repeat: None,
            rate_limit: RATE_DEFAULT,
            mail: None,
        }
    }

    /// Delivers, and tidies the log, until the shutdown. An attempt that is under way then is made again after the start.
    pub async fn run_until(&self, shutdown: &Shutdown) {
        let mut lanes = Lanes::default();
        let mut pulse = tokio::time::interval(LOOKED_EVERY);
        pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut pulses = 0_u32;
        loop {
            let news = self.outbox.news();
            tokio::select! {
                () = shutdown.begun() => return,
                () = news => {}
                _ = pulse.tick() => pulses = pulses.wrapping_add(1),
            }
            match self.outbox.subscriptions() {
                Ok(subscriptions) => {
                    for subscription in subscriptions.iter() {
                        let lane = self.clone().run_lane(subscription.name.clone(), subscription.id);
                        lanes.keep(subscription.id, lane);
                    }
                }
                // What is known is known of an unsealed vault.
                Err(LoadError::Sealed) => continue,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "webhooks cannot be read");
                }
            }
            if self.barrier.is_sealed() {
                self.outbox.forget();
            } else if pulses.is_multiple_of(TIDIED_EVERY) {
                pulses = pulses.wrapping_add(1);
                if let Err(error) = self.tidy().await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "the log of deliveries could not be tidied");
                }
            }
        }
    }
}

/// The lanes that run. Dropped, they end.
#[derive(Default)]
struct Lanes {
    work: JoinSet<()>,
    running: HashMap<tokio::task::Id, WebhookId>,
}

impl Lanes {
    /// Makes sure that the lane of `id` runs.
    fn keep(&mut self, id: WebhookId, lane: impl Future<Output = ()> + Send + 'static) {
        while let Some(ended) = self.work.try_join_next_with_id() {
            let task = ended.map_or_else(|error| error.id(), |(task, ())| task);
            self.running.remove(&task);
        }
        if !self.running.values().any(|running| *running == id) {
            self.running.insert(self.work.spawn(lane).id(), id);
        }
    }
}

/// How often it is looked whether a lane must be begun again.
const LOOKED_EVERY: Duration = Duration::from_secs(1);
/// So many looks for each tidying of the log.
const TIDIED_EVERY: u32 = 60;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use vault_core::entropy::SeededEntropy;

    use super::*;

    #[tokio::test]
    async fn a_lane_that_breaks_is_begun_again_and_the_others_go_on() {
        let entropy = SeededEntropy::new(5);
        let id = || WebhookId::generate(Timestamp::from_secs(1_800_000_000), &entropy);
        let (sound, broken, begun) = (id(), id(), Arc::new(AtomicU32::new(0)));
        let mut lanes = Lanes::default();
        let count = |begun: &Arc<AtomicU32>| {
            let begun = Arc::clone(begun);
            async move {
                begun.fetch_add(1, Ordering::SeqCst);
                std::future::pending::<()>().await;
            }
        };
        lanes.keep(sound, count(&begun));
        lanes.keep(broken, async { panic!("broken on purpose") });
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        lanes.keep(sound, count(&begun));
        assert_eq!(lanes.running.len(), 1, "the broken one is known to have ended");
        lanes.keep(broken, count(&begun));
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        assert_eq!((begun.load(Ordering::SeqCst), lanes.work.len()), (2, 2), "one lane for each");
    }
}
