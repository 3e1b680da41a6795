//! Logins by role id and secret id.
//!
//! An unknown role and a wrong secret id take the same way, read as many records and get the same answer.

use std::net::IpAddr;

use vault_core::approle::{AppRole, ROLE_ID_BYTES_MAX, Refusal, SecretId, Spent, admit};
use vault_core::clock::Timestamp;
use vault_core::identity::lockout::{Alias, Standing};
use vault_core::mount::Mount;
use vault_core::secret::SecretString;

use super::{ApproleError, ApproleService, RoleIdRecord, below};
use crate::barrier::{ATTEMPTS_MAX, CommitError, Loaded, Transaction};
use crate::service::login::Proved;
use crate::service::token::{Issued, add_drawn};

/// What a machine shows.
#[derive(Debug)]
pub struct Shown {
    /// Which role it has.
    pub role_id: String,
    /// What proves it; a role that asks for none takes any or none.
    pub secret_id: Option<SecretString>,
    /// From where it comes.
    pub from: IpAddr,
}

/// What was found for what was shown.
struct Found {
    name: String,
    role: Option<Loaded<AppRole>>,
    digest: [u8; 32],
    secret_id: Option<Loaded<SecretId>>,
}

impl ApproleService {
    /// Logs in. `path` is the one that was asked, for the token's record.
    ///
    /// # Errors
    /// [`ApproleError::Refused`], [`ApproleError::SecretIdMissing`], or [`ApproleError::Login`]; then no use
    /// of the secret id was spent.
    pub async fn login(
        &self,
        mount: &Mount,
        path: &str,
        shown: &Shown,
        now: Timestamp,
    ) -> Result<Issued, ApproleError> {
        let alias = Alias { mount: mount.id, name: shown.role_id.clone() };
        self.logins.check(&alias, now)?;
        let first = self.find(mount, shown)?;
        let turn = usize::from(first.digest.first().copied().unwrap_or_default()) % self.turns.len().max(1);
        let counted = first.secret_id.as_ref().is_some_and(|it| it.value.num_uses > 0);
        let _turn = match self.turns.get(turn) {
            Some(turn) if counted => Some(turn.lock().await),
            _ => None,
        };
        for _ in 0..ATTEMPTS_MAX {
            match self.attempt(mount, path, shown, now).await {
                Err(ApproleError::Commit(CommitError::Conflict)) => {}
                Ok(issued) => {
                    self.logins.forget(&alias);
                    return Ok(issued);
                }
                Err(error) => {
                    if matches!(error, ApproleError::Refused(Refusal::Invalid)) {
                        let known = first.role.is_some();
                        let standing = if known { Standing::Known } else { Standing::Unknown };
                        self.logins.failed(alias, standing, now);
                    }
                    return Err(error);
                }
            }
        }
        Err(CommitError::Conflict.into())
    }

    fn find(&self, mount: &Mount, shown: &Shown) -> Result<Found, ApproleError> {
        // What is longer is no role's, and would not fit a key.
        let role_id = Some(&shown.role_id).filter(|it| it.len() <= ROLE_ID_BYTES_MAX);
        let index = mount.key(role_id.map_or(b"", |role_id| role_id.as_bytes()));
        let index = self.barrier.load::<RoleIdRecord>(index)?;
        let name = index.map(|index| index.value.name).unwrap_or_default();
        let role = self.load_role(mount, &name)?.filter(|role| role.value.role_id == shown.role_id);
        let secret_id = shown.secret_id.as_ref().map_or("", |it| it.expose());
        let digest = self.digest(mount, &name, secret_id)?;
        let secret_id = self.barrier.load::<SecretId>(below(mount, &name, &digest))?;
        Ok(Found { name, role, digest, secret_id })
    }

    async fn attempt(
        &self,
        mount: &Mount,
        path: &str,
        shown: &Shown,
        now: Timestamp,
    ) -> Result<Issued, ApproleError> {
        let found = self.find(mount, shown)?;
        let needs_secret_id = found.role.as_ref().is_none_or(|role| role.value.bind_secret_id);
        if needs_secret_id && shown.secret_id.is_none() {
            return Err(ApproleError::SecretIdMissing);
        }
        let role = found.role.as_ref().ok_or(Refusal::Invalid)?;
        let secret_id = found.secret_id.as_ref().map(|loaded| &loaded.value);
        let admitted = admit(&found.name, &role.value, secret_id, shown.from, now)?;
        let drawn = self.logins.draw(
            Proved {
                mount,
                principal: &found.name,
                path,
                shown_as: "",
                meta: admitted.meta,
                parameters: &admitted.parameters,
            },
            now,
        )?;
        let mut transaction = self.barrier.transaction()?;
        self.logins.check_mount(&mut transaction, mount)?;
        transaction.check::<AppRole>(mount.key(found.name.as_bytes()), role.require());
        self.spend(&mut transaction, mount, &found, admitted.spent)?;
        add_drawn(&mut transaction, &drawn);
        self.barrier.commit(transaction).await?;
        Ok(drawn.into_issued())
    }

    /// Takes the use of the secret id into the transaction that makes the token.
    fn spend(
        &self,
        transaction: &mut Transaction,
        mount: &Mount,
        found: &Found,
        spent: Spent,
    ) -> Result<(), ApproleError> {
        let role_asks = found.role.as_ref().is_some_and(|role| role.value.bind_secret_id);
        let Some(loaded) = found.secret_id.as_ref().filter(|_| role_asks) else { return Ok(()) };
        let key = below(mount, &found.name, &found.digest);
        match spent {
            Spent::Unlimited => {
                transaction.check::<SecretId>(key, loaded.require());
            }
            Spent::Counted(next) => {
                transaction.put(key, loaded.require(), &next);
            }
            Spent::Last => self.add_removal(transaction, mount, &found.name, &found.digest, loaded)?,
        }
        Ok(())
    }
}
