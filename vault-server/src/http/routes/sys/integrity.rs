//! `sys/integrity`: whether the store holds exactly what was committed.

use vault_api::integrity::IntegrityReport;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::service::integrity::LastCheck;

pub(in crate::http::routes) async fn read(context: Context) -> Result<Answer, ApiError> {
    Answer::of(&report(context.app.integrity.last(), faults(&context)))
}

pub(in crate::http::routes) async fn verify(context: Context) -> Result<Answer, ApiError> {
    let integrity = &context.app.integrity;
    let check = integrity.check(&*context.app.clock).await?;
    Answer::of(&report(Some(check), faults(&context)))
}

/// What is wrong beside what a check finds.
fn faults(context: &Context) -> Vec<String> {
    let mut faults = context.app.integrity.faults();
    faults.extend(context.app.mounts.faults());
    faults
}

fn report(check: Option<LastCheck>, mut findings: Vec<String>) -> IntegrityReport {
    let Some(LastCheck { report, ended_at }) = check else {
        return IntegrityReport { ok: None, findings, ..IntegrityReport::default() };
    };
    findings.extend(crate::service::integrity::findings(&report));
    IntegrityReport {
        ok: Some(report.is_intact()),
        commit: report.commit,
        records: report.records_found,
        verified_at: Some(ended_at.to_rfc3339()),
        findings,
    }
}
