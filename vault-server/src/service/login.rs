//! What all logins share: who is locked out, and the token at the end.

pub mod renewal;

use std::sync::{Arc, Mutex, PoisonError};

use vault_core::clock::Timestamp;
use vault_core::id::MountId;
use vault_core::identity::lockout::{Alias, Lockouts, Standing};
use vault_core::identity::{Login, TokenKind, TokenParameters};
use vault_core::mount::Mount;

use crate::barrier::{Barrier, CommitError, LoadError, Sealed, Transaction};
use crate::service::token::{Drawn, TokenService, TokenServiceError};

/// Why nobody can log in at a mount just now.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// Too many logins by this name failed lately.
    #[error("permission denied")]
    Locked,
    /// The mount was disabled meanwhile.
    #[error("the mount was disabled")]
    MountGone,
    /// The role or user that logged in is gone.
    #[error("{0:?} does not exist any more, not renewing")]
    PrincipalGone(String),
    /// The token role that made the token is gone.
    #[error("original token role {0:?} could not be found, not renewing")]
    TokenRoleGone(String),
    /// The user has other policies than when it logged in.
    #[error("policies have changed, not renewing")]
    PoliciesChanged,
    /// The token was not made.
    #[error(transparent)]
    Token(#[from] TokenServiceError),
    /// A record was not loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The login was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<Sealed> for LoginError {
    fn from(_: Sealed) -> Self {
        Self::Load(LoadError::Sealed)
    }
}

/// The part of a login that is the same for every method.
pub struct LoginService {
    barrier: Barrier,
    tokens: Arc<TokenService>,
    lockouts: Mutex<Lockouts>,
}

/// A principal that proved itself at a mount.
pub(crate) struct Proved<'a> {
    pub(crate) mount: &'a Mount,
    /// The role or user.
    pub(crate) principal: &'a str,
    /// The path that was asked.
    pub(crate) path: &'a str,
    /// What follows the mount's name in the display name; may be empty.
    pub(crate) shown_as: &'a str,
    pub(crate) meta: std::collections::BTreeMap<String, String>,
    pub(crate) parameters: &'a TokenParameters,
}

impl LoginService {
    /// Logins that end in tokens of `tokens`.
    #[must_use]
    pub fn new(barrier: Barrier, tokens: Arc<TokenService>) -> Self {
        Self { barrier, tokens, lockouts: Mutex::default() }
    }

    /// The tokens.
    #[must_use]
    pub fn tokens(&self) -> &TokenService {
        &self.tokens
    }

    /// Lets nobody pass who failed too often.
    ///
    /// # Errors
    /// [`LoginError::Locked`].
    pub fn check(&self, alias: &Alias, now: Timestamp) -> Result<(), LoginError> {
        if self.lockouts().is_locked(alias, now) { Err(LoginError::Locked) } else { Ok(()) }
    }

    /// Counts a login that failed.
    pub fn failed(&self, alias: Alias, standing: Standing, now: Timestamp) {
        if alias.name.len() <= ALIAS_BYTES_MAX {
            self.lockouts().failed(alias, standing, now);
        }
    }

    /// Forgets what failed: it went well, or an operator says so.
    pub fn forget(&self, alias: &Alias) {
        self.lockouts().forget(alias);
    }

    /// Forgets all of a mount that is gone.
    pub fn forget_mount(&self, mount: MountId) {
        self.lockouts().forget_mount(mount);
    }

    /// The users and roles that are locked at `now`, by mount and name.
    #[must_use]
    pub fn locked(&self, now: Timestamp) -> Vec<Alias> {
        self.lockouts().locked(now).cloned().collect()
    }

    /// Draws the token of a login.
    pub(crate) fn draw(&self, proved: Proved<'_>, now: Timestamp) -> Result<Drawn, LoginError> {
        let Proved { mount, principal, path, shown_as, meta, parameters } = proved;
        let place = mount.path.as_str().strip_prefix("auth/").unwrap_or(mount.path.as_str());
        let display_name = format!("{}-{shown_as}", place.replace('/', "-"));
        let default_kind = match mount.tuning.token_type.as_deref() {
            Some("batch" | "default-batch") => TokenKind::Batch,
            _ => TokenKind::Service,
        };
        let login = Login {
            mount: mount.id,
            principal,
            path,
            display_name: display_name.strip_suffix('-').unwrap_or(&display_name).to_owned(),
            meta,
            parameters,
            default_kind,
            limits: self.tokens.limits_of(mount),
        };
        Ok(self.tokens.draw(login, now)?)
    }

    /// Lets the transaction through only while the mount is there.
    pub(crate) fn check_mount(&self, transaction: &mut Transaction, mount: &Mount) -> Result<(), LoginError> {
        let loaded = self.barrier.load::<Mount>(*mount.id.as_bytes())?;
        let loaded = loaded.filter(|loaded| !loaded.value.ending).ok_or(LoginError::MountGone)?;
        transaction.check::<Mount>(*mount.id.as_bytes(), loaded.require());
        Ok(())
    }

    fn lockouts(&self) -> std::sync::MutexGuard<'_, Lockouts> {
        self.lockouts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody has a longer name, so it needs no lock.
const ALIAS_BYTES_MAX: usize = 256;
