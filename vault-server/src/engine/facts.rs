//! Gathers the facts that a decision needs: the policies that apply, the present, fresh ids.

use std::time::Duration;

use vault_core::account::Account;
use vault_core::account::plan::Context;
use vault_core::entropy::random_bytes;
use vault_core::id::{IncidentId, RotationId};
use vault_core::password::PasswordPolicy;
use vault_core::rotation::grace::EARLY_AFTER_DEFAULT;
use vault_core::schedule::policy::{RETRIES_DEFAULT, RETRY_BASE_DEFAULT, RETRY_CAP_DEFAULT};
use vault_core::schedule::{RotationPolicy, next_due, within_window};
use vault_core::secret::SecretString;
use vault_core::target::OnDrift;

use super::Engine;
use super::record::StoredPasswordPolicy;
use crate::barrier::LoadError;

impl Engine {
    /// The context of one decision about `account`.
    pub(crate) fn context(&self, account: &Account) -> Result<Context, LoadError> {
        let now = self.now();
        let policy = self.rotation_policy(account)?;
        let draw = u64::from_le_bytes(random_bytes(self.entropy()));
        let target = self.target(&account.target)?.map(|loaded| loaded.value);
        let rotator = match &target {
            Some(target) => self.rotator(&target.rotator)?.map(|rotator| (rotator, &target.spec)),
            None => None,
        };
        let mints = rotator.as_ref().is_some_and(|(rotator, spec)| rotator.mints(spec));
        let overlaps = account.settings.alternate_username.is_some()
            || rotator.as_ref().is_some_and(|(rotator, spec)| rotator.overlaps(spec));
        let defaults = (RETRIES_DEFAULT, RETRY_BASE_DEFAULT, RETRY_CAP_DEFAULT);
        let (retries, retry_base, retry_cap) = policy
            .as_ref()
            .map_or(defaults, |policy| (policy.retries(), policy.retry_base(), policy.retry_cap()));
        let grace = policy.as_ref().map_or(Duration::ZERO, RotationPolicy::grace);
        let early_after = policy.as_ref().map_or(EARLY_AFTER_DEFAULT, RotationPolicy::early_after);
        let hold = policy.as_ref().map_or(Duration::ZERO, RotationPolicy::hold);
        Ok(Context {
            now,
            window_open: policy.as_ref().is_none_or(|policy| within_window(policy, now)),
            next_due: policy.map(|policy| next_due(&policy, Some(now), now, draw)),
            retries,
            retry_base,
            retry_cap,
            grace: if overlaps { grace } else { Duration::ZERO },
            early_after,
            hold,
            overlaps,
            mints,
            draw,
            rotation: RotationId::generate(now, self.entropy()),
            incident: IncidentId::generate(now, self.entropy()),
            group: self.outage(&account.target)?,
            heartbeat: target.as_ref().and_then(|target| self.heartbeat_of(account, target.heartbeats)),
            reconciles: target.as_ref().is_some_and(|target| {
                target.on_drift == OnDrift::Reconcile && self.maintenance(&target.name).is_none()
            }),
            circuit: self.circuit(&account.target).shut_until(),
        })
    }

    /// The rotation policy of an account; `None` when it has none, or none of that name exists any more.
    pub(crate) fn rotation_policy(&self, account: &Account) -> Result<Option<RotationPolicy>, LoadError> {
        if let Some(own) = &account.settings.own_rotation {
            return Ok(Some(own.clone()));
        }
        let Some(name) = &account.settings.rotation_policy else { return Ok(None) };
        Ok(self.inner.barrier.load::<RotationPolicy>(name.as_str())?.map(|loaded| loaded.value))
    }

    /// A new credential for an account: by its rotator where that makes them, otherwise by its password policy.
    pub(super) fn candidate(&self, account: &Account, stricter: bool) -> Result<SecretString, LoadError> {
        let made = match self.target(&account.target)? {
            Some(target) => self
                .rotator(&target.value.rotator)?
                .and_then(|rotator| rotator.candidate(&target.value.spec, self.entropy())),
            None => None,
        };
        if let Some(made) = made {
            return Ok(made);
        }
        let policy = self.password_policy(account)?;
        let policy = if stricter { policy.stricter() } else { policy };
        Ok(policy.generate(self.entropy()))
    }

    /// How passwords of an account are made.
    fn password_policy(&self, account: &Account) -> Result<PasswordPolicy, LoadError> {
        let name = match &account.settings.password_policy {
            Some(name) => Some(name.clone()),
            None => self.target(&account.target)?.and_then(|target| target.value.password_policy),
        };
        let Some(name) = name else { return Ok(PasswordPolicy::default()) };
        let stored = self.inner.barrier.load::<StoredPasswordPolicy>(name.as_str())?;
        // A policy that was checked when it was written parses; one that is gone leaves the default.
        Ok(stored.and_then(|stored| PasswordPolicy::parse(&stored.value.text).ok()).unwrap_or_default())
    }

    /// A target's record.
    pub(crate) fn target(
        &self,
        name: &vault_core::path::Name,
    ) -> Result<Option<crate::barrier::Loaded<vault_core::target::Target>>, LoadError> {
        self.inner.barrier.load(name.as_str())
    }
}
