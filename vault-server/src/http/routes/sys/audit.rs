//! `sys/audit`, `sys/audit/<path>`, `sys/audit-hash/<path>`, `sys/audit-search`.

use std::collections::BTreeMap;

use vault_api::audit::{AuditDevice, AuditHashResponse, AuditHealth, AuditSearchResponse};
use vault_core::audit::search::{Bounds, Outcome, Query};
use vault_core::clock::Timestamp;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::http::routes::incident::moment;
use crate::service::audit::{AuditService, CHAIN, Cursor, DeviceHealth, DeviceSpec};

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

/// Lines of the chained file, the newest first. A value that is asked for is digested here, as it was when it was written.
pub(in crate::http::routes) async fn search(context: Context) -> Result<Answer, ApiError> {
    let (query, cursor) = (query(&context)?, cursor(&context)?);
    let lines = context.fields().count("limit")?.unwrap_or(LINES_DEFAULT);
    if !(1..=LINES_MAX).contains(&lines) {
        return Err(ApiError::invalid(format!("limit must be a number from 1 to {LINES_MAX}")));
    }
    let bounds = Bounds { lines: usize::try_from(lines).unwrap_or(usize::MAX), bytes: SEARCHED_BYTES_MAX };
    let (head, key) = context.app.audit.standing().ok_or(ApiError::Sealed)?;
    let audit = context.app.audit.clone();
    let searched = tokio::task::spawn_blocking(move || audit.search(&query, cursor, bounds)).await;
    let (mut found, next) = searched.map_err(|_| ApiError::Internal)??;
    // The search itself is recorded before it is made, with the digest of the value: it is not what was looked for.
    let own = format!("\"id\":\"{}\"", context.request.id);
    found.lines.retain(|line| !line.contains(&own));
    Answer::of(&AuditSearchResponse {
        lines: found.lines,
        next: next.map(|next| next.to_string()),
        looked_at: found.looked_at,
        unreadable: found.unreadable,
        newest_line: head.seq,
        newest_hash: head.hash.to_string(),
        public_key: key.to_string(),
    })
}

fn query(context: &Context) -> Result<Query, ApiError> {
    let fields = context.fields();
    let text = |name: &str| {
        Ok::<_, ApiError>(fields.bounded_text(name, ASKED_BYTES_MAX)?.filter(|text| !text.is_empty()))
    };
    let outcome = match text("outcome")?.as_deref() {
        None => None,
        Some("succeeded") => Some(Outcome::Succeeded),
        Some("failed") => Some(Outcome::Failed),
        Some(_) => return Err(ApiError::invalid("outcome must be succeeded or failed")),
    };
    let kind = text("type")?;
    if kind.as_deref().is_some_and(|kind| !KINDS.contains(&kind)) {
        return Err(ApiError::invalid("type must be request, response, system or chain"));
    }
    let (from, to) = (moment(context, "from")?, moment(context, "to")?);
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Err(ApiError::invalid("from must be before to"));
    }
    let value = fields.secret("value")?.filter(|value| !value.expose().is_empty());
    Ok(Query {
        kind,
        path: text("path")?,
        principal: text("principal")?,
        operation: text("operation")?,
        outcome,
        from,
        to,
        digest: value.map(|value| context.app.audit.digest(value.expose())).transpose()?,
    })
}

fn cursor(context: &Context) -> Result<Option<Cursor>, ApiError> {
    let text = context.fields().text("cursor")?.filter(|text| !text.is_empty());
    let read = |text: String| {
        Cursor::parse(&text).ok_or_else(|| ApiError::invalid("no search ended at that cursor"))
    };
    text.map(read).transpose()
}

/// The chained file, with the key that verifiers pin, and the further devices; each with how it fares.
pub(in crate::http::routes) async fn list(context: Context) -> Result<Answer, ApiError> {
    let audit = &context.app.audit;
    let (head, key) = audit.standing().ok_or(ApiError::Sealed)?;
    let options = [
        ("file_path", context.app.config.audit_file.display().to_string()),
        ("public_key", key.to_string()),
        ("newest_line", head.seq.to_string()),
        ("newest_hash", head.hash.to_string()),
    ];
    let chain = AuditDevice {
        kind: "file".to_owned(),
        path: format!("{CHAIN}/"),
        description: "the chained, signed audit file".to_owned(),
        local: false,
        options: options.map(|(name, value)| (name.to_owned(), value)).into(),
        health: chain_health(audit, head.seq),
    };
    let mut all = BTreeMap::from([(format!("{CHAIN}/"), chain)]);
    all.extend(context.app.settings.devices.list()?.into_iter().map(|(name, device)| {
        let shown = AuditDevice {
            kind: device.kind,
            path: format!("{name}/"),
            description: device.description,
            local: device.local,
            options: device.options,
            health: told(audit.health_of(&name)),
        };
        (format!("{name}/"), shown)
    }));
    Ok(Answer::of(&all)?.copied_to_top())
}

/// How the chained file fares, with what its last check has shown.
fn chain_health(audit: &AuditService, newest_line: u64) -> AuditHealth {
    let checked = audit.checked();
    AuditHealth {
        newest_line: Some(newest_line),
        checked_at: checked.as_ref().map(|checked| checked.at.to_rfc3339()),
        checked_line: checked.as_ref().map(|checked| checked.line),
        findings: checked.map(|checked| checked.findings),
        ..told(audit.health())
    }
}

/// How a device fares; one that is not at work takes nothing.
fn told(health: Option<DeviceHealth>) -> AuditHealth {
    health.map_or_else(AuditHealth::default, |health| AuditHealth {
        takes_lines: health.takes_lines,
        behind: health.behind,
        failures: health.failures,
        newest_line: None,
        newest_at: health.written_at.map(Timestamp::to_rfc3339),
        ..AuditHealth::default()
    })
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
const KINDS: [&str; 4] = ["request", "response", "system", "chain"];
/// Lines of one answer, when nothing is asked for and at most.
const LINES_DEFAULT: u64 = 50;
const LINES_MAX: u64 = 200;
/// Bytes of the file that one request reads: a search goes on from there with another.
const SEARCHED_BYTES_MAX: u64 = 64 * 1024 * 1024;
const ASKED_BYTES_MAX: usize = 4096;
