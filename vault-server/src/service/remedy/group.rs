//! What a person presses about the incident of a target: for one account beneath it, or for all of them.

use vault_core::account::Subject;
use vault_core::id::IncidentId;
use vault_core::identity::Principal;
use vault_core::incident::group::Member;
use vault_core::incident::ledger::LedgerEvent;
use vault_core::incident::remedy::Action;
use vault_core::incident::{Incident, Kind};
use vault_core::rotation::run::Cause;
use vault_core::rotation::step;

use super::{Patient, RemedyError, RemedyService};
use crate::barrier::LoadError;
use crate::engine::ActError;
use crate::engine::group::{member_name, members};

impl Patient {
    /// What is written of an act, with the account that it is about, where that does not go without saying.
    pub(super) fn naming(&self, mut event: LedgerEvent) -> LedgerEvent {
        if let (LedgerEvent::Note { text, .. }, Kind::Target, Some(subject)) =
            (&mut event, self.incident.kind, &self.subject)
        {
            *text = format!("{subject}: {text}");
        }
        event
    }
}

impl RemedyService {
    /// The incident as it is for the account that is named; `None` when that has nothing to do with it.
    pub(super) fn narrowed(
        &self,
        incident: Incident,
        account: Option<&str>,
    ) -> Result<Option<Incident>, LoadError> {
        let Some(account) = account else { return self.alone(incident).map(Some) };
        // By the name that is shown of it, too: an account may be called like its target.
        let shown = incident.target.as_str();
        let is_shown = account.strip_prefix(MANAGEMENT_OF).is_some_and(|target| target == shown);
        let manager = format!("m/{}", if is_shown { shown } else { account });
        let path = format!("a/{account}");
        if incident.kind == Kind::Account {
            return Ok([path, manager].contains(&incident.subject).then_some(incident));
        }
        for subject in [path, manager] {
            let name = member_name(incident.id, &subject);
            if let Some(member) = self.engine.barrier().load::<Member>(name)? {
                return Ok(Some(as_of(incident, member.value)));
            }
        }
        Ok(None)
    }

    /// The incident of a target with one account beneath it, and never another, is about that one. Where others come
    /// and go, it may be another account by the time that something is pressed.
    fn alone(&self, incident: Incident) -> Result<Incident, LoadError> {
        if incident.kind == Kind::Account || incident.members.now != 1 || incident.members.ever != 1 {
            return Ok(incident);
        }
        let inside = members(self.engine.barrier(), incident.id)?.into_iter().find(Member::is_in);
        Ok(match inside {
            Some(member) => as_of(incident, member),
            None => incident,
        })
    }

    /// Each account that is beneath the incident of a target.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn beneath(&self, incident: &Incident) -> Result<Vec<Patient>, LoadError> {
        let inside = members(self.engine.barrier(), incident.id)?.into_iter().filter(Member::is_in);
        inside.map(|member| self.patient(as_of(incident.clone(), member))).collect()
    }

    /// Tries each of them at once; gives how many were set going. Nobody waits for what comes of it.
    ///
    /// # Errors
    /// [`RemedyError`] by cause; those before have been set going then.
    pub async fn retry_all(
        &self,
        incident: IncidentId,
        patients: &[Patient],
        by: &Principal,
    ) -> Result<u64, RemedyError> {
        let by = by.display_name().to_owned();
        let text = format!("pressed {} for {} accounts", Action::Retry.as_str(), patients.len());
        let at = self.engine.now();
        let note = LedgerEvent::Note { incident, at, by: by.clone(), text, staff_minutes: 0 };
        self.incidents.record(&note).await?;
        let mut begun = 0;
        for subject in patients.iter().filter_map(|patient| patient.subject.as_ref()) {
            match self.retry_one(incident, subject, &by).await {
                Ok(has_begun) => begun += u64::from(has_begun),
                // The others are tried all the same.
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(%subject, error, "an account beneath an incident could not be tried");
                }
            }
        }
        Ok(begun)
    }

    async fn retry_one(
        &self,
        incident: IncidentId,
        subject: &Subject,
        by: &str,
    ) -> Result<bool, RemedyError> {
        // Whoever is at it tries it already.
        let Some(flight) = self.engine.flights().try_take(&subject.key()) else { return Ok(false) };
        let acted = self.engine.act(flight, subject, |account, context| {
            if account.incident != Some(incident) {
                return (None, false);
            }
            let cause = Cause::Demand { principal: by.to_owned() };
            let plan = step::request(account, cause, context).ok();
            let begins = plan.is_some();
            (plan, begins)
        });
        match acted.await {
            Ok(acted) => Ok(acted.value),
            Err(ActError::NotFound) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// What the shown name of a management credential begins with: [`Subject`]'s own words.
const MANAGEMENT_OF: &str = "management credential of ";

/// The incident of a target as it is for one account beneath it.
fn as_of(incident: Incident, member: Member) -> Incident {
    Incident {
        subject: member.subject,
        class: member.class,
        phase: member.phase,
        detail: member.detail,
        ..incident
    }
}
