//! Appending, continuing after crashes, rotating, and noticing what is done to the file.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use tempfile::TempDir;

use super::super::digest::Digester;
use super::super::entry::System;
use super::super::head::head_path;
use super::super::verify::{FindingKind, Report, Status, VerifyOptions, verify, verify_file};
use super::*;

mod place;

struct Place {
    dir: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.log");
        Self { dir, path }
    }

    fn open(&self, now: Timestamp) -> AuditFile {
        self.try_open(now).unwrap()
    }

    fn try_open(&self, now: Timestamp) -> Result<AuditFile, AuditError> {
        AuditFile::open(&self.path, signer(), now)
    }

    fn verify(&self) -> Report {
        verify_file(
            &self.path,
            &VerifyOptions { public_key: Some(signer().public_key()), ..Default::default() },
        )
        .unwrap()
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    /// Adds bytes behind the vault's back, as a torn write would leave them.
    fn add(&self, bytes: &[u8]) {
        OpenOptions::new().append(true).open(&self.path).unwrap().write_all(bytes).unwrap();
    }
}

fn signer() -> CheckpointSigner {
    CheckpointSigner::from_seed(&[9; 32])
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_790_000_000 + seconds)
}

fn entry(number: u32) -> Entry {
    let data = json!({"number": number, "secret": "hunter2"});
    let system = System { event: "tested", path: "accounts/a", data: Some(&data), plain_keys: &[] };
    Entry::system(&Digester::new(&[7; 32]), &system)
}

fn kinds(report: &Report) -> Vec<FindingKind> {
    report.findings.iter().map(|finding| finding.kind.clone()).collect()
}

#[test]
fn a_trail_is_intact_while_open_and_after_closing() {
    let place = Place::new();
    let file = place.open(at(0));
    for number in 0..10 {
        let receipt = file.append(&entry(number), at(1)).unwrap();
        // The opening line and its checkpoint come first.
        assert_eq!(receipt.line().seq, u64::from(number) + 3);
    }
    let report = place.verify();
    assert_eq!((report.status, report.entries, report.checkpoints), (Status::Intact, 10, 1));
    assert_eq!(report.entries_unsigned, 10);
    assert_eq!(report.last, Some(file.head()));

    file.close(at(2)).unwrap();
    fs::remove_file(head_path(&place.path)).unwrap();
    let report = place.verify();
    assert_eq!((report.status, report.checkpoints, report.entries_unsigned), (Status::Intact, 2, 0));
    assert!(matches!(file.append(&entry(0), at(3)), Err(AuditError::Closed)));
    assert!(matches!(file.tick(at(30)), Err(AuditError::Closed)));
    assert!(matches!(file.reopen(at(3)), Err(AuditError::Closed)));
    file.close(at(4)).unwrap();
}

#[test]
fn the_file_and_its_head_are_for_the_owner_alone() {
    let place = Place::new();
    let _file = place.open(at(0));
    for path in [&place.path, &head_path(&place.path)] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(fs::read_dir(place.dir.path()).unwrap().count(), 2);
}

#[test]
fn checkpoints_come_after_five_seconds_or_a_thousand_entries() {
    let place = Place::new();
    let file = place.open(at(0));
    let checkpoints = || place.text().matches("\"reason\":\"interval\"").count();
    let _ = file.append(&entry(0), at(4)).unwrap();
    file.tick(at(4)).unwrap();
    assert_eq!(checkpoints(), 0);
    let _ = file.append(&entry(0), at(5)).unwrap();
    assert_eq!(checkpoints(), 1);
    // Nothing new: a tick writes nothing, however late.
    file.tick(at(60)).unwrap();
    assert_eq!(checkpoints(), 1);
    let _ = file.append(&entry(0), at(9)).unwrap();
    file.tick(at(60)).unwrap();
    assert_eq!(checkpoints(), 2);
    for number in 0..2_500 {
        let _ = file.append(&entry(number), at(60)).unwrap();
    }
    assert_eq!(checkpoints(), 4);
    let report = place.verify();
    assert_eq!((report.status, report.entries_unsigned), (Status::Intact, 500));
}

