//! A vault whose machine's clock a test steps: libfaketime answers it instead of the system. Its monotonic clock is the
//! system's own, as it is where a clock is stepped.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::Vault;
use super::mode::Mode;

impl Vault {
    /// As [`Vault::start`], by a clock that [`Vault::step_clock`] steps.
    ///
    /// # Errors
    /// When the program or libfaketime is missing, or it does not come up.
    pub async fn start_by_own_clock() -> Result<Self> {
        Self::start_with(Mode::Dev, Some(library()?)).await
    }

    /// Sets the clock off the system's, such as `-1h`; at once, and also for the next start.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn step_clock(&self, off: &str) -> Result<()> {
        let (file, next) = (self.folder.path().join(OFF), self.folder.path().join("clock.next"));
        // It is read at any moment: half a file would be another time.
        std::fs::write(&next, format!("{off}\n"))?;
        Ok(std::fs::rename(next, file)?)
    }
}

/// Has the program ask `library` for the time.
pub(super) fn apply(command: &mut Command, library: &Path, folder: &Path) {
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", folder.join(OFF))
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1");
}

/// Debian's libfaketime, for programs with threads.
fn library() -> Result<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib")?.filter_map(Result::ok);
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    found.find(|library| library.exists()).context("libfaketime is missing: run tests/install")
}

const OFF: &str = "clock";
