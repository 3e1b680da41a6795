//! The one remedy that is about a target as a whole: to say that it is in maintenance.

use vault_core::clock::Timestamp;
use vault_core::id::IncidentId;
use vault_core::incident::remedy::{Action, Foreseen, fit_target, maintained, maintenance, not_done};
use vault_core::path::Name;
use vault_core::silence::foresee::Outlook;

use super::{Patient, RemedyError, RemedyService};
use crate::service::silence::SilenceService;

impl Patient {
    /// The target that may be said to be in maintenance.
    ///
    /// # Errors
    /// [`RemedyError::Unfit`] when the incident is over, [`RemedyError::Nothing`] when it is about no target.
    pub fn target(&self) -> Result<Name, RemedyError> {
        fit_target(&self.incident)?;
        Name::parse(&self.incident.target).map_err(|_| RemedyError::Nothing)
    }

    /// What a maintenance would do that nobody has said the end of; one that lasts is to end at `before`.
    #[must_use]
    pub fn outlook_of(&self, target: Name, before: Option<Timestamp>) -> Vec<Foreseen> {
        self.postponed(&Outlook::of_maintenance(target, before))
    }

    fn postponed(&self, outlook: &Outlook) -> Vec<Foreseen> {
        maintenance(outlook, self.account.as_ref().map(|(account, _)| account))
    }
}

impl RemedyService {
    /// What a maintenance of the target until then would do, and of which incident that is. Nothing is done. It counts by
    /// reading each account of the target, so not for a thread that answers requests.
    ///
    /// # Errors
    /// [`RemedyError::Silence`] when there can be no such maintenance.
    pub fn foresee_maintenance(
        &self,
        patient: &Patient,
        (target, until, reason): (Name, Timestamp, String),
        by: &str,
    ) -> Result<(IncidentId, Vec<Foreseen>), RemedyError> {
        let (_, outlook) = self.silences().looked_ahead(target, until, reason, by)?;
        Ok((patient.incident.id, patient.postponed(&outlook)))
    }

    /// Declares it, or gives the one that lasts another end. That it was pressed is in the time line before it is done, and
    /// that it did not succeed after.
    ///
    /// # Errors
    /// [`RemedyError`] by cause.
    pub async fn maintain(
        &self,
        incident: IncidentId,
        target: Name,
        until: Timestamp,
        reason: String,
        by: &str,
    ) -> Result<(), RemedyError> {
        let now = self.engine.now();
        self.incidents.record(&maintained(incident, now, by.to_owned(), until, &reason)).await?;
        let done = self.silences().maintain(target, until, reason, by).await;
        if let Err(error) = &done {
            let now = self.engine.now();
            let event = not_done(incident, now, by.to_owned(), Action::Maintenance, &error.to_string());
            self.incidents.record(&event).await?;
        }
        done?;
        Ok(())
    }

    fn silences(&self) -> SilenceService {
        SilenceService::new(self.engine.clone())
    }
}
