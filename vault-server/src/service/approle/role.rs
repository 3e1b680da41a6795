//! Roles: written, read, listed, removed.

use vault_core::approle::{AppRole, NAME_BYTES_MAX};
use vault_core::clock::Timestamp;
use vault_core::mount::Mount;
use vault_core::store::batch::Require;
use vault_core::store::key::Table;

use super::{ApproleError, ApproleService, RoleIdRecord};
use crate::barrier::{ATTEMPTS_MAX, CommitError, LoadError, Loaded, Transaction, require};

impl ApproleService {
    /// The role `name`.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn role(&self, mount: &Mount, name: &str) -> Result<Option<AppRole>, LoadError> {
        Ok(self.load_role(mount, name)?.map(|loaded| loaded.value))
    }

    /// The names of all roles, in order.
    ///
    /// # Errors
    /// [`ApproleError::Load`].
    pub fn roles(&self, mount: &Mount) -> Result<Vec<String>, ApproleError> {
        Ok(self.barrier.names_below(Table::AppRole, &mount.key(b""))?)
    }

    /// A role as it is before anything was said about it.
    #[must_use]
    pub fn fresh_role(&self, now: Timestamp) -> AppRole {
        AppRole::new(now, &*self.entropy)
    }

    /// Puts what `decide` makes of the role `name` in its place; it may be asked again when another change
    /// comes first.
    ///
    /// # Errors
    /// What `decide` says, or [`ApproleError`] by cause; nothing was changed.
    pub async fn write_role<E: From<ApproleError>>(
        &self,
        mount: &Mount,
        name: &str,
        decide: impl Fn(Option<&AppRole>) -> Result<AppRole, E>,
    ) -> Result<(), E> {
        let fits = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control);
        if !fits {
            return Err(ApproleError::Name.into());
        }
        for _ in 0..ATTEMPTS_MAX {
            let loaded = self.load_role(mount, name).map_err(ApproleError::from)?;
            let role = decide(loaded.as_ref().map(|loaded| &loaded.value))?;
            role.check().map_err(ApproleError::from)?;
            let transaction = self.put_role(mount, name, loaded.as_ref(), &role)?;
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome.map_err(ApproleError::from)?),
            }
        }
        Err(ApproleError::from(CommitError::Conflict).into())
    }

    fn put_role(
        &self,
        mount: &Mount,
        name: &str,
        loaded: Option<&Loaded<AppRole>>,
        role: &AppRole,
    ) -> Result<Transaction, ApproleError> {
        let mut transaction = self.barrier.transaction()?;
        self.logins.check_mount(&mut transaction, mount)?;
        transaction.put(mount.key(name.as_bytes()), require(loaded), role);
        let before = loaded.map(|loaded| loaded.value.role_id.as_str());
        if before == Some(role.role_id.as_str()) {
            return Ok(transaction);
        }
        if let Some(before) = before {
            self.remove_role_id(&mut transaction, mount, before)?;
        }
        let index = mount.key(role.role_id.as_bytes());
        if self.barrier.load::<RoleIdRecord>(index.clone())?.is_some() {
            return Err(ApproleError::RoleIdInUse);
        }
        transaction.put(index, Require::Absent, &RoleIdRecord { name: name.to_owned() });
        Ok(transaction)
    }

    fn remove_role_id(
        &self,
        transaction: &mut Transaction,
        mount: &Mount,
        role_id: &str,
    ) -> Result<(), ApproleError> {
        let index = mount.key(role_id.as_bytes());
        if let Some(revision) = self.barrier.revision::<RoleIdRecord>(index.clone())? {
            transaction.delete::<RoleIdRecord>(index, revision);
        }
        Ok(())
    }

    /// Removes the role `name`, if there is one: first what logins need, then its secret ids. What a crash
    /// leaves of them is of no use, since they name the role that was, and is tidied.
    ///
    /// # Errors
    /// [`ApproleError`] by cause.
    pub async fn remove_role(&self, mount: &Mount, name: &str) -> Result<(), ApproleError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(loaded) = self.load_role(mount, name)? else { return Ok(()) };
            let mut transaction = self.barrier.transaction()?;
            transaction.delete::<AppRole>(mount.key(name.as_bytes()), loaded.revision);
            self.remove_role_id(&mut transaction, mount, &loaded.value.role_id)?;
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                Ok(()) => return self.remove_secret_ids(mount, name, loaded.value.id).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(CommitError::Conflict.into())
    }
}
