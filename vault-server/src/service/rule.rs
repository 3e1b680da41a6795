//! Rotation policies and password policies: configured by name, used by accounts.

use vault_core::account::{Account, Subject};
use vault_core::entropy::random_bytes;
use vault_core::password::PasswordPolicy;
use vault_core::path::Name;
use vault_core::schedule::{RotationPolicy, next_due};
use vault_core::secret::SecretString;
use vault_core::store::key::Table;

use super::account::AccountError;
use crate::barrier::{CommitError, LoadError, Record, require};
use crate::engine::Engine;
use crate::engine::commit::reschedule;
use crate::engine::record::StoredPasswordPolicy;

/// The policies. Cheap to clone.
#[derive(Clone)]
pub struct RuleService {
    engine: Engine,
}

impl RuleService {
    /// The policies behind `engine`.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// A rotation policy.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn rotation(&self, name: &Name) -> Result<Option<RotationPolicy>, LoadError> {
        Ok(self.engine.barrier().load::<RotationPolicy>(name.as_str())?.map(|loaded| loaded.value))
    }

    /// Writes a rotation policy; the accounts that use it get their new due times in the background.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub async fn write_rotation(&self, name: &Name, policy: &RotationPolicy) -> Result<(), AccountError> {
        self.put(name, policy).await?;
        let (service, name) = (self.clone(), name.clone());
        self.engine.spawn(async move {
            if let Err(error) = service.reschedule_users(&name).await {
                tracing::warn!(policy = %name, %error, "the accounts of a changed rotation policy keep their old due times");
            }
        });
        Ok(())
    }

    /// A password policy, as it was written.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn password(&self, name: &Name) -> Result<Option<String>, LoadError> {
        let stored = self.engine.barrier().load::<StoredPasswordPolicy>(name.as_str())?;
        Ok(stored.map(|stored| stored.value.text))
    }

    /// Writes a password policy.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] for a text that is none.
    pub async fn write_password(&self, name: &Name, text: String) -> Result<(), AccountError> {
        PasswordPolicy::parse(&text).map_err(|error| {
            let mut message = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(inner) = cause {
                message = format!("{message}: {inner}");
                cause = inner.source();
            }
            AccountError::Invalid(message)
        })?;
        self.put(name, &StoredPasswordPolicy { text }).await
    }

    /// A password made by a policy, for trying it out; it is stored nowhere.
    ///
    /// # Errors
    /// [`LoadError`] by cause; an unknown policy is `Ok(None)`.
    pub fn generate(&self, name: &Name) -> Result<Option<SecretString>, LoadError> {
        let policy = self.password(name)?.and_then(|text| PasswordPolicy::parse(&text).ok());
        Ok(policy.map(|policy| policy.generate(self.engine.entropy())))
    }

    /// The names in `table`.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn names(&self, table: Table) -> Result<Vec<String>, LoadError> {
        let names = self.engine.barrier().names(table, &[], None, NAMES_MAX)?;
        Ok(names.into_iter().filter_map(|name| String::from_utf8(name).ok()).collect())
    }

    /// Removes a policy that no account uses. Removing what is not there is no mistake.
    ///
    /// # Errors
    /// [`AccountError::State`] naming an account that uses it.
    pub async fn remove<R: Record>(
        &self,
        name: &Name,
        uses: impl Fn(&Account) -> Option<&Name>,
    ) -> Result<(), AccountError> {
        let Some(revision) = self.engine.barrier().revision::<R>(name.as_str())? else { return Ok(()) };
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.engine.barrier().list::<Account>(&[], after.as_deref(), PAGE)?;
            let full = page.len() == PAGE;
            after = page.last().map(|(name, _)| name.clone());
            if let Some((_, user)) = page.iter().find(|(_, account)| uses(&account.value) == Some(name)) {
                return Err(AccountError::State(format!(
                    "{name} is used by {}; give that account another policy first",
                    user.value.subject
                )));
            }
            if !full {
                break;
            }
        }
        let mut batch = self.engine.barrier().transaction()?;
        batch.delete::<R>(name.as_str(), revision);
        Ok(self.engine.barrier().commit(batch).await?)
    }

    async fn put<R: Record>(&self, name: &Name, record: &R) -> Result<(), AccountError> {
        loop {
            let stored = self.engine.barrier().load::<R>(name.as_str())?;
            let mut batch = self.engine.barrier().transaction()?;
            batch.put(name.as_str(), require(stored.as_ref()), record);
            match self.engine.barrier().commit(batch).await {
                Err(CommitError::Conflict) => {}
                result => return Ok(result?),
            }
        }
    }

    /// Counts the due times of every account that uses `name` anew, from its last rotation.
    async fn reschedule_users(&self, name: &Name) -> Result<(), AccountError> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.engine.barrier().list::<Account>(&[], after.as_deref(), PAGE)?;
            let full = page.len() == PAGE;
            after = page.last().map(|(name, _)| name.clone());
            for (_, account) in page {
                if account.value.settings.rotation_policy.as_ref() == Some(name) {
                    self.reschedule_one(&account.value.subject).await?;
                }
            }
            if !full {
                return Ok(());
            }
        }
    }

    async fn reschedule_one(&self, subject: &Subject) -> Result<(), AccountError> {
        loop {
            let Some(loaded) = self.engine.account(subject)? else { return Ok(()) };
            let draw = u64::from_le_bytes(random_bytes(self.engine.entropy()));
            let policy = self.engine.rotation_policy(&loaded.value)?;
            let require = loaded.require();
            let armed = loaded.value.armed;
            let mut account = loaded.value;
            account.next_rotation =
                policy.map(|policy| next_due(&policy, account.last_rotation, self.engine.now(), draw));
            let mut batch = self.engine.barrier().transaction()?;
            reschedule(&mut batch, armed, &mut account);
            batch.put(subject.key(), require, &account);
            match self.engine.barrier().commit(batch).await {
                Err(CommitError::Conflict) => {}
                result => return Ok(result?),
            }
        }
    }
}

/// Records read at a time.
const PAGE: usize = 500;
/// Most names that one listing shows.
const NAMES_MAX: usize = 10_000;
