//! Has the version before served again, because a person says so: one login, and only if it works one commit.

use vault_core::account::Subject;
use vault_core::account::plan::Effect;
use vault_core::rotation::port::Probe;
use vault_core::rotation::previous::{Unfit, ask, tried};
use vault_core::rotation::step::Event;

use super::{ActError, Engine, OUTCOME_WAIT};

/// What came of it.
#[derive(Debug)]
pub enum Tried {
    /// This version is served again.
    Served(u64),
    /// It cannot come back; the target was not asked.
    Unfit(Unfit),
    /// The target did not let it in; nothing has changed.
    NotServed(Probe),
}

impl Engine {
    /// Tries the previous version of `subject`, and serves it if it logs in.
    ///
    /// # Errors
    /// [`ActError`] by cause; nothing has changed then.
    pub async fn use_previous(&self, subject: &Subject, by: &str) -> Result<Tried, ActError> {
        let Some(_flight) = self.inner.flights.take(&subject.key(), OUTCOME_WAIT).await else {
            return Ok(Tried::Unfit(Unfit::Active));
        };
        let _place = self.place(subject).await;
        let Some(account) = self.account(subject)? else { return Err(ActError::NotFound) };
        let (version, effect) = match ask(&account.value) {
            Ok(asked) => asked,
            Err(unfit) => return Ok(Tried::Unfit(unfit)),
        };
        let target = self.target(&account.value.target)?.map(|loaded| loaded.value);
        let turn = match (&target, effect) {
            (Some(target), Effect::CheckPrevious { settle: true }) => self.turn_to_prepare(target).await?,
            _ => None,
        };
        let called = self.call(&account.value, effect).await??;
        if let Some(turned) = self.hear(&account.value.target, subject, called.evidence()).await {
            self.turn_circuit(&account.value.target, turned).await;
        }
        let event = called.event;
        if let Some(refused) = called.managed_by.filter(|_| event.management_refused()) {
            if let Some(target) = &target {
                self.inner.gates.note(target, false);
            }
            self.note_refused_management(&account.value.target, refused).await;
        }
        drop(turn);
        let Event::CheckedPrevious(probe) = event else {
            self.settle_bills(&called.brought.bills).await?;
            return Ok(Tried::Unfit(Unfit::Active));
        };
        let served = self
            .decide_with(subject, &called.brought, |account, context| {
                tried(account, version.number, &probe, by, context)
            })
            .await?;
        Ok(match (served, probe) {
            (Some(_), _) => Tried::Served(version.number),
            (None, Probe::Works) => Tried::Unfit(Unfit::Active),
            (None, probe) => Tried::NotServed(probe),
        })
    }
}
