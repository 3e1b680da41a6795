//! What a person presses about an incident: what fits, what it would do, and doing it.
//!
//! The doors check the caller's right to the act itself ([`Action::path`]) before they come here.

mod group;
mod quiet;

use rotators::registry::plugin_name;
use vault_core::account::plan::Context;
use vault_core::account::{Account, Subject};
use vault_core::id::IncidentId;
use vault_core::identity::Principal;
use vault_core::incident::remedy::{
    Action, Foreseen, Remedy, Unfit, allowed, dry_run, fit, not_done, pressed,
};
use vault_core::incident::{Incident, IncidentState, Kind};
use vault_core::path::Name;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Login, Probe};
use vault_core::secret::SecretString;

use super::account::{AccountError, AccountService, Adoption, Configure, Rotated};
use super::incident::{IncidentService, RecordError};
use super::silence::SilenceError;
use super::target::{self, TargetService};
use crate::barrier::LoadError;
use crate::engine::previous::Tried;
use crate::engine::{ActError, Engine};

/// The remedies. Cheap to clone.
#[derive(Clone)]
pub struct RemedyService {
    engine: Engine,
    accounts: AccountService,
    targets: TargetService,
    incidents: IncidentService,
}

/// An incident, and how that stands which it is about.
pub struct Patient {
    /// The incident.
    pub incident: Incident,
    /// What it is about; `None` where there is nothing to press.
    pub subject: Option<Subject>,
    account: Option<(Account, Context)>,
}

impl Patient {
    /// The actions that fit now, with what each would do.
    #[must_use]
    pub fn actions(&self) -> Vec<(Remedy, Vec<Foreseen>)> {
        let Some((account, context)) = &self.account else { return Vec::new() };
        let fitting = self.remedies().into_iter();
        fitting.map(|remedy| (remedy, dry_run(remedy.action, account, context))).collect()
    }

    /// The actions that fit now and are about the account, not about its target as a whole.
    #[must_use]
    pub fn remedies(&self) -> Vec<Remedy> {
        let Some((account, context)) = &self.account else { return Vec::new() };
        let mut fitting = allowed(&self.incident, account, context);
        fitting.retain(|remedy| remedy.action != Action::Maintenance);
        fitting
    }

    /// Why there is nothing to press.
    #[must_use]
    pub fn nothing(&self) -> RemedyError {
        if self.is_group() { RemedyError::NameOne } else { RemedyError::Nothing }
    }

    /// The rotation policy of the account.
    #[must_use]
    pub fn rotation_policy(&self) -> Option<&Name> {
        self.account.as_ref().and_then(|(account, _)| account.settings.rotation_policy.as_ref())
    }

    /// Whether it is a target's incident as a whole.
    #[must_use]
    pub fn is_group(&self) -> bool {
        self.subject.is_none() && self.incident.kind == Kind::Target
    }

    /// What an action would do.
    ///
    /// # Errors
    /// [`RemedyError::Unfit`] or [`RemedyError::Nothing`].
    pub fn foresee(&self, action: Action) -> Result<Vec<Foreseen>, RemedyError> {
        if self.incident.state == IncidentState::Closed {
            return Err(Unfit::Closed.into());
        }
        let (account, context) = self.account.as_ref().ok_or_else(|| self.nothing())?;
        fit(action, &self.incident, account, context)?;
        Ok(dry_run(action, account, context))
    }
}

/// Why nothing was done, or what went wrong while it was done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemedyError {
    /// The incident is not about an account or a management credential.
    #[error(
        "there is nothing to press: the incident is not about one account; its leases are tried again by \
         themselves, and sys/leases/revoke names a parked one again"
    )]
    Nothing,
    /// It does not fit how the account stands.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// It is about more than one account.
    #[error(
        "the incident is a target's: name one of the accounts beneath it (account); only retry is for all of them"
    )]
    NameOne,
    /// A password is missing.
    #[error("set_password needs the password")]
    NoPassword,
    /// What became of the act.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The time line could not be written.
    #[error(transparent)]
    Written(#[from] crate::engine::commit::PlanError),
    /// A record could not be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The maintenance was not declared.
    #[error(transparent)]
    Silence(#[from] SilenceError),
}

impl From<RecordError> for RemedyError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::State(text) => Self::Account(AccountError::State(text.to_owned())),
            RecordError::Plan(error) => Self::Written(error),
        }
    }
}

impl From<ActError> for RemedyError {
    fn from(error: ActError) -> Self {
        Self::Account(match error {
            ActError::NotFound => AccountError::NotFound,
            error => AccountError::Act(error),
        })
    }
}

impl RemedyService {
    /// The remedies over these services.
    #[must_use]
    pub fn new(
        engine: Engine,
        accounts: AccountService,
        targets: TargetService,
        incidents: IncidentService,
    ) -> Self {
        Self { engine, accounts, targets, incidents }
    }

