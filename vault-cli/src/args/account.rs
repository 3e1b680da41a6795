//! `rotunda account …` and `rotunda creds`.

use clap::{Args, Subcommand, ValueEnum};

/// The second word.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountWord {
    /// Put an account under the vault's care
    Write(AccountWriteArgs),
    /// Show how an account is configured
    #[command(after_help = "Examples:\n  rotunda account read db/app")]
    Read(AccountPath),
    /// Show the accounts below a path
    #[command(after_help = "Examples:\n  rotunda account list\n  rotunda account list db/")]
    List(AccountPrefix),
    /// Show where an account stands; or, with --state, which accounts stand there
    #[command(after_help = "\
Examples:
  rotunda account status db/app
  rotunda account status --state parked
  rotunda account status --team payments
  rotunda account status --format json")]
    Status(AccountStatusArgs),
    /// Show what happened to an account
    #[command(after_help = "Examples:\n  rotunda account history db/app")]
    History(AccountPath),
    /// Show who fetched which version of a credential, and who still has an old one
    #[command(after_help = "Examples:\n  rotunda account consumers db/app")]
    Consumers(AccountPath),
    /// Say that you use a version of a credential now
    Confirm(AccountConfirmArgs),
    /// Tell each new version of a credential when it is promoted
    Watch(AccountWatchArgs),
    /// Log in with the stored credential, changing nothing
    #[command(
        after_help = "Examples:\n  rotunda account verify db/app\n\nExit code 4 when the target refuses it."
    )]
    Verify(AccountPath),
    /// Try a rotation on a shadow account: would that of the account work?
    #[command(after_help = "\
Examples:
  rotunda account rehearse db/app
  rotunda account rehearse db/app --last
  rotunda account rehearse db/app --format json

The account itself is looked at and logged in to, never changed. Exit code 0 for green, 10 for amber (it would
work, with something to mend or not proved), 11 for red (it would fail).")]
    Rehearse(AccountRehearseArgs),
    /// Find out which stored version works and serve that one
    #[command(after_help = "Examples:\n  rotunda account reconcile db/app\n\nExit code 4 when none works.")]
    Reconcile(AccountPath),
    /// Take an account out of the vault's care
    Delete(AccountDeleteArgs),
}

/// `rotunda account write`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda account write db/app target=pg-main username=app rotation_policy=nightly max_ttl=8h
  rotunda account write db/app target=pg-main username=app password=-
  rotunda account write db/app target=pg-main username=app_a alternate_username=app_b
  rotunda account write db/app team=payments

team= says who looks after it, where that is not who looks after its target; empty takes it away.
With alternate_username= two accounts of the target take turns: each rotation changes the one that nobody uses. Without password= the account is adopted: its password is changed once through the target's management
credential. key=@FILE reads a file, key=- standard input (hidden on a terminal).")]
pub(crate) struct AccountWriteArgs {
    /// The account's path
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// The settings
    #[arg(value_name = "KEY=VALUE", required = true)]
    pub(crate) settings: Vec<String>,
}

/// `rotunda account watch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda account watch db/app
  rotunda account watch db/app --exec 'systemctl reload app'
  rotunda account watch db/app --version 4 --exec ./fetch-again

Prints the present version, then each new one. --exec runs for each version other than the one that is known:
the one of --version, else the one that is found first. Runs until it is interrupted, or refused.")]
pub(crate) struct AccountWatchArgs {
    /// The account's path
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// The version that is known already
    #[arg(long, value_name = "N")]
    pub(crate) version: Option<u64>,
    /// Run this with `sh -c` at each change, with ROTUNDA_ACCOUNT and ROTUNDA_VERSION in its environment
    #[arg(long, value_name = "COMMAND")]
    pub(crate) exec: Option<String>,
}

/// `rotunda account rehearse`.
#[derive(Debug, Args)]
pub(crate) struct AccountRehearseArgs {
    /// The account's path
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// Show what the last rehearsal came to, and try nothing
    #[arg(long)]
    pub(crate) last: bool,
}

/// `rotunda account confirm`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda account confirm db/app 5

In the command of account watch --exec the version is $ROTUNDA_VERSION. It is the one that this token fetched last.
Whoever has confirmed once has the new version only when it has confirmed it; until then the old one is kept as the
rotation policy says.")]
pub(crate) struct AccountConfirmArgs {
    /// The account's path
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// The version that is used now
    #[arg(value_name = "VERSION")]
    pub(crate) version: u64,
}

/// One account.
#[derive(Debug, Args)]
pub(crate) struct AccountPath {
    /// The account's path
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
}

/// Accounts below a path.
#[derive(Debug, Args)]
pub(crate) struct AccountPrefix {
    /// The path; all accounts without it
    #[arg(value_name = "PREFIX")]
    pub(crate) prefix: Option<String>,
}

/// `rotunda account status`.
#[derive(Debug, Args)]
pub(crate) struct AccountStatusArgs {
    /// The account's path; all accounts without it
    #[arg(value_name = "PATH", conflicts_with_all = ["state", "team"])]
    pub(crate) path: Option<String>,
    /// Only accounts in this state, or of which this is so
    #[arg(long, value_name = "STATE", value_parser = [
        "idle", "due", "staged", "applied", "doubtful", "reverting", "retiring", "backoff", "grace", "parked",
        "quarantined", "failing", "overdue", "held", "lent", "lagging", "never",
    ])]
    pub(crate) state: Option<String>,
    /// Only accounts of this team, their own or their target's; `(none)` for those of no team
    #[arg(long, value_name = "TEAM")]
    pub(crate) team: Option<String>,
}

/// `rotunda account delete`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda account delete db/app --disposal rotate-and-forget
  rotunda account delete db/app --disposal hand-over

The choice is yours and has no default: a password that somebody may have seen must not stay alive unseen.
A hand-over needs no target, so it also takes leave of an account whose server is gone.")]
pub(crate) struct AccountDeleteArgs {
    /// The account's path
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// What becomes of the password
    #[arg(long, value_enum)]
    pub(crate) disposal: DisposalChoice,
}

/// What becomes of a password when its account is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DisposalChoice {
    /// Change it once more to one that nobody knows
    RotateAndForget,
    /// Print it, with every other version that may be right, and delete the account once it is printed
    HandOver,
}

/// `rotunda creds`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda creds db/app
  rotunda creds db/app --field password
  rotunda creds db/app --format json")]
pub(crate) struct CredsArgs {
    /// The account's path
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
}