#[test]
fn a_checkpoint_names_the_newest_commit() {
    let place = Place::new();
    let file = place.open(at(0));
    assert_eq!(place.verify().commit, None);
    file.note_commit(41);
    file.note_commit(40);
    file.close(at(1)).unwrap();
    assert_eq!(place.verify().commit, Some(41));
}

#[test]
fn many_threads_write_whole_lines_in_one_chain() {
    let place = Place::new();
    let file = place.open(at(0));
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let file = &file;
            scope.spawn(move || {
                for number in 0..200 {
                    let _ = file.append(&entry(thread * 1_000 + number), at(i64::from(number) / 20)).unwrap();
                }
            });
        }
    });
    file.sync().unwrap();
    let report = place.verify();
    assert_eq!((report.status, report.entries), (Status::Intact, 1_600));
}

#[test]
fn a_restart_continues_the_chain() {
    let place = Place::new();
    let first = place.open(at(0));
    assert_eq!(
        first.opening(),
        Opening { last: Head::GENESIS, torn_bytes: 0, lost: None, head_unknown: false }
    );
    let receipt = first.append(&entry(1), at(0)).unwrap();
    drop(first);
    let second = place.open(at(1));
    let opening = second.opening();
    assert_eq!((opening.last, opening.torn_bytes, opening.lost), (receipt.line(), 0, None));
    let _ = second.append(&entry(2), at(1)).unwrap();
    second.close(at(1)).unwrap();
    drop(second);
    let report = place.verify();
    assert_eq!((report.status, report.entries, report.checkpoints), (Status::Intact, 2, 3));
}

#[test]
fn a_torn_write_is_kept_named_and_closed_on_the_next_opening() {
    for torn in [
        &b"{\"seq\":4,\"time\":\"2026"[..],
        b"{",
        b"\0\0\0\0",
        b"half\nof two\nlines",
        b"ended by a line feed\n",
        b"\n",
    ] {
        let place = Place::new();
        let _ = place.open(at(0)).append(&entry(1), at(0)).unwrap();
        place.add(torn);
        assert_ne!(place.verify().status, Status::Intact);

        let file = place.open(at(1));
        assert_eq!(file.opening().torn_bytes, torn.len() as u64);
        assert_eq!(file.opening().lost, None);
        let _ = file.append(&entry(2), at(1)).unwrap();
        assert!(place.text().contains(&format!("\"torn_bytes\":{}", torn.len())));
        assert!(fs::read(&place.path).unwrap().windows(torn.len()).any(|window| window == torn));
        let report = place.verify();
        assert_eq!((report.status, report.recovered, report.entries), (Status::Intact, 1, 2), "{report:?}");
    }
}

#[test]
fn a_line_that_lost_only_its_line_feed_is_taken_as_it_is() {
    let place = Place::new();
    let receipt = place.open(at(0)).append(&entry(1), at(0)).unwrap();
    let text = place.text();
    fs::write(&place.path, text.trim_end()).unwrap();
    let file = place.open(at(1));
    assert_eq!((file.opening().last, file.opening().torn_bytes), (receipt.line(), 0));
    let report = place.verify();
    assert_eq!((report.status, report.recovered, report.entries), (Status::Intact, 0, 1), "{report:?}");
}

#[test]
fn lines_cut_off_while_the_vault_was_down_are_told_for_ever() {
    let place = Place::new();
    let receipt = {
        let file = place.open(at(0));
        let _ = file.append(&entry(1), at(0)).unwrap();
        file.append(&entry(2), at(0)).unwrap()
    };
    let text = place.text();
    let kept: Vec<&str> = text.lines().take(3).collect();
    fs::write(&place.path, kept.join("\n") + "\n").unwrap();
    let truncated = FindingKind::Truncated { expected: receipt.line() };
    assert_eq!(kinds(&place.verify()), [truncated]);

    let file = place.open(at(1));
    assert_eq!(file.opening().lost, Some(receipt.line()));
    file.close(at(2)).unwrap();
    drop(file);
    drop(place.open(at(3)));
    assert_eq!(kinds(&place.verify()), [FindingKind::TailLost { expected: receipt.line() }]);
}

