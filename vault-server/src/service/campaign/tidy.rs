//! Only so many campaigns are kept when they are over.

use vault_core::campaign::Campaign;
use vault_core::id::CampaignId;
use vault_core::store::key::{Key, Table};

use super::{CampaignError, CampaignService, TOGETHER};
use crate::barrier::CommitError;

impl CampaignService {
    /// Removes the oldest campaigns that are over, with their accounts, so that a certain number is kept.
    pub(super) async fn tidy(&self) -> Result<(), CampaignError> {
        let all = self.list()?;
        for old in all.iter().skip(KEPT_MAX).filter(|old| old.is_over()) {
            self.remove(old.id).await?;
        }
        Ok(())
    }

    async fn remove(&self, id: CampaignId) -> Result<(), CampaignError> {
        let barrier = self.inner.engine.barrier();
        loop {
            // The accounts first: what is left after a crash still has its campaign.
            let page = barrier.revisions(Table::CampaignItem, id.as_bytes(), None, TOGETHER)?;
            let mut batch = barrier.transaction()?;
            let is_last = page.len() < TOGETHER;
            for (name, revision) in page {
                batch.delete_key(Key::new(Table::CampaignItem, name), revision);
            }
            if is_last && let Some(revision) = barrier.revision::<Campaign>(*id.as_bytes())? {
                batch.delete::<Campaign>(*id.as_bytes(), revision);
            }
            match barrier.commit(batch).await {
                Ok(()) if is_last => return Ok(()),
                Ok(()) | Err(CommitError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Campaigns that are kept when they are over.
const KEPT_MAX: usize = 100;
