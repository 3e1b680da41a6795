//! The store's directory: who has it open, which engine's it is, and of which format.
//!
//! ```text
//!   <dir>/lock      held while the store is open
//!   <dir>/engine    the marker: format, engine, and whether the engine's files were made completely
//!   <dir>/commit    the commit number (see `anchor`)
//!   <dir>/sled/     the engine's own files
//!   <dir>/redb/
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::engine::EngineError;

/// The directory, locked against other processes (and other stores of this one) while this value lives.
#[derive(Debug)]
pub(crate) struct Place {
    root: PathBuf,
    _lock: File,
}

/// How far the engine's files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// They were never made completely, so nothing was ever committed: begin anew.
    Unmade,
    /// They are complete: anything missing is damage.
    Made,
}

impl Place {
    /// Makes the directory if need be, and takes its lock.
    pub(crate) fn claim(root: &Path) -> Result<Self, EngineError> {
        make_dir(root)?;
        let path = root.join("lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let lock = lock.map_err(EngineError::Io)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { root: root.to_path_buf(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(EngineError::Locked(root.to_path_buf())),
            Err(TryLockError::Error(error)) => Err(EngineError::Io(error)),
        }
    }

    /// The directory of an engine's own files, made if need be.
    pub(crate) fn engine_dir(&self, engine: &'static str) -> Result<PathBuf, EngineError> {
        let dir = self.root.join(engine);
        make_dir(&dir)?;
        Ok(dir)
    }

    /// Reads the marker, and removes what an interrupted creation left.
    pub(crate) fn stage(&self, asked: &'static str) -> Result<Stage, EngineError> {
        match fs::read(self.root.join(MARKER)) {
            Ok(bytes) => match parse(&bytes, asked)? {
                Stage::Made => Ok(Stage::Made),
                Stage::Unmade => {
                    let dir = self.root.join(asked);
                    if dir.try_exists().map_err(EngineError::Io)? {
                        fs::remove_dir_all(&dir).map_err(EngineError::Io)?;
                    }
                    Ok(Stage::Unmade)
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                for engine in ["sled", "redb"] {
                    if self.root.join(engine).try_exists().map_err(EngineError::Io)? {
                        return Err(EngineError::Corrupt("the file `engine` is missing".into()));
                    }
                }
                self.mark(asked, Stage::Unmade)?;
                Ok(Stage::Unmade)
            }
            Err(error) => Err(EngineError::Io(error)),
        }
    }

    /// Writes the marker: whole or not at all, and on disk when it returns.
    pub(crate) fn mark(&self, engine: &'static str, stage: Stage) -> Result<(), EngineError> {
        let stage = match stage {
            Stage::Unmade => UNMADE,
            Stage::Made => MADE,
        };
        let text = format!("{TITLE}\nformat {FORMAT}\nengine {engine}\nfiles {stage}\n");
        let draft = self.root.join("engine.new");
        let write = || -> io::Result<()> {
            let mut file = File::create(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, self.root.join(MARKER))?;
            sync_dir(&self.root)
        };
        write().map_err(EngineError::Io)
    }
}

/// The engine that the marker in `root` names, if there is a marker.
pub(crate) fn engine_of(root: &Path) -> Option<String> {
    let text = fs::read_to_string(root.join(MARKER)).ok()?;
    text.lines().find_map(|line| line.strip_prefix("engine ").map(str::to_owned))
}

/// Syncs a directory, so that the names in it survive a power cut.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Syncs every file in `dir` and below, then the directories themselves.
pub(crate) fn sync_tree(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    sync_dir(dir)
}

/// Makes a directory that only its owner may enter, and syncs its name.
fn make_dir(dir: &Path) -> Result<(), EngineError> {
    if dir.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir).map_err(EngineError::Io)?;
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_dir(parent).map_err(EngineError::Io),
        _ => Ok(()),
    }
}

fn parse(bytes: &[u8], asked: &'static str) -> Result<Stage, EngineError> {
    let damaged = || EngineError::Corrupt("the file `engine` is damaged".into());
    let text = std::str::from_utf8(bytes).map_err(|_| damaged())?;
    let mut lines = text.lines();
    if lines.next() != Some(TITLE) {
        return Err(damaged());
    }
    let mut field = |name: &str| {
        let (key, value) = lines.next()?.split_once(' ')?;
        (key == name).then_some(value)
    };
    let format: u32 = field("format").and_then(|value| value.parse().ok()).ok_or_else(damaged)?;
    if format > FORMAT {
        return Err(EngineError::NewerFormat { found: format, known: FORMAT });
    }
    let found = field("engine").ok_or_else(damaged)?;
    if !matches!(found, "sled" | "redb") || format != FORMAT {
        return Err(damaged());
    }
    if found != asked {
        return Err(EngineError::OtherEngine { found: found.to_owned(), asked });
    }
    match field("files") {
        Some(MADE) => Ok(Stage::Made),
        Some(UNMADE) => Ok(Stage::Unmade),
        _ => Err(damaged()),
    }
}

const MARKER: &str = "engine";
const TITLE: &str = "rotunda store";
/// The format of the directory and of the records in it that this build writes and reads.
pub(crate) const FORMAT: u32 = 1;
const MADE: &str = "complete";
const UNMADE: &str = "being made";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_read_or_refused_with_the_reason() {
        let cases: [(&str, Result<Stage, &str>); 8] = [
            ("rotunda store\nformat 1\nengine sled\nfiles complete\n", Ok(Stage::Made)),
            ("rotunda store\nformat 1\nengine sled\nfiles being made\n", Ok(Stage::Unmade)),
            ("rotunda store\nformat 2\nengine sled\nfiles complete\n", Err("has format 2")),
            ("rotunda store\nformat 2\nsomething new\n", Err("has format 2")),
            ("rotunda store\nformat 1\nengine redb\nfiles complete\n", Err("holds a redb store")),
            ("rotunda store\nformat 1\nengine sled\n", Err("damaged")),
            ("rotunda store\nformat 0\nengine sled\nfiles complete\n", Err("damaged")),
            ("", Err("damaged")),
        ];
        for (text, expected) in cases {
            match (parse(text.as_bytes(), "sled"), expected) {
                (Ok(stage), Ok(wanted)) => assert_eq!(stage, wanted, "{text}"),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
    }
}
