//! Rotating the file, and noticing when it is taken away, replaced or not ours.

use std::os::unix::fs::MetadataExt;

use super::*;

#[test]
fn rotation_ends_one_file_and_links_the_next() {
    let place = Place::new();
    let old = place.dir.path().join("audit.log.1");
    let file = place.open(at(0));
    let _ = file.append(&entry(1), at(0)).unwrap();
    assert_eq!(file.reopen(at(1)).unwrap(), Reopened::Kept);
    // The second round as a log rotation program does that puts an empty file in the old one's place.
    for empty_file in [false, true] {
        fs::rename(&place.path, &old).unwrap();
        if empty_file {
            fs::write(&place.path, "").unwrap();
        }
        let _ = file.append(&entry(2), at(2)).unwrap();
        assert_eq!(file.reopen(at(3)).unwrap(), Reopened::Began);
        let _ = file.append(&entry(3), at(3)).unwrap();

        let before = verify_file(&old, &VerifyOptions::default()).unwrap();
        assert_eq!(before.status, Status::Intact, "{before:?}");
        let options = VerifyOptions { start: before.last, ..Default::default() };
        let after = verify_file(&place.path, &options).unwrap();
        assert_eq!((after.status, after.start, after.entries), (Status::Intact, before.last, 1));
        let other = VerifyOptions {
            start: Some(Head { seq: 1, hash: super::super::super::line::LineHash::ZERO }),
            ..options
        };
        assert_eq!(kinds(&verify_file(&place.path, &other).unwrap()), [FindingKind::OtherBeginning]);
    }
}

#[test]
fn a_file_moved_away_while_the_vault_was_down_is_continued_by_the_new_one() {
    let place = Place::new();
    let file = place.open(at(0));
    file.close(at(1)).unwrap();
    let last = file.head();
    drop(file);
    fs::rename(&place.path, place.dir.path().join("audit.log.1")).unwrap();
    let file = place.open(at(2));
    assert_eq!(file.opening().last, last);
    assert_eq!(place.verify().start, Some(last));
}

#[test]
fn a_deleted_file_is_noticed_within_a_second_and_nothing_is_recorded_until_it_is_reopened() {
    let place = Place::new();
    let file = place.open(at(0));
    let _ = file.append(&entry(1), at(0)).unwrap();
    fs::remove_file(&place.path).unwrap();
    for _ in 0..3 {
        assert!(matches!(file.append(&entry(2), at(1)), Err(AuditError::Deleted)));
    }
    assert_eq!(file.reopen(at(2)).unwrap(), Reopened::Began);
    let _ = file.append(&entry(3), at(2)).unwrap();
    let report = place.verify();
    assert_eq!((report.status, report.entries), (Status::Intact, 1));
    assert_ne!(report.start, Some(Head::GENESIS));
}

#[test]
fn a_moved_or_replaced_file_is_refused_after_the_grace() {
    for replaced in [false, true] {
        let place = Place::new();
        let file = place.open(at(0));
        fs::rename(&place.path, place.dir.path().join("elsewhere")).unwrap();
        if replaced {
            fs::write(&place.path, "something else\n").unwrap();
        }
        for second in [1, 5, 10] {
            let _ = file.append(&entry(1), at(second)).unwrap();
        }
        for second in [11, 12, 60] {
            assert!(matches!(file.append(&entry(2), at(second)), Err(AuditError::Moved)), "{second}");
        }
        if replaced {
            assert!(matches!(file.reopen(at(61)), Err(AuditError::Occupied)));
            fs::remove_file(&place.path).unwrap();
        }
        assert_eq!(file.reopen(at(62)).unwrap(), Reopened::Began);
        let _ = file.append(&entry(2), at(62)).unwrap();
    }
}

#[test]
fn a_file_that_is_put_back_in_time_goes_on() {
    let place = Place::new();
    let file = place.open(at(0));
    let away = place.dir.path().join("elsewhere");
    fs::rename(&place.path, &away).unwrap();
    let _ = file.append(&entry(1), at(1)).unwrap();
    fs::rename(&away, &place.path).unwrap();
    let _ = file.append(&entry(1), at(5)).unwrap();
    let _ = file.append(&entry(1), at(100)).unwrap();
    assert_eq!(place.verify().status, Status::Intact);
}

#[test]
fn a_file_cut_short_under_the_vault_is_refused() {
    for length in [0, 100] {
        let place = Place::new();
        let file = place.open(at(0));
        let _ = file.append(&entry(1), at(0)).unwrap();
        OpenOptions::new().write(true).open(&place.path).unwrap().set_len(length).unwrap();
        assert!(matches!(file.append(&entry(2), at(1)), Err(AuditError::CutShort)));
        match length {
            // As a log rotation program leaves it that copies and truncates.
            0 => assert_eq!(file.reopen(at(2)).unwrap(), Reopened::BeganWithoutClosing),
            _ => assert!(matches!(file.reopen(at(2)), Err(AuditError::Occupied))),
        }
    }
}

#[test]
fn files_that_are_not_ours_are_refused_and_left_as_they_are() {
    let place = Place::new();
    fs::write(&place.path, "root:x:0:0\n").unwrap();
    assert!(matches!(place.try_open(at(0)), Err(AuditError::NotAuditLog)));
    assert_eq!(place.text(), "root:x:0:0\n");

    let place = Place::new();
    fs::create_dir(&place.path).unwrap();
    assert!(matches!(place.try_open(at(0)), Err(AuditError::NotAFile)));

    let place = Place::new();
    drop(place.open(at(0)));
    let other = CheckpointSigner::from_seed(&[8; 32]);
    assert!(matches!(AuditFile::open(&place.path, other, at(1)), Err(AuditError::OtherVault)));

    let place = Place::new();
    let mut text = Vec::new();
    let event = ChainEvent::Opened { format: 2, public_key: signer().public_key().to_string() };
    let _ = line::compose(&mut text, Head::GENESIS, at(0), CHAIN, &event.to_body());
    fs::write(&place.path, text).unwrap();
    assert!(matches!(place.try_open(at(0)), Err(AuditError::NewerFormat { found: 2, known: 1 })));
}

#[test]
fn a_second_process_is_refused() {
    let place = Place::new();
    let _file = place.open(at(0));
    assert!(matches!(place.try_open(at(0)), Err(AuditError::InUse)));
}

#[test]
fn an_empty_file_is_begun_and_a_left_over_draft_does_no_harm() {
    let place = Place::new();
    fs::write(&place.path, "").unwrap();
    fs::write(place.dir.path().join("audit.log.new"), "torn").unwrap();
    let before = fs::metadata(&place.path).unwrap().ino();
    drop(place.open(at(0)));
    assert_ne!(fs::metadata(&place.path).unwrap().ino(), before);
    assert_eq!(place.verify().status, Status::Intact);
    assert!(!place.dir.path().join("audit.log.new").exists());
}
