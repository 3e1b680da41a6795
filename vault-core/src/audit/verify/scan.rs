//! The checks, line by line.

use sha2::{Digest, Sha256};

use super::super::checkpoint::{Checkpoint, PublicKey};
use super::super::head::Head;
use super::super::line::{self, ChainEvent, Line, LineHash};
use super::finding::{Finding, FindingKind};
use super::text::Text;
use super::{FINDINGS_MAX, Report, Status, VerifyOptions};

/// What is known after the lines so far.
pub(super) struct Scan {
    report: Report,
    /// The number of the present line in the file, from 1.
    line: u64,
    /// What the first line must link to, when the caller knows.
    start: Option<Head>,
    /// The expected line, until it was met.
    head: Option<Head>,
    /// The last line is a checkpoint that ends a file.
    is_ended: bool,
    /// What stands just before the present line and is no line, until a `recovered` line explains it.
    doubted: Option<Doubted>,
}

/// A stretch of bytes that are no lines.
struct Doubted {
    line: u64,
    lines: u64,
    bytes: u64,
    sha256: Sha256,
    /// The last of its lines is not at its end yet.
    is_open: bool,
}

impl Scan {
    pub(super) fn new(options: &VerifyOptions) -> Self {
        let report = Report {
            status: Status::Damaged,
            entries: 0,
            checkpoints: 0,
            entries_unsigned: 0,
            recovered: 0,
            start: None,
            last: None,
            commit: None,
            public_key: options.public_key,
            is_key_pinned: options.public_key.is_some(),
            findings: Vec::new(),
            findings_total: 0,
        };
        Self { report, line: 0, start: options.start, head: options.head, is_ended: false, doubted: None }
    }

    /// Takes the next stretch of the file.
    pub(super) fn take(&mut self, text: &Text<'_>) {
        match text {
            Text::Whole(bytes) => match line::read(bytes) {
                Some(line) => {
                    self.line += 1;
                    self.believe(&line);
                }
                None => self.doubt(bytes, true),
            },
            Text::Part { bytes, is_last } => self.doubt(bytes, *is_last),
            Text::Unterminated(bytes) => {
                let is_inside = self.doubted.as_ref().is_some_and(|doubted| doubted.is_open);
                self.settle_doubt();
                self.line += u64::from(!is_inside);
                self.is_ended = false;
                self.find(self.line, FindingKind::Torn { bytes: length(bytes) });
            }
        }
    }

    /// Judges what is known at the end of the file.
    pub(super) fn finish(mut self, options: &VerifyOptions) -> Report {
        self.settle_doubt();
        if self.line == 0 {
            self.find(0, FindingKind::Empty);
        }
        if let Some(expected) = self.head {
            let last = self.report.last.map_or(0, |last| last.seq);
            if expected.seq > last {
                self.find(self.line, FindingKind::Truncated { expected });
            } else if self.report.start != Some(expected) {
                self.find(self.line, FindingKind::OtherHead { expected });
            }
        }
        let is_end_shown = options.head.is_some() || self.is_ended || options.allow_open_tail;
        self.report.status = match (self.report.findings_total, is_end_shown) {
            (0, true) => Status::Intact,
            (0, false) => Status::Incomplete,
            _ => Status::Damaged,
        };
        self.report
    }

    /// Takes a line whose hash fits its bytes.
    fn believe(&mut self, line: &Line) {
        self.is_ended = false;
        if let Some(ChainEvent::Recovered { torn_bytes, torn_sha256 }) = &line.chain {
            self.explain(*torn_bytes, *torn_sha256);
        }
        let was_doubted = self.settle_doubt();
        self.link(line, was_doubted);
        if let Some(expected) = self.head.filter(|expected| expected.seq == line.at.seq) {
            self.head = None;
            if expected.hash != line.at.hash {
                self.find(self.line, FindingKind::OtherHead { expected });
            }
        }
        match &line.chain {
            None => {
                self.report.entries += 1;
                self.report.entries_unsigned += 1;
            }
            Some(ChainEvent::Checkpoint(checkpoint)) => self.check_signature(line, checkpoint),
            Some(ChainEvent::TailLost { expected }) => {
                self.find(self.line, FindingKind::TailLost { expected: *expected });
            }
            Some(ChainEvent::Opened { public_key, .. }) => self.check_opening(public_key),
            Some(ChainEvent::Recovered { .. }) => {}
        }
    }

