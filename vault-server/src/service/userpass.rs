//! Users with a password: kept, and logged in.

mod hashing;
mod login;

use std::sync::Arc;

use vault_core::crypto::Argon2Cost;
use vault_core::entropy::Entropy;
use vault_core::mount::Mount;
use vault_core::store::key::Table;
use vault_core::userpass::{NAME_BYTES_MAX, PasswordHash, User};

use self::hashing::Hashing;
use crate::barrier::{ATTEMPTS_MAX, Barrier, CommitError, LoadError, Loaded, Record, Sealed, require};
use crate::service::login::{LoginError, LoginService};

impl Record for User {
    const TABLE: Table = Table::User;
}

/// Why something about users was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UserpassError {
    /// The name cannot be one of a user.
    #[error("username must have 1 to {NAME_BYTES_MAX} bytes, without control characters")]
    Name,
    /// There is no such user, or the password is another.
    #[error("invalid username or password")]
    Refused,
    /// The user may not come from this address.
    #[error("permission denied")]
    Address,
    /// More people log in than the machine can check at once.
    #[error("too many logins at once; try again")]
    Busy,
    /// A password was not hashed.
    #[error("the password could not be hashed")]
    Hash,
    /// Nobody can log in just now.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// A record was not loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A change was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<Sealed> for UserpassError {
    fn from(_: Sealed) -> Self {
        Self::Load(LoadError::Sealed)
    }
}

/// The users of every userpass mount.
pub struct UserpassService {
    barrier: Barrier,
    entropy: Arc<dyn Entropy>,
    logins: Arc<LoginService>,
    hashing: Hashing,
    cost: Argon2Cost,
}

impl UserpassService {
    /// The users behind `barrier`.
    #[must_use]
    pub fn new(barrier: Barrier, entropy: Arc<dyn Entropy>, logins: Arc<LoginService>) -> Self {
        Self { barrier, entropy, logins, hashing: Hashing::default(), cost: Argon2Cost::INTERACTIVE }
    }

    /// The user `name`.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn user(&self, mount: &Mount, name: &str) -> Result<Option<User>, LoadError> {
        Ok(self.load_user(mount, name)?.map(|loaded| loaded.value))
    }

    /// The names of all users, in order.
    ///
    /// # Errors
    /// [`UserpassError::Load`].
    pub fn users(&self, mount: &Mount) -> Result<Vec<String>, UserpassError> {
        Ok(self.barrier.names_below(Table::User, &mount.key(b""))?)
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`UserpassError::Busy`], [`UserpassError::Hash`].
    pub async fn hash(&self, password: &str) -> Result<PasswordHash, UserpassError> {
        let (password, cost) = (vault_core::secret::SecretString::new(password.to_owned()), self.cost);
        let entropy = Arc::clone(&self.entropy);
        let made = self.hashing.run(move || PasswordHash::make(password.expose(), cost, &*entropy)).await?;
        made.map_err(|_| UserpassError::Hash)
    }

    /// Puts what `decide` makes of the user `name` in its place; it may be asked again when another change
    /// comes first.
    ///
    /// # Errors
    /// What `decide` says, or [`UserpassError`] by cause; nothing was changed.
    pub async fn write_user<E: From<UserpassError>>(
        &self,
        mount: &Mount,
        name: &str,
        decide: impl Fn(Option<&User>) -> Result<User, E>,
    ) -> Result<(), E> {
        let fits = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control);
        if !fits {
            return Err(UserpassError::Name.into());
        }
        for _ in 0..ATTEMPTS_MAX {
            let loaded = self.load_user(mount, name).map_err(UserpassError::from)?;
            let user = decide(loaded.as_ref().map(|loaded| &loaded.value))?;
            let mut transaction = self.barrier.transaction().map_err(UserpassError::from)?;
            self.logins.check_mount(&mut transaction, mount).map_err(UserpassError::from)?;
            transaction.put(mount.key(name.as_bytes()), require(loaded.as_ref()), &user);
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome.map_err(UserpassError::from)?),
            }
        }
        Err(UserpassError::from(CommitError::Conflict).into())
    }

    /// Removes the user `name`, if there is one. Its tokens live on, and are not renewed.
    ///
    /// # Errors
    /// [`UserpassError`] by cause.
    pub async fn remove_user(&self, mount: &Mount, name: &str) -> Result<(), UserpassError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(loaded) = self.load_user(mount, name)? else { return Ok(()) };
            let mut transaction = self.barrier.transaction()?;
            transaction.delete::<User>(mount.key(name.as_bytes()), loaded.revision);
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    fn load_user(&self, mount: &Mount, name: &str) -> Result<Option<Loaded<User>>, LoadError> {
        if name.len() > NAME_BYTES_MAX {
            return Ok(None);
        }
        self.barrier.load::<User>(mount.key(name.as_bytes()))
    }
}
