//! `rotunda rotator …`: carried out by the binary, which has the rotators.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The second word.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum RotatorWord {
    /// Hold a plugin against the contract that every rotator keeps, on a target for tests
    Test(RotatorTestArgs),
}

/// `rotunda rotator test`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda rotator test ./htpasswd --target connection_url=file:///tmp/users --username admin \\
      --password-file admin.pw --account tester
  rotunda rotator test ./redis.py --target-file target.json --username admin --password-file - --account tester \\
      --out-of-reach redis://{{username}}:{{password}}@127.0.0.1:1 --format json

Needs no server. The account is one for tests: its password is changed many times and is not known afterwards. The file
of --target-file is JSON with connection_url and further settings. Without --password-file the password of the
management credential is asked for. With --witness a program of your own says whether a login succeeds: it gets
{\"username\": …, \"password\": …} on standard input and ends with 0 (let in), 1 (refused), or anything else.

Exit code 1 when a promise is broken.")]
pub struct RotatorTestArgs {
    /// The plugin's file
    #[arg(value_name = "FILE")]
    pub plugin: PathBuf,
    /// A setting of the target, such as connection_url=…
    #[arg(long = "target", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// The target's settings as JSON
    #[arg(long, value_name = "FILE")]
    pub target_file: Option<PathBuf>,
    /// The management credential's name
    #[arg(long, value_name = "NAME")]
    pub username: String,
    /// The file with its password; `-` for standard input; asked for when absent
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The account that the promises are tried on
    #[arg(long, value_name = "NAME")]
    pub account: String,
    /// An address at which nothing answers, for the promise about a target out of reach
    #[arg(long, value_name = "URL")]
    pub out_of_reach: Option<String>,
    /// A program that says whether a login succeeds, without the plugin
    #[arg(long, value_name = "FILE")]
    pub witness: Option<PathBuf>,
    /// An argument of the plugin; once for each
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    pub args: Vec<String>,
    /// A variable of its environment; once for each
    #[arg(long, value_name = "NAME=VALUE")]
    pub env: Vec<String>,
    /// How long one request may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=25))]
    pub deadline: u64,
}
