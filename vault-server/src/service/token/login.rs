//! Tokens of logins: drawn first, then stored in the commit that decides about the login.

use vault_core::clock::Timestamp;
use vault_core::identity::{Limits, Login, TokenDigest, TokenKind, login};
use vault_core::mount::Mount;

use super::issue::{Issued, add};
use super::{TokenService, TokenServiceError};
use crate::barrier::Transaction;

/// A token that was drawn and is not stored yet.
pub(crate) struct Drawn {
    digest: TokenDigest,
    issued: Issued,
}

impl Drawn {
    /// What the holder gets, once the commit is done.
    pub(crate) fn into_issued(self) -> Issued {
        self.issued
    }
}

impl TokenService {
    /// What `mount` allows to the tokens of its logins.
    #[must_use]
    pub fn limits_of(&self, mount: &Mount) -> Limits {
        Limits {
            default_ttl: mount.tuning.default_ttl.unwrap_or(self.limits.default_ttl),
            max_ttl: mount.tuning.max_ttl.unwrap_or(self.limits.max_ttl),
        }
    }

    /// Draws the token of a login.
    pub(crate) fn draw(&self, asked: Login<'_>, now: Timestamp) -> Result<Drawn, TokenServiceError> {
        let created = login(asked, now, &*self.entropy)?;
        let plain = match created.token.kind() {
            TokenKind::Service => created.plain,
            TokenKind::Batch => self.seal_batch(&created.token)?,
        };
        let digest = self.digest(&plain)?;
        let issued = Issued { plain, token: created.token, warnings: created.warnings };
        Ok(Drawn { digest, issued })
    }
}

/// Stores a drawn token with the transaction.
pub(crate) fn add_drawn(transaction: &mut Transaction, drawn: &Drawn) {
    // A batch token is its own record.
    if drawn.issued.token.kind() == TokenKind::Service {
        add(transaction, &drawn.digest, &drawn.issued.token);
    }
}