#[test]
fn a_missing_or_spoilt_head_file_does_not_prevent_the_start_but_is_told() {
    for spoil in [None, Some("")] {
        let place = Place::new();
        drop(place.open(at(0)));
        match spoil {
            None => fs::remove_file(head_path(&place.path)).unwrap(),
            Some(text) => fs::write(head_path(&place.path), text).unwrap(),
        }
        assert_eq!(place.verify().status, Status::Incomplete);
        let file = place.open(at(1));
        assert!(file.opening().head_unknown);
        assert_eq!(place.verify().status, Status::Intact);
    }
}

#[test]
fn a_head_that_is_one_write_behind_is_tolerated() {
    let place = Place::new();
    let file = place.open(at(0));
    let head = fs::read(head_path(&place.path)).unwrap();
    let _ = file.append(&entry(1), at(0)).unwrap();
    drop(file);
    fs::write(head_path(&place.path), head).unwrap();
    assert_eq!(place.verify().status, Status::Intact);
    assert_eq!(place.open(at(1)).opening().lost, None);
}

#[test]
fn an_entry_longer_than_a_line_is_refused_and_nothing_is_written() {
    let place = Place::new();
    let file = place.open(at(0));
    let long = "x".repeat(LINE_BYTES_MAX);
    let system = System { event: &long, path: "", data: None, plain_keys: &[] };
    let long = Entry::system(&Digester::new(&[7; 32]), &system);
    assert!(matches!(file.append(&long, at(0)), Err(AuditError::TooLong { .. })));
    let _ = file.append(&entry(1), at(0)).unwrap();
    assert_eq!(place.verify().status, Status::Intact);
}

#[test]
fn a_write_that_failed_half_way_is_closed_by_the_next() {
    let place = Place::new();
    let file = place.open(at(0));
    let first = file.append(&entry(1), at(0)).unwrap();
    // As after a full disk: some bytes arrived, and the caller was refused.
    place.add(b"{\"seq\":4,\"ti");
    file.lock().condition = Condition::Uncertain;
    let second = file.append(&entry(2), at(0)).unwrap();
    assert_eq!(second.line().seq, first.line().seq + 2);
    let report = place.verify();
    assert_eq!((report.status, report.recovered, report.entries), (Status::Intact, 1, 2));
}

#[test]
fn a_full_disk_refuses_entries() {
    // /dev/full answers every write as a full disk does.
    let place = Place::new();
    let file = place.open(at(0));
    let sound = std::mem::replace(
        &mut file.lock().file,
        Arc::new(OpenOptions::new().append(true).open("/dev/full").unwrap()),
    );
    let mut batch = Vec::new();
    let head = file.head();
    let failed = file.lock().write(b"line\n", head, at(0));
    assert!(matches!(failed, Err(AuditError::Io { doing: "write", .. })));
    file.lock().file = sound;
    drop(file.ready(&mut batch, at(0)).unwrap());
    assert!(batch.is_empty());
    let _ = file.append(&entry(1), at(0)).unwrap();
    assert_eq!(place.verify().status, Status::Intact);
}

#[test]
fn what_was_written_so_far_is_checked_by_what_the_writer_knows_whatever_lies_beside_it() {
    let place = Place::new();
    let file = place.open(at(0));
    for number in 0..3 {
        let _receipt = file.append(&entry(number), at(1)).unwrap();
    }
    let (written, options) = file.written().unwrap();
    let head = file.head();
    let _receipt = file.append(&entry(3), at(1)).unwrap();
    fs::write(head_path(&place.path), "another head").unwrap();
    let check = |(written, options): (Written, VerifyOptions)| {
        verify(std::io::BufReader::new(written), &options).unwrap()
    };
    let report = check((written, options));
    assert_eq!((report.status, report.last, report.is_key_pinned), (Status::Intact, Some(head), true));

    // A file that is put in its place is not what is looked at.
    let kept = place.dir.path().join("kept");
    fs::rename(&place.path, &kept).unwrap();
    place.open(at(2)).close(at(2)).unwrap();
    assert_eq!(check(file.written().unwrap()).last, Some(file.head()));
    let length = fs::metadata(&kept).unwrap().len();
    OpenOptions::new().write(true).open(&kept).unwrap().set_len(length - 10).unwrap();
    let report = check(file.written().unwrap());
    assert_eq!(report.status, Status::Damaged);
    assert!(kinds(&report).iter().any(|kind| matches!(kind, FindingKind::Truncated { .. })), "{report:?}");
}
