//! `sys/init`.

use data_encoding::{BASE64, HEXLOWER};
use serde_json::json;
use vault_core::crypto::Argon2Cost;
use vault_core::seal::InitRequest;
use vault_core::secret::SecretBytes;

use crate::http::answer::Answer;
use crate::http::context::OpenContext;
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::service::seal::SealState;

pub(in crate::http::routes) async fn read(context: OpenContext) -> Result<Answer, ApiError> {
    Ok(Answer::raw(json!({ "initialized": context.app.seal.state() != SealState::Uninitialised })))
}

pub(in crate::http::routes) async fn write(context: OpenContext) -> Result<Answer, ApiError> {
    let seal = &context.app.seal;
    if seal.state() != SealState::Uninitialised {
        return Err(ApiError::invalid("Vault is already initialized"));
    }
    let prepared = seal.prepare(request(&context.request.fields)?, None).await?;
    let answer = json!({
        "keys": prepared.shares().iter().map(|share| HEXLOWER.encode(share.expose())).collect::<Vec<_>>(),
        "keys_base64": prepared.shares().iter().map(|share| BASE64.encode(share.expose())).collect::<Vec<_>>(),
        "root_token": prepared.root_token().expose(),
    });
    seal.found(prepared).await?;
    Ok(Answer::raw(answer))
}

/// The seal that is wanted, of a new vault or of a rekey.
pub(super) fn request(fields: &Fields) -> Result<InitRequest, ApiError> {
    if let Some(passphrase) =
        fields.secret("passphrase")?.filter(|passphrase| !passphrase.expose().is_empty())
    {
        if fields.count("secret_shares")?.unwrap_or(0) > 0 {
            return Err(ApiError::invalid("give either a passphrase or secret_shares, not both"));
        }
        let passphrase = SecretBytes::new(passphrase.expose().as_bytes().to_vec());
        return Ok(InitRequest::Passphrase { passphrase, cost: Argon2Cost::RECOMMENDED });
    }
    if let Some(asked) = UNSUPPORTED.iter().find(|name| is_asked(fields, name)) {
        return Err(ApiError::invalid(format!("'{asked}' is not supported; leave it out")));
    }
    let count = |name| Ok::<_, ApiError>(u32::try_from(fields.count(name)?.unwrap_or(0)).unwrap_or(u32::MAX));
    Ok(InitRequest::Shamir { shares: count("secret_shares")?, threshold: count("secret_threshold")? })
}

/// Whether a field says more than "unset": the command line always sends `null`, `""`, `[]` and 0.
fn is_asked(fields: &Fields, name: &str) -> bool {
    use serde_json::Value;
    match fields.value(name) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Number(number)) => number.as_u64() != Some(0),
        Some(Value::Bool(true) | Value::Object(_)) => true,
    }
}

/// Encrypted shares and recovery keys: refused rather than ignored, since shares would be shown in plain.
const UNSUPPORTED: [&str; 6] = [
    "pgp_keys",
    "root_token_pgp_key",
    "recovery_shares",
    "recovery_threshold",
    "recovery_pgp_keys",
    "stored_shares",
];
