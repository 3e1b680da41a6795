//! `accounts/rehearse/…`: whether a rotation would work, as a light with reasons.

use vault_api::rehearsal as wire;
use vault_core::rehearsal::Report;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::service::rehearsal::{finding, light};

pub(super) async fn rehearse(context: Context) -> Result<Answer, ApiError> {
    let path = context.request.account_path("path")?;
    let principal = context.caller.principal.display_name();
    let Some(report) = context.app.rehearsals().rehearse(&path, principal).await? else {
        let running = wire::Rehearsal { outcome: "running".to_owned(), ..wire::Rehearsal::default() };
        return Ok(Answer::of(&running)?
            .with_status(axum::http::StatusCode::ACCEPTED)
            .warn("the rehearsal goes on; read accounts/rehearse for its report"));
    };
    let left = context.app.rehearsals().last(&path)?.shadow.map(|shadow| shadow.username);
    Answer::of(&shown(&report, left))
}

pub(super) async fn last(context: Context) -> Result<Answer, ApiError> {
    let path = context.request.account_path("path")?;
    let found = context.app.rehearsals().last(&path)?;
    let report = found.last.ok_or(ApiError::NotFound)?;
    Answer::of(&shown(&report, found.shadow.map(|shadow| shadow.username)))
}

fn shown(report: &Report, shadow: Option<String>) -> wire::Rehearsal {
    wire::Rehearsal {
        outcome: "rehearsed".to_owned(),
        light: Some(light(report.light())),
        began_at: Some(report.began_at.to_rfc3339()),
        ended_at: Some(report.ended_at.to_rfc3339()),
        passed: report.passed.clone(),
        findings: report.findings.iter().map(finding).collect(),
        shadow,
    }
}
