//! Initialisation, unseal and seal, and the rotation of key generations.
//!
//! ```text
//!   uninitialised ─init─► sealed ─shares─► unsealed ─seal─► sealed
//!                                             │ rotate: new generation, then the re-wrap
//! ```
//!
//! One lock serialises all of these; readers never take it. Unsealing is done when the audit file is open,
//! the store takes writes and the keyring is in the barrier, in this order, so that nothing is served
//! without a trail.

mod ceremony;
mod generate_root;
mod rekey;
mod rotate;
mod share;
mod status;

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, watch};
use vault_core::clock::Clock;
use vault_core::crypto::{Keyring, RootKey};
use vault_core::entropy::Entropy;
use vault_core::identity::{PlainToken, TokenError};
use vault_core::policy::{DEFAULT_POLICY_NAME, DEFAULT_POLICY_TEXT};
use vault_core::seal::{
    Config, ConfigError, InitError, InitRequest, Initialized, Offer, UnsealError, Unsealed, Unsealing,
    initialize,
};
use vault_core::secret::{SecretBytes, SecretString};
use vault_core::store::batch::{Require, Revision};
use vault_core::store::key::{Key, Table};
use vault_core::store::{CommitError as StoreCommitError, Store, StoreError};

use crate::barrier::{Barrier, CommitError, Transaction};
use crate::service::audit::{AuditService, AuditUnavailable};
use crate::service::mount::{MountError, MountService};
use crate::service::policy::PolicyRecord;
use crate::service::setting::Settings;
use crate::service::token::add_initial_root;

use self::ceremony::Ceremonies;
pub use self::ceremony::CeremonyError;
pub use self::generate_root::{RootStatus, RootStep};
pub use self::rekey::{RekeyDone, RekeyStatus};
pub use self::share::decode_share;
pub use self::status::{KeyState, SealStatus};

/// Whether keys exist, and whether they are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealState {
    /// No vault yet.
    Uninitialised,
    /// A vault whose keys are out of reach.
    Sealed,
    /// A vault at work.
    Unsealed,
}

