//! One script on the target: beginning it, telling it what it needs, hearing it to its end.

use russh::client::Msg;
use russh::{Channel, ChannelMsg};
use tokio::time::timeout;
use vault_core::id::RotationId;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::secret::SecretString;

use super::{Session, say, within};
use crate::ssh::classify;
use crate::ssh::command::{Command, Script};

/// A script that runs.
pub(in crate::ssh) struct Running<'s, 'a> {
    session: &'s Session<'a>,
    channel: Channel<Msg>,
    command: Command,
    /// What came and is not read yet.
    output: Vec<u8>,
    errors: Vec<u8>,
    total: usize,
    status: Option<u32>,
    answered: bool,
}

/// What a script says next.
enum Line {
    Begin,
    Ready,
    End(String),
    Other(String),
    /// It ended without saying so.
    Gone,
}

/// How far a script came.
pub(in crate::ssh) enum Came {
    /// It waits for what it is to set.
    Ready,
    /// It ended with this word.
    Ended(String),
}

impl<'a> Session<'a> {
    /// Begins a script and gives it its one line, once it says that it is what runs.
    pub(in crate::ssh) async fn start<'s>(
        &'s self,
        script: Script,
        rotation: Option<RotationId>,
        about: &str,
    ) -> Result<Running<'s, 'a>, Fault> {
        let command = Command::new(script, self.config.elevation, rotation);
        let channel = within(
            self.config,
            self.handle.channel_open_session(),
            "the server opened no channel for a command",
        )
        .await?;
        let (output, errors) = (Vec::new(), Vec::new());
        let mut running = Running {
            session: self,
            channel,
            command,
            output,
            errors,
            total: 0,
            status: None,
            answered: false,
        };
        let text = running.command.text.clone();
        let broke = "the connection broke before the command began";
        within(self.config, running.channel.exec(true, text), broke).await?;
        running.begin().await?;
        let line = format!("{about}\n");
        within(self.config, running.channel.data(line.as_bytes()), broke).await?;
        Ok(running)
    }

    /// Runs a script that changes nothing by what it is told later; gives back its lines and its last word.
    pub(in crate::ssh) async fn run(
        &self,
        script: Script,
        rotation: Option<RotationId>,
        about: &str,
    ) -> Result<(Vec<String>, String), Fault> {
        let mut running = self.start(script, rotation, about).await?;
        let mut lines = Vec::new();
        loop {
            match running.line().await? {
                Line::Other(line) => lines.push(line),
                Line::End(word) => return Ok((lines, word)),
                Line::Begin | Line::Ready => {}
                Line::Gone => return Err(say(self.config, "the command ended before its time")),
            }
        }
    }
}

impl Running<'_, '_> {
    async fn begin(&mut self) -> Result<(), Fault> {
        loop {
            match self.line().await? {
                Line::Begin => return Ok(()),
                // A shell's greeting, before it runs what was asked.
                Line::Other(_) | Line::Ready | Line::End(_) => {}
                Line::Gone => {
                    let spoke = self.errors.windows(4).any(|part| part == b"sudo");
                    return Err(classify::not_begun(self.status, spoke, self.session.config));
                }
            }
        }
    }

    /// Waits until the script is ready for what it is to set, or has ended.
    pub(in crate::ssh) async fn ready(&mut self) -> Result<Came, Fault> {
        loop {
            match self.line().await? {
                Line::Ready => return Ok(Came::Ready),
                Line::End(word) => return Ok(Came::Ended(word)),
                Line::Begin | Line::Other(_) => {}
                Line::Gone => {
                    return Err(say(
                        self.session.config,
                        "the connection broke before the change was asked for",
                    ));
                }
            }
        }
    }

    /// Gives it what it is to set, in one message, and waits for its last word; `None` when none came.
    pub(in crate::ssh) async fn finish(mut self, what: &SecretString) -> Option<String> {
        let sent = async {
            self.channel.data(what.expose().as_bytes()).await?;
            self.channel.eof().await
        };
        timeout(self.session.config.request_timeout, sent).await.ok()?.ok()?;
        loop {
            match self.line().await.ok()? {
                Line::End(word) => return Some(word),
                Line::Begin | Line::Ready | Line::Other(_) => {}
                Line::Gone => return None,
            }
        }
    }

    /// The next whole line of standard output.
    async fn line(&mut self) -> Result<Line, Fault> {
        let limit = self.session.config.request_timeout;
        match timeout(limit, self.heard()).await {
            Ok(line) => line,
            Err(_) => Err(say(self.session.config, &format!("no answer to a command within {limit:?}"))),
        }
    }

    async fn heard(&mut self) -> Result<Line, Fault> {
        loop {
            if let Some(end) = self.output.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.output.drain(..=end).collect();
                return Ok(self.meaning(String::from_utf8_lossy(&line).trim_end()));
            }
            match self.channel.wait().await {
                Some(ChannelMsg::Data { data }) => {
                    self.count(data.len())?;
                    self.output.extend_from_slice(&data);
                }
                Some(ChannelMsg::ExtendedData { data, .. }) => {
                    self.count(data.len())?;
                    self.errors.extend_from_slice(&data);
                    self.answer().await?;
                }
                Some(ChannelMsg::ExitStatus { exit_status }) => self.status = Some(exit_status),
                Some(ChannelMsg::Failure) => {
                    return Err(Fault::new(
                        FaultClass::Preflight,
                        format!(
                            "{}: the server runs no commands for the management user",
                            self.session.config.place()
                        ),
                    ));
                }
                Some(ChannelMsg::Close) | None => return Ok(Line::Gone),
                Some(_) => {}
            }
        }
    }

    fn meaning(&self, line: &str) -> Line {
        match line.strip_prefix(self.command.mark.as_str()).map(str::trim_start) {
            Some("begin") => Line::Begin,
            Some("ready") => Line::Ready,
            Some(rest) => match rest.strip_prefix("end ") {
                Some(word) => Line::End(word.to_owned()),
                None => Line::Other(line.to_owned()),
            },
            None => Line::Other(line.to_owned()),
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), Fault> {
        self.total = self.total.saturating_add(bytes);
        if self.total <= OUTPUT_BYTES_MAX {
            return Ok(());
        }
        let what =
            format!("{}: a command printed more than {OUTPUT_BYTES_MAX} bytes", self.session.config.place());
        Err(Fault::new(FaultClass::Preflight, what))
    }

    /// Answers sudo's question once. A second one says that the password was wrong.
    async fn answer(&mut self) -> Result<(), Fault> {
        let Some(prompt) = &self.command.prompt else { return Ok(()) };
        let Some(at) = self.errors.windows(prompt.len()).position(|part| part == prompt.as_bytes()) else {
            return Ok(());
        };
        self.errors.drain(..at + prompt.len());
        let config = self.session.config;
        if self.answered {
            return Err(Fault::new(
                FaultClass::ManagementAuthRefused,
                format!("{}: sudo refused the management password", config.place()),
            ));
        }
        self.answered = true;
        let Some(password) = self.session.password else { return Ok(()) };
        let line = SecretString::new(format!("{}\n", password.expose()));
        let broke = "the connection broke before the command began";
        within(config, self.channel.data(line.expose().as_bytes()), broke).await
    }
}

/// So much output of one command is read.
const OUTPUT_BYTES_MAX: usize = 64 * 1024;
