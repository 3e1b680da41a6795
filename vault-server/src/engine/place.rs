//! A place at a target: who waits for whom before anything is called.
//!
//! Accounts take one place each; the management credential takes all of them while it is changed, because
//! the accounts act by it. After a crash it may be between two passwords although nobody works on it: then
//! it is recovered before any of its accounts.

use tokio::sync::OwnedSemaphorePermit;
use vault_core::account::{Readable, Subject};
use vault_core::path::Name;
use vault_core::rotation::port::BoxFuture;
use vault_core::rotation::step::{self, OVERDUE_AFTER};
use vault_core::target::Target;

use super::drive::Chain;
use super::gate::Entrant;
use super::{Engine, OUTCOME_WAIT};

impl Engine {
    /// Waits for a place at the account's target, for its rotation. A long wait is no secret: it opens an
    /// incident.
    pub(super) async fn turn(&self, subject: &Subject) -> Option<OwnedSemaphorePermit> {
        let mut place = std::pin::pin!(self.place(subject));
        if let Ok(place) = tokio::time::timeout(OVERDUE_AFTER, &mut place).await {
            return place;
        }
        if let Err(error) = self.decide(subject, step::queued).await {
            tracing::warn!(subject = %subject, error = %Chain(&error), "a long wait for a target was not noted");
        }
        place.await
    }

    /// Waits for a place at the account's target. `None` where there is no such target.
    pub(super) async fn place(&self, subject: &Subject) -> Option<OwnedSemaphorePermit> {
        let target = self.account(subject).ok().flatten()?.value.target;
        let target = self.target(&target).ok().flatten()?.value;
        if let Subject::Management(_) = subject {
            return self.inner.gates.enter(&target, Entrant::Management).await;
        }
        self.place_at(&target).await
    }

    /// Waits for a place at `target` for one account, or user, among others.
    pub(super) async fn place_at(&self, target: &Target) -> Option<OwnedSemaphorePermit> {
        let place = self.inner.gates.enter(target, Entrant::Account).await;
        if !self.is_management_between(&target.name) {
            return place;
        }
        // Whoever changes the management credential has all places. So with one in hand, this is the work of
        // a process that died.
        drop(place);
        self.recover_management(target.name.clone()).await;
        self.inner.gates.enter(target, Entrant::Account).await
    }

    /// Whether it is not known at this moment which management credential the target takes.
    fn is_management_between(&self, target: &Name) -> bool {
        let manager = self.account(&Subject::Management(target.clone())).ok().flatten();
        let readable = manager.map(|manager| manager.value.readable());
        matches!(readable, Some(Readable::Changing | Readable::Doubtful(_)))
    }

    /// Begins the recovery of the management credential, unless it is under way, and waits for its end.
    ///
    /// Boxed, because what it begins waits for a place as well.
    fn recover_management(&self, target: Name) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let manager = Subject::Management(target);
            self.attend(manager.clone(), self.now()).await;
            drop(self.inner.flights.take(&manager.key(), OUTCOME_WAIT).await);
        })
    }
}
