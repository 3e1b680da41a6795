//! The small files beside a store: the commit number, the engine's mark, the head of an audit file, the keys of
//! a development vault.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use vault_core::audit::head::{head_path, read_head};
use vault_core::store::anchor::{Anchor as _, FileAnchor};
use vault_core::store::{EngineKind, EngineOptions, open_engine};
use vault_server::dev::share_in;

/// Puts `data` where each of the files should be.
pub fn run(data: &[u8]) {
    thread_local! {
        static DIR: OnceCell<Option<tempfile::TempDir>> = const { OnceCell::new() };
    }
    let dir: Option<PathBuf> = DIR.with(|dir| {
        let dir = dir.get_or_init(|| tempfile::tempdir().ok()).as_ref();
        dir.map(|dir| dir.path().to_owned())
    });
    let Some(dir) = dir else { return };
    commit_number(&dir, data);
    audit_head(&dir, data);
    if std::fs::write(dir.join("dev.json"), data).is_ok() {
        assert_eq!(shown(share_in(&dir)), shown(share_in(&dir)));
    }
    engine_mark(&dir, data);
}

fn commit_number(dir: &Path, data: &[u8]) {
    let path = dir.join("commit");
    if data.is_empty() || std::fs::write(&path, data).is_err() {
        return;
    }
    let Ok(mut anchor) = FileAnchor::open(dir) else { return };
    if let Ok(number) = anchor.read() {
        // There is one spelling of each number.
        assert!(anchor.write(number.unwrap_or(0)).is_ok());
        assert_eq!(std::fs::read(&path).ok().as_deref(), Some(data));
    }
}

fn audit_head(dir: &Path, data: &[u8]) {
    let path = dir.join("audit.log");
    if std::fs::write(head_path(&path), data).is_err() {
        return;
    }
    if let Ok(Some(head)) = read_head(&path) {
        let again =
            serde_json::to_vec(&head).is_ok_and(|text| std::fs::write(head_path(&path), text).is_ok());
        assert!(again);
        assert_eq!(read_head(&path).ok(), Some(Some(head)));
    }
}

/// A mark of another engine, a damaged or a newer one opens nothing.
fn engine_mark(dir: &Path, data: &[u8]) {
    let dir = dir.join("store");
    let made = std::fs::create_dir_all(&dir).is_ok() && std::fs::write(dir.join("engine"), data).is_ok();
    let opened = made && open_engine(EngineKind::Redb, &dir, &EngineOptions::default()).is_ok();
    if opened {
        let text = String::from_utf8_lossy(data);
        assert!(text.starts_with("rotunda store\n") && text.contains("redb"));
    }
    // What was made in the place must not be found by the next input.
    let _ = std::fs::remove_dir_all(&dir);
}

fn shown<T, E: std::fmt::Display>(result: Result<Option<T>, E>) -> Result<bool, String> {
    result.map(|found| found.is_some()).map_err(|error| error.to_string())
}
