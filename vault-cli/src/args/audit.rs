//! `rotunda audit …`.

use clap::{Args, Subcommand};

use super::offline::AuditVerifyArgs;

/// The second word.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum AuditWord {
    /// Find any edit, removal, reordering or truncation in an audit file
    Verify(AuditVerifyArgs),
    /// Look for lines in the server's audit file, the newest first
    Search(AuditSearchArgs),
    /// How the server's audit devices fare, and whether its audit file is as it was written
    #[command(after_help = AUDIT_STATUS_HELP)]
    Status,
}

const AUDIT_STATUS_HELP: &str = "\
Examples:
  rotunda audit status
  rotunda audit status --format json

Needs read and sudo on sys/audit. Exit code 1 where a device does not take lines, or the file is not as it was written; `rotunda audit verify FILE` names each finding.";

/// `rotunda audit search`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda audit search --path prod/db/app --type response
  rotunda audit search --principal ada --outcome failed --from 2026-11-21T00:00:00Z
  rotunda audit search --operation rotation_promoted --limit 10 --format json
  rotunda audit search --value @token.txt

Needs sudo on sys/audit-search. A value is found by its digest. One request reads 64 MiB at most; --cursor goes on.")]
pub(crate) struct AuditSearchArgs {
    /// An account's path, or any path, or its end after a slash
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<String>,
    /// Part of the display name of who asked
    #[arg(long, value_name = "NAME")]
    pub(crate) principal: Option<String>,
    /// read, update, …, or an act of the vault itself such as rotation_promoted
    #[arg(long, value_name = "WORD")]
    pub(crate) operation: Option<String>,
    /// How it ended
    #[arg(long, value_name = "HOW", value_parser = ["succeeded", "failed"])]
    pub(crate) outcome: Option<String>,
    /// Which lines
    #[arg(long = "type", value_name = "KIND", value_parser = ["request", "response", "system", "chain"])]
    pub(crate) kind: Option<String>,
    /// From this time on (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Until this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// A token or secret of which the line holds the digest: @FILE, or - for standard input
    #[arg(long, value_name = "SOURCE")]
    pub(crate) value: Option<String>,
    /// How many lines; 50, at most 200
    #[arg(long, value_name = "COUNT")]
    pub(crate) limit: Option<String>,
    /// From where to go on, as the last search said
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<String>,
}
