//! A private server for tests that is a script of ours over a Python library: what comes to it is understood by code
//! that is none of the vault's.
//!
//! A script is started as `script.py ARGUMENTS… FOLDER`; it writes its port to `port` in the folder, says `listening`,
//! and keeps what came in lines of files there.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Log, Process, Watcher, installed};

/// A running server; it ends on drop.
#[derive(Debug)]
pub(crate) struct Script {
    port: u16,
    process: Option<Process>,
    folder: TempDir,
    _watcher: Watcher,
}

impl Script {
    /// Starts `script`, called `name`, on a free port; `prepare` puts into its folder what it needs first.
    pub(crate) fn start(
        name: &str,
        script: &str,
        arguments: &[&str],
        prepare: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix(&format!("rotunda-{name}-")).tempdir()?;
        let mut watcher = Watcher::over(folder.path())?;
        prepare(folder.path())?;
        let file = folder.path().join("server.py");
        std::fs::write(&file, script)?;
        let mut command = std::process::Command::new(installed("venv/bin/python")?);
        command
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", folder.path())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .arg(&file)
            .args(arguments)
            .arg(folder.path());
        let log: Arc<Log> = Arc::default();
        let process = Process::start_watched(&mut command, "listening", &log, &mut watcher)
            .with_context(|| format!("the {name} server does not start: {}", log.text()))?;
        let port = std::fs::read_to_string(folder.path().join("port"))?.trim().parse()?;
        Ok(Self { port, process: Some(process), folder, _watcher: watcher })
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The lines of a file. Whole ones only: the last one may be half written.
    pub(crate) fn lines(&self, file: &str) -> Result<Vec<String>> {
        match std::fs::read_to_string(self.folder.path().join(file)) {
            Ok(text) => {
                let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
                Ok(whole.lines().map(str::to_owned).collect())
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// The lines of a file, each of them JSON.
    pub(crate) fn values(&self, file: &str) -> Result<Vec<Value>> {
        self.lines(file)?.iter().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            // Nobody is left to tell; the watcher would try again if this process failed on the way.
            let _ = process.end(Signal::KILL);
        }
    }
}
