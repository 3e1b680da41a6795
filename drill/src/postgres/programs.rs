//! Finds PostgreSQL's server programs and runs them as a user they accept.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::RunAs;

/// The folder of the newest installed programs, and who runs them.
#[derive(Debug)]
pub(super) struct Programs {
    bin: PathBuf,
    run_as: RunAs,
}

/// Whether there are programs to start a server from.
#[must_use]
pub fn is_installed() -> bool {
    Programs::find().is_ok()
}

impl Programs {
    pub(super) fn find() -> Result<Self> {
        let bin = newest(Path::new("/usr/lib/postgresql"))
            .or_else(|| {
                env::split_paths(&env::var_os("PATH").unwrap_or_default()).find(|folder| has_server(folder))
            })
            .context(
                "PostgreSQL's server programs (initdb, postgres) are not installed; Debian has them in `postgresql`",
            )?;
        Ok(Self { bin, run_as: RunAs::one_of(&["postgres"])? })
    }

    pub(super) fn run_as(&self) -> RunAs {
        self.run_as
    }

    /// A command of these programs.
    pub(super) fn command(&self, program: &str) -> Command {
        self.run_as.command(&self.bin.join(program))
    }
}

/// The `bin` folder of the highest version under `root`.
fn newest(root: &Path) -> Option<PathBuf> {
    fs::read_dir(root)
        .ok()?
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version: u32 = path.file_name()?.to_str()?.parse().ok()?;
            let bin = path.join("bin");
            has_server(&bin).then_some((version, bin))
        })
        .max()
        .map(|(_, bin)| bin)
}

fn has_server(folder: &Path) -> bool {
    folder.join("initdb").is_file() && folder.join("postgres").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_version_wins_by_number_and_must_be_whole() {
        let root = tempfile::tempdir().unwrap();
        for (version, programs) in [("9", true), ("15", true), ("17", false)] {
            let bin = root.path().join(version).join("bin");
            fs::create_dir_all(&bin).unwrap();
            if programs {
                fs::write(bin.join("initdb"), "").unwrap();
                fs::write(bin.join("postgres"), "").unwrap();
            }
        }
        assert_eq!(newest(root.path()), Some(root.path().join("15/bin")));
    }
}
