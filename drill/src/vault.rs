//! A vault of the drill's own: the same program as a child process, with a store on disk, initialised and unsealed.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

use crate::caller::{Answer, Caller};
use crate::process::{Log, Process, Watcher};

/// A running vault; it and its folder go when this is dropped.
pub(crate) struct Vault {
    program: PathBuf,
    caller: Caller,
    root: String,
    log: Arc<Log>,
    process: Option<Process>,
    // Last, so that it is dismissed after all else is gone.
    folder: TempDir,
    _watcher: Watcher,
}

/// How a command ended, and what it said.
#[derive(Debug)]
pub(crate) struct Typed {
    /// The exit code; -1 after a signal.
    pub(crate) code: i32,
    /// Its standard output.
    pub(crate) output: String,
    /// Its standard error.
    pub(crate) errors: String,
}

impl Typed {
    /// As it stands in the table: the command as a reader would type it, and its exit code.
    pub(crate) fn told(&self, shown: &str) -> String {
        let said = self.errors.lines().next().filter(|_| self.code != 0).unwrap_or_default();
        format!("{shown}: {} {said}", self.code).trim_end().to_owned()
    }
}

impl Vault {
    /// Starts `program server` on a free port of 127.0.0.1, initialises it with three shares of which two are needed, and
    /// unseals it.
    pub(crate) async fn start(program: PathBuf) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("rotunda-drill-").permissions(std::fs::Permissions::from_mode(0o700));
        let folder = builder.tempdir().context("no private folder")?;
        let mut watcher = Watcher::over(folder.path())?;
        let log: Arc<Log> = Arc::default();
        let mut command = Command::new(&program);
        clean(&mut command, &folder);
        command.args(["server", "--listen", "127.0.0.1:0", "--data"]);
        command.arg(folder.path().join("data"));
        let process = Process::start(&mut command, LISTENS, &log)?;
        watcher.watch(&process)?;
        let said = log.text();
        let port =
            said.split_once(LISTENS).and_then(|(_, rest)| rest.split_once([' ', '\n'])?.0.parse().ok());
        let caller = Caller::of(port.with_context(|| format!("the vault does not say its port:\n{said}"))?)?;
        let mut vault = Self {
            program,
            caller,
            root: String::new(),
            log,
            process: Some(process),
            folder,
            _watcher: watcher,
        };
        vault.open().await?;
        Ok(vault)
    }

    async fn open(&mut self) -> Result<()> {
        let answer = self.post("sys/init", json!({ "secret_shares": 3, "secret_threshold": 2 })).await?;
        ensure!(answer.is_success(), "sys/init: {}", answer.errors());
        let shares = answer.body.pointer("/keys_base64").and_then(Value::as_array).context("no shares")?;
        answer.text("/root_token").clone_into(&mut self.root);
        for share in shares.iter().take(2) {
            let answer = self.post("sys/unseal", json!({ "key": share })).await?;
            ensure!(answer.is_success(), "sys/unseal: {}", answer.errors());
        }
        for _ in 0..START_POLLS_MAX {
            if self.get("sys/health").await?.status == 200 {
                return Ok(());
            }
            tokio::time::sleep(START_POLL).await;
        }
        bail!("the vault was unsealed and does not serve:\n{}", self.log.text())
    }

    /// A write as root.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Result<Answer> {
        self.caller.call(Method::POST, path, Some(body), &self.root).await
    }

    /// A write as root that must succeed; its data.
    pub(crate) async fn wrote(&self, path: &str, body: Value) -> Result<Value> {
        let answer = self.post(path, body).await?;
        ensure!(answer.is_success(), "{path}: status {}: {}", answer.status, answer.errors());
        Ok(answer.body.get("data").cloned().unwrap_or_default())
    }

    /// A read as root.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer> {
        self.caller.call(Method::GET, path, None, &self.root).await
    }

    /// The data of a read as root that must succeed.
    pub(crate) async fn data(&self, path: &str) -> Result<Value> {
        let answer = self.get(path).await?;
        Ok(answer.data().with_context(|| path.to_owned())?.clone())
    }

    /// Types a command of the program as root, with this on its standard input.
    pub(crate) async fn typed(&self, words: &[&str], input: &str) -> Result<Typed> {
        let mut command = Command::new(&self.program);
        clean(&mut command, &self.folder);
        command.args(words).env("VAULT_ADDR", self.caller.address()).env("VAULT_TOKEN", &self.root);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn()?;
        let mut stdin = child.stdin.take().context("no standard input")?;
        // A command that reads nothing may be gone by now.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = child.wait_with_output().await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().unwrap_or(-1);
        Ok(Typed { code, output: text(&output.stdout), errors: text(&output.stderr) })
    }

    /// The audit file.
    pub(crate) fn audit_file(&self) -> PathBuf {
        self.folder.path().join("data/audit.log")
    }

    /// Ends it in order.
    pub(crate) fn stop(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |process| process.end(Signal::TERM))
    }

    /// Ends it and leaves its folder on the disk, with its log in it as `log`.
    pub(crate) fn keep(mut self) -> Result<PathBuf> {
        self.stop()?;
        std::fs::write(self.folder.path().join("log"), self.log.text())?;
        self.folder.disable_cleanup(true);
        Ok(self.folder.path().to_owned())
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        // Nobody is left to tell; the watcher would try again if this process failed on the way.
        let _ = self.stop();
    }
}

/// The caller's own settings are for other servers.
fn clean(command: &mut Command, folder: &TempDir) {
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", folder.path()).env("NO_COLOR", "1");
}

/// What the program says once it listens, before its port.
const LISTENS: &str = "rotunda listens on http://127.0.0.1:";
const START_POLLS_MAX: u32 = 1000;
const START_POLL: Duration = Duration::from_millis(20);
