//! The cubbyhole: a place for each token alone, which goes when the token goes.
//!
//! Nobody else gets at it, root neither: the key begins with the digest of the token that asks.

use serde::{Deserialize, Serialize};
use vault_core::clock::Timestamp;
use vault_core::identity::{Token, TokenDigest, TokenKind, TokenState};
use vault_core::secret::{SecretString, for_sealing};
use vault_core::store::batch::Require;
use vault_core::store::key::{KEY_BYTES_MAX, Table};

use super::token::Caller;
use crate::barrier::{ATTEMPTS_MAX, Barrier, CommitError, LoadError, Record, Sealed};

/// What is at one path of a cubbyhole: a JSON object as text, so that numbers keep their digits.
#[derive(Debug, Serialize, Deserialize)]
pub struct Cubby {
    #[serde(with = "for_sealing")]
    object: SecretString,
}

impl Record for Cubby {
    const TABLE: Table = Table::Cubbyhole;
}

impl Cubby {
    pub(super) fn new(object: SecretString) -> Self {
        Self { object }
    }

    pub(super) fn into_text(self) -> SecretString {
        self.object
    }
}

/// The name of the record at `path` of a token's cubbyhole.
pub(super) fn cubby_name(token: &TokenDigest, path: &str) -> Vec<u8> {
    [token.as_bytes().as_slice(), path.as_bytes()].concat()
}

/// Why nothing was read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CubbyholeError {
    /// The path does not fit a key.
    #[error("the path is longer than {PATH_BYTES_MAX} bytes")]
    Path,
    /// The object is too large.
    #[error("the object is larger than {CUBBY_BYTES_MAX} bytes")]
    TooLarge,
    /// A batch token has nothing of its own in the store. The text is Vault's.
    #[error("cubbyhole operations are only supported by \"service\" type tokens")]
    Batch,
    /// A record was not loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A change was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<Sealed> for CubbyholeError {
    fn from(error: Sealed) -> Self {
        Self::Load(error.into())
    }
}

/// The cubbyholes of all tokens.
pub struct CubbyholeService {
    barrier: Barrier,
}

impl CubbyholeService {
    /// The cubbyholes behind `barrier`.
    #[must_use]
    pub fn new(barrier: Barrier) -> Self {
        Self { barrier }
    }

    /// Whether there is something at `path` for the caller.
    ///
    /// # Errors
    /// [`CubbyholeError`] by cause.
    pub fn has(&self, caller: &Caller, path: &str) -> Result<bool, CubbyholeError> {
        Ok(self.barrier.revision::<Cubby>(name(caller, path)?)?.is_some())
    }

    /// The object at `path`, as JSON text.
    ///
    /// # Errors
    /// [`CubbyholeError`] by cause; absence is `Ok(None)`.
    pub fn read(&self, caller: &Caller, path: &str) -> Result<Option<SecretString>, CubbyholeError> {
        Ok(self.barrier.load::<Cubby>(name(caller, path)?)?.map(|loaded| loaded.value.into_text()))
    }

    /// Puts an object, as JSON text, at `path`, in place of what is there.
    ///
    /// # Errors
    /// [`CubbyholeError`] by cause.
    pub async fn write(
        &self,
        caller: &Caller,
        path: &str,
        object: SecretString,
        now: Timestamp,
    ) -> Result<(), CubbyholeError> {
        if object.expose().len() > CUBBY_BYTES_MAX {
            return Err(CubbyholeError::TooLarge);
        }
        let (name, digest) = (name(caller, path)?, caller.principal.token());
        let cubby = Cubby::new(object);
        for _ in 0..ATTEMPTS_MAX {
            let token = self.barrier.load::<Token>(*digest.as_bytes())?;
            let live = token.filter(|token| token.value.state(now) == TokenState::Live);
            // A token's last use, or one that was revoked just now: what it writes would go at once.
            let Some(token) = live else { return Ok(()) };
            let current = self.barrier.revision::<Cubby>(name.as_slice())?;
            let mut transaction = self.barrier.transaction()?;
            transaction.put(name.as_slice(), current.map_or(Require::Absent, Require::At), &cubby);
            // A token that ends in between must not leave something behind.
            transaction.check::<Token>(*digest.as_bytes(), token.require());
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Removes what is at `path`; nothing there is no error.
    ///
    /// # Errors
    /// [`CubbyholeError`] by cause.
    pub async fn delete(&self, caller: &Caller, path: &str) -> Result<(), CubbyholeError> {
        let name = name(caller, path)?;
        for _ in 0..ATTEMPTS_MAX {
            let Some(at) = self.barrier.revision::<Cubby>(name.as_slice())? else { return Ok(()) };
            let mut transaction = self.barrier.transaction()?;
            transaction.delete::<Cubby>(name.as_slice(), at);
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// The names just below `folder`, sorted; those of folders end in a slash.
    ///
    /// # Errors
    /// [`CubbyholeError`] by cause.
    pub fn list(&self, caller: &Caller, folder: &str) -> Result<Vec<String>, CubbyholeError> {
        let base = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let prefix = name(caller, &base)?;
        let mut keys: Vec<String> = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.barrier.names(Table::Cubbyhole, &prefix, after.as_deref(), PAGE)?;
            let Some(last) = page.last() else { return Ok(keys) };
            after = Some(last.clone());
            for rest in page.iter().filter_map(|name| name.get(prefix.len()..)) {
                let Ok(rest) = std::str::from_utf8(rest) else { continue };
                let key = rest.split_inclusive('/').next().unwrap_or(rest);
                // In order, so that a folder's names follow one another.
                if keys.last().is_none_or(|last| last != key) {
                    keys.push(key.to_owned());
                }
            }
        }
    }
}

fn name(caller: &Caller, path: &str) -> Result<Vec<u8>, CubbyholeError> {
    if caller.token.kind() == TokenKind::Batch {
        return Err(CubbyholeError::Batch);
    }
    if path.len() > PATH_BYTES_MAX {
        return Err(CubbyholeError::Path);
    }
    Ok(cubby_name(caller.principal.token(), path))
}

/// Largest object, in bytes of JSON: with room to spare below the limit of a commit.
pub const CUBBY_BYTES_MAX: usize = 768 * 1024;
/// Longest path: what a key has left beside the table's byte and the token's digest.
const PATH_BYTES_MAX: usize = KEY_BYTES_MAX - 1 - 32;
const PAGE: usize = 512;
