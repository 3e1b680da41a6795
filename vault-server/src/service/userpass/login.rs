//! Logins by name and password.

use std::collections::BTreeMap;
use std::net::IpAddr;

use vault_core::clock::Timestamp;
use vault_core::identity::cidr;
use vault_core::identity::lockout::{Alias, Standing};
use vault_core::mount::Mount;
use vault_core::secret::SecretString;
use vault_core::userpass::{PasswordHash, User};

use super::{UserpassError, UserpassService};
use crate::barrier::{ATTEMPTS_MAX, CommitError, Loaded};
use crate::service::login::Proved;
use crate::service::token::{Issued, add_drawn};

impl UserpassService {
    /// Logs the user `name` in from `from`. `path` is the one that was asked, for the token's record.
    ///
    /// # Errors
    /// [`UserpassError::Refused`] after the same work whether the name is unknown or the password wrong;
    /// others by cause.
    pub async fn login(
        &self,
        mount: &Mount,
        path: &str,
        name: &str,
        password: &SecretString,
        from: IpAddr,
        now: Timestamp,
    ) -> Result<Issued, UserpassError> {
        let alias = Alias { mount: mount.id, name: name.to_owned() };
        self.logins.check(&alias, now)?;
        let user = self.load_user(mount, name)?;
        let (hash, standing) = match &user {
            Some(user) => (user.value.password.clone(), Standing::Known),
            None => (PasswordHash::decoy(self.cost), Standing::Unknown),
        };
        let is_right = self.proves((&alias, standing), hash.clone(), password, now).await?;
        let Some(user) = user.filter(|_| is_right) else { return Err(UserpassError::Refused) };
        let issued = self.admit(mount, path, name, user, (&hash, from), now).await?;
        self.logins.forget(&alias);
        Ok(issued)
    }

    /// Whether the password is right; a wrong one is counted.
    async fn proves(
        &self,
        (alias, standing): (&Alias, Standing),
        hash: PasswordHash,
        password: &SecretString,
        now: Timestamp,
    ) -> Result<bool, UserpassError> {
        let password = password.duplicate();
        let is_right = self.hashing.run(move || hash.is_of(password.expose())).await?;
        // Guesses that waited for a place together with those that locked the name learn nothing.
        self.logins.check(alias, now)?;
        let is_right = is_right.map_err(|_| UserpassError::Hash)?;
        if !is_right {
            self.logins.failed(alias.clone(), standing, now);
        }
        Ok(is_right)
    }

    async fn admit(
        &self,
        mount: &Mount,
        path: &str,
        name: &str,
        first: Loaded<User>,
        (proved, from): (&PasswordHash, IpAddr),
        now: Timestamp,
    ) -> Result<Issued, UserpassError> {
        let mut loaded = first;
        for _ in 0..ATTEMPTS_MAX {
            if loaded.value.password != *proved {
                return Err(UserpassError::Refused);
            }
            if !cidr::allows(&loaded.value.parameters.bound_cidrs, from) {
                return Err(UserpassError::Address);
            }
            let proved = Proved {
                mount,
                principal: name,
                path,
                shown_as: name,
                meta: BTreeMap::from([("username".to_owned(), name.to_owned())]),
                parameters: &loaded.value.parameters,
            };
            let drawn = self.logins.draw(proved, now)?;
            let mut transaction = self.barrier.transaction()?;
            self.logins.check_mount(&mut transaction, mount)?;
            transaction.check::<User>(mount.key(name.as_bytes()), loaded.require());
            add_drawn(&mut transaction, &drawn);
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                Ok(()) => return Ok(drawn.into_issued()),
                Err(error) => return Err(error.into()),
            }
            loaded = self.load_user(mount, name)?.ok_or(UserpassError::Refused)?;
        }
        Err(CommitError::Conflict.into())
    }
}
