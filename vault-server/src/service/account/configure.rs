//! Configuring an account: a new one is adopted, a known one gets new settings or a known password.

use vault_core::account::plan::{Effect, HistoryEntry, HistoryKind, Plan};
use vault_core::account::{Account, Settings, Subject};
use vault_core::identity::Principal;
use vault_core::path::{AccountPath, Name};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Login, Probe};
use vault_core::rotation::run::{Cause, Stage};
use vault_core::rotation::step;
use vault_core::schedule::{RotationPolicy, next_due};
use vault_core::secret::SecretString;
use vault_core::store::batch::Require;
use vault_core::store::key::Table;

use super::{AccountError, AccountService, Through, USERNAME_BYTES_MAX, alternate};
use crate::engine::commit::{adopt, reschedule};
use crate::engine::record::{StoredPasswordPolicy, history_name, history_prefix};
use crate::engine::{ActError, OUTCOME_WAIT, READ_WAIT};

/// Whether a rotation was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::service) enum Begun {
    /// It was, and was waited for.
    Yes,
    /// It was not.
    No,
}

/// What a person configures.
#[derive(Debug)]
pub struct Configure {
    /// The target.
    pub target: Name,
    /// The name on the target.
    pub username: String,
    /// The password, when it is known; without it a new account is adopted by a first rotation.
    pub password: Option<SecretString>,
    /// The rest.
    pub settings: Settings,
    /// When an account without a known password gets its first one.
    pub adoption: Adoption,
}

/// When an account without a known password gets its first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adoption {
    /// At once.
    AtOnce,
    /// When its rotation policy says so.
    AsDue,
}

