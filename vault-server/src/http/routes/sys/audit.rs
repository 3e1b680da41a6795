//! `sys/audit`, `sys/audit-hash/<name>`.

use serde_json::json;
use vault_api::audit::AuditHashResponse;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

pub(in crate::http::routes) async fn hash(context: Context) -> Result<Answer, ApiError> {
    if context.request.part("name")? != FILE_SINK {
        return Err(ApiError::invalid("unknown audit backend"));
    }
    let input = context
        .fields()
        .secret("input")?
        .ok_or_else(|| ApiError::invalid("the \"input\" parameter is empty"))?;
    let hash = context.app.audit.digest(input.expose())?;
    Ok(Answer::of(&AuditHashResponse { hash })?.copied_to_top())
}

/// The one sink there is, as Vault lists it, with the key that verifiers pin.
pub(in crate::http::routes) async fn list(context: Context) -> Result<Answer, ApiError> {
    let (head, key) = context.app.audit.standing().ok_or(ApiError::Sealed)?;
    let path = context.app.config.audit_file.display().to_string();
    Ok(Answer::data(json!({
        "file/": {
            "type": "file",
            "path": "file/",
            "description": "",
            "local": false,
            "options": {
                "file_path": path,
                "public_key": key.to_string(),
                "newest_line": head.seq.to_string(),
                "newest_hash": head.hash.to_string(),
            },
        }
    }))
    .copied_to_top())
}

/// The name under which the audit file is addressed, as `vault audit enable file` names it.
const FILE_SINK: &str = "file";
