//! `auth/token/…`.

pub(super) mod create;
pub(super) mod lookup;
pub(super) mod renew;
pub(super) mod revoke;
pub(super) mod role;
pub(super) mod tidy;

use serde_json::Value;
use vault_api::AuthBlock;
use vault_core::clock::Timestamp;
use vault_core::identity::{Token, TokenKind};

use super::super::context::Context;
use super::super::error::ApiError;

/// The `auth` of an answer that carries a token. Without `plain` the text is left empty.
pub(super) fn auth(token: &Token, plain: &str, now: Timestamp) -> Result<Value, ApiError> {
    let block = AuthBlock {
        client_token: plain.to_owned().into(),
        accessor: shown_accessor(token),
        policies: token.policies().to_vec(),
        token_policies: token.policies().to_vec(),
        identity_policies: Vec::new(),
        metadata: Some(token.meta().clone()).filter(|meta| !meta.is_empty()),
        lease_duration: token.remaining(now).map_or(0, |left| left.as_secs()),
        renewable: token.is_renewable(),
        entity_id: token.entity_id().to_owned(),
        token_type: token.kind().as_str().to_owned(),
        orphan: token.is_orphan(),
        mfa_requirement: None,
        num_uses: token.num_uses().into(),
    };
    serde_json::to_value(block).map_err(|_| ApiError::Internal)
}

/// The accessor in answers; a batch token has none, since nothing is stored by which it could be found.
fn shown_accessor(token: &Token) -> String {
    match token.kind() {
        TokenKind::Service => token.accessor().to_string(),
        TokenKind::Batch => String::new(),
    }
}

/// The token that the body names.
fn named(context: &Context) -> Result<vault_core::secret::SecretString, ApiError> {
    context
        .fields()
        .secret("token")?
        .filter(|token| !token.expose().is_empty())
        .ok_or_else(|| ApiError::invalid("missing token ID"))
}
