//! Queues messages that found no room in the commit of what they tell.

use vault_core::id::WebhookId;
use vault_core::store::batch::Require;
use vault_core::store::key::Table;
use vault_core::webhook::bundle::{Bundle, bundles_key};

use super::{WebhookError, WebhookService};
use crate::barrier::CommitError;

impl WebhookService {
    /// Queues what is bundled for a webhook.
    pub(super) async fn unbundle(&self, id: WebhookId) -> Result<(), WebhookError> {
        let (prefix, mut after) = (bundles_key(id), None::<Vec<u8>>);
        loop {
            let names = self.barrier.names(Table::WebhookNote, &prefix, after.as_deref(), 1)?;
            let Some(name) = names.into_iter().next() else { return Ok(()) };
            while self.unbundle_some(id, &name).await? {}
            after = Some(name);
        }
    }

    /// Queues some of one bundle, in the commit that takes them from it; `false` where nothing is left of it.
    async fn unbundle_some(&self, id: WebhookId, name: &[u8]) -> Result<bool, WebhookError> {
        let bundle = match self.barrier.load::<Bundle>(name) {
            Ok(Some(bundle)) => bundle,
            Ok(None) => return Ok(false),
            Err(error) if error.is_damage() => {
                tracing::error!(%error, "messages that are to be queued cannot be read; they are passed over");
                self.drop_keys(Table::WebhookNote, vec![name.to_vec()]).await?;
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        };
        let (revision, due) = (bundle.revision, bundle.value.due);
        let (some, rest) = bundle.value.split(TOGETHER);
        let mut batch = self.barrier.transaction()?;
        for delivery in some {
            self.outbox.put_message(&mut batch, id, delivery, due)?;
        }
        match &rest {
            Some(rest) => {
                batch.put(name, Require::At(revision), rest);
            }
            None => {
                batch.delete::<Bundle>(name, revision);
            }
        }
        match self.barrier.commit(batch).await {
            Ok(()) => Ok(rest.is_some()),
            Err(CommitError::Conflict) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}

/// Messages that are queued in one commit: no more than others have, so that nobody's waits for a long one.
const TOGETHER: usize = 25;
