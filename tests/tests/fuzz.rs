//! The stored inputs of the fuzz targets, on the stable compiler: what was found once stays mended.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

// The very functions that libFuzzer calls.
#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "public for the programs in fuzz/fuzz_targets")]
mod fuzz;

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use fuzz::{TARGETS, Target};

#[test]
fn every_stored_input_is_taken_or_refused_as_it_should() {
    replay(TARGETS.iter().filter(|(name, _)| *name != SLOW));
}

#[test]
fn every_stored_request_is_answered_as_it_should() {
    replay(TARGETS.iter().filter(|(name, _)| *name == SLOW));
}

#[test]
fn every_target_has_its_program_and_a_small_corpus() {
    let known: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(known.len(), TARGETS.len());
    assert_eq!(names(&place("corpus")), known);
    let programs = names(&place("fuzz_targets"));
    assert_eq!(programs, known.iter().map(|name| format!("{name}.rs")).collect());
    let manifest = fs::read_to_string(place("Cargo.toml")).unwrap();
    for name in &known {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
        let program = fs::read_to_string(place("fuzz_targets").join(format!("{name}.rs"))).unwrap();
        assert!(program.contains(&format!("rotunda_fuzz::{name}::run(data)")), "{name}");
        let inputs = inputs(name);
        let bytes: usize = inputs.iter().map(|(_, input)| input.len()).sum();
        assert!((INPUTS_MIN..=INPUTS_MAX).contains(&inputs.len()), "{name}: {} inputs", inputs.len());
        assert!(bytes <= BYTES_MAX, "{name}: {bytes} bytes");
    }
}

/// Plays each input by itself, and names those that broke a promise.
fn replay<'a>(targets: impl Iterator<Item = &'a Target>) {
    let mut broken = Vec::new();
    for (name, run) in targets {
        for (path, input) in inputs(name) {
            if catch_unwind(|| run(&input)).is_err() {
                broken.push(path);
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The stored inputs of a target, in the order of their names.
fn inputs(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let dir = place("corpus").join(name);
    names(&dir).iter().map(|file| (dir.join(file), fs::read(dir.join(file)).unwrap())).collect()
}

fn names(dir: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(dir).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(name)
}

/// It starts servers, so it is a test of its own.
const SLOW: &str = "request";
const INPUTS_MIN: usize = 4;
const INPUTS_MAX: usize = 60;
const BYTES_MAX: usize = 120 * 1024;
