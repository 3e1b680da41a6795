//! `sys/seal-status`, `sys/unseal`, `sys/seal`.

use vault_api::seal::SealStatus as WireStatus;
use vault_core::secret::SecretBytes;

use crate::VERSION;
use crate::http::answer::Answer;
use crate::http::context::{Context, OpenContext};
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::service::seal::{SealService, SealState, decode_share};

pub(in crate::http::routes) async fn status(context: OpenContext) -> Result<Answer, ApiError> {
    wire_status(&context.app.seal)
}

pub(in crate::http::routes) async fn unseal(context: OpenContext) -> Result<Answer, ApiError> {
    let (seal, fields) = (&context.app.seal, &context.request.fields);
    if seal.state() == SealState::Uninitialised {
        return Err(ApiError::invalid("Vault is not initialized"));
    }
    if fields.flag("migrate")? == Some(true) {
        return Err(ApiError::invalid("'migrate' is not supported; leave it out"));
    }
    if fields.flag("reset")? == Some(true) {
        seal.reset().await;
    } else {
        let share = share(fields, seal.status().kind)?;
        seal.unseal(share).await?;
    }
    wire_status(seal)
}

pub(in crate::http::routes) async fn seal(context: Context) -> Result<Answer, ApiError> {
    context.app.seal.seal().await;
    Ok(Answer::nothing())
}

/// A passphrase as it is; a share in hex, or else in base64.
pub(super) fn share(fields: &Fields, kind: &str) -> Result<SecretBytes, ApiError> {
    if let Some(passphrase) = fields.secret("passphrase")?.filter(|text| !text.expose().is_empty()) {
        return Ok(SecretBytes::new(passphrase.expose().as_bytes().to_vec()));
    }
    let key = fields.secret("key")?.filter(|key| !key.expose().is_empty());
    let key = key.ok_or_else(|| {
        ApiError::invalid("'key' must be specified in request body as JSON, or 'reset' set to true")
    })?;
    let text = key.expose();
    decode_share(text, kind).ok_or_else(|| ApiError::invalid("'key' must be a valid hex or base64 string"))
}

fn wire_status(seal: &SealService) -> Result<Answer, ApiError> {
    let status = seal.status();
    let unsealed = status.state == SealState::Unsealed;
    let cluster = status.cluster.clone().filter(|_| unsealed);
    let wire = WireStatus {
        kind: status.kind.to_owned(),
        initialized: status.state != SealState::Uninitialised,
        sealed: !unsealed,
        t: status.threshold.into(),
        n: status.shares.into(),
        progress: status.progress.into(),
        nonce: status.nonce.clone(),
        version: VERSION.to_owned(),
        migration: false,
        recovery_seal: false,
        storage_type: status.storage.to_owned(),
        cluster_name: cluster.as_deref().map(cluster_name),
        cluster_id: cluster,
    };
    serde_json::to_value(wire).map(Answer::raw).map_err(|_| ApiError::Internal)
}

/// Vault's form: `vault-cluster-` and eight characters of the id, the last ones, since they are random.
pub(super) fn cluster_name(id: &str) -> String {
    let tail = id.get(id.len().saturating_sub(8)..).unwrap_or(id);
    format!("vault-cluster-{tail}")
}
