//! Checks a trail offline: any edit, removal, reordering, duplication or truncation is a finding.
//!
//! Streams the file, needs no secret, and never stops at the first finding. After a line that cannot be
//! believed the next whole line is taken as it is, so that one edit is told once and not for every line
//! behind it.

mod finding;
mod scan;
mod text;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

pub use finding::{Finding, FindingKind};

use super::checkpoint::PublicKey;
use super::head::{Head, read_head};
use scan::Scan;
use text::Lines;

/// What the verifier may rely on besides the file itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct VerifyOptions {
    /// A line that must be there, with this hash: from the head file, or noted elsewhere at an earlier time.
    pub head: Option<Head>,
    /// The key that must have signed the checkpoints. Without it the file's own first line is believed.
    pub public_key: Option<PublicKey>,
    /// The last line of the file before this one, when that was verified too.
    pub start: Option<Head>,
    /// Accepts that nothing shows where the file ends. Lines cut from its end are then not noticed.
    pub allow_open_tail: bool,
}

/// The verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Every line is as it was written, and the end is shown to be the end.
    Intact,
    /// Every line is as it was written, but nothing shows that no lines were cut from the end.
    Incomplete,
    /// There are findings.
    Damaged,
}

/// What a trail holds and what is wrong with it.
#[derive(Clone, Debug)]
pub struct Report {
    /// The verdict.
    pub status: Status,
    /// Requests, responses and acts of the system.
    pub entries: u64,
    /// Checkpoints whose signature is good.
    pub checkpoints: u64,
    /// Entries behind the last good checkpoint: chained, but not signed yet.
    pub entries_unsigned: u64,
    /// Writes cut short by a crash or a full disk and closed by the vault itself; not a finding.
    pub recovered: u64,
    /// The line before this file; [`Head::GENESIS`] when the trail begins here. `None` for an empty file.
    pub start: Option<Head>,
    /// The last line that could be read.
    pub last: Option<Head>,
    /// The newest store commit number that a good checkpoint names.
    pub commit: Option<u64>,
    /// The key that the checkpoints were held against.
    pub public_key: Option<PublicKey>,
    /// Whether that key was given by the caller; otherwise someone may have rewritten the whole file.
    pub is_key_pinned: bool,
    /// What is wrong, in the order of the lines; at most [`FINDINGS_MAX`] are kept.
    pub findings: Vec<Finding>,
    /// How many findings there were in all.
    pub findings_total: u64,
}

impl Report {
    /// Whether the trail is proven whole.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.status == Status::Intact
    }
}

/// Checks the trail that `reader` gives, from its first byte to its last.
///
/// # Errors
/// Only what `reader` reports; what is wrong with the trail is in the report.
pub fn verify<R: BufRead>(reader: R, options: &VerifyOptions) -> io::Result<Report> {
    let mut scan = Scan::new(options);
    let mut lines = Lines::new(reader);
    while let Some(text) = lines.next()? {
        scan.take(&text);
    }
    Ok(scan.finish(options))
}

/// Checks the trail in the file at `path`, with its head file when there is one and `options` gives no head.
///
/// A head file that cannot be read counts as absent: it shows nothing about the end.
///
/// # Errors
/// What the file system reports.
pub fn verify_file(path: &Path, options: &VerifyOptions) -> io::Result<Report> {
    // The head first: entries that are appended meanwhile only make the file longer than its head.
    let head = match options.head {
        Some(head) => Some(head),
        None => match read_head(path) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => None,
            other => other?,
        },
    };
    verify(BufReader::with_capacity(1 << 16, File::open(path)?), &VerifyOptions { head, ..*options })
}

/// How many findings a report keeps.
pub const FINDINGS_MAX: usize = 1_000;

#[cfg(test)]
mod tests;
