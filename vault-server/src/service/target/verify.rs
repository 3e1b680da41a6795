//! Looking whether the management credential works: a stored one, or one that is about to be stored.

use vault_api::target::TargetCheck;
use vault_core::account::{Health, Readable, Subject};
use vault_core::path::Name;
use vault_core::rehearsal::judge::{Code, Seen};
use vault_core::rehearsal::{Finding, worst};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::lockout::{let_go, of_check, of_probe};
use vault_core::rotation::port::{CheckReport, Login, Probe, TargetSpec};
use vault_core::target::Target;
use vault_core::target::lockout::Login as Shown;

use super::TargetService;
use crate::engine::{ActError, EFFECT_DEADLINE};
use crate::service::account::AccountError;
use crate::service::rehearsal::{finding, light};

/// A report of the rotator's, as it is told.
fn told(report: CheckReport) -> TargetCheck {
    let warned = |warning: &String| Seen::told(Code::TargetWarning, warning.as_str()).finding();
    let findings: Vec<Finding> = report.warnings.iter().map(warned).collect();
    TargetCheck {
        server: report.server,
        passed: report.passed,
        warnings: report.warnings,
        light: light(worst(&findings)),
        findings: findings.iter().map(finding).collect(),
    }
}

impl TargetService {
    /// Logs in with the management credential and looks whether it can do its work.
    ///
    /// # Errors
    /// [`AccountError`] by cause; [`AccountError::Target`] with the class of what is wrong.
    pub async fn check(&self, name: &Name) -> Result<TargetCheck, AccountError> {
        let Some(target) = self.engine.target(name)? else { return Err(AccountError::NotFound) };
        let target = target.value;
        let subject = Subject::Management(name.clone());
        let Some(manager) = self.engine.account(&subject)? else { return Err(AccountError::NotFound) };
        let manager = manager.value;
        let version = match (manager.readable(), manager.versions.current) {
            (Readable::Yes(version), _) => version,
            // A person asks: then it is tried again.
            (Readable::Refused, Some(current)) => current.number,
            _ => {
                return Err(AccountError::Busy(
                    "the management credential is being changed; try again in a moment".to_owned(),
                ));
            }
        };
        let rotator = self.engine.rotator(&target.rotator)?.ok_or(AccountError::NotFound)?;
        let Some(stored) = self.engine.stored(&manager, version)? else {
            return Err(AccountError::Busy(
                "the management credential is being changed; try again in a moment".to_owned(),
            ));
        };
        let call = async {
            let call = rotator.check(&target.spec, &stored.login);
            let result = tokio::time::timeout(EFFECT_DEADLINE, call).await;
            let shown = result.as_ref().map_or(Some(Shown::Refused), of_check);
            let unanswered = || Fault::new(FaultClass::Unreachable, "the target did not answer in time");
            (result.unwrap_or_else(|_| Err(unanswered())), shown)
        };
        let seat = self.engine.seat(&target).await?;
        let checked = self.engine.guarded_login(&target, &target.username, call).await;
        let result = checked.map_err(ActError::from)?.map_err(ActError::from)?;
        self.engine.hear_call(name, result.as_ref().err()).await;
        match result {
            Ok(report) => {
                // What follows waits for places, and who has one may wait for the seat.
                drop(seat);
                if manager.health != Health::Unknown || manager.incident.is_some() {
                    self.accounts.look(&subject).await?;
                }
                self.engine.resume_parked(name).await?;
                Ok(told(report))
            }
            Err(fault) => {
                if fault.class == FaultClass::ManagementAuthRefused {
                    self.engine.note_refused_management(name, version).await;
                }
                drop(seat);
                let status = Box::new(self.accounts.view(&manager)?);
                Err(AccountError::Target { fault, status })
            }
        }
    }

    /// Lets those go on that the lockout guard holds, by what the target says now about when it locks.
    pub(super) async fn resume_held(&self, name: &Name) -> Result<(), AccountError> {
        for key in self.engine.subjects_on(name)? {
            let Some(subject) = Subject::from_key(&key) else { continue };
            let Some(flight) = self.engine.flights().try_take(&key) else { continue };
            self.engine.act(flight, &subject, |account, context| (let_go(account, context), ())).await?;
        }
        Ok(())
    }

    /// Logs in once with a management credential that somebody gives, and stores nothing.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] for settings that the rotator refuses; [`AccountError::Act`] where the lockout guard of
    /// `known`, the target that this is, holds it back; what the target said is the answer.
    pub(in crate::service) async fn try_login(
        &self,
        rotator: &str,
        spec: &TargetSpec,
        login: &Login,
        known: Option<&Target>,
    ) -> Result<Result<(), Fault>, AccountError> {
        let unknown = || AccountError::Invalid(format!("there is no rotator {rotator:?}"));
        let rotator = self.engine.rotator(rotator)?.ok_or_else(unknown)?;
        rotator.validate(spec).map_err(AccountError::Invalid)?;
        rotator.validate_login(login).map_err(AccountError::Invalid)?;
        let call = async {
            let probe = tokio::time::timeout(EFFECT_DEADLINE, rotator.probe(spec, login)).await;
            let shown = probe.as_ref().map_or(Some(Shown::Refused), of_probe);
            (probe, shown)
        };
        let probe = match known {
            Some(target) => {
                let tried = self.engine.guarded_login(target, &login.username, call).await;
                tried.map_err(ActError::from)?.map_err(ActError::from)?
            }
            None => call.await.0,
        };
        Ok(match probe {
            Ok(Probe::Works) => Ok(()),
            Ok(Probe::Refused) => Err(Fault::new(
                FaultClass::ManagementAuthRefused,
                format!("password authentication failed for user {:?}", login.username),
            )),
            Ok(Probe::Blocked(fault) | Probe::Inconclusive(fault)) => Err(fault),
            Err(_) => Err(Fault::new(FaultClass::Unreachable, "the target did not answer in time")),
        })
    }
}