/// Why the seal was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Init was asked of a vault that has keys. The text is Vault's.
    #[error("Vault is already initialized")]
    AlreadyInitialised,
    /// Anything else was asked of a vault that has none.
    #[error("Vault is not initialized")]
    Uninitialised,
    /// The vault is sealed.
    #[error("the vault is sealed")]
    Sealed,
    /// Impossible counts or too short a passphrase.
    #[error(transparent)]
    Init(#[from] InitError),
    /// The chosen root token cannot be one.
    #[error(transparent)]
    RootToken(#[from] TokenError),
    /// A share or passphrase was refused.
    #[error(transparent)]
    Unseal(#[from] UnsealError),
    /// The stored seal configuration cannot be read.
    #[error("the stored seal configuration cannot be read")]
    Config(#[from] ConfigError),
    /// The store refused: its text says what to do.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// A change was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The audit file cannot be written, so the vault stays sealed.
    #[error("the vault stays sealed, because its audit file cannot be written")]
    Audit(#[from] AuditUnavailable),
    /// The keyring holds as many generations as it may; the re-wrap must finish first.
    #[error(transparent)]
    TooManyGenerations(#[from] vault_core::crypto::TooManyGenerations),
    /// The mount table cannot be read, so the vault stays sealed.
    #[error("the vault stays sealed, because its mount table cannot be read")]
    Mounts(#[from] MountError),
    /// A rekey or the generation of a root token was not begun or gone on with.
    #[error(transparent)]
    Ceremony(#[from] CeremonyError),
    /// Not done, because no audit sink accepted its entry.
    #[error("it was not done, because no audit sink accepted its entry")]
    Unrecorded(#[source] AuditUnavailable),
    /// The thread that did the work ended.
    #[error("the work was cut short")]
    Interrupted,
}

/// A new vault, made and not yet stored.
pub struct Prepared {
    initialized: Initialized,
    transaction: Transaction,
    root_token: PlainToken,
}

impl Prepared {
    /// The shares, to be handed out once; empty for a passphrase.
    #[must_use]
    pub fn shares(&self) -> &[SecretBytes] {
        &self.initialized.shares
    }

    /// The first token.
    #[must_use]
    pub fn root_token(&self) -> &PlainToken {
        &self.root_token
    }
}

/// The seal.
pub struct SealService {
    store: Arc<Store>,
    barrier: Barrier,
    mounts: MountService,
    audit: AuditService,
    settings: Settings,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    inner: Mutex<Inner>,
    /// What share holders do with an unsealed vault. Taken before `inner`, never after it.
    ceremonies: Mutex<Ceremonies>,
    state: watch::Sender<SealState>,
    /// What `status` tells, so that it never waits for an unseal that is under way.
    published: ArcSwap<SealStatus>,
}

struct Inner {
    config: Option<(Config, Revision)>,
    unsealing: Option<Unsealing>,
    root: Option<RootKey>,
    /// How often the vault was sealed since the server started.
    seals: u64,
}

impl SealService {
    /// The seal of the vault in `store`.
    ///
    /// # Errors
    /// [`SealError::Config`] or [`SealError::Store`] when the stored configuration cannot be read.
    pub fn open(
        store: Arc<Store>,
        barrier: Barrier,
        mounts: MountService,
        audit: AuditService,
        settings: Settings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, SealError> {
        let config = load_config(&store)?;
        let state = if config.is_some() { SealState::Sealed } else { SealState::Uninitialised };
        let inner = Inner { config, unsealing: None, root: None, seals: 0 };
        let published = ArcSwap::from_pointee(inner.status(state, store.engine_name()));
        let inner = Mutex::new(inner);
        Ok(Self {
            store,
            barrier,
            mounts,
            audit,
            settings,
            clock,
            entropy,
            inner,
            ceremonies: Mutex::default(),
            state: watch::Sender::new(state),
            published,
        })
    }

    /// Whether keys exist, and whether they are in use.
    #[must_use]
    pub fn state(&self) -> SealState {
        *self.state.borrow()
    }

    /// Tells of every change of the state, for tasks that work only while unsealed.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<SealState> {
        self.state.subscribe()
    }

    /// Makes a new vault's keys, policies and first token in memory. `root_token` chooses the token's text.
    ///
    /// # Errors
    /// [`SealError::AlreadyInitialised`], [`SealError::Init`], [`SealError::RootToken`].
    pub async fn prepare(
        &self,
        request: InitRequest,
        root_token: Option<SecretString>,
    ) -> Result<Prepared, SealError> {
        if self.state() != SealState::Uninitialised {
            return Err(SealError::AlreadyInitialised);
        }
        let now = self.clock.now();
        let entropy = Arc::clone(&self.entropy);
        // A passphrase takes a second of one core on purpose.
        let made = tokio::task::spawn_blocking(move || initialize(request, now, &*entropy));
        let initialized = made.await.map_err(|_| SealError::Interrupted)??;
        let keyring = Arc::new(initialized.unsealed.keyring.duplicate());
        let mut transaction =
            Transaction::new(Arc::clone(&keyring), self.barrier.suite(), Arc::clone(&self.entropy));
        transaction.put_unsealed(config_key(), Require::Absent, initialized.config.to_bytes());
        let default = PolicyRecord { text: DEFAULT_POLICY_TEXT.to_owned() };
        transaction.put(DEFAULT_POLICY_NAME, Require::Absent, &default);
        let root_token = add_initial_root(&mut transaction, &keyring, root_token, now, &*self.entropy)?;
        Ok(Prepared { initialized, transaction, root_token })
    }

    /// Stores a prepared vault, all at once; it is sealed then.
    ///
    /// # Errors
    /// [`SealError::AlreadyInitialised`] when another was faster, [`SealError::Store`].
    pub async fn found(&self, prepared: Prepared) -> Result<(), SealError> {
        let mut inner = self.inner.lock().await;
        if inner.config.is_some() {
            return Err(SealError::AlreadyInitialised);
        }
        let Prepared { initialized: Initialized { config, unsealed, .. }, transaction, .. } = prepared;
        let (store, batch) = (Arc::clone(&self.store), transaction.into_batch());
        let stored = tokio::task::spawn_blocking(move || {
            let outcome = store.bootstrap(unsealed.keyring.integrity_key().expose(), batch);
            store.lock();
            outcome
        });
        stored.await.map_err(|_| SealError::Interrupted)?.map_err(|error| match error {
            StoreError::AlreadyInitialised => SealError::AlreadyInitialised,
            error => SealError::Store(error),
        })?;
        inner.config = Some((config, Require::Absent.next_revision()));
        self.publish(&inner, SealState::Sealed);
        tracing::info!("the vault was initialised");
        Ok(())
    }

    /// Takes one share, or the passphrase; the state afterwards.
    ///
    /// # Errors
    /// [`SealError`] by cause. Unsealing an unsealed vault is no error.
    pub async fn unseal(&self, share: SecretBytes) -> Result<SealState, SealError> {
        let mut inner = self.inner.lock().await;
        if self.state() == SealState::Unsealed {
            return Ok(SealState::Unsealed);
        }
        let begun = inner.unsealing.take();
        let (config, _) = inner.config.as_ref().ok_or(SealError::Uninitialised)?;
        let mut unsealing = begun.unwrap_or_else(|| Unsealing::new(config));
        let entropy = Arc::clone(&self.entropy);
        let offered = tokio::task::spawn_blocking(move || {
            let outcome = unsealing.offer(share, &*entropy);
            (unsealing, outcome)
        });
        let (unsealing, outcome) = offered.await.map_err(|_| SealError::Interrupted)?;
        inner.unsealing = Some(unsealing);
        self.publish(&inner, SealState::Sealed);
        match outcome? {
            Offer::More { .. } => Ok(SealState::Sealed),
            Offer::Unsealed(Unsealed { root, keyring }) => {
                inner.unsealing = None;
                self.take_up(&mut inner, root, keyring).await?;
                Ok(SealState::Unsealed)
            }
        }
    }

    /// Forgets the shares given so far.
    pub async fn reset(&self) {
        let mut inner = self.inner.lock().await;
        inner.unsealing = None;
        self.publish(&inner, self.state());
    }

    /// Takes the keys out of reach. Requests under way get "sealed" from here on.
    pub async fn seal(&self) {
        let mut inner = self.inner.lock().await;
        self.put_away(&mut inner).await;
    }

    async fn take_up(&self, inner: &mut Inner, root: RootKey, keyring: Keyring) -> Result<(), SealError> {
        let keyring = Arc::new(keyring);
        let (store, audit, keys) = (Arc::clone(&self.store), self.audit.clone(), Arc::clone(&keyring));
        let now = self.clock.now();
        let opened = tokio::task::spawn_blocking(move || -> Result<_, SealError> {
            store.unlock(keys.integrity_key().expose())?;
            audit.open(&keys, now).map_err(|error| {
                store.lock();
                SealError::from(error)
            })
        });
        let opening = opened.await.map_err(|_| SealError::Interrupted)??;
        if let Some(lost) = opening.lost {
            tracing::error!(
                line = lost.seq,
                "the audit file ended before its newest line: lines were lost or removed"
            );
        }
        if opening.torn_bytes > 0 {
            tracing::warn!(bytes = opening.torn_bytes, "a torn line at the end of the audit file was closed");
        }
        // The configuration may have moved on since this process read it: not while we hold the store.
        match load_config(&self.store) {
            Ok(stored) => inner.config = stored.or(inner.config.take()),
            Err(error) => {
                self.close().await;
                return Err(error);
            }
        }
        self.barrier.open_with(Arc::clone(&keyring));
        // Before the mounts are known, and with them anything is served.
        self.settings.load(now).await;
        if let Err(error) = self.mounts.load(&keyring) {
            self.close().await;
            return Err(error.into());
        }
        inner.root = Some(root);
        self.publish(inner, SealState::Unsealed);
        tracing::info!("the vault is unsealed");
        Ok(())
    }

    async fn put_away(&self, inner: &mut Inner) {
        if self.state() != SealState::Unsealed {
            return;
        }
        self.barrier.close();
        self.mounts.clear();
        inner.root = None;
        inner.unsealing = None;
        inner.seals += 1;
        // One that is being worked on just now is forgotten when it is looked at next.
        if let Ok(mut ceremonies) = self.ceremonies.try_lock() {
            *ceremonies = Ceremonies::default();
        }
        self.publish(inner, SealState::Sealed);
        self.close().await;
    }

    /// Locks the store and ends the audit file; nothing is served any more.
    async fn close(&self) {
        self.barrier.close();
        self.settings.forget();
        let (store, audit, now) = (Arc::clone(&self.store), self.audit.clone(), self.clock.now());
        let closed = tokio::task::spawn_blocking(move || {
            store.lock();
            audit.close(now)
        });
        match closed.await {
            Ok(Ok(())) => tracing::info!("the vault is sealed"),
            Ok(Err(error)) => {
                tracing::error!(%error, "the vault is sealed, but its audit file has no last checkpoint")
            }
            Err(_) => tracing::error!("the vault is sealed, but the store was not locked in order"),
        }
    }
}

/// The stored configuration of the seal; `None` before init.
///
/// # Errors
/// [`SealError::Config`] or [`SealError::Store`].
pub fn stored_config(store: &Store) -> Result<Option<Config>, SealError> {
    Ok(load_config(store)?.map(|(config, _)| config))
}

fn config_key() -> Key {
    Key::new(Table::Seal, *b"config")
}

fn load_config(store: &Store) -> Result<Option<(Config, Revision)>, SealError> {
    let Some(stored) = store.get(&config_key())? else { return Ok(None) };
    Ok(Some((Config::from_bytes(&stored.bytes)?, stored.revision)))
}

impl From<StoreCommitError> for SealError {
    fn from(error: StoreCommitError) -> Self {
        Self::Commit(error.into())
    }
}
