//! Targets: where accounts live, and the management credential by which the vault acts there.

mod circuit;
mod remove;
mod verify;

use vault_api::target::{TargetRead, TargetStatus};
use vault_core::account::{Account, Settings, Subject};
use vault_core::identity::Principal;
use vault_core::path::Name;
use vault_core::rotation::port::{Login, Probe, TargetSpec};
use vault_core::schedule::{RotationPolicy, span};
use vault_core::secret::SecretString;
use vault_core::store::batch::Require;
use vault_core::target::lockout::Lockout;
use vault_core::target::pace::Heartbeats;
use vault_core::target::{CONCURRENCY_DEFAULT, CONCURRENCY_MAX, OnDrift, Target};
use vault_core::team::Team;

use self::circuit::circuit;
pub use self::remove::Disposal;

use super::account::{AccountError, AccountService, Rotated, Through};
use crate::barrier::{LoadError, Loaded};
use crate::engine::commit::{adopt, reschedule};
use crate::engine::record::{Managed, StoredPasswordPolicy, managed_name};
use crate::engine::{Engine, READ_WAIT};

/// The targets. Cheap to clone.
#[derive(Clone)]
pub struct TargetService {
    engine: Engine,
    accounts: AccountService,
}

/// What a person configures.
#[derive(Debug)]
pub struct Configure {
    /// The kind of rotator.
    pub rotator: String,
    /// Address and settings.
    pub spec: TargetSpec,
    /// The name of the management credential.
    pub username: String,
    /// Its password; `None` keeps the stored one.
    pub password: Option<SecretString>,
    /// Accounts worked on at once.
    pub concurrency: Option<u64>,
    /// When the management credential rotates by itself.
    pub rotation_policy: Option<Name>,
    /// Which names may be managed; `None` keeps what is stored.
    pub allowed_usernames: Option<Vec<String>>,
    /// How candidates are made of accounts that name no policy.
    pub password_policy: Option<Name>,
    /// How often its credentials are looked at; `None` keeps what is stored.
    pub heartbeats: Option<Heartbeats>,
    /// What is done about a credential that was changed outside; `None` keeps what is stored.
    pub on_drift: Option<OnDrift>,
    /// When it locks an account; `None` keeps what is stored.
    pub lockout: Option<Lockout>,
    /// Who looks after it; `None` keeps what is stored.
    pub team: Option<Option<Team>>,
}

impl TargetService {
    /// The targets that `engine` acts on.
    #[must_use]
    pub fn new(engine: Engine, accounts: AccountService) -> Self {
        Self { engine, accounts }
    }

    /// Whether the target is configured.
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn exists(&self, name: &Name) -> Result<bool, LoadError> {
        Ok(self.engine.target(name)?.is_some())
    }

