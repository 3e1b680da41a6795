//! The search finds what was planted: every form, in a file, a log and an answer.

use crate::search::{Secrets, Text, files_below, forms};

#[test]
fn the_search_finds_each_form_of_a_planted_secret() {
    let mut secrets = Secrets::default();
    secrets.add("planted", PLANTED);
    for (form, bytes) in forms(PLANTED.as_bytes()) {
        let text = [b"\x00before ".as_slice(), &bytes, b" after\xff"].concat();
        assert_eq!(secrets.search(&[Text::new("a log", text)]).len(), 1, "{form}");
    }
}

#[test]
fn the_search_finds_a_secret_inside_longer_base64_at_each_alignment() {
    let mut secrets = Secrets::default();
    secrets.add("planted", PLANTED);
    for before in ["", "a", "ab", "abc", "user:"] {
        let longer = format!("{before}{PLANTED}@host");
        for encoding in [data_encoding::BASE64, data_encoding::BASE64URL] {
            let encoded = encoding.encode(longer.as_bytes());
            assert_eq!(secrets.search(&[Text::new("a header", encoded)]).len(), 1, "{before:?}");
        }
    }
}

#[test]
fn a_secret_that_was_planted_in_a_file_is_found_and_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("redb")).unwrap();
    std::fs::write(folder.path().join("redb/records.redb"), format!("\x01\x02{PLANTED}\x03")).unwrap();
    std::fs::write(folder.path().join("audit.log"), "{\"data\":\"hmac-sha256:00\"}\n").unwrap();
    let mut secrets = Secrets::default();
    secrets.add("planted", PLANTED);
    let found = secrets.search(&files_below(folder.path()));
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("planted (as it is) in ") && found[0].contains("redb/records.redb"),
        "{}",
        found[0]
    );
    assert!(!found[0].contains(PLANTED));
}

#[test]
fn a_key_is_found_as_text_and_as_bytes() {
    let key = [0xA5; 32];
    let mut secrets = Secrets::default();
    secrets.add_key("key", &data_encoding::BASE64.encode(&key));
    assert_eq!(secrets.search(&[Text::new("a file", [b"x".as_slice(), &key].concat())]).len(), 1);
    assert_eq!(secrets.search(&[Text::new("a file", data_encoding::HEXLOWER.encode(&key))]).len(), 1);
    assert!(secrets.search(&[Text::new("a file", "nothing of it")]).is_empty());
}

const PLANTED: &str = "plantedCanary'\"\\%ü/4711";
