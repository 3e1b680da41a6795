//! The words of a command: any of them are a command or a refusal, twice alike.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

/// Reads each line as a word after the program's name.
pub fn run(data: &[u8]) {
    let words = || {
        let words = data.split(|byte| *byte == b'\n').map(|word| OsString::from_vec(word.to_vec()));
        [OsString::from("rotunda")].into_iter().chain(words)
    };
    let described = |words| match vault_cli::parse(words) {
        Ok(parsed) => format!("{parsed:?}"),
        Err(refusal) => {
            assert!((0..=2).contains(&refusal.exit_code()));
            refusal.to_string()
        }
    };
    let first = described(words().collect::<Vec<_>>());
    assert_eq!(described(words().collect()), first);
}
