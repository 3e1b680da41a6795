//! Whatever is done to a trail is found.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::checkpoint::{CheckpointReason, CheckpointSigner};
use super::super::digest::Digester;
use super::super::entry::{Entry, System};
use super::super::file::AuditFile;
use super::super::line::{CHAIN, ChainEvent, LINE_BYTES_MAX, LineHash, compose};
use super::super::{AuditSink, Head};
use super::*;
use crate::clock::Timestamp;

fn signer() -> CheckpointSigner {
    CheckpointSigner::from_seed(&[9; 32])
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(1_790_000_000 + second)
}

fn entry(number: u32) -> Entry {
    let data = json!({"number": number, "secret": "hunter2"});
    let system = System { event: "tested", path: "accounts/a", data: Some(&data), plain_keys: &[] };
    Entry::system(&Digester::new(&[7; 32]), &system)
}

/// A trail of some sixty lines with a restart, a torn write and checkpoints in it, written by the vault
/// itself; and its head.
fn trail() -> (Vec<u8>, Head) {
    trail_at(|number| at(i64::from(number)))
}

/// The same without checkpoints but for those of the two starts: signatures are most of a verifier's work.
fn trail_at_once() -> (Vec<u8>, Head) {
    trail_at(|_| at(0))
}

fn trail_at(time: impl Fn(u32) -> Timestamp) -> (Vec<u8>, Head) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.log");
    let append = |file: &AuditFile, numbers: std::ops::Range<u32>| {
        for number in numbers {
            let _ = file.append(&entry(number), time(number)).unwrap();
        }
    };
    append(&AuditFile::open(&path, signer(), time(0)).unwrap(), 0..20);
    let mut torn = std::fs::read(&path).unwrap();
    torn.extend_from_slice(TORN);
    std::fs::write(&path, torn).unwrap();
    let file = AuditFile::open(&path, signer(), time(20)).unwrap();
    file.note_commit(7);
    append(&file, 20..45);
    file.note_commit(8);
    (std::fs::read(&path).unwrap(), file.head())
}

const TORN: &[u8] = b"{\"seq\":26,\"time\":\"2026-0";

fn options(head: Head) -> VerifyOptions {
    VerifyOptions { head: Some(head), public_key: Some(signer().public_key()), ..VerifyOptions::default() }
}