impl AccountService {
    /// Makes or changes an account and says how it stands then. A target's fault is no error here: the
    /// configuration is kept, and the status says what is wrong.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub async fn configure(
        &self,
        path: &AccountPath,
        request: Configure,
        principal: &Principal,
    ) -> Result<vault_api::account::AccountStatus, AccountError> {
        let through = Through { giver: Some(principal), ..Through::NOTHING };
        self.configure_through(path, request, principal.display_name(), through).await?;
        self.status(path)
    }

    /// As [`configure`](Self::configure), for an engine whose records name the account. An account that was
    /// released is taken up again, and rotated whatever the request says. Says whether a first rotation was asked for.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub(in crate::service) async fn configure_through(
        &self,
        path: &AccountPath,
        mut request: Configure,
        principal: &str,
        through: Through<'_>,
    ) -> Result<Begun, AccountError> {
        let references = self.engine.references().read().await;
        self.validate(&request)?;
        let subject = Subject::Account(path.clone());
        let key = subject.key();
        let Some(flight) = self.engine.flights().take(&key, READ_WAIT).await else {
            return Err(AccountError::Busy(format!("{path} is being rotated; try again in a moment")));
        };
        let (mut known, mut adoption) = (request.password.is_some(), request.adoption);
        let taken_up = match self.engine.account(&subject)? {
            None => {
                self.create(&subject, request, principal, through).await?;
                true
            }
            Some(loaded) if through.is_foreign(loaded.value.origin.as_ref()) => {
                return Err(AccountError::Invalid(format!(
                    "there is an account {path} already, which is not of this role; name the role otherwise, \
                     or delete that account first"
                )));
            }
            Some(loaded) => {
                let is_released = loaded.value.origin.as_ref().is_some_and(|origin| origin.released);
                let taken_up = is_released && through.origin.is_some();
                if taken_up {
                    may_take_up(path, &loaded.value)?;
                    // Its password was for others to know.
                    (request.password, request.adoption) = (None, Adoption::AtOnce);
                    (known, adoption) = (false, Adoption::AtOnce);
                }
                self.change(&subject, loaded, request, principal, through).await?;
                taken_up
            }
        };
        drop(references);
        if known {
            drop(flight);
            self.look(&subject).await?;
            return Ok(Begun::No);
        }
        if !taken_up || adoption == Adoption::AsDue {
            return Ok(Begun::No);
        }
        let cause = Cause::Adopt { principal: principal.to_owned() };
        let acted = self
            .engine
            .act(flight, &subject, |account, context| {
                (step::request(account, cause.clone(), context).ok(), ())
            })
            .await?;
        let Some(drive) = acted.drive else { return Ok(Begun::No) };
        // Longer than that, and the caller learns from the status that it goes on.
        let _ = tokio::time::timeout(OUTCOME_WAIT, drive).await;
        Ok(Begun::Yes)
    }

    fn validate(&self, request: &Configure) -> Result<(), AccountError> {
        let Configure { target, username, password, settings, adoption: _ } = request;
        let Some(target_record) = self.engine.target(target)? else {
            return Err(AccountError::Invalid(format!(
                "the target {target} is not configured; write targets/config/{target} first"
            )));
        };
        if !target_record.value.allows(username) {
            return Err(AccountError::Invalid(format!(
                "{username} is not one of the allowed_usernames of {target}; whoever configures the target can add it"
            )));
        }
        if username.is_empty() || username.len() > USERNAME_BYTES_MAX {
            return Err(AccountError::Invalid(format!("username must have 1 to {USERNAME_BYTES_MAX} bytes")));
        }
        if let Some(policy) = &settings.rotation_policy
            && self.engine.barrier().load::<RotationPolicy>(policy.as_str())?.is_none()
        {
            return Err(AccountError::Invalid(format!(
                "the rotation policy {policy} is not configured; write rotation-policies/{policy} first"
            )));
        }
        if let Some(policy) = &settings.password_policy
            && self.engine.barrier().load::<StoredPasswordPolicy>(policy.as_str())?.is_none()
        {
            return Err(AccountError::Invalid(format!(
                "the password policy {policy} is not configured; write password-policies/{policy} first"
            )));
        }
        if let (Some(ttl), Some(max_ttl)) = (settings.ttl, settings.max_ttl)
            && ttl > max_ttl
        {
            return Err(AccountError::Invalid("ttl must not be longer than max_ttl".to_owned()));
        }
        let Some(rotator) = self.engine.rotator(&target_record.value.rotator)? else { return Ok(()) };
        if password.is_some() && rotator.mints(&target_record.value.spec) {
            return Err(AccountError::Invalid(format!(
                "{target} makes the credentials of its accounts itself: leave the password out, and the account is \
                 adopted with a credential of its own"
            )));
        }
        let password =
            password.as_ref().map_or_else(|| SecretString::new("x".into()), SecretString::duplicate);
        let login = Login { username: username.clone(), password };
        rotator.validate_login(&login).map_err(AccountError::Invalid)?;
        alternate::validate(&*rotator, &target_record.value, username, settings)
    }

    async fn create(
        &self,
        subject: &Subject,
        request: Configure,
        principal: &str,
        through: Through<'_>,
    ) -> Result<(), AccountError> {
        let now = self.engine.now();
        let Configure { target, username, password, settings, adoption } = request;
        let mut account = Account::new(subject.clone(), target, username, settings, now);
        account.origin = through.origin.cloned();
        let mut batch = self.engine.barrier().transaction()?;
        self.manage(&mut batch, &account, &account.username)?;
        if let Some(alternate) = &account.settings.alternate_username {
            self.manage(&mut batch, &account, alternate)?;
        }
        match password {
            Some(password) => {
                adopt(self.engine.barrier(), &mut batch, &mut account, password, through.giver, now)?;
                account.next_rotation = self.due(&account)?;
            }
            // Due at once, so that its adoption is not forgotten when this process dies before it begins.
            None if adoption == Adoption::AtOnce => account.next_rotation = Some(now),
            None => account.next_rotation = self.due(&account)?,
        }
        let entry = HistoryEntry {
            at: now,
            kind: HistoryKind::Configured,
            version: account.versions.current.map(|version| version.number),
            rotation: None,
            principal: Some(principal.to_owned()),
            class: None,
            detail: None,
        };
        // The history of an account of the same name that was deleted stays, and goes on.
        let first = self.history_end(subject)?;
        batch.put(history_name(subject, first), Require::Absent, &entry);
        account.history_next = first + 1;
        reschedule(&mut batch, None, &mut account);
        batch.put(subject.key(), Require::Absent, &account);
        (through.also)(&mut batch);
        Ok(self.engine.barrier().commit(batch).await?)
    }

    /// The number after the last history entry.
    pub(in crate::service) fn history_end(&self, subject: &Subject) -> Result<u64, AccountError> {
        let prefix = history_prefix(subject);
        let mut last: Option<Vec<u8>> = None;
        loop {
            let page = self.engine.barrier().names(Table::History, &prefix, last.as_deref(), super::PAGE)?;
            let full = page.len() == super::PAGE;
            last = page.last().cloned().or(last);
            if !full {
                break;
            }
        }
        let number = last.and_then(|name| Some(u64::from_be_bytes(*name.last_chunk::<8>()?)));
        Ok(number.map_or(0, |number| number + 1))
    }

    async fn change(
        &self,
        subject: &Subject,
        loaded: crate::barrier::Loaded<Account>,
        request: Configure,
        principal: &str,
        through: Through<'_>,
    ) -> Result<(), AccountError> {
        let now = self.engine.now();
        let require = loaded.require();
        let armed = loaded.value.armed;
        let mut account = loaded.value;
        if account.target != request.target || account.username != request.username {
            return Err(AccountError::Invalid(format!(
                "the target and username of an account cannot be changed (they are {} and {}); delete it and configure it anew",
                account.target, account.username
            )));
        }
        let rescheduled = account.settings.rotation_policy != request.settings.rotation_policy
            || account.settings.own_rotation != request.settings.own_rotation;
        let taken_up =
            through.origin.is_some() && account.origin.as_ref().is_some_and(|origin| origin.released);
        // Whoever writes a released account by hand makes it theirs: no role takes it up any more.
        account.origin = through.origin.cloned().or(account.origin.filter(|origin| !origin.released));
        let mut batch = self.engine.barrier().transaction()?;
        self.take_turns(&mut batch, &account, &request.settings)?;
        account.settings = request.settings;
        if let Some(password) = request.password {
            if !account.takes_known() {
                return Err(AccountError::State(
                    "a rotation is between states; let it end before you set a password by hand".to_owned(),
                ));
            }
            if account.lending.is_held() {
                return Err(AccountError::State("the account is checked out; check it in first".to_owned()));
            }
            adopt(self.engine.barrier(), &mut batch, &mut account, password, through.giver, now)?;
        }
        if rescheduled {
            account.next_rotation = self.due(&account)?;
        }
        if taken_up {
            // A crash before its first rotation does not forget that one.
            account.next_rotation = Some(now);
        }
        let mut plan = Plan::new(account);
        plan.note(HistoryKind::Configured, None, now);
        if let Some(entry) = plan.history.last_mut() {
            entry.principal = Some(principal.to_owned());
            let name = history_name(subject, plan.account.history_next);
            batch.put(name, Require::Absent, &*entry);
            plan.account.history_next += 1;
        }
        reschedule(&mut batch, armed, &mut plan.account);
        batch.put(subject.key(), require, &plan.account);
        (through.also)(&mut batch);
        Ok(self.engine.barrier().commit(batch).await?)
    }

    /// When an account is due by its policy, counted from its last rotation.
    pub(in crate::service) fn due(
        &self,
        account: &Account,
    ) -> Result<Option<vault_core::clock::Timestamp>, AccountError> {
        let draw = u64::from_le_bytes(vault_core::entropy::random_bytes(self.engine.entropy()));
        let policy = self.engine.rotation_policy(account)?;
        let now = self.engine.now();
        Ok(policy.map(|policy| next_due(&policy, account.last_rotation, now, draw)))
    }

    /// Logs in with the current version and notes what that shows.
    pub(in crate::service) async fn look(&self, subject: &Subject) -> Result<Probe, AccountError> {
        match self.engine.check_now(subject, Effect::Check).await {
            // Whoever set it is told by the status; a heartbeat looks as soon as that is safe.
            Err(ActError::HeldBack(held)) => {
                Ok(Probe::Inconclusive(Fault::new(FaultClass::Overdue, held.to_string())))
            }
            checked => Ok(checked?),
        }
    }
}

/// A role that takes a released account up rotates it, so nobody may hold it and nothing be open.
fn may_take_up(path: &AccountPath, account: &Account) -> Result<(), AccountError> {
    if account.lending.is_held() {
        return Err(AccountError::State(format!("the account {path} is checked out; check it in first")));
    }
    if account.stage != Stage::Idle && !account.stage.untouched() {
        return Err(AccountError::State(format!(
            "a rotation of the account {path} has not ended well; repair it before a role takes it up"
        )));
    }
    Ok(())
}
