//! `rotunda audit verify FILE`.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use vault_cli::{AuditVerifyArgs, Exit, OutputArgs};
use vault_core::audit::{PublicKey, Status, VerifyOptions, verify_file};

use super::print;

pub(super) fn verify(args: &AuditVerifyArgs, output: &OutputArgs) -> Result<Exit> {
    let AuditVerifyArgs { file, public_key, allow_open_tail } = args;
    let public_key = public_key
        .as_deref()
        .map(|text| PublicKey::parse(text).context("--public-key must be 64 lower-case hexadecimal digits"))
        .transpose()?;
    let options = VerifyOptions { public_key, allow_open_tail: *allow_open_tail, ..VerifyOptions::default() };
    let report = verify_file(file, &options).with_context(|| format!("cannot read {}", file.display()))?;
    let status = match report.status {
        Status::Intact => "intact",
        Status::Incomplete => "incomplete: nothing shows that no lines were cut from the end",
        Status::Damaged => "damaged",
    };
    let facts = [
        ("status", Value::from(status)),
        ("intact", Value::from(report.is_intact())),
        ("entries", Value::from(report.entries)),
        ("checkpoints", Value::from(report.checkpoints)),
        ("entries_unsigned", Value::from(report.entries_unsigned)),
        ("recovered", Value::from(report.recovered)),
        ("last_line", report.last.map_or(Value::Null, |head| Value::from(head.seq))),
        ("last_hash", report.last.map_or(Value::Null, |head| Value::from(head.hash.to_string()))),
        ("commit", json!(report.commit)),
        ("public_key", report.public_key.map_or(Value::Null, |key| Value::from(key.to_string()))),
        ("public_key_pinned", Value::from(report.is_key_pinned)),
        ("findings_total", Value::from(report.findings_total)),
    ];
    let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    print(output, &facts, &findings)?;
    Ok(if report.is_intact() { Exit::Done } else { Exit::Refused })
}
