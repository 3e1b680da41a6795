//! Rotation policies and password policies: configured by name, used by accounts.

use vault_core::account::{Account, Subject};
use vault_core::clock::Timestamp;
use vault_core::entropy::random_bytes;
use vault_core::lease::dynamic::role::DynamicRole;
use vault_core::mount::Mount;
use vault_core::password::PasswordPolicy;
use vault_core::path::Name;
use vault_core::schedule::{RotationPolicy, next_due};
use vault_core::secret::SecretString;
use vault_core::store::due;
use vault_core::store::key::Table;
use vault_core::target::Target;

use super::account::AccountError;
use crate::barrier::{CommitError, LoadError, Record, require};
use crate::engine::Engine;
use crate::engine::commit::reschedule;
use crate::engine::record::{DUE_RULE, StoredPasswordPolicy};
use crate::service::seal::{SealService, SealState};
use crate::shutdown::Shutdown;

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
        // The mark outlives a crash: the work is resumed at the next unseal.
        let mark = mark(name, random_bytes(self.engine.entropy()));
        self.put(name, policy, Some(&mark)).await?;
        let (service, name) = (self.clone(), name.clone());
        self.engine.spawn(async move { service.apply(&name, mark).await });
        Ok(())
    }

    /// At each unseal, finishes what a stop left of changed rotation policies; until the shutdown.
    pub async fn run_until(&self, seal: &SealService, shutdown: &Shutdown) {
        let mut states = seal.watch();
        loop {
            if *states.borrow_and_update() == SealState::Unsealed {
                let marked = self.engine.barrier().names(Table::Due, &mark_prefix(), None, NAMES_MAX);
                for mark in marked.unwrap_or_default() {
                    if let Some(name) = marked_policy(&mark) {
                        self.apply(&name, mark).await;
                    }
                }
            }
            tokio::select! {
                () = shutdown.begun() => return,
                changed = states.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Brings a changed policy to its accounts, and takes the mark away.
    async fn apply(&self, name: &Name, mark: Vec<u8>) {
        let outcome = match self.reschedule_users(name).await {
            Ok(()) => self.unmark(mark).await,
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            tracing::warn!(policy = %name, %error, "the accounts of a changed rotation policy keep their old due times until the next unseal");
        }
    }

    async fn unmark(&self, mark: Vec<u8>) -> Result<(), AccountError> {
        let mut batch = self.engine.barrier().transaction()?;
        batch.unmark(Table::Due, mark);
        match self.engine.barrier().commit(batch).await {
            // Taken away already: it was resumed at an unseal while the first work was still under way.
            Err(CommitError::Conflict) => Ok(()),
            outcome => Ok(outcome?),
        }
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
        self.put(name, &StoredPasswordPolicy { text }, None).await
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

    /// Removes a policy that nothing uses. Removing what is not there is no mistake.
    ///
    /// # Errors
    /// [`AccountError::State`] naming an account, a target or a dynamic role that uses it.
    pub async fn remove<R: Record>(
        &self,
        name: &Name,
        uses: impl Fn(&Account) -> Option<&Name>,
        target_uses: impl Fn(&Target) -> Option<&Name>,
        role_uses: impl Fn(&DynamicRole) -> Option<&Name>,
    ) -> Result<(), AccountError> {
        let _alone = self.engine.references().write().await;
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
        let targets = self.engine.barrier().list::<Target>(&[], None, NAMES_MAX)?;
        if let Some((_, user)) = targets.iter().find(|(_, target)| target_uses(&target.value) == Some(name)) {
            return Err(AccountError::State(format!(
                "{name} is used by the target {}; give that target another policy first",
                user.value.name
            )));
        }
        if let Some(role) = self.role_that(|role| role_uses(role) == Some(name))? {
            return Err(AccountError::State(format!(
                "{name} is used by the dynamic role {role}; give that role another policy first"
            )));
        }
        let mut batch = self.engine.barrier().transaction()?;
        batch.delete::<R>(name.as_str(), revision);
        Ok(self.engine.barrier().commit(batch).await?)
    }

    /// The path of a dynamic role that is so.
    fn role_that(&self, is_so: impl Fn(&DynamicRole) -> bool) -> Result<Option<String>, LoadError> {
        let barrier = self.engine.barrier();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = barrier.list::<DynamicRole>(&[], after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(None) };
            after = Some(last.clone());
            let Some((key, _)) = page.iter().find(|(_, role)| is_so(&role.value)) else { continue };
            let (id, name) = key.split_at_checked(MOUNT_ID_BYTES).unwrap_or_default();
            let mount = barrier.load::<Mount>(id)?.map(|mount| mount.value.path.as_str().to_owned());
            return Ok(Some(format!(
                "{}/roles/{}",
                mount.unwrap_or_default(),
                String::from_utf8_lossy(name)
            )));
        }
    }

    async fn put<R: Record>(&self, name: &Name, record: &R, mark: Option<&[u8]>) -> Result<(), AccountError> {
        loop {
            let stored = self.engine.barrier().load::<R>(name.as_str())?;
            let mut batch = self.engine.barrier().transaction()?;
            batch.put(name.as_str(), require(stored.as_ref()), record);
            if let Some(mark) = mark {
                batch.mark(Table::Due, mark);
            }
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

/// Says that the accounts of this policy are to be given new due times. Each change has a mark of its own, so
/// that the end of one does not stand for the end of the next.
fn mark(name: &Name, change: [u8; 8]) -> Vec<u8> {
    due::encode(Timestamp::EPOCH, DUE_RULE, &[change.as_slice(), name.as_str().as_bytes()].concat())
}

fn marked_policy(mark: &[u8]) -> Option<Name> {
    let entry = due::decode(mark)?;
    Name::parse(std::str::from_utf8(entry.name.get(8..)?).ok()?).ok()
}

fn mark_prefix() -> Vec<u8> {
    due::encode(Timestamp::EPOCH, DUE_RULE, b"")
}

/// What the name of a dynamic role's record begins with: the id of its mount.
const MOUNT_ID_BYTES: usize = 16;
/// Records read at a time.
const PAGE: usize = 500;
/// Most names that one listing shows.
const NAMES_MAX: usize = 10_000;