    /// Checks that `line` follows the last one. After doubtful lines it is only asked to come later.
    fn link(&mut self, line: &Line, was_doubted: bool) {
        let Some(last) = self.report.last else {
            if !was_doubted {
                self.begin(line);
            }
            self.report.last = Some(line.at);
            return;
        };
        let (seq, next) = (line.at.seq, last.seq.saturating_add(1));
        if seq < next {
            // The last line stays the measure, so that a moved line is told once.
            return self.find(self.line, FindingKind::OutOfOrder { seq, after: last.seq });
        }
        self.report.last = Some(line.at);
        if was_doubted {
            return;
        }
        if seq > next {
            self.find(self.line, FindingKind::Missing { from: next, to: seq - 1 });
        } else if line.prev != last.hash {
            self.find(self.line, FindingKind::Unlinked);
        }
    }

    fn begin(&mut self, line: &Line) {
        let start = line.at.seq.checked_sub(1).map(|seq| Head { seq, hash: line.prev });
        self.report.start = start;
        if !matches!(line.chain, Some(ChainEvent::Opened { .. })) {
            return self.find(self.line, FindingKind::NoBeginning);
        }
        let is_first_of_all = start.is_some_and(|start| start.seq == 0);
        let is_other = self.start.is_some_and(|expected| Some(expected) != start);
        if is_other || start.is_none() || (is_first_of_all && start != Some(Head::GENESIS)) {
            self.find(self.line, FindingKind::OtherBeginning);
        }
    }

    fn check_opening(&mut self, public_key: &str) {
        if self.line > 1 {
            self.find(self.line, FindingKind::SecondBeginning);
        }
        match (PublicKey::parse(public_key), self.report.public_key) {
            (Some(found), Some(expected)) if found != expected => {
                self.find(self.line, FindingKind::OtherKey { found });
            }
            (Some(found), None) => self.report.public_key = Some(found),
            (Some(_), Some(_)) => {}
            (None, _) => self.find(self.line, FindingKind::BadSignature),
        }
    }

    fn check_signature(&mut self, line: &Line, checkpoint: &Checkpoint) {
        let Some(found) = PublicKey::parse(&checkpoint.public_key) else {
            return self.find(self.line, FindingKind::BadSignature);
        };
        let expected = *self.report.public_key.get_or_insert(found);
        if found != expected {
            return self.find(self.line, FindingKind::OtherKey { found });
        }
        let prev = Head { seq: line.at.seq.saturating_sub(1), hash: line.prev };
        if !checkpoint.is_signed_by(expected, prev, &line.time) {
            return self.find(self.line, FindingKind::BadSignature);
        }
        self.report.checkpoints += 1;
        self.report.entries_unsigned = 0;
        self.report.commit = self.report.commit.max(checkpoint.commit);
        self.is_ended = checkpoint.reason.ends_file();
    }

    /// Takes bytes that are no line of ours, or a part of such a line.
    fn doubt(&mut self, bytes: &[u8], ends_line: bool) {
        self.is_ended = false;
        let doubted = self.doubted.get_or_insert_with(|| Doubted {
            line: self.line + 1,
            lines: 0,
            bytes: 0,
            sha256: Sha256::new(),
            is_open: false,
        });
        if !doubted.is_open {
            self.line += 1;
            if doubted.lines > 0 {
                doubted.sha256.update(b"\n");
                doubted.bytes += 1;
            }
            doubted.lines += 1;
        }
        doubted.sha256.update(bytes);
        doubted.bytes = doubted.bytes.saturating_add(length(bytes));
        doubted.is_open = !ends_line;
    }

    /// Forgets the doubted bytes when they are exactly the torn write that a `recovered` line names.
    fn explain(&mut self, torn_bytes: u64, torn_sha256: LineHash) {
        let is_it = self.doubted.as_ref().is_some_and(|doubted| {
            doubted.bytes == torn_bytes
                && doubted.sha256.clone().finalize().as_slice() == torn_sha256.as_bytes().as_slice()
        });
        if is_it {
            self.doubted = None;
            self.report.recovered += 1;
        } else {
            self.find(self.line, FindingKind::FalseRecovery);
        }
    }

    /// Turns doubted bytes that nothing explained into findings; tells whether there were any.
    fn settle_doubt(&mut self) -> bool {
        let Some(doubted) = self.doubted.take() else { return false };
        for line in doubted.line..doubted.line.saturating_add(doubted.lines) {
            self.find(line, FindingKind::Altered);
        }
        true
    }

    fn find(&mut self, line: u64, kind: FindingKind) {
        self.report.findings_total += 1;
        if self.report.findings.len() < FINDINGS_MAX {
            self.report.findings.push(Finding { line, kind });
        }
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
