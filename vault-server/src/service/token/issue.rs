//! Makes and renews tokens.

use std::time::Duration;

use vault_core::clock::Timestamp;
use vault_core::crypto::Keyring;
use vault_core::entropy::Entropy;
use vault_core::identity::{
    CreateToken, Limits, Parent, PlainToken, RenewalTerms, Token, TokenDigest, TokenError, TokenKind, create,
    initial_root, keys, renew,
};
use vault_core::secret::SecretString;
use vault_core::store::batch::Require;
use vault_core::store::key::Table;

use super::{AccessorRecord, Caller, TokenService, TokenServiceError, due_name, replace};
use crate::barrier::{ATTEMPTS_MAX, CommitError, Transaction};

/// A token that was made and stored.
#[derive(Debug)]
pub struct Issued {
    /// The text, to be shown once.
    pub plain: PlainToken,
    /// The record.
    pub token: Token,
    /// What was granted differently from what was asked.
    pub warnings: Vec<String>,
}

impl TokenService {
    /// Makes a child of the caller's token; `sudo` when the caller has it on the path that was asked.
    ///
    /// # Errors
    /// [`TokenServiceError::Rule`] by the rule that was broken.
    pub async fn create(
        &self,
        request: CreateToken,
        caller: &Caller,
        sudo: Privilege,
        now: Timestamp,
    ) -> Result<Issued, TokenServiceError> {
        if caller.token.kind() == TokenKind::Batch {
            return Err(TokenError::ParentBatch.into());
        }
        let digest = *caller.principal.token();
        let parent = self.load(&digest)?.ok_or(TokenServiceError::Unknown)?;
        let asker = Parent { digest, token: &parent.value, sudo: sudo == Privilege::Sudo };
        let created = create(request, asker, self.limits, now, &*self.entropy)?;
        if created.token.kind() == TokenKind::Batch {
            let plain = self.seal_batch(&created.token)?;
            return Ok(Issued { plain, token: created.token, warnings: created.warnings });
        }
        let child = self.digest(&created.plain)?;
        if self.load(&child)?.is_some() {
            return Err(TokenError::IdTaken.into());
        }
        let mut transaction = self.barrier.transaction()?;
        add(&mut transaction, &child, &created.token);
        if let Some(parent_digest) = created.token.parent() {
            let key = keys::child(parent_digest, &child);
            transaction.mark(key.table, key.name);
        }
        // A parent that is revoked in between must not leave a child behind.
        transaction.check::<Token>(*digest.as_bytes(), parent.require());
        match self.barrier.commit(transaction).await {
            // The parent changed (a renewal, a re-wrap, its end) or the text was taken: both are rare, and
            // the text that was drawn is not to be drawn again for nothing, so only the store is asked again.
            Err(CommitError::Conflict) => {
                self.create_again(&digest, &child, &created.token, now).await?;
            }
            outcome => outcome?,
        }
        Ok(Issued { plain: created.plain, token: created.token, warnings: created.warnings })
    }

    async fn create_again(
        &self,
        parent: &TokenDigest,
        child: &TokenDigest,
        token: &Token,
        now: Timestamp,
    ) -> Result<(), TokenServiceError> {
        for _ in 0..ATTEMPTS_MAX {
            if self.load(child)?.is_some() {
                return Err(TokenError::IdTaken.into());
            }
            let current = self.live(parent, now)?;
            let mut transaction = self.barrier.transaction()?;
            add(&mut transaction, child, token);
            if let Some(parent_digest) = token.parent() {
                let key = keys::child(parent_digest, child);
                transaction.mark(key.table, key.name);
            }
            transaction.check::<Token>(*parent.as_bytes(), current.require());
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Gives the token with this digest more time; the new record, and warnings. `limits` are those of the
    /// mount where its holder logged in; `None` for the vault's own.
    ///
    /// # Errors
    /// [`TokenServiceError::Rule`] by the rule that was broken.
    pub async fn renew(
        &self,
        digest: &TokenDigest,
        increment: Option<Duration>,
        (terms, limits): (&RenewalTerms, Option<Limits>),
        now: Timestamp,
    ) -> Result<(Token, Vec<String>), TokenServiceError> {
        for _ in 0..ATTEMPTS_MAX {
            let loaded = self.live(digest, now)?;
            let (renewed, warnings) =
                renew(&loaded.value, increment, terms, now, limits.unwrap_or(self.limits))?;
            let mut transaction = self.barrier.transaction()?;
            replace(&mut transaction, digest, &loaded, &renewed);
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                Ok(()) => return Ok((renewed, warnings)),
                Err(error) => return Err(error.into()),
            }
        }
        Err(CommitError::Conflict.into())
    }
}

/// Whether the caller has `sudo` on the path that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// The capability alone.
    Ordinary,
    /// `sudo`.
    Sudo,
}

/// Adds the first root token to the transaction that initialises a vault.
pub(crate) fn add_initial_root(
    transaction: &mut Transaction,
    keyring: &Keyring,
    chosen: Option<SecretString>,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<PlainToken, TokenError> {
    let (plain, token) = initial_root(chosen, now, entropy)?;
    let digest = plain.digest(|text| keyring.token_key().hmac_sha256(text));
    add(transaction, &digest, &token);
    Ok(plain)
}

pub(super) fn add(transaction: &mut Transaction, digest: &TokenDigest, token: &Token) {
    transaction.put(*digest.as_bytes(), Require::Absent, token);
    transaction.put(token.accessor().as_str(), Require::Absent, &AccessorRecord { digest: *digest });
    if let Some(name) = due_name(digest, token) {
        transaction.mark(Table::Due, name);
    }
    if let Some(origin) = token.origin() {
        let key = keys::of_mount(origin.mount, digest);
        transaction.mark(key.table, key.name);
    }
}
