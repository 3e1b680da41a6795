//! Finds, creates and locks the file itself, and notices when it is taken away.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::checkpoint::PublicKey;
use super::super::head::Head;
use super::super::line::{self, CHAIN, ChainEvent};
use super::error::{AuditError, doing};
use crate::clock::Timestamp;

/// What stands at a path.
pub(super) enum Standing {
    /// Nothing, or an empty file that a log rotation program put there.
    Free,
    /// A file with contents.
    Taken,
}

/// Looks at what stands at `path`.
pub(super) fn look(path: &Path) -> Result<Standing, AuditError> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(AuditError::NotAFile),
        Ok(found) if found.len() == 0 => Ok(Standing::Free),
        Ok(_) => Ok(Standing::Taken),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Standing::Free),
        Err(error) => Err(doing("look at")(error)),
    }
}

/// Opens and locks an existing log after checking that its first line is ours.
pub(super) fn open(path: &Path, key: PublicKey) -> Result<File, AuditError> {
    let file = OpenOptions::new().read(true).append(true).open(path).map_err(doing("open"))?;
    lock(&file)?;
    let mut first = vec![0; FIRST_LINE_BYTES_MAX];
    let read = file.read_at(&mut first, 0).map_err(doing("read"))?;
    first.truncate(read);
    let first = first.split(|byte| *byte == b'\n').next().and_then(line::read);
    match first.and_then(|line| line.chain) {
        Some(ChainEvent::Opened { format, .. }) if format > FORMAT => {
            Err(AuditError::NewerFormat { found: format, known: FORMAT })
        }
        Some(ChainEvent::Opened { public_key, .. }) if public_key != key.to_string() => {
            Err(AuditError::OtherVault)
        }
        Some(ChainEvent::Opened { .. }) => Ok(file),
        _ => Err(AuditError::NotAuditLog),
    }
}

/// Creates a log whose first line follows `prev`. The file appears at `path` with that line whole and on
/// disk, so a crash never leaves a log without a beginning.
pub(super) fn create(
    path: &Path,
    prev: Head,
    key: PublicKey,
    now: Timestamp,
) -> Result<(File, Head), AuditError> {
    let draft = draft_path(path);
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(doing("create")(error)),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .map_err(doing("create"))?;
    lock(&file)?;
    let opened = ChainEvent::Opened { format: FORMAT, public_key: key.to_string() };
    let mut line = Vec::new();
    let head = line::compose(&mut line, prev, now, CHAIN, &opened.to_body());
    file.write_all(&line).map_err(doing("write"))?;
    file.sync_all().map_err(doing("sync"))?;
    fs::rename(&draft, path).map_err(doing("create"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(doing("sync the folder of"))?;
    Ok((file, head))
}

fn draft_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

fn lock(file: &File) -> Result<(), AuditError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => AuditError::InUse,
        TryLockError::Error(error) => doing("lock")(error),
    })
}

/// Watches whether the open file is still the one at its path.
#[derive(Debug, Default)]
pub(super) struct Watch {
    looked_at: Option<Timestamp>,
    moved_at: Option<Timestamp>,
}

impl Watch {
    /// Looks at most once a second of passed-in time, and again at every call once something was wrong.
    ///
    /// A renamed file is still written for [`MOVE_GRACE`], the time that a log rotation program takes to ask
    /// for a reopening: its entries are as durable as before. A deleted or shortened one is refused at once.
    pub(super) fn check(
        &mut self,
        path: &Path,
        file: &File,
        length: u64,
        now: Timestamp,
    ) -> Result<(), AuditError> {
        let recent = self.looked_at.is_some_and(|at| now >= at && now.since(at) < LOOK_EVERY);
        if recent {
            return Ok(());
        }
        self.looked_at = None;
        let ours = file.metadata().map_err(doing("look at"))?;
        if ours.nlink() == 0 {
            return Err(AuditError::Deleted);
        }
        if ours.len() < length {
            return Err(AuditError::CutShort);
        }
        if is_same(path, &ours)? {
            self.moved_at = None;
        } else {
            let moved_at = *self.moved_at.get_or_insert(now);
            if now.since(moved_at) >= MOVE_GRACE {
                return Err(AuditError::Moved);
            }
        }
        self.looked_at = Some(now);
        Ok(())
    }
}

/// Whether the file at `path` is the one that `ours` describes.
pub(super) fn is_same(path: &Path, ours: &fs::Metadata) -> Result<bool, AuditError> {
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(doing("look at")(error)),
    }
}

/// The version of the format that is written here.
const FORMAT: u32 = 1;

const FIRST_LINE_BYTES_MAX: usize = 4096;
const LOOK_EVERY: Duration = Duration::from_secs(1);
const MOVE_GRACE: Duration = Duration::from_secs(10);
