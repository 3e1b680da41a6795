//! `rotunda run`.

use std::ffi::OsString;

use clap::Args;

use super::checkout::LeaseWishes;

/// `rotunda run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda run --account db/app -- psql -h db.example -d app
  rotunda run --account db/app --ttl 2h --reason 'nightly import' -- ./import.sh
  rotunda run --account db/app --env-user DB_USER --env-password DB_PASS -- ./server

The credential is in the command's environment and nowhere else: PGUSER and PGPASSWORD, and
ROTUNDA_USERNAME and ROTUNDA_PASSWORD, unless --env-user and --env-password name others. The lease is renewed
while the command runs; SIGINT, SIGTERM and SIGHUP are passed on. When it ends, also by a signal, the account
is checked in and the command's own exit code is returned (128 + N after signal N).")]
pub(crate) struct RunArgs {
    /// The account's path
    #[arg(long, value_name = "PATH")]
    pub(crate) account: String,
    #[command(flatten)]
    pub(crate) wishes: LeaseWishes,
    /// A variable for the user name; may be given several times
    #[arg(long = "env-user", value_name = "NAME", value_parser = variable)]
    pub(crate) env_user: Vec<String>,
    /// A variable for the password; may be given several times
    #[arg(long = "env-password", value_name = "NAME", value_parser = variable)]
    pub(crate) env_password: Vec<String>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

fn variable(name: &str) -> Result<String, String> {
    let starts_well = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    let goes_on_well = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if starts_well && goes_on_well {
        Ok(name.to_owned())
    } else {
        Err("a variable's name has letters, digits and underscores, and no digit first".to_owned())
    }
}