    /// An incident and its account; of a target's incident the member that `account` names, or the only one. `None`
    /// when there is no such incident, or no such account is, or was, beneath it.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn look(&self, id: IncidentId, account: Option<&str>) -> Result<Option<Patient>, LoadError> {
        let Some(loaded) = self.engine.barrier().load::<Incident>(*id.as_bytes())? else { return Ok(None) };
        let Some(incident) = self.narrowed(loaded.value, account)? else { return Ok(None) };
        self.patient(incident).map(Some)
    }

    /// The plugin that serves the target of an incident, if one does.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn plugin_of(&self, incident: &Incident) -> Result<Option<String>, LoadError> {
        let Ok(name) = Name::parse(&incident.target) else { return Ok(None) };
        let target = self.engine.target(&name)?;
        Ok(target.and_then(|target| plugin_name(&target.value.rotator).map(str::to_owned)))
    }

    fn patient(&self, incident: Incident) -> Result<Patient, LoadError> {
        let subject = Subject::from_key(&incident.subject);
        let account = match &subject {
            Some(subject) => self.engine.account(subject)?.map(|loaded| loaded.value),
            None => None,
        };
        let account = match account {
            Some(account) => Some((self.engine.context(&account)?, account)),
            None => None,
        };
        let account = account.map(|(context, account)| (account, context));
        Ok(Patient { incident, subject, account })
    }

    /// Does it. What was pressed is in the time line before it is done, and that it did not succeed after.
    ///
    /// # Errors
    /// [`RemedyError`] by cause.
    pub async fn act(
        &self,
        patient: &Patient,
        action: Action,
        password: Option<SecretString>,
        by: &Principal,
    ) -> Result<Rotated, RemedyError> {
        patient.foresee(action)?;
        let subject = patient.subject.as_ref().ok_or_else(|| patient.nothing())?;
        if action == Action::SetPassword && password.is_none() {
            return Err(RemedyError::NoPassword);
        }
        let (id, name) = (patient.incident.id, by.display_name().to_owned());
        let pressed = pressed(id, self.engine.now(), name.clone(), action);
        self.incidents.record(&patient.naming(pressed)).await?;
        let done = match action {
            Action::Retry | Action::Unpark => {
                self.accounts.rotate_subject(subject, false, &name).await.map_err(RemedyError::from)
            }
            Action::Reconcile => self.reconcile(subject, &name).await,
            Action::UsePrevious => self.use_previous(subject, &name).await,
            Action::SetPassword => self.set_password(subject, password, by).await,
            // Of the target as a whole: `maintain`.
            Action::Maintenance => Err(Unfit::OtherClass.into()),
        };
        if let Err(error) = &done {
            let event = not_done(id, self.engine.now(), name, action, &error.to_string());
            self.incidents.record(&patient.naming(event)).await?;
        }
        done
    }

    async fn reconcile(&self, subject: &Subject, by: &str) -> Result<Rotated, RemedyError> {
        let Subject::Account(path) = subject else { return Err(Unfit::OtherClass.into()) };
        Ok(self.accounts.reconcile(path, by).await?)
    }

    async fn use_previous(&self, subject: &Subject, by: &str) -> Result<Rotated, RemedyError> {
        let fault = match self.engine.use_previous(subject, by).await? {
            Tried::Served(version) => return Ok(Rotated::Done { version }),
            Tried::Unfit(unfit) => return Err(Unfit::from(unfit).into()),
            Tried::NotServed(Probe::Blocked(fault) | Probe::Inconclusive(fault)) => fault,
            Tried::NotServed(Probe::Refused | Probe::Works) => Fault::new(
                FaultClass::Drift,
                "the target refuses the previous version too; nothing was changed",
            ),
        };
        Err(self.target_said(subject, fault)?)
    }

    /// A password is tried before anything is stored, so that a wrong one changes nothing.
    async fn set_password(
        &self,
        subject: &Subject,
        password: Option<SecretString>,
        by: &Principal,
    ) -> Result<Rotated, RemedyError> {
        let password = password.ok_or(RemedyError::NoPassword)?;
        let Some(account) = self.engine.account(subject)?.map(|loaded| loaded.value) else {
            return Err(AccountError::NotFound.into());
        };
        let Some(target) = self.engine.target(&account.target)?.map(|loaded| loaded.value) else {
            return Err(AccountError::NotFound.into());
        };
        let login = Login { username: account.username.clone(), password: password.duplicate() };
        let tried = self.targets.try_login(&target.rotator, &target.spec, &login, Some(&target)).await?;
        if let Err(fault) = tried {
            let fault = match (fault.class, subject) {
                (FaultClass::ManagementAuthRefused, Subject::Account(_)) => {
                    Fault::new(FaultClass::Drift, "the target refuses the given password; nothing was stored")
                }
                _ => fault,
            };
            return Err(self.target_said(subject, fault)?);
        }
        match subject {
            Subject::Account(path) => {
                let request = Configure {
                    target: account.target,
                    username: account.username,
                    password: Some(password),
                    settings: account.settings,
                    adoption: Adoption::AtOnce,
                };
                self.accounts.configure(path, request, by).await?;
            }
            Subject::Management(name) => {
                let request = target::Configure {
                    rotator: target.rotator,
                    spec: target.spec,
                    username: target.username,
                    password: Some(password),
                    concurrency: None,
                    rotation_policy: account.settings.rotation_policy,
                    allowed_usernames: None,
                    password_policy: target.password_policy,
                    heartbeats: None,
                    on_drift: None,
                    lockout: None,
                    team: None,
                };
                self.targets.configure(name, request, by).await?;
            }
        }
        let stored = self.engine.account(subject)?.and_then(|loaded| loaded.value.versions.current);
        Ok(Rotated::Done { version: stored.map_or(0, |version| version.number) })
    }

    fn target_said(&self, subject: &Subject, fault: Fault) -> Result<RemedyError, RemedyError> {
        let Some(loaded) = self.engine.account(subject)? else { return Err(AccountError::NotFound.into()) };
        let status = Box::new(self.accounts.view(&loaded.value)?);
        Ok(AccountError::Target { fault, status }.into())
    }

    /// The state word and the version that is served, as they are now.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn standing(&self, subject: &Subject) -> Result<Option<(String, u64)>, LoadError> {
        let Some(loaded) = self.engine.account(subject)? else { return Ok(None) };
        let view = self.accounts.view(&loaded.value)?;
        Ok(Some((view.state.word().to_owned(), view.version)))
    }
}
