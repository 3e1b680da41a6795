//! What waits for a management credential to be mended goes on once it is, whoever has mended it and however that was seen.

use vault_core::account::plan::Plan;
use vault_core::account::{Account, Health, Subject};
use vault_core::path::Name;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::run::Stage;
use vault_core::rotation::step;

use super::act::ActError;
use super::drive::Chain;
use super::record::{Managed, managed_prefix};
use super::{Engine, READ_WAIT};
use crate::barrier::LoadError;

impl Engine {
    /// Has those go on that wait for it, if `plan`, decided upon `before`, is the first to show that the target lets a
    /// management credential in: after it was refused, or after somebody has told another one.
    pub(super) fn hear_mended(&self, before: &Account, plan: &Plan) {
        let Subject::Management(target) = &before.subject else { return };
        let was_proven = matches!(before.health, Health::Verified(_));
        if !was_proven && matches!(plan.account.health, Health::Verified(_)) {
            let (engine, target) = (self.clone(), target.clone());
            self.spawn(async move {
                if let Err(error) = engine.resume_parked(&target).await {
                    let error = Chain(&error);
                    tracing::warn!(target_name = %target, %error, "what waits for a management credential still does");
                }
            });
        }
    }

    /// Lets the accounts of a target go on that were parked because the management credential was refused; its own rotation
    /// among them.
    ///
    /// # Errors
    /// [`ActError`] by cause; those before go on then.
    pub(crate) async fn resume_parked(&self, target: &Name) -> Result<(), ActError> {
        for key in self.subjects_on(target)? {
            let Some(subject) = Subject::from_key(&key) else { continue };
            // Who is being worked on finds out by themselves; but whoever has just looked at the management credential is
            // about to let it go.
            let flight = match subject {
                Subject::Management(_) => self.flights().take(&key, READ_WAIT).await,
                Subject::Account(_) => self.flights().try_take(&key),
            };
            let Some(flight) = flight else { continue };
            self.act(flight, &subject, |account, context| {
                let refused = account.stage.run().and_then(|run| run.fault.as_ref());
                let refused = refused.is_some_and(|fault| fault.class == FaultClass::ManagementAuthRefused);
                let cause = account.stage.run().map(|run| run.cause.clone());
                match (&account.stage, cause) {
                    (Stage::Parked { .. }, Some(cause)) if refused => {
                        (step::request(account, cause, context).ok(), ())
                    }
                    _ => (None, ()),
                }
            })
            .await?;
        }
        Ok(())
    }

    /// The accounts of a target, as [`Subject::key`]; its management credential among them.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub(crate) fn subjects_on(&self, target: &Name) -> Result<Vec<String>, LoadError> {
        let prefix = managed_prefix(target);
        let mut subjects = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.barrier().list::<Managed>(&prefix, after.as_deref(), PAGE)?;
            let full = page.len() == PAGE;
            after = page.last().map(|(name, _)| name.clone());
            subjects.extend(page.into_iter().map(|(_, managed)| managed.value.subject));
            if !full {
                // One account may have two names.
                subjects.sort_unstable();
                subjects.dedup();
                return Ok(subjects);
            }
        }
    }
}

/// Records read at a time.
const PAGE: usize = 500;
