//! Writes numbered commits until it dies, and checks a store against what it had acknowledged.
//!
//! Driven by `tests/power-cut`:
//! `store_ring write ENGINE DIR` tells acknowledgements on its standard output;
//! `store_ring check ENGINE DIR TOLD` compares with the file of what was told, prints one line, and exits
//! with 1 when something was lost, torn, or the store does not open.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use vault_core::entropy::OsEntropy;
use vault_core::store::batch::Batch;
use vault_core::store::contract::TEST_KEY;
use vault_core::store::{EngineKind, EngineOptions, Store, ring};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["write", engine, dir] => write(engine, Path::new(dir)).map(|()| true),
        ["check", engine, dir, told] => check(engine, Path::new(dir), Path::new(told)),
        _ => Err("usage: store_ring write ENGINE DIR | check ENGINE DIR TOLD".into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let first: &dyn Error = error.as_ref();
            let causes = std::iter::successors(Some(first), |error| (*error).source());
            let text: Vec<_> = causes.map(ToString::to_string).collect();
            let _ = writeln!(std::io::stderr(), "{}", text.join(": "));
            ExitCode::FAILURE
        }
    }
}

fn open(engine: &str, dir: &Path) -> Result<Store, Box<dyn Error>> {
    let kind = match engine {
        "sled" => EngineKind::Sled,
        "redb" => EngineKind::Redb,
        other => return Err(format!("no such engine on disk: {other}").into()),
    };
    let store = Store::open_dir(kind, dir, &EngineOptions::default(), Arc::new(OsEntropy))?;
    if store.is_initialised()? {
        store.unlock(&TEST_KEY)?;
    } else {
        store.bootstrap(&TEST_KEY, Batch::new())?;
    }
    Ok(store)
}

fn write(engine: &str, dir: &Path) -> Result<(), Box<dyn Error>> {
    let store = open(engine, dir)?;
    ring::write(&store, &mut std::io::stdout(), u64::MAX)
}

fn check(engine: &str, dir: &Path, told: &Path) -> Result<bool, Box<dyn Error>> {
    let told = std::fs::read_to_string(told)?;
    let store = open(engine, dir)?;
    let report = ring::check(&store, &ring::parse(&told))?;
    let verified = store.verify()?;
    let is_whole = report.lost == 0 && report.torn == 0 && verified.is_intact();
    writeln!(
        std::io::stdout(),
        "acknowledged {} lost {} torn {} intact {}",
        told.lines().count(),
        report.lost,
        report.torn,
        verified.is_intact()
    )?;
    Ok(is_whole)
}
