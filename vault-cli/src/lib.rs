//! Rotunda's command line: every word of `rotunda` except what needs the core.
//!
//! ```text
//! args (as typed) ─► Parsed ─► the binary: server, dev, drill, offline ─► core
//!                         └──► command/ ─► client ─► the vault's HTTP API
//!                                  └─────► output ─► console
//! ```
//!
//! It reaches nothing but `vault-api` and the network. Secrets come from files, standard input or a hidden
//! prompt, and leave on standard output only where the caller asked for them; standard error and the
//! process list never see one. Exit codes are in [`Exit`] and in `docs/cli.md`.

mod args;
mod client;
mod command;
mod console;
mod failure;
mod input;
mod output;
mod progress;

use std::{ffi::OsString, process::ExitCode};

use clap::{CommandFactory as _, FromArgMatches as _};

pub use args::{
    ClientCommand, Parsed, PluginStage,
    drill::DrillArgs,
    offline::{AuditVerifyArgs, MigrateStoreArgs, OfflineCommand, StoreEngine, StoreLocation},
    output::{Format, OutputArgs},
    rotator::RotatorTestArgs,
    serve::{DevArgs, ServerArgs},
};
pub use failure::Exit;

/// The whole command tree, for help, completions and documentation.
pub fn command() -> clap::Command {
    args::Cli::command()
}

/// Reads the words after and including the program's name.
///
/// # Errors
/// What was typed makes no sense, or asks for help or the version; `clap::Error::exit_code` and
/// [`report_usage`] say what to do with it.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Parsed, clap::Error> {
    let words: Vec<OsString> = words.into_iter().collect();
    if let Some(stage) = args::PluginStage::of(&words) {
        return Ok(Parsed::Plugin(stage));
    }
    let matches = command().try_get_matches_from(words)?;
    args::Cli::from_arg_matches(&matches)?.into_parsed(args::typed_connection_flag(&matches))
}

/// A secret for a command of the binary's own: from standard input, or from a hidden prompt where that is a terminal.
///
/// # Errors
/// A sentence: nothing was given, or it cannot be read.
pub fn ask_secret(what: &str) -> Result<vault_api::Sensitive<String>, String> {
    let mut console = console::Console::of_terminal(false);
    input::secret::given(None, what, &mut console).map_err(|failure| failure.to_string())
}

/// Prints what [`parse`] refused (or the help that was asked for) and gives the exit code for it.
pub fn report_usage(refusal: &clap::Error) -> ExitCode {
    // A closed pipe behind `--help` is no reason to fail differently.
    let _ = refusal.print();
    if refusal.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() }
}

/// Runs a command that talks to a server, on the real terminal and environment.
pub fn run_client(command: ClientCommand) -> ExitCode {
    command::run_on_terminal(command)
}

/// Parses and runs, for a program that has no server inside: the words that need one are refused.
pub fn run(words: impl Iterator<Item = OsString>) -> ExitCode {
    match parse(words) {
        Ok(Parsed::Client(command)) => run_client(*command),
        Ok(
            Parsed::Server(_) | Parsed::Dev(_) | Parsed::Drill(..) | Parsed::Offline(_) | Parsed::Plugin(_),
        ) => {
            let sentence = "this program has no server inside: use the `rotunda` binary for this word";
            console::Console::of_terminal(false).failure(&failure::Failure::usage(sentence));
            Exit::Usage.into()
        }
        Err(refusal) => report_usage(&refusal),
    }
}
