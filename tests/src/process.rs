//! Private servers' processes, and what `tests/install` has put beside the build.

use std::path::PathBuf;

use anyhow::{Context, Result};

pub use rotunda_drill::process::{Log, Process, RunAs, Watcher, free_port};

/// What `tests/install` has put into the target folder.
///
/// # Errors
/// When it is not there.
pub fn installed(place: &str) -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    // <target>/<profile>/deps/<test> → <target>/clients
    let target = test.ancestors().nth(3).context("the test program stands in no target folder")?;
    let found = target.join("clients").join(place);
    let missing = || {
        format!(
            "{} is missing: run tests/install (with CARGO_TARGET_DIR={})",
            found.display(),
            target.display()
        )
    };
    anyhow::ensure!(found.exists(), missing());
    Ok(found)
}
