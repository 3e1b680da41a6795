//! Batch tokens: self-contained, so they cost no commit; they end by their time, or with what they stand on.
//!
//! ```text
//!   hvb.  base64url( envelope under the batch key ( version (1) ‖ MessagePack of the Token ) )
//! ```

use rmp_serde::Serializer;
use serde::Serialize;
use vault_core::clock::Timestamp;
use vault_core::identity::{PlainToken, Token, TokenError, TokenKind, TokenState};
use vault_core::mount::Mount;
use zeroize::Zeroizing;

use super::{TokenService, TokenServiceError};

impl TokenService {
    /// The text that is a batch token's record.
    pub(super) fn seal_batch(&self, token: &Token) -> Result<PlainToken, TokenServiceError> {
        let mut record = Zeroizing::new(Vec::with_capacity(RECORD_RESERVED));
        record.push(VERSION);
        let mut serializer = Serializer::new(&mut *record).with_struct_map();
        let encoded = token.serialize(&mut serializer);
        encoded.map_err(|_| TokenServiceError::Rule(TokenError::MetaTooLarge))?;
        let sealed = self.barrier.keyring()?.seal_batch_token(&record, &*self.entropy);
        PlainToken::batch(&sealed).ok_or(TokenServiceError::Rule(TokenError::MetaTooLarge))
    }

    /// The record that a batch token is, while its parent and the mount of its login are there.
    pub(super) fn open_batch(
        &self,
        plain: &PlainToken,
        now: Timestamp,
    ) -> Result<Option<Token>, TokenServiceError> {
        let Some(sealed) = plain.batch_body() else { return Ok(None) };
        let Some(record) = self.barrier.keyring()?.open_batch_token(&sealed) else { return Ok(None) };
        let token = match record.split_first() {
            Some((&VERSION, body)) => rmp_serde::from_slice::<Token>(body).ok(),
            Some(_) | None => None,
        };
        let Some(token) = token.filter(|token| token.kind() == TokenKind::Batch) else { return Ok(None) };
        Ok(if self.stands(&token, now)? { Some(token) } else { None })
    }

    fn stands(&self, token: &Token, now: Timestamp) -> Result<bool, TokenServiceError> {
        if let Some(origin) = token.origin() {
            let mount = self.barrier.load::<Mount>(*origin.mount.as_bytes())?;
            if mount.is_none_or(|mount| mount.value.ending) {
                return Ok(false);
            }
        }
        match token.parent() {
            None => Ok(true),
            Some(parent) => {
                Ok(self.load(parent)?.is_some_and(|parent| parent.value.state(now) == TokenState::Live))
            }
        }
    }
}

const VERSION: u8 = 1;
const RECORD_RESERVED: usize = 1024;
