//! What each file must look like.

use std::path::Path;

use super::tree::{none, paths, sources};

#[test]
fn no_file_is_too_long_to_be_read_at_once() {
    let long = sources(".rs").into_iter().filter_map(|source| {
        let lines = source.text.lines().count();
        (lines > LINES_MAX).then(|| format!("{}: {lines} lines", source.path))
    });
    none(long.collect(), &format!("more than {LINES_MAX} lines: split the file by what it knows"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent = sources(".rs").into_iter().filter(|source| !source.text.starts_with("//! "));
    none(silent.map(|source| source.path).collect(), "a file begins with `//! ` and the one thing it does");
}

#[test]
fn no_name_hides_what_is_in_a_file() {
    let vague = paths().into_iter().filter(|path| {
        let name = Path::new(path).file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
        let is_rust = path.ends_with(".rs");
        is_rust
            && (VAGUE.contains(&name.as_str()) || VAGUE_BEGINNINGS.iter().any(|word| name.starts_with(word)))
    });
    none(vague.collect(), "a file is called by what it knows; `mod.rs` is `name.rs` beside `name/`");
}

#[test]
fn nothing_is_waved_through_and_nothing_is_left_undone() {
    let mut offences = Vec::new();
    for source in sources(".rs").iter().filter(|source| !source.path.ends_with("tidy/files.rs")) {
        for (number, line) in source.text.lines().enumerate() {
            if FORBIDDEN.iter().any(|word| line.contains(word)) {
                offences.push(format!("{}:{}: {}", source.path, number + 1, line.trim()));
            }
        }
    }
    none(offences, "a lint is silenced by #[expect(…, reason = …)] only, and no stub is committed");
}

#[test]
fn no_file_names_a_place_on_a_developers_machine() {
    let mut offences = Vec::new();
    for source in sources("").iter().filter(|source| !source.path.ends_with("tidy/files.rs")) {
        for (number, line) in source.text.lines().enumerate() {
            if MACHINES.iter().any(|place| line.contains(place)) {
                offences.push(format!("{}:{}", source.path, number + 1));
            }
        }
    }
    none(offences, "a path of somebody's machine means nothing on another");
}

const LINES_MAX: usize = 400;
const VAGUE: [&str; 7] = ["mod", "common", "misc", "manager", "types", "prelude", "stuff"];
const VAGUE_BEGINNINGS: [&str; 2] = ["util", "helper"];
const FORBIDDEN: [&str; 6] = ["#[allow(", "#![allow(", "todo!(", "unimplemented!(", "dbg!(", "#[ignore"];
const MACHINES: [&str; 4] = ["/home/", "/Users/", "/root/", "/work/"];
