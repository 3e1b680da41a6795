//! Trying a login before anything of it is stored.

use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Login, Probe, TargetSpec};

use super::TargetService;
use crate::engine::EFFECT_DEADLINE;
use crate::service::account::AccountError;

impl TargetService {
    /// Logs in once with a management credential that somebody gives, and stores nothing.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] for settings that the rotator refuses; what the target said is the answer.
    pub(in crate::service) async fn try_login(
        &self,
        rotator: &str,
        spec: &TargetSpec,
        login: &Login,
    ) -> Result<Result<(), Fault>, AccountError> {
        let unknown = || AccountError::Invalid(format!("there is no rotator {rotator:?}"));
        let rotator = self.engine.rotator(rotator).ok_or_else(unknown)?;
        rotator.validate(spec).map_err(AccountError::Invalid)?;
        rotator.validate_login(login).map_err(AccountError::Invalid)?;
        let probe = tokio::time::timeout(EFFECT_DEADLINE, rotator.probe(spec, login)).await;
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
