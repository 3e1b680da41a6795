//! `rotunda operator migrate-store`: a copy of a store under another engine. Records stay encrypted.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use vault_cli::{Exit, OutputArgs, StoreLocation};
use vault_core::store::migrate::migrate as copy;
use vault_core::store::{EngineOptions, open_engine};

use super::{engine_kind, print};

pub(super) fn migrate(from: &StoreLocation, to: &StoreLocation, output: &OutputArgs) -> Result<Exit> {
    check_places(from, to)?;
    let options = EngineOptions::default();
    let open = |place: &StoreLocation| {
        open_engine(engine_kind(place.engine), &place.directory, &options)
            .with_context(|| format!("cannot open the store in {}", place.directory.display()))
    };
    let (source, target) = (open(from)?, open(to)?);
    let mut progress = Progress::new();
    let copied = copy(&*source, &*target, &mut |done| progress.at(done))?;
    copy_side_file(&from.directory, &to.directory)?;
    let facts = [
        ("copied", Value::from(copied)),
        ("engine", Value::from(engine_kind(to.engine).as_str())),
        ("data_dir", Value::from(to.directory.display().to_string())),
    ];
    print(output, &facts, &[])?;
    Ok(Exit::Done)
}

fn check_places(from: &StoreLocation, to: &StoreLocation) -> Result<()> {
    if !from.directory.join(engine_kind(from.engine).as_str()).is_dir() {
        bail!("{} holds no {} store", from.directory.display(), engine_kind(from.engine).as_str());
    }
    if from.directory == to.directory {
        bail!("--from and --to must be different directories");
    }
    if to.directory.join(COMMIT_FILE).exists() {
        bail!("{} holds a store already; name a new directory", to.directory.display());
    }
    Ok(())
}

/// The commit number goes along, so that a copy that is put back later is noticed as such.
fn copy_side_file(from: &Path, to: &Path) -> Result<()> {
    let (from, to) = (from.join(COMMIT_FILE), to.join(COMMIT_FILE));
    if !from.exists() {
        return Ok(());
    }
    std::fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
    std::fs::File::open(&to).and_then(|file| file.sync_all()).context("cannot sync the copy")
}

/// Says how far it is, once a second, on standard error.
struct Progress {
    told: Instant,
}

impl Progress {
    fn new() -> Self {
        Self { told: Instant::now() }
    }

    #[expect(clippy::print_stderr, reason = "progress leaves standard output to the result")]
    fn at(&mut self, done: u64) {
        if self.told.elapsed().as_secs() >= 1 {
            self.told = Instant::now();
            eprintln!("{done} entries copied");
        }
    }
}

/// The store's side file with the commit number.
const COMMIT_FILE: &str = "commit";
