//! Rehearsals: asked for by a person, told as a light with reasons.

use vault_api::rehearsal as wire;
use vault_core::account::Subject;
use vault_core::consumer::Standing;
use vault_core::path::AccountPath;
use vault_core::rehearsal::judge::{Code, Seen};
use vault_core::rehearsal::{Finding, Light, Rehearsal, Report};

use super::account::AccountError;
use crate::barrier::LoadError;
use crate::engine::rehearse::RehearseError;
use crate::engine::{ActError, Engine, OUTCOME_WAIT};
use crate::service::consumer::ConsumerService;

/// The rehearsals. Cheap to clone.
#[derive(Clone)]
pub struct RehearsalService {
    engine: Engine,
    consumers: ConsumerService,
}

impl RehearsalService {
    /// Rehearsals of the accounts that `engine` works on.
    #[must_use]
    pub fn new(engine: Engine, consumers: ConsumerService) -> Self {
        Self { engine, consumers }
    }

    /// Rehearses a rotation of an account; `None` when it goes on beside whoever asked.
    ///
    /// # Errors
    /// [`AccountError`] by cause. That a rotation would fail is no error.
    pub async fn rehearse(
        &self,
        path: &AccountPath,
        principal: &str,
    ) -> Result<Option<Report>, AccountError> {
        let subject = Subject::Account(path.clone());
        let Some(account) = self.engine.account(&subject)? else { return Err(AccountError::NotFound) };
        let known = match self.consumers.of(&account.value) {
            Ok(found) => lagging(found.standing(Standing::Lagging).map(|one| one.receipt.name.as_str())),
            Err(LoadError::Sealed) => return Err(LoadError::Sealed.into()),
            // Its receipts are damaged, which the log tells: the rest is rehearsed all the same.
            Err(_) => None,
        };
        let (engine, principal) = (self.engine.clone(), principal.to_owned());
        let work = async move { engine.rehearse(&subject, known.into_iter().collect(), &principal).await };
        match tokio::time::timeout(OUTCOME_WAIT, self.engine.begin(work)).await {
            Ok(Ok(report)) => Ok(Some(report?)),
            Ok(Err(_)) => {
                Err(AccountError::Busy("the rehearsal broke down; the log has the place".to_owned()))
            }
            Err(_) => Ok(None),
        }
    }

    /// The last report about an account, and the shadow that may be on its target.
    ///
    /// # Errors
    /// [`AccountError`] by cause; [`AccountError::NotFound`] also where nothing was rehearsed yet.
    pub fn last(&self, path: &AccountPath) -> Result<Rehearsal, AccountError> {
        let found = self.engine.rehearsal(&Subject::Account(path.clone()))?;
        found.filter(|rehearsal| rehearsal.last.is_some()).ok_or(AccountError::NotFound)
    }
}

/// A light as it is told.
pub(crate) fn light(light: Light) -> wire::Light {
    match light {
        Light::Green => wire::Light::Green,
        Light::Amber => wire::Light::Amber,
        Light::Red => wire::Light::Red,
    }
}

/// A finding as it is told.
pub(crate) fn finding(finding: &Finding) -> wire::Finding {
    wire::Finding {
        light: light(finding.light),
        code: finding.code.clone(),
        what: finding.what.clone(),
        mend: finding.mend.clone(),
    }
}

/// The last rehearsal, as an account's status tells it.
pub(super) fn summary(report: &Report) -> wire::LastRehearsal {
    wire::LastRehearsal {
        light: light(report.light()),
        at: report.ended_at.to_rfc3339(),
        codes: report.findings.iter().map(|finding| finding.code.clone()).collect(),
    }
}

/// Consumers of the last thirty days that hold another version than the current one.
fn lagging<'a>(names: impl Iterator<Item = &'a str>) -> Option<Finding> {
    let names: Vec<&str> = names.collect();
    let shown = names.iter().take(NAMES_SHOWN).copied().collect::<Vec<_>>().join(", ");
    let more = if names.len() > NAMES_SHOWN { ", …" } else { "" };
    let what =
        format!("{} live consumers hold another version than the current one: {shown}{more}", names.len());
    (!names.is_empty()).then(|| Seen::told(Code::ConsumersLag, what).finding())
}

impl From<RehearseError> for AccountError {
    fn from(error: RehearseError) -> Self {
        match error {
            RehearseError::NotFound => Self::NotFound,
            RehearseError::Busy(what) => Self::Busy(what.to_owned()),
            RehearseError::Plan(error) => Self::Act(ActError::Plan(error)),
        }
    }
}

const NAMES_SHOWN: usize = 10;
