//! Accounts: configure, read, rotate, lend. Each act is one decision of the core, run by the engine.

mod alternate;
mod configure;
mod lend;
mod opened;
mod read;
mod remove;
mod rotate;
mod through;
mod view;

use vault_core::account::{Account, Subject};
use vault_core::consumer::Fetched;
use vault_core::identity::Principal;
use vault_core::lease::Lease;
use vault_core::path::AccountPath;
use vault_core::rotation::fault::Fault;

pub(super) use self::configure::Begun;
pub use self::configure::{Adoption, Configure};
pub(super) use self::lend::{BEGIN_WAIT, borrower, lease_suffix};
pub use self::lend::{CheckIn, CheckOut, CheckedOut};
pub use self::read::Credential;
pub use self::remove::Disposal;
pub use self::rotate::Rotated;
pub(super) use self::through::{Also, Through};
pub(super) use self::view::lease_word;

use crate::barrier::{CommitError, LoadError, Sealed};
use crate::engine::dynamic::DynamicError;
use crate::engine::record::{Managed, managed_name};
use crate::engine::{ActError, Engine};
use crate::service::consumer::ConsumerService;
use crate::service::hand_over::HandedOver;
use crate::service::knower::{KnowerService, NoteError};

/// The accounts. Cheap to clone.
#[derive(Clone)]
pub struct AccountService {
    engine: Engine,
    consumers: ConsumerService,
    knowers: KnowerService,
}

/// Why a request about an account was not carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// There is no such account.
    #[error("there is no such account")]
    NotFound,
    /// The caller's input; the sentence says what to mend.
    #[error("{0}")]
    Invalid(String),
    /// Somebody else has it, or came first.
    #[error("{message}")]
    Held {
        /// A sentence for people.
        message: String,
        /// The open lease, when there is one.
        lease: Option<Box<Lease>>,
        /// The asker's place in line.
        place: Option<usize>,
        /// Whether the asker is the holder, who alone is told the lease's id: it is enough to renew it.
        own: bool,
    },
    /// Only the holder, or somebody with `sudo`, may do that.
    #[error("{0}")]
    NotHolder(String),
    /// The state does not allow it (a stale lease, an account in use).
    #[error("{0}")]
    State(String),
    /// The target's fault, as data.
    #[error("{fault}")]
    Target {
        /// What went wrong.
        fault: Fault,
        /// The account as it stands.
        status: Box<vault_api::account::AccountStatus>,
    },
    /// It is being changed this moment, and the outcome was not known in time.
    #[error("{0}")]
    Busy(String),
    /// The engine.
    #[error(transparent)]
    Act(#[from] ActError),
    /// A dynamic lease.
    #[error(transparent)]
    Dynamic(#[from] DynamicError),
    /// A record could not be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A change was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<Sealed> for AccountError {
    fn from(_: Sealed) -> Self {
        Self::Load(LoadError::Sealed)
    }
}

impl From<NoteError> for AccountError {
    fn from(error: NoteError) -> Self {
        match error {
            NoteError::Load(error) => Self::Load(error),
            NoteError::Commit(error) => Self::Commit(error),
        }
    }
}

impl AccountService {
    /// The accounts that `engine` works on, with the receipts of who fetches from them and the ledger of who knows.
    #[must_use]
    pub fn new(engine: Engine, consumers: ConsumerService, knowers: KnowerService) -> Self {
        Self { engine, consumers, knowers }
    }

    /// Notes that `principal` is being handed the credential of `account` by the lease that holds it.
    ///
    /// # Errors
    /// [`AccountError`] when it cannot be written down that `principal` knows it: then it is not handed out.
    pub(super) async fn handed_out(
        &self,
        account: &Account,
        lease: &Lease,
        principal: &Principal,
    ) -> Result<(), AccountError> {
        self.knowers.note(account, lease.version, principal).await?;
        let what = Fetched { version: lease.version, lent: Some(lease.generation) };
        self.consumers.fetched(account, principal, what);
        Ok(())
    }

    /// Notes that `principal` is being given the versions of the account `subject` that are in `handed`.
    ///
    /// # Errors
    /// [`AccountError`] when it cannot be written down that `principal` knows them: then they are not given.
    pub async fn handed_over(
        &self,
        subject: &Subject,
        handed: &HandedOver,
        principal: &Principal,
    ) -> Result<(), AccountError> {
        // One that is gone meanwhile, or another of its path, has no version that is in there.
        let account = self.engine.account(subject)?.map(|loaded| loaded.value);
        let Some(account) = account.filter(|account| account.created_at == handed.created_at) else {
            return Ok(());
        };
        for one in handed.passwords.iter().filter(|one| one.password.is_some()) {
            self.knowers.note(&account, one.version, principal).await?;
        }
        Ok(())
    }

    /// Whether the account is configured.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn exists(&self, path: &AccountPath) -> Result<bool, LoadError> {
        Ok(self.engine.account(&Subject::Account(path.clone()))?.is_some())
    }

    /// The account's record, when it is configured.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn config(&self, path: &AccountPath) -> Result<Option<Account>, LoadError> {
        Ok(self.engine.account(&Subject::Account(path.clone()))?.map(|loaded| loaded.value))
    }

    /// Whose credential this name on this target is.
    pub(super) fn managing(
        &self,
        target: &vault_core::path::Name,
        username: &str,
    ) -> Result<Option<Account>, LoadError> {
        let managed = self.engine.barrier().load::<Managed>(managed_name(target, username))?;
        let subject = managed.and_then(|managed| Subject::from_key(&managed.value.subject));
        let Some(subject) = subject else { return Ok(None) };
        Ok(self.engine.account(&subject)?.map(|loaded| loaded.value))
    }

    /// How the rotation of an account that has just come to rest has ended.
    pub(super) fn last_outcome(&self, path: &AccountPath) -> Result<Rotated, AccountError> {
        self.outcome(&Subject::Account(path.clone()))
    }
}

/// Longest user name: fits the store's keys together with any target name.
const USERNAME_BYTES_MAX: usize = 255;
/// Records read at a time.
pub(super) const PAGE: usize = 500;
