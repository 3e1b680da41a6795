//! Brings together what an effect needs: target, plugin, management credential, stored versions.

use std::sync::Arc;

use vault_core::account::plan::Effect;
use vault_core::account::{Account, Readable, Subject, Version};
use vault_core::path::Name;
use vault_core::rotation::due::untried;
use vault_core::rotation::execute::{StoredVersion, own_order};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Login, Rotator};
use vault_core::target::Target;

use super::Engine;
use super::record::{Secret, secret_name};
use crate::barrier::LoadError;

/// The owned parts of a bench.
pub(super) struct Tools {
    pub(super) target: Target,
    pub(super) rotator: Arc<dyn Rotator>,
    pub(super) management: Vec<Login>,
    /// The version of the target's management credential in `management`, unless the account is that
    /// credential itself.
    pub(super) managed_by: Option<u64>,
    pub(super) pending: Option<StoredVersion>,
    pub(super) current: Option<StoredVersion>,
    pub(super) previous: Option<StoredVersion>,
}

/// Why there is no bench: a fault to report, or the vault itself.
pub(super) enum NoTools {
    /// The effect cannot run; the core decides what that means.
    Fault(Fault),
    /// The vault is sealed or its store failed: stop, and recover later.
    Load(LoadError),
}

impl From<LoadError> for NoTools {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

impl Engine {
    pub(super) fn tools(&self, account: &Account, effect: Effect) -> Result<Tools, NoTools> {
        let missing = |what: String| NoTools::Fault(Fault::new(FaultClass::Preflight, what));
        let target = self.target(&account.target)?.map(|loaded| loaded.value);
        let target =
            target.ok_or_else(|| missing(format!("the target {} is not configured", account.target)))?;
        let rotator = self
            .rotator(&target.rotator)?
            .ok_or_else(|| missing(format!("no rotator serves the kind {}", target.rotator)))?;
        let alone = effect == Effect::Verify && rotator.verifies_alone();
        let (management, managed_by) = self.management(account, effect, alone)?;
        let needed = |version: Option<Version>| self.needed(account, version);
        let (pending, current, previous) = (
            needed(account.versions.pending)?,
            needed(account.versions.current)?,
            needed(account.versions.previous)?,
        );
        Ok(Tools { target, rotator, management, managed_by, pending, current, previous })
    }

    /// The credentials to act with. One that the target has refused is not tried again by anybody until
    /// a person has looked: the next refusal might lock it out.
    /// What does without it, `alone`, is not kept waiting by that.
    fn management(
        &self,
        account: &Account,
        effect: Effect,
        alone: bool,
    ) -> Result<(Vec<Login>, Option<u64>), NoTools> {
        // A login of the account's own needs nobody else.
        if matches!(effect, Effect::Check | Effect::CheckPrevious { settle: false }) {
            return Ok((Vec::new(), None));
        }
        if account.is_refused_to_the_clock(effect) {
            return Err(NoTools::Fault(untried()));
        }
        if let Subject::Management(_) = account.subject {
            return Ok((self.logins(account, &own_order(effect, &account.versions))?, None));
        }
        if alone
            && let Some(manager) = self.account(&Subject::Management(account.target.clone()))?
            && let Some(version) = manager.value.versions.current
        {
            return Ok((self.logins(&manager.value, &[version.number])?, None));
        }
        self.management_of(&account.target)
    }

    /// The credential by which the vault acts on `target` for others, and its version.
    pub(super) fn management_of(&self, target: &Name) -> Result<(Vec<Login>, Option<u64>), NoTools> {
        let subject = Subject::Management(target.clone());
        let Some(manager) = self.account(&subject)? else { return Ok((Vec::new(), None)) };
        let manager = manager.value;
        let fault = |class, detail: &str| Err(NoTools::Fault(Fault::new(class, detail)));
        match manager.readable() {
            Readable::Yes(version) => {
                let target = self.target(target)?;
                let held = target.map_or(Ok(None), |target| self.management_held_back(&target.value))?;
                if let Some(held) = held {
                    return fault(FaultClass::Overdue, &held.to_string());
                }
                Ok((self.logins(&manager, &[version])?, Some(version)))
            }
            Readable::Refused => fault(
                FaultClass::ManagementAuthRefused,
                "the target has refused the management credential; it is not tried again before it is mended",
            ),
            Readable::Doubtful(_) | Readable::Changing => {
                fault(FaultClass::Ambiguous, "the management credential is being changed itself")
            }
            Readable::NotYet => fault(FaultClass::Preflight, "the target has no management credential"),
        }
    }

    fn logins(&self, account: &Account, versions: &[u64]) -> Result<Vec<Login>, NoTools> {
        let mut logins = Vec::with_capacity(versions.len());
        for &version in versions {
            logins.extend(self.stored(account, version)?.map(|stored| stored.login));
        }
        Ok(logins)
    }

    /// A version that the account's record names. That its secret is missing is never taken for
    /// "there is no such version": nothing would be proved about it.
    fn needed(&self, account: &Account, version: Option<Version>) -> Result<Option<StoredVersion>, NoTools> {
        let Some(Version { number, .. }) = version else { return Ok(None) };
        let missing =
            || format!("the stored password of version {number} is missing; restore the vault from a backup");
        match self.stored(account, number)? {
            None => Err(NoTools::Fault(Fault::new(FaultClass::StoreFailed, missing()))),
            found => Ok(found),
        }
    }

    /// The stored secret of one version, with the name that it opens.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub(crate) fn stored(&self, account: &Account, version: u64) -> Result<Option<StoredVersion>, LoadError> {
        let loaded = self.inner.barrier.load::<Secret>(secret_name(&account.subject, version))?;
        Ok(loaded.map(|loaded| {
            let Secret { password, username, handle } = loaded.value;
            let username = username.unwrap_or_else(|| account.username.clone());
            StoredVersion { number: version, login: Login { username, password }, handle }
        }))
    }
}