fn check(bytes: &[u8], head: Head) -> Report {
    verify(bytes, &options(head)).unwrap()
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

#[test]
fn the_trail_as_written_is_intact() {
    let (bytes, head) = trail();
    let report = check(&bytes, head);
    assert_eq!((report.status, report.findings.len()), (Status::Intact, 0), "{:?}", report.findings);
    assert_eq!((report.entries, report.recovered, report.last), (45, 1, Some(head)));
    assert_eq!((report.start, report.commit, report.is_key_pinned), (Some(Head::GENESIS), Some(7), true));
    assert!(report.checkpoints >= 8 && lines(&bytes).len() >= 55, "{report:?}");
}

#[test]
fn every_removed_line_is_found() {
    let (bytes, head) = trail();
    let lines = lines(&bytes);
    for index in 0..lines.len() {
        let mut fewer = lines.clone();
        fewer.remove(index);
        let report = check(&fewer.concat(), head);
        assert_eq!(report.status, Status::Damaged, "line {}", index + 1);
    }
}

#[test]
fn every_pair_of_lines_that_changed_places_is_found() {
    let (bytes, head) = trail();
    let lines = lines(&bytes);
    for index in 0..lines.len() - 1 {
        for other in [index + 1, lines.len() - 1 - index / 2] {
            if index != other {
                let mut moved = lines.clone();
                moved.swap(index, other);
                assert_eq!(check(&moved.concat(), head).status, Status::Damaged, "{index} {other}");
            }
        }
    }
}

#[test]
fn every_duplicated_line_is_found_wherever_it_is_put() {
    let (bytes, head) = trail();
    let lines = lines(&bytes);
    for index in 0..lines.len() {
        for place in [index, index + 1, 0, lines.len()] {
            let mut more = lines.clone();
            more.insert(place, lines[index]);
            assert_eq!(check(&more.concat(), head).status, Status::Damaged, "{index} at {place}");
        }
    }
}

#[test]
fn altered_bytes_are_found_wherever_they_are() {
    // `line` tries every bit of one line; here it is every kind of line, and the bytes between them.
    let (mut bytes, head) = trail_at_once();
    let dense = bytes.windows(TORN.len()).position(|window| window == TORN).unwrap() - 300;
    let places: BTreeSet<usize> = (0..900)
        .chain(dense..dense + 1_200)
        .chain((0..bytes.len()).step_by(11))
        .chain([bytes.len() - 1])
        .collect();
    for index in places {
        let original = bytes[index];
        let other = [original ^ (1 << (index % 8)), b'\n', b' ', b'0'][index % 4];
        if other != original {
            bytes[index] = other;
            assert_ne!(check(&bytes, head).status, Status::Intact, "byte {index} to {other}");
            bytes[index] = original;
        }
    }
}

#[test]
fn inserted_and_removed_bytes_are_found() {
    let (bytes, head) = trail_at_once();
    for index in (0..bytes.len()).step_by(31) {
        let (before, after) = bytes.split_at(index);
        let added = [b'\n', b' ', b'1'][index % 3];
        let more = [before, &[added], after].concat();
        assert_ne!(check(&more, head).status, Status::Intact, "byte {added} at {index}");
        let fewer = [before, &after[1..]].concat();
        assert_ne!(check(&fewer, head).status, Status::Intact, "without byte {index}");
    }
}

#[test]
fn every_truncation_is_found_by_the_head() {
    let (bytes, head) = trail();
    let ends: BTreeSet<usize> = lines(&bytes)
        .iter()
        .scan(0, |end, line| {
            *end += line.len();
            Some(*end)
        })
        .collect();
    let cuts: BTreeSet<usize> =
        (0..bytes.len()).step_by(37).chain(ends).filter(|cut| *cut < bytes.len()).collect();
    for cut in cuts {
        let report = check(&bytes[..cut], head);
        assert_eq!(report.status, Status::Damaged, "cut to {cut}");
        let told = report
            .findings
            .iter()
            .any(|finding| matches!(finding.kind, FindingKind::Truncated { .. } | FindingKind::Empty));
        assert!(told, "cut to {cut}: {:?}", report.findings);
    }
}

#[test]
fn without_a_head_an_open_end_is_incomplete_unless_allowed() {
    let (bytes, _) = trail();
    for (cut, allow_open_tail, status) in [
        (bytes.len(), false, Status::Incomplete),
        (bytes.len(), true, Status::Intact),
        (bytes.len() - 1, true, Status::Damaged),
    ] {
        let options = VerifyOptions { allow_open_tail, ..VerifyOptions::default() };
        let report = verify(&bytes[..cut], &options).unwrap();
        assert_eq!(report.status, status, "{cut} {allow_open_tail}");
    }
    // A checkpoint inside the trail does not show that it ends there; only a closing one does.
    for (reason, status) in [
        (CheckpointReason::Interval, Status::Incomplete),
        (CheckpointReason::Start, Status::Incomplete),
        (CheckpointReason::Rotated, Status::Intact),
        (CheckpointReason::Closed, Status::Intact),
    ] {
        let (mut bytes, head) = trail();
        let event = signer().sign(head, reason, None, at(50));
        let _ = compose(&mut bytes, head, at(50), CHAIN, &event.to_body());
        assert_eq!(verify(bytes.as_slice(), &VerifyOptions::default()).unwrap().status, status, "{reason:?}");
    }
}

#[test]
fn a_line_noted_elsewhere_is_looked_for() {
    let (bytes, head) = trail();
    let middle = Head { seq: 30, hash: LineHash::parse(&hash_of(lines(&bytes)[30])).unwrap() };
    assert_eq!(check(&bytes, middle).status, Status::Intact);
    let other = Head { seq: 30, hash: LineHash::of(b"other") };
    assert_eq!(kinds(&check(&bytes, other)), [FindingKind::OtherHead { expected: other }]);
    let later = Head { seq: head.seq + 1, ..head };
    assert_eq!(kinds(&check(&bytes, later)), [FindingKind::Truncated { expected: later }]);
}

#[test]
fn a_trail_that_was_rewritten_with_new_hashes_fails_at_the_next_signature() {
    let (bytes, head) = trail();
    let mut rewritten = Vec::new();
    let mut prev = Head::GENESIS;
    for (index, line) in lines(&bytes).iter().enumerate().filter(|(index, _)| *index != 22) {
        let text = std::str::from_utf8(line).unwrap();
        if !text.starts_with("{\"seq\":") || !text.ends_with("\"}\n") {
            continue;
        }
        let kind = text.split("\"type\":\"").nth(1).unwrap().split('"').next().unwrap();
        let start = text.find(&format!("\"type\":\"{kind}\",")).unwrap() + kind.len() + 10;
        let body = &text[start..text.find(",\"prev\":").unwrap()];
        let body = if index == 5 { body.replace("accounts/a", "accounts/b") } else { body.to_owned() };
        if !body.contains("recovered") {
            prev = compose(&mut rewritten, prev, at(0), kind, &body);
        }
    }
    let report = verify(rewritten.as_slice(), &VerifyOptions::default()).unwrap();
    assert!(kinds(&report).contains(&FindingKind::BadSignature), "{:?}", report.findings);
    assert_eq!(report.status, Status::Damaged);
    assert_ne!(check(&rewritten, head).status, Status::Intact);
}

#[test]
fn a_trail_signed_by_another_key_fails_when_the_key_is_pinned() {
    let (bytes, head) = trail();
    let other = CheckpointSigner::from_seed(&[8; 32]).public_key();
    let pinned = VerifyOptions { public_key: Some(other), ..options(head) };
    let report = verify(bytes.as_slice(), &pinned).unwrap();
    assert!(kinds(&report).contains(&FindingKind::OtherKey { found: signer().public_key() }));
    let unpinned = VerifyOptions { public_key: None, ..options(head) };
    let report = verify(bytes.as_slice(), &unpinned).unwrap();
    assert_eq!((report.status, report.is_key_pinned), (Status::Intact, false));
    assert_eq!(report.public_key, Some(signer().public_key()));
}

#[test]
fn nothing_but_the_torn_bytes_themselves_passes_for_a_torn_write() {
    let (bytes, head) = trail();
    let torn = [TORN, b"\n"].concat();
    let place = bytes.windows(torn.len()).position(|window| window == torn).unwrap();
    let (before, after) = (&bytes[..place], &bytes[place + torn.len()..]);
    for other in [&b""[..], b"\n", b"{\"seq\":26,\"time\":\"2026-1\n", b"{\"seq\":26,\"time\":\"2026-0\n\n"] {
        let report = check(&[before, other, after].concat(), head);
        assert!(kinds(&report).contains(&FindingKind::FalseRecovery), "{:?}", report.findings);
    }
    // And torn bytes that no line closes are a finding.
    let mut added = bytes.clone();
    added.extend_from_slice(b"torn\n");
    assert_eq!(kinds(&check(&added, head)), [FindingKind::Altered]);
}

#[test]
fn one_edit_is_told_once_at_its_line() {
    let (bytes, head) = trail();
    let lines = lines(&bytes);
    let altered = [&lines[..9].concat(), &b"gone\n"[..], &lines[10..].concat()].concat();
    let removed = [lines[..9].concat(), lines[11..].concat()].concat();
    let doubled = [lines[..10].concat(), lines[9..].concat()].concat();
    let seq = u64::try_from(9).unwrap() + 1;
    for (bytes, finding) in [
        (altered, Finding { line: 10, kind: FindingKind::Altered }),
        (removed, Finding { line: 10, kind: FindingKind::Missing { from: seq, to: seq + 1 } }),
        (doubled, Finding { line: 11, kind: FindingKind::OutOfOrder { seq, after: seq } }),
    ] {
        assert_eq!(check(&bytes, head).findings, [finding]);
    }
}

#[test]
fn a_replaced_line_of_the_right_number_is_unlinked() {
    let mut first = Vec::new();
    let mut other = Vec::new();
    let opened = ChainEvent::Opened { format: 1, public_key: signer().public_key().to_string() };
    let start = compose(&mut first, Head::GENESIS, at(0), CHAIN, &opened.to_body());
    let second = compose(&mut first.clone(), start, at(1), entry(1).kind(), entry(1).body());
    let _ = compose(&mut first, start, at(1), entry(2).kind(), entry(2).body());
    let third = compose(&mut other, second, at(2), entry(3).kind(), entry(3).body());
    let report = check(&[first, other].concat(), third);
    assert_eq!(report.findings, [Finding { line: 3, kind: FindingKind::Unlinked }]);
}

#[test]
fn what_does_not_begin_a_trail_is_told() {
    let (bytes, head) = trail();
    let lines = lines(&bytes);
    assert_eq!(kinds(&check(b"", head)), [FindingKind::Empty, FindingKind::Truncated { expected: head }]);
    assert_eq!(check(&lines[1..].concat(), head).findings[0].kind, FindingKind::NoBeginning);
    let twice = [&bytes[..], &bytes[..]].concat();
    assert!(kinds(&check(&twice, head)).contains(&FindingKind::SecondBeginning));
    let mut false_start = Vec::new();
    let event = ChainEvent::Opened { format: 1, public_key: signer().public_key().to_string() };
    let prev = Head { seq: 0, hash: LineHash::of(b"not nothing") };
    let head = compose(&mut false_start, prev, at(0), CHAIN, &event.to_body());
    assert_eq!(kinds(&check(&false_start, head)), [FindingKind::OtherBeginning]);
}

#[test]
fn lines_beyond_every_bound_are_findings_and_take_no_memory() {
    let (bytes, head) = trail();
    let mut long = bytes.clone();
    long.extend(std::iter::repeat_n(b'x', LINE_BYTES_MAX * 2 + 5));
    assert!(matches!(kinds(&check(&long, head))[..], [FindingKind::Altered, FindingKind::Torn { .. }]));
    long.push(b'\n');
    assert_eq!(kinds(&check(&long, head)), [FindingKind::Altered]);
    let many = b"x\n".repeat(FINDINGS_MAX + 10);
    let report = check(&many, head);
    assert_eq!(report.findings.len(), FINDINGS_MAX);
    // And that the end is cut off.
    assert_eq!(report.findings_total, u64::try_from(FINDINGS_MAX).unwrap() + 11);
}

#[test]
fn a_torn_write_longer_than_a_line_is_explained() {
    let (bytes, head) = trail();
    let torn = b"y".repeat(LINE_BYTES_MAX + 10);
    let event = ChainEvent::Recovered {
        torn_bytes: u64::try_from(torn.len()).unwrap(),
        torn_sha256: LineHash::of(&torn),
    };
    let mut closed = [bytes, torn, b"\n".to_vec()].concat();
    let head = compose(&mut closed, head, at(60), CHAIN, &event.to_body());
    let report = check(&closed, head);
    assert_eq!((report.status, report.recovered), (Status::Intact, 2), "{:?}", report.findings);
}

#[test]
fn findings_say_where_and_what_it_means() {
    let expected = Head { seq: 9, hash: LineHash::ZERO };
    for (kind, text) in [
        (FindingKind::Altered, "line 3: the line was changed after it was written"),
        (FindingKind::Missing { from: 4, to: 4 }, "line 3: entry 4 was removed before this line"),
        (FindingKind::Missing { from: 4, to: 6 }, "line 3: entries 4 to 6 were removed before this line"),
        (
            FindingKind::OutOfOrder { seq: 4, after: 6 },
            "line 3: entry 4 stands after entry 6: lines were moved or duplicated",
        ),
        (
            FindingKind::Truncated { expected },
            "line 3: the file ends here, but entry 9 had been written: its end was cut off",
        ),
    ] {
        assert_eq!(Finding { line: 3, kind }.to_string(), text);
    }
}

fn kinds(report: &Report) -> Vec<FindingKind> {
    report.findings.iter().map(|finding| finding.kind.clone()).collect()
}

fn hash_of(line: &[u8]) -> String {
    let text = std::str::from_utf8(line).unwrap();
    text.split("\"hash\":\"").nth(1).unwrap().trim_end_matches("\"}\n").to_owned()
}
