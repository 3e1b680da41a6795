//! `sys/integrity`: whether the store holds exactly what was committed.

use vault_api::integrity::IntegrityReport;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::service::integrity::LastCheck;

pub(in crate::http::routes) async fn read(context: Context) -> Result<Answer, ApiError> {
    let integrity = &context.app.integrity;
    Answer::of(&report(integrity.last(), integrity.faults()))
}

pub(in crate::http::routes) async fn verify(context: Context) -> Result<Answer, ApiError> {
    let integrity = &context.app.integrity;
    let check = integrity.check(&*context.app.clock).await?;
    Answer::of(&report(Some(check), integrity.faults()))
}

fn report(check: Option<LastCheck>, mut findings: Vec<String>) -> IntegrityReport {
    let Some(LastCheck { report, ended_at }) = check else {
        return IntegrityReport { ok: None, findings, ..IntegrityReport::default() };
    };
    if report.records_found != report.records_expected {
        findings.push(format!("{} records were found, {} were committed", report.records_found, report.records_expected));
    }
    for (is_wrong, sentence) in [
        (!report.is_sum_right, "a record vanished, was added, altered or rolled back behind the vault's back"),
        (!report.is_ordered, "the engine gives its records in the wrong order"),
        (!report.is_head_right, "the record that carries the set hash was changed behind the vault's back"),
        (report.malformed > 0, "the store holds entries that are no records"),
    ] {
        if is_wrong {
            findings.push(sentence.to_owned());
        }
    }
    IntegrityReport {
        ok: Some(report.is_intact()),
        commit: report.commit,
        records: report.records_found,
        verified_at: Some(ended_at.to_rfc3339()),
        findings,
    }
}
