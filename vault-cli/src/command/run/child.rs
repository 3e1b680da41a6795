//! The command under `run`: its environment, its signals, its end.

use std::{
    io::{self, IsTerminal as _},
    os::unix::process::ExitStatusExt as _,
    process::ExitStatus,
};

use rustix::process::{Pid, kill_process};
use tokio::process::{Child, Command};
use vault_api::checkout::CheckOutResponse;

use super::signals::Caught;
use crate::{
    args::run::RunArgs,
    failure::{Exit, Failure},
};

/// A running command.
pub(super) struct Running {
    child: Child,
    /// On a terminal the command gets Ctrl-C from the terminal itself; twice would be once too often.
    shares_terminal: bool,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// By itself.
    WithCode(u8),
    /// By a signal of this number.
    BySignal(i32),
}

impl Ending {
    /// The end of a command that was never started because a signal came first.
    pub(super) fn asked_for_by(caught: Caught) -> Self {
        Self::BySignal(caught.signal().as_raw())
    }

    /// As a shell tells it.
    pub(super) fn exit(self) -> Exit {
        match self {
            Self::WithCode(0) => Exit::Done,
            Self::WithCode(code) => Exit::OfCommand(code),
            Self::BySignal(signal) => {
                Exit::OfCommand(u8::try_from(SIGNAL_BASE.saturating_add(signal)).unwrap_or(u8::MAX))
            }
        }
    }

    fn of(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::WithCode(u8::try_from(code).unwrap_or(u8::MAX)),
            (None, Some(signal)) => Self::BySignal(signal),
            (None, None) => Self::WithCode(u8::MAX),
        }
    }
}

/// Starts the command with the credential in its environment, where only it and its owner can read it.
///
/// # Errors
/// There is no such program (exit code 127), or it cannot be run (126), as shells tell it.
pub(super) fn spawn(args: &RunArgs, lent: &CheckOutResponse) -> Result<Running, Failure> {
    let Some((program, rest)) = args.command.split_first() else {
        return Err(Failure::usage("there is no command after --"));
    };
    let mut command = Command::new(program);
    command.args(rest);
    for name in names(&args.env_user, &DEFAULT_USER_NAMES) {
        command.env(name, &lent.username);
    }
    for name in names(&args.env_password, &DEFAULT_PASSWORD_NAMES) {
        command.env(name, lent.password.expose());
    }
    let child = command.spawn().map_err(|error| {
        let code = if error.kind() == io::ErrorKind::NotFound { NO_SUCH_PROGRAM } else { NOT_RUNNABLE };
        Failure::new(Exit::OfCommand(code), format!("cannot run {}: {error}", program.display()))
    })?;
    Ok(Running { child, shares_terminal: io::stdin().is_terminal() })
}

fn names<'a>(chosen: &'a [String], default: &'a [&'a str]) -> Vec<&'a str> {
    if chosen.is_empty() { default.to_vec() } else { chosen.iter().map(String::as_str).collect() }
}

impl Running {
    /// Waits for the end; may be given up and begun again.
    ///
    /// # Errors
    /// The system does not tell.
    pub(super) async fn wait(&mut self) -> Result<Ending, Failure> {
        let status = self.child.wait().await;
        status
            .map(Ending::of)
            .map_err(|error| Failure::usage(format!("cannot wait for the command: {error}")))
    }

    /// Sends a signal on; a command that has ended meanwhile is no failure.
    pub(super) fn pass_on(&self, caught: Caught) {
        if caught == Caught::Interrupt && self.shares_terminal {
            return;
        }
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, caught.signal());
        }
    }
}

/// PostgreSQL's own, and two that say where they come from.
const DEFAULT_USER_NAMES: [&str; 2] = ["PGUSER", "ROTUNDA_USERNAME"];
const DEFAULT_PASSWORD_NAMES: [&str; 2] = ["PGPASSWORD", "ROTUNDA_PASSWORD"];

const SIGNAL_BASE: i32 = 128;
const NO_SUCH_PROGRAM: u8 = 127;
const NOT_RUNNABLE: u8 = 126;
