//! The end of tokens: a whole tree, or one token without its children.
//!
//! First every token of the tree is marked, parents before children, so that all are refused and no child
//! can be added; then what each holds is given back and the records go, children before parents.

use vault_core::clock::Timestamp;
use vault_core::identity::{Token, TokenDigest, TokenState, keys};
use vault_core::store::key::{Key, Table};

use super::{AccessorRecord, TokenService, TokenServiceError, due_name, replace};
use crate::barrier::{ATTEMPTS_MAX, CommitError};

impl TokenService {
    /// Revokes the token with this digest, its children, and what they hold. An unknown one is no error.
    ///
    /// # Errors
    /// [`TokenServiceError::Watcher`] when something could not be given back yet: the tokens are refused
    /// all the same, and the rest is tried again in the background.
    pub async fn revoke(&self, digest: &TokenDigest) -> Result<(), TokenServiceError> {
        let tree = self.mark_tree(digest).await?;
        for token in tree.iter().rev() {
            if let Err(error) = self.finish(token).await {
                self.ending.notify_one();
                return Err(error);
            }
        }
        Ok(())
    }

    /// Revokes the token alone; its children live on as orphans.
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke).
    pub async fn revoke_orphan(&self, digest: &TokenDigest) -> Result<(), TokenServiceError> {
        loop {
            let children = self.children(digest)?;
            if children.is_empty() {
                break;
            }
            for child in children {
                self.orphan(digest, &child).await?;
            }
        }
        self.revoke(digest).await
    }

    /// Marks the token and everything below it; returns them, parents before children.
    async fn mark_tree(&self, digest: &TokenDigest) -> Result<Vec<TokenDigest>, TokenServiceError> {
        let mut tree = Vec::new();
        let mut open = vec![*digest];
        while let Some(next) = open.pop() {
            self.mark(&next).await?;
            tree.push(next);
            // A token once marked gets no more children, so this list is complete.
            open.extend(self.children(&next)?);
        }
        Ok(tree)
    }

    async fn mark(&self, digest: &TokenDigest) -> Result<(), TokenServiceError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(loaded) = self.load(digest)? else { return Ok(()) };
            if loaded.value.state(Timestamp::EPOCH) == TokenState::Revoking {
                return Ok(());
            }
            let mut transaction = self.barrier.transaction()?;
            replace(&mut transaction, digest, &loaded, &loaded.value.revoking());
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Gives back what a marked token holds, and removes its records.
    async fn finish(&self, digest: &TokenDigest) -> Result<(), TokenServiceError> {
        if let Some(watcher) = self.watcher.get() {
            watcher.token_revoked(digest).await?;
        }
        // Nothing can be added any more: whoever writes there checks that the token lives.
        self.empty_cubbyhole(digest).await?;
        for _ in 0..ATTEMPTS_MAX {
            let Some(loaded) = self.load(digest)? else { return Ok(()) };
            let token = &loaded.value;
            let mut transaction = self.barrier.transaction()?;
            transaction.delete::<Token>(*digest.as_bytes(), loaded.revision);
            if let Some(revision) = self.barrier.revision::<AccessorRecord>(token.accessor().as_str())? {
                transaction.delete::<AccessorRecord>(token.accessor().as_str(), revision);
            }
            if let Some(parent) = token.parent() {
                let key = keys::child(parent, digest);
                if self.barrier.has_mark(key.table, &key.name)? {
                    transaction.unmark(key.table, key.name);
                }
            }
            if let Some(origin) = token.origin() {
                let key = keys::of_mount(origin.mount, digest);
                if self.barrier.has_mark(key.table, &key.name)? {
                    transaction.unmark(key.table, key.name);
                }
            }
            if let Some(name) = due_name(digest, token)
                && self.barrier.has_mark(Table::Due, &name)?
            {
                transaction.unmark(Table::Due, name);
            }
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    async fn empty_cubbyhole(&self, digest: &TokenDigest) -> Result<(), TokenServiceError> {
        loop {
            let page = self.barrier.revisions(Table::Cubbyhole, digest.as_bytes(), None, DELETED_AT_ONCE)?;
            if page.is_empty() {
                return Ok(());
            }
            let mut transaction = self.barrier.transaction()?;
            for (name, revision) in page {
                transaction.delete_key(Key::new(Table::Cubbyhole, name), revision);
            }
            match self.barrier.commit(transaction).await {
                // The re-wrap came between: look again.
                Ok(()) | Err(CommitError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn orphan(&self, parent: &TokenDigest, child: &TokenDigest) -> Result<(), TokenServiceError> {
        let key = keys::child(parent, child);
        for _ in 0..ATTEMPTS_MAX {
            let loaded = self.load(child)?;
            let mut transaction = self.barrier.transaction()?;
            match &loaded {
                Some(loaded) if loaded.value.parent() == Some(parent) => {
                    replace(&mut transaction, child, loaded, &loaded.value.orphaned());
                }
                // Gone since the list was read.
                Some(_) | None => return Ok(()),
            }
            transaction.unmark(key.table, key.name.clone());
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    fn children(&self, digest: &TokenDigest) -> Result<Vec<TokenDigest>, TokenServiceError> {
        let prefix = keys::children(digest);
        let mut children = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.barrier.names(prefix.table, &prefix.name, after.as_deref(), PAGE)?;
            let Some(last) = page.last() else { return Ok(children) };
            after = Some(last.clone());
            let key = |name| Key::new(Table::TokenChild, name);
            children.extend(page.into_iter().filter_map(|name: Vec<u8>| keys::child_of(&key(name))));
        }
    }
}

const PAGE: usize = 256;
/// Below the limit of a batch.
const DELETED_AT_ONCE: usize = 100;
