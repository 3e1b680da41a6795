//! A private mail server for tests (aiosmtpd), with certificates made for it, that demands TLS and a login.
//!
//! What came is read by Python's own mail parser, so that what is tested is what a mail program sees.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::postgres::tls;
use crate::process::{Log, Process, Watcher, installed};

/// How it wants to be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// STARTTLS before all else, then a login.
    StartTls,
    /// TLS from the first byte, then a login.
    Smtps,
    /// Plain text, and nothing better.
    Plain,
}

/// A running server; it ends on drop.
#[derive(Debug)]
pub struct MailServer {
    port: u16,
    speech: Speech,
    process: Option<Process>,
    folder: TempDir,
    _watcher: Watcher,
}

impl MailServer {
    /// Starts one on a free port, with a certificate for `localhost` and 127.0.0.1.
    ///
    /// # Errors
    /// When it is not installed or does not come up.
    pub fn start(speech: Speech) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("rotunda-mail-").tempdir()?;
        let mut watcher = Watcher::over(folder.path())?;
        tls::write(folder.path(), |_| Ok(()))?;
        let script = folder.path().join("server.py");
        std::fs::write(&script, SCRIPT)?;
        let mode = match speech {
            Speech::StartTls => "starttls",
            Speech::Smtps => "smtps",
            Speech::Plain => "plain",
        };
        let mut command = std::process::Command::new(installed("venv/bin/python")?);
        command
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", folder.path())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .arg(&script)
            .arg(mode)
            .arg(folder.path());
        let log: Arc<Log> = Arc::default();
        let process = Process::start_watched(&mut command, "listening", &log, &mut watcher)
            .with_context(|| format!("the mail server does not start: {}", log.text()))?;
        let port = std::fs::read_to_string(folder.path().join("port"))?.trim().parse()?;
        Ok(Self { port, speech, process: Some(process), folder, _watcher: watcher })
    }

    /// Where it is, as a webhook says it.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.speech == Speech::Smtps { "smtps" } else { "smtp" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// The certificate authority in PEM.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn authority(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.folder.path().join(tls::CA_FILE))?)
    }

    /// The next mails are answered so, one after the other; then they are taken again.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn answers(&self, answers: &[&str]) -> Result<()> {
        Ok(std::fs::write(self.folder.path().join("answers"), answers.join("\n"))?)
    }

    /// The mails that came: `from`, `to`, `headers` by their names in small letters, `text`, `answer`, `encrypted`,
    /// `authenticated`, `defects`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn came(&self) -> Result<Vec<Value>> {
        self.lines("came")?.iter().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// The attempts to log in, `right` or `wrong`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn logins(&self) -> Result<Vec<String>> {
        self.lines("logins")
    }

    /// Waits for so many mails.
    ///
    /// # Errors
    /// When they do not come.
    pub async fn expect(&self, count: usize) -> Result<Vec<Value>> {
        for _ in 0..POLLS_MAX {
            let came = self.came()?;
            if came.len() >= count {
                return Ok(came);
            }
            tokio::time::sleep(PULSE).await;
        }
        bail!("{count} mails were to come; there are {:?}", self.came()?)
    }

    /// Whole lines only: the last one may be half written.
    fn lines(&self, file: &str) -> Result<Vec<String>> {
        match std::fs::read_to_string(self.folder.path().join(file)) {
            Ok(text) => {
                let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
                Ok(whole.lines().map(str::to_owned).collect())
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            // Nobody is left to tell; the watcher would try again if this process failed on the way.
            let _ = process.end(Signal::KILL);
        }
    }
}

/// The user that it knows.
pub const USER: &str = "vault";
/// That user's password.
pub const PASSWORD: &str = "päss word";
const SCRIPT: &str = include_str!("mail/server.py");
const POLLS_MAX: u32 = 1200;
const PULSE: Duration = Duration::from_millis(25);