    /// Makes or changes a target.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub async fn configure(
        &self,
        name: &Name,
        request: Configure,
        principal: &Principal,
    ) -> Result<(), AccountError> {
        let through = Through { giver: Some(principal), ..Through::NOTHING };
        self.configure_through(name, request, through).await
    }

    /// As [`configure`](Self::configure), for an engine whose records name the target.
    ///
    /// # Errors
    /// [`AccountError`] by cause; nothing was committed.
    pub(in crate::service) async fn configure_through(
        &self,
        name: &Name,
        request: Configure,
        through: Through<'_>,
    ) -> Result<(), AccountError> {
        let references = self.engine.references().read().await;
        self.validate(&request)?;
        let subject = Subject::Management(name.clone());
        let Some(flight) = self.engine.flights().take(&subject.key(), READ_WAIT).await else {
            return Err(AccountError::Busy(format!(
                "the management credential of {name} is being rotated; try again in a moment"
            )));
        };
        let (new_password, is_guarded_anew) = (request.password.is_some(), request.lockout.is_some());
        match self.engine.target(name)? {
            None => self.create(name, request, through).await?,
            Some(target) if through.is_foreign(target.value.origin.as_ref()) => {
                return Err(AccountError::State(format!(
                    "the target {name} was configured meanwhile; try again"
                )));
            }
            Some(target) => self.change(target, &subject, request, through).await?,
        }
        drop((flight, references));
        self.engine.hasten_circuit(name);
        if is_guarded_anew {
            self.resume_held(name).await?;
        }
        if new_password && self.is_trusted(&subject).await? {
            self.engine.resume_parked(name).await?;
        }
        Ok(())
    }

    /// Whether the management credential may be used by those who waited for it. One with an open incident
    /// is tried first, alone, and by that its incident closes.
    async fn is_trusted(&self, subject: &Subject) -> Result<bool, AccountError> {
        let manager = self.engine.account(subject)?;
        if manager.is_none_or(|manager| manager.value.incident.is_none()) {
            return Ok(true);
        }
        Ok(self.accounts.look(subject).await? == Probe::Works)
    }

    fn validate(&self, request: &Configure) -> Result<(), AccountError> {
        let Some(rotator) = self.engine.rotator(&request.rotator)? else {
            let kinds: Vec<&str> = self.engine.rotator_kinds().collect();
            return Err(AccountError::Invalid(format!(
                "there is no rotator {:?}; use one of: {}; or plugin:<name> for a plugin that is registered",
                request.rotator,
                kinds.join(", ")
            )));
        };
        rotator.validate(&request.spec).map_err(AccountError::Invalid)?;
        if request.username.is_empty() {
            return Err(AccountError::Invalid(
                "username is missing: the management credential's name".to_owned(),
            ));
        }
        if let Some(password) = &request.password {
            let login = Login { username: request.username.clone(), password: password.duplicate() };
            rotator.validate_login(&login).map_err(AccountError::Invalid)?;
        }
        if let Some(policy) = &request.rotation_policy
            && self.engine.barrier().load::<RotationPolicy>(policy.as_str())?.is_none()
        {
            return Err(AccountError::Invalid(format!(
                "the rotation policy {policy} is not configured; write rotation-policies/{policy} first"
            )));
        }
        if let Some(policy) = &request.password_policy
            && self.engine.barrier().load::<StoredPasswordPolicy>(policy.as_str())?.is_none()
        {
            return Err(AccountError::Invalid(format!(
                "the password policy {policy} is not configured; write password-policies/{policy} first"
            )));
        }
        match request.concurrency {
            Some(0) => Err(AccountError::Invalid("max_concurrency must be at least 1".to_owned())),
            Some(count) if count > u64::from(CONCURRENCY_MAX) => {
                Err(AccountError::Invalid(format!("max_concurrency must be at most {CONCURRENCY_MAX}")))
            }
            _ => Ok(()),
        }
    }

    async fn create(
        &self,
        name: &Name,
        request: Configure,
        through: Through<'_>,
    ) -> Result<(), AccountError> {
        let Some(password) = request.password else {
            return Err(AccountError::Invalid(
                "password is missing: a new target needs its management password".to_owned(),
            ));
        };
        let now = self.engine.now();
        let subject = Subject::Management(name.clone());
        let target = Target {
            name: name.clone(),
            rotator: request.rotator,
            spec: request.spec,
            username: request.username.clone(),
            concurrency: concurrency(request.concurrency),
            allowed_usernames: request.allowed_usernames.unwrap_or_default(),
            password_policy: request.password_policy,
            origin: through.origin.cloned(),
            created_at: now,
            heartbeats: request.heartbeats.unwrap_or_default(),
            on_drift: request.on_drift.unwrap_or_default(),
            lockout: request.lockout.unwrap_or_default(),
            team: request.team.flatten(),
        };
        let settings = Settings { rotation_policy: request.rotation_policy, ..Settings::default() };
        let mut account =
            Account::new(subject.clone(), name.clone(), request.username.clone(), settings, now);
        let mut batch = self.engine.barrier().transaction()?;
        adopt(self.engine.barrier(), &mut batch, &mut account, password, through.giver, now)?;
        account.history_next = self.accounts.history_end(&subject)?;
        account.next_rotation = self.accounts.due(&account)?;
        reschedule(&mut batch, None, &mut account);
        batch.put(name.as_str(), Require::Absent, &target);
        batch.put(subject.key(), Require::Absent, &account);
        batch.put(
            managed_name(name, &request.username),
            Require::Absent,
            &Managed { subject: subject.key() },
        );
        (through.also)(&mut batch);
        Ok(self.engine.barrier().commit(batch).await?)
    }

    async fn change(
        &self,
        stored: Loaded<Target>,
        subject: &Subject,
        request: Configure,
        through: Through<'_>,
    ) -> Result<(), AccountError> {
        let require = stored.require();
        let mut target = stored.value;
        if target.rotator != request.rotator || target.username != request.username {
            return Err(AccountError::Invalid(format!(
                "the rotator and username of a target cannot be changed (they are {} and {}); delete it and configure it anew",
                target.rotator, target.username
            )));
        }
        if target.spec != request.spec && request.password.is_none() {
            return Err(AccountError::Invalid(
                "give the management password again when the connection_url or a setting of the connection \
                 changes: the stored one is not shown to an address, or by a trust, that somebody without it \
                 names"
                    .to_owned(),
            ));
        }
        target.origin = through.origin.cloned().or(target.origin);
        target.spec = request.spec;
        target.password_policy = request.password_policy;
        target.on_drift = request.on_drift.unwrap_or(target.on_drift);
        target.lockout = request.lockout.unwrap_or(target.lockout);
        target.heartbeats = request.heartbeats.unwrap_or(target.heartbeats);
        target.team = request.team.unwrap_or(target.team);
        if let Some(allowed) = request.allowed_usernames {
            target.allowed_usernames = allowed;
        }
        if request.concurrency.is_some() {
            target.concurrency = concurrency(request.concurrency);
        }
        let Some(manager) = self.engine.account(subject)? else { return Err(AccountError::NotFound) };
        let armed = manager.value.armed;
        let manager_require = manager.require();
        let mut account = manager.value;
        let mut batch = self.engine.barrier().transaction()?;
        if let Some(password) = request.password {
            if !account.takes_known() {
                return Err(AccountError::State(
                    "the management credential's own rotation is between states; let it end before you set a password by hand".to_owned(),
                ));
            }
            let now = self.engine.now();
            if !account.stage.untouched() {
                self.prove(&target, &account, &password).await?;
            }
            adopt(self.engine.barrier(), &mut batch, &mut account, password, through.giver, now)?;
        }
        if account.settings.rotation_policy != request.rotation_policy {
            account.settings.rotation_policy = request.rotation_policy;
            account.next_rotation = self.accounts.due(&account)?;
        }
        reschedule(&mut batch, armed, &mut account);
        batch.put(target.name.as_str(), require, &target);
        batch.put(subject.key(), manager_require, &account);
        (through.also)(&mut batch);
        Ok(self.engine.barrier().commit(batch).await?)
    }

    /// Logs in with a password that is to take the place of one that a rotation has promoted.
    async fn prove(
        &self,
        target: &Target,
        account: &Account,
        password: &SecretString,
    ) -> Result<(), AccountError> {
        let login = Login { username: account.username.clone(), password: password.duplicate() };
        match self.try_login(&target.rotator, &target.spec, &login, Some(target)).await? {
            Ok(()) => Ok(()),
            Err(fault) => Err(AccountError::Target { fault, status: Box::new(self.accounts.view(account)?) }),
        }
    }

    /// The target's record, and the rotation policy of its management credential.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn config(&self, name: &Name) -> Result<Option<(Target, Option<Name>)>, LoadError> {
        let Some(target) = self.engine.target(name)? else { return Ok(None) };
        let manager = self.engine.account(&Subject::Management(name.clone()))?;
        let policy = manager.and_then(|manager| manager.value.settings.rotation_policy);
        Ok(Some((target.value, policy)))
    }

    /// What is configured; never the password.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub fn read(&self, name: &Name) -> Result<TargetRead, AccountError> {
        let Some(target) = self.engine.target(name)? else { return Err(AccountError::NotFound) };
        let manager = self.engine.account(&Subject::Management(name.clone()))?;
        let target = target.value;
        let settings = target.spec.settings.into_iter().map(|(key, value)| (key, value.into())).collect();
        Ok(TargetRead {
            rotator: target.rotator,
            connection_url: target.spec.connection_url,
            username: target.username,
            version: manager
                .and_then(|manager| manager.value.versions.current)
                .map_or(0, |current| current.number),
            max_concurrency: Some(u64::from(target.concurrency)),
            allowed_usernames: target.allowed_usernames,
            password_policy: target.password_policy.map(String::from),
            on_drift: target.on_drift.word().to_owned(),
            lockout_threshold: u64::from(target.lockout.threshold),
            lockout_window: span::format(target.lockout.window),
            heartbeat: span::format(target.heartbeats.every),
            heartbeat_rate: u64::from(target.heartbeats.rate),
            team: target.team.map(String::from),
            released: target.origin.as_ref().map(|origin| origin.released),
            belongs_to: target.origin.map(|origin| format!("config {} of a database mount", origin.name)),
            settings,
        })
    }

    /// The names of all targets.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn list(&self) -> Result<Vec<String>, LoadError> {
        let names =
            self.engine.barrier().names(vault_core::store::key::Table::Target, &[], None, TARGETS_MAX)?;
        Ok(names.into_iter().filter_map(|name| String::from_utf8(name).ok()).collect())
    }

    /// How a target and its management credential stand.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub fn status(&self, name: &Name) -> Result<TargetStatus, AccountError> {
        let Some(target) = self.engine.target(name)? else { return Err(AccountError::NotFound) };
        let Some(manager) = self.engine.account(&Subject::Management(name.clone()))? else {
            return Err(AccountError::NotFound);
        };
        let view = self.accounts.view(&manager.value)?;
        let accounts = self.engine.subjects_on(name)?.iter().filter(|key| key.starts_with("a/")).count();
        Ok(TargetStatus {
            rotator: target.value.rotator,
            state: view.state.word().to_owned(),
            version: view.version,
            last_rotation: view.last_rotation,
            accounts: Some(accounts as u64),
            circuit: circuit(self.engine.circuit(name)),
            lockout: view.lockout,
            silenced: view.silenced,
            team: target.value.team.map(String::from),
            failure: view.failure,
        })
    }

    /// Rotates the management credential, through itself.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub async fn rotate(&self, name: &Name, principal: &str) -> Result<Rotated, AccountError> {
        self.accounts.rotate_subject(&Subject::Management(name.clone()), false, principal).await
    }
}

fn concurrency(asked: Option<u64>) -> u32 {
    asked.and_then(|count| u32::try_from(count).ok()).unwrap_or(CONCURRENCY_DEFAULT)
}

/// Most targets that one listing shows.
const TARGETS_MAX: usize = 10_000;
