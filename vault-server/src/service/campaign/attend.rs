//! Sees to it that each campaign that has something to do is driven, once.

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use vault_core::campaign::{Campaign, step};
use vault_core::id::CampaignId;

use super::{CampaignError, CampaignService, StateLabels};
use crate::barrier::LoadError;
use crate::shutdown::Shutdown;

impl CampaignService {
    /// Gives each campaign that has something to do a driver, until the shutdown.
    pub async fn run_until(self, shutdown: Shutdown) {
        let mut pulse = tokio::time::interval(PULSE);
        pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.begun() => return,
                _ = pulse.tick() => {}
                () = self.inner.work.notified() => {}
            }
            match self.list() {
                Ok(all) => {
                    self.count(&all);
                    for campaign in all {
                        self.attend(&campaign, &shutdown);
                    }
                }
                // While sealed there is nothing to look at.
                Err(LoadError::Sealed) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "the campaigns could not be read");
                }
            }
        }
    }

    fn attend(&self, campaign: &Campaign, shutdown: &Shutdown) {
        let id = campaign.id;
        if step::task(campaign) == step::Task::Rest || !self.driven().insert(id) {
            return;
        }
        let (service, stop) = (self.clone(), shutdown.clone());
        let driven = Driven { service: self.clone(), id };
        shutdown.spawn(async move {
            let _driven = driven;
            if let Err(error) = service.drive(id, &stop).await
                && !matches!(error, CampaignError::Load(LoadError::Sealed) | CampaignError::NotFound)
            {
                let error = &error as &dyn std::error::Error;
                tracing::error!(campaign = %id, error, "a campaign does not go on");
            }
        });
    }

    fn driven(&self) -> MutexGuard<'_, HashSet<CampaignId>> {
        self.inner.driven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, all: &[Campaign]) {
        let open = || all.iter().filter(|campaign| !campaign.is_over());
        let running = open().filter(|campaign| campaign.paused.is_none()).count();
        self.inner.running.set(i64::try_from(running).unwrap_or(i64::MAX));
        let sum = |state: &'static str, of: fn(&Campaign) -> u64| {
            let sum: u64 = open().map(of).sum();
            let gauge = self.inner.accounts.get_or_create(&StateLabels { state });
            gauge.set(i64::try_from(sum).unwrap_or(i64::MAX));
        };
        sum("rotated", |campaign| campaign.tally.rotated);
        sum("failed", |campaign| campaign.tally.failed);
        sum("skipped", |campaign| campaign.tally.skipped);
        sum("waiting", |campaign| campaign.tally.waiting);
        sum("remaining", |campaign| campaign.tally.remaining());
    }
}

/// A campaign that has a driver, until this is dropped: also if the driver breaks down.
struct Driven {
    service: CampaignService,
    id: CampaignId,
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.service.driven().remove(&self.id);
    }
}

/// Between two looks for campaigns without a driver.
const PULSE: Duration = Duration::from_secs(2);
