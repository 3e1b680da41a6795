//! Pools: accounts that are lent from a common stock, in Rotunda's dialect and in that of Vault's LDAP engine.
//!
//! ```text
//!   Pool        mount id · name   ► accounts, bounds of their check-outs
//!   PoolMember  a/<path>          ► the pool that the account belongs to: one at most
//! ```
//!
//! Who holds what is said by the accounts' records alone. A pool only chooses.

mod check_in;
mod check_out;
mod config;
mod line;
mod status;

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use vault_core::account::{Account, Subject};
use vault_core::mount::Mount;
use vault_core::path::{AccountPath, Name};
use vault_core::pool::{Pool, PoolId, PoolRule};

pub use self::check_in::{Authority, Return};
pub use self::check_out::{Ask, Lent, Stock};
use self::line::Lines;
pub use self::status::Standing;
use super::account::{AccountError, AccountService};
use crate::barrier::{CommitError, LoadError, Loaded, Sealed};
use crate::engine::Engine;
use crate::engine::record::Member;
use crate::telemetry::metrics::Metrics;

/// The pools. Cheap to clone.
#[derive(Clone)]
pub struct PoolService {
    engine: Engine,
    accounts: AccountService,
    lines: Arc<Lines>,
    check_outs: Family<ResultLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

/// Why something about a pool was not done. The texts are those of Vault's LDAP engine where it has one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// There is no such pool.
    #[error("{:?} doesn't exist", .0.as_str())]
    Unknown(Name),
    /// A pool cannot be so.
    #[error(transparent)]
    Rule(#[from] PoolRule),
    /// An account that is not configured.
    #[error("there is no account {:?}: write accounts/config/{} first", .0.as_str(), .0)]
    NoAccount(AccountPath),
    /// An account of another pool.
    #[error("{:?} is already managed by the secrets engine: it belongs to another pool", .0.as_str())]
    OfAnother(AccountPath),
    /// More accounts come and go at once than fit one commit.
    #[error("at most {} accounts can be added and removed at a time", vault_core::pool::ACCOUNTS_MAX)]
    TooManyChanges,
    /// An account cannot leave the pool while it is lent.
    #[error("{:?} can't be deleted because it is currently checked out", .0.as_str())]
    CheckedOut(AccountPath),
    /// Nothing is free.
    #[error("No service accounts available for check-out.")]
    NoneFree(Stock),
    /// The account is not one of the pool.
    #[error("{:?} is not in this pool", .0.as_str())]
    NotMember(AccountPath),
    /// Somebody else has it.
    #[error("{:?} can't be checked in because it wasn't checked out by the caller", .0.as_str())]
    NotBorrower(AccountPath),
    /// The lease that was named is not open, or not the caller's.
    #[error("that lease is over, or not yours; nothing was changed")]
    Stale,
    /// Several are lent, and none was named.
    #[error(
        "when multiple service accounts are checked out, the \"service_account_names\" to check in must be provided"
    )]
    Several,
    /// The mount was disabled meanwhile.
    #[error("the mount was disabled")]
    MountGone,
    /// An account of it.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// A record was not loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A change was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<Sealed> for PoolError {
    fn from(_: Sealed) -> Self {
        Self::Load(LoadError::Sealed)
    }
}

impl PoolService {
    /// Pools of `accounts`.
    #[must_use]
    pub fn new(engine: Engine, accounts: AccountService, metrics: &Metrics) -> Self {
        let check_outs = Family::default();
        metrics.register(|registry| {
            registry.register("pool_check_outs", "Check-outs asked of pools, by result", check_outs.clone());
        });
        Self { engine, accounts, lines: Arc::default(), check_outs }
    }

    /// The pool, when it is configured.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn find(&self, id: &PoolId) -> Result<Option<Pool>, LoadError> {
        Ok(self.load(id)?.map(|loaded| loaded.value))
    }

    /// The names of a mount's pools, in order.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn names(&self, mount: &Mount) -> Result<Vec<String>, LoadError> {
        self.engine.barrier().names_below(vault_core::store::key::Table::Pool, &mount.key(b""))
    }

    /// The pool that an account belongs to.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn of_account(&self, path: &AccountPath) -> Result<Option<PoolId>, LoadError> {
        let member = self.engine.barrier().load::<Member>(subject(path).key())?;
        Ok(member.map(|member| member.value.pool))
    }

    fn load(&self, id: &PoolId) -> Result<Option<Loaded<Pool>>, LoadError> {
        self.engine.barrier().load(id.key())
    }

    /// The pool, which must be there.
    fn existing(&self, id: &PoolId) -> Result<Pool, PoolError> {
        self.find(id)?.ok_or_else(|| PoolError::Unknown(id.name.clone()))
    }

    /// As [`account`](Self::account), where one damaged record must not hold up the other accounts of a pool.
    fn legible(&self, path: &AccountPath) -> Result<Legible, LoadError> {
        match self.account(path) {
            Ok(Some(loaded)) => Ok(Legible::Account(Box::new(loaded))),
            Ok(None) => Ok(Legible::Absent),
            Err(error) if error.is_damage() => {
                tracing::error!(account = %path, error = &error as &dyn std::error::Error, "an account of a pool cannot be read");
                Ok(Legible::Damaged)
            }
            Err(error) => Err(error),
        }
    }

    fn account(&self, path: &AccountPath) -> Result<Option<Loaded<Account>>, LoadError> {
        self.engine.account(&subject(path))
    }
}

/// What is there of an account of a pool.
enum Legible {
    /// It.
    Account(Box<Loaded<Account>>),
    /// Nothing.
    Absent,
    /// A record that cannot be read.
    Damaged,
}

fn subject(path: &AccountPath) -> Subject {
    Subject::Account(path.clone())
}
