//! A private mail server for tests (aiosmtpd), with certificates made for it, that demands TLS and a login.
//!
//! What came is read by Python's own mail parser, so that what is tested is what a mail program sees.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::postgres::tls;
use crate::python::Script;

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
    speech: Speech,
    script: Script,
}

impl MailServer {
    /// Starts one on a free port, with a certificate for `localhost` and 127.0.0.1.
    ///
    /// # Errors
    /// When it is not installed or does not come up.
    pub fn start(speech: Speech) -> Result<Self> {
        let mode = match speech {
            Speech::StartTls => "starttls",
            Speech::Smtps => "smtps",
            Speech::Plain => "plain",
        };
        let script = Script::start("mail", SCRIPT, &[mode], |folder| tls::write(folder, |_| Ok(())))?;
        Ok(Self { speech, script })
    }

    /// Where it is, as a webhook says it.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.speech == Speech::Smtps { "smtps" } else { "smtp" };
        format!("{scheme}://127.0.0.1:{}", self.script.port())
    }

    /// The certificate authority in PEM.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn authority(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.script.folder().join(tls::CA_FILE))?)
    }

    /// The next mails are answered so, one after the other; then they are taken again.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn answers(&self, answers: &[&str]) -> Result<()> {
        Ok(std::fs::write(self.script.folder().join("answers"), answers.join("\n"))?)
    }

    /// The mails that came: `from`, `to`, `headers` by their names in small letters, `text`, `answer`, `encrypted`,
    /// `authenticated`, `defects`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn came(&self) -> Result<Vec<Value>> {
        self.script.values("came")
    }

    /// The attempts to log in, `right` or `wrong`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn logins(&self) -> Result<Vec<String>> {
        self.script.lines("logins")
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
}

/// The user that it knows.
pub const USER: &str = "vault";
/// That user's password.
pub const PASSWORD: &str = "päss word";
const SCRIPT: &str = include_str!("mail/server.py");
const POLLS_MAX: u32 = 1200;
const PULSE: Duration = Duration::from_millis(25);
