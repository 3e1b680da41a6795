//! Finds PostgreSQL's server programs and runs them as a user they accept.

use std::env;
use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

/// The folder of the newest installed programs, and who runs them.
#[derive(Debug)]
pub(super) struct Programs {
    bin: PathBuf,
    /// User and group to run as, when we are root (which PostgreSQL refuses).
    user: Option<(u32, u32)>,
}

impl Programs {
    pub(super) fn find() -> Result<Self> {
        let bin = newest(Path::new("/usr/lib/postgresql"))
            .or_else(|| {
                env::split_paths(&env::var_os("PATH").unwrap_or_default()).find(|folder| has_server(folder))
            })
            .context(
                "PostgreSQL's server programs (initdb, postgres) are not installed; run tests/install",
            )?;
        let user = if rustix::process::geteuid().is_root() { Some(unprivileged_user()?) } else { None };
        Ok(Self { bin, user })
    }

    pub(super) fn user(&self) -> Option<(u32, u32)> {
        self.user
    }

    /// A command of these programs, with a clean environment, as the right user.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// A folder that this user owns and can reach.
    pub(super) fn temporary_folder(&self) -> Result<TempDir> {
        let builder = |prefix| {
            let mut builder = tempfile::Builder::new();
            builder.prefix(prefix);
            builder
        };
        let Some((uid, gid)) = self.user else { return Ok(builder("rotunda-pg-").tempdir()?) };
        // root's own TMPDIR may be closed to others
        let folder = builder("rotunda-pg-").tempdir_in("/tmp")?;
        chown(folder.path(), Some(uid), Some(gid))?;
        Ok(folder)
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

fn unprivileged_user() -> Result<(u32, u32)> {
    let passwd = fs::read_to_string("/etc/passwd")?;
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| ids_of(&passwd, name))
        .context("this is root, and there is neither a user postgres nor a user nobody to run the server")
}

fn ids_of(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let passwd = "postgresql:x:7:8::/:/bin/sh\npostgres:x:101:104:Admin:/var:/bin/bash\n";
        assert_eq!(ids_of(passwd, "postgres"), Some((101, 104)));
        assert_eq!(ids_of(passwd, "nobody"), None);
    }

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
