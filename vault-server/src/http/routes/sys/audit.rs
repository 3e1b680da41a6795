//! `sys/audit`, `sys/audit/<path>`, `sys/audit-hash/<path>`.

use serde_json::{Map, Value, json};
use vault_api::audit::AuditHashResponse;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::service::audit::{CHAIN, DeviceSpec};

pub(in crate::http::routes) async fn hash(context: Context) -> Result<Answer, ApiError> {
    let name = context.request.part("path")?;
    // All devices have one key.
    let known = [CHAIN, FILE_SINK].contains(&name) || context.app.settings.devices.list()?.contains_key(name);
    if !known {
        return Err(ApiError::invalid("unknown audit backend"));
    }
    let input = context
        .fields()
        .secret("input")?
        .ok_or_else(|| ApiError::invalid("the \"input\" parameter is empty"))?;
    let hash = context.app.audit.digest(input.expose())?;
    Ok(Answer::of(&AuditHashResponse { hash })?.copied_to_top())
}

/// The chained file, with the key that verifiers pin, and the further devices.
pub(in crate::http::routes) async fn list(context: Context) -> Result<Answer, ApiError> {
    let (head, key) = context.app.audit.standing().ok_or(ApiError::Sealed)?;
    let path = context.app.config.audit_file.display().to_string();
    let chain = json!({
        "type": "file",
        "path": format!("{CHAIN}/"),
        "description": "the chained, signed audit file",
        "local": false,
        "options": {
            "file_path": path,
            "public_key": key.to_string(),
            "newest_line": head.seq.to_string(),
            "newest_hash": head.hash.to_string(),
        },
    });
    let mut all = Map::from_iter([(format!("{CHAIN}/"), chain)]);
    all.extend(context.app.settings.devices.list()?.into_iter().map(|(name, device)| {
        let shown = json!({
            "type": device.kind,
            "path": format!("{name}/"),
            "description": device.description,
            "local": device.local,
            "options": device.options,
        });
        (format!("{name}/"), shown)
    }));
    Ok(Answer::data(Value::Object(all)).copied_to_top())
}

pub(in crate::http::routes) async fn enable(context: Context) -> Result<Answer, ApiError> {
    let fields = context.fields();
    let spec = DeviceSpec {
        kind: fields.required_text("type")?,
        description: fields.bounded_text("description", 1024)?.unwrap_or_default(),
        local: fields.flag("local")?.unwrap_or(false),
        options: fields.text_map("options")?.unwrap_or_default(),
    };
    context.app.settings.devices.enable(context.request.part("path")?, spec).await?;
    Ok(Answer::nothing())
}

pub(in crate::http::routes) async fn disable(context: Context) -> Result<Answer, ApiError> {
    context.app.settings.devices.disable(context.request.part("path")?).await?;
    Ok(Answer::nothing())
}

/// The chained file by the name that it had before there were further devices.
const FILE_SINK: &str = "file";
