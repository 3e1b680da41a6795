//! Token roles: written, read, listed, removed.

use vault_core::identity::{ROLE_NAME_BYTES_MAX, TokenRole};
use vault_core::store::key::Table;

use super::{TokenService, TokenServiceError};
use crate::barrier::{ATTEMPTS_MAX, CommitError, Record, require};

impl Record for TokenRole {
    const TABLE: Table = Table::TokenRole;
}

impl TokenService {
    /// The token role `name`.
    ///
    /// # Errors
    /// [`TokenServiceError::Load`].
    pub fn role(&self, name: &str) -> Result<Option<TokenRole>, TokenServiceError> {
        if name.len() > ROLE_NAME_BYTES_MAX {
            return Ok(None);
        }
        Ok(self.barrier.load::<TokenRole>(name)?.map(|loaded| loaded.value))
    }

    /// The names of all token roles, in order.
    ///
    /// # Errors
    /// [`TokenServiceError::Load`].
    pub fn roles(&self) -> Result<Vec<String>, TokenServiceError> {
        Ok(self.barrier.names_below(Table::TokenRole, b"")?)
    }

    /// Puts what `decide` makes of the role `name` in its place; it may be asked again when another change
    /// comes first.
    ///
    /// # Errors
    /// What `decide` says, or [`TokenServiceError`] by cause; nothing was changed.
    pub async fn write_role<E: From<TokenServiceError>>(
        &self,
        name: &str,
        decide: impl Fn(Option<&TokenRole>) -> Result<TokenRole, E>,
    ) -> Result<(), E> {
        for _ in 0..ATTEMPTS_MAX {
            // A name that is too long for a key is refused by the role's own check.
            let fits = name.len() <= ROLE_NAME_BYTES_MAX;
            let loaded = if fits {
                self.barrier.load::<TokenRole>(name).map_err(TokenServiceError::from)?
            } else {
                None
            };
            let role = decide(loaded.as_ref().map(|loaded| &loaded.value))?;
            role.check().map_err(TokenServiceError::from)?;
            let mut transaction = self.barrier.transaction().map_err(TokenServiceError::from)?;
            transaction.put(name, require(loaded.as_ref()), &role);
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome.map_err(TokenServiceError::from)?),
            }
        }
        Err(TokenServiceError::from(CommitError::Conflict).into())
    }

    /// Removes the role `name`, if there is one. Its tokens live on, and are not renewed.
    ///
    /// # Errors
    /// [`TokenServiceError`] by cause.
    pub async fn remove_role(&self, name: &str) -> Result<(), TokenServiceError> {
        if name.len() > ROLE_NAME_BYTES_MAX {
            return Ok(());
        }
        for _ in 0..ATTEMPTS_MAX {
            let Some(revision) = self.barrier.revision::<TokenRole>(name)? else { return Ok(()) };
            let mut transaction = self.barrier.transaction()?;
            transaction.delete::<TokenRole>(name, revision);
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(CommitError::Conflict.into())
    }
}
