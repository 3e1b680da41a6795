//! `rotunda login` and `rotunda token …`.

use clap::{Args, Subcommand};
use vault_api::{Sensitive, duration::Seconds};

use super::connection::sensitive;

/// `rotunda login`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda login
  rotunda login - < token.txt
  rotunda login --method userpass username=mary
  rotunda login --method approle role_id=ROLE secret_id=@secret-id.txt
  TOKEN=$(rotunda login --method approle --no-store role_id=ROLE secret_id=@secret-id.txt)

The token, the password or the secret id is asked for, hidden, when it is not given. The token is stored in
~/.vault-token, readable by you alone, where Vault's own command line looks too. VAULT_TOKEN and --token go
before the stored one.")]
pub(crate) struct LoginArgs {
    /// How you prove who you are
    #[arg(long, value_name = "METHOD", default_value = "token")]
    pub(crate) method: LoginMethod,
    /// Where the method is mounted below auth/, when not at its own name
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<String>,
    /// A token, `-` for standard input, or what the method needs as KEY=VALUE; what is written here is seen by
    /// other users of the machine
    #[arg(value_name = "TOKEN | KEY=VALUE", value_parser = sensitive)]
    pub(crate) given: Vec<Sensitive<String>>,
    /// Do not store the token: only check it, or print the one that a method gave
    #[arg(long)]
    pub(crate) no_store: bool,
}

/// A way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LoginMethod {
    /// A token that you have
    Token,
    /// A name and a password
    Userpass,
    /// A role id and a secret id
    Approle,
}

/// The second word.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenWord {
    /// Make a child of your token
    Create(TokenCreateArgs),
    /// Show a token's policies and how long it lives; your own when none is named
    #[command(after_help = "\
Examples:
  rotunda token lookup
  rotunda token lookup --accessor 8609694a-cdbc-db9b-d345-e782dbb562ed
  rotunda token lookup - < token.txt")]
    Lookup(TokenChoice),
    /// Let a token live longer; your own when none is named
    Renew(TokenRenewArgs),
    /// End a token, its children and their leases
    #[command(after_help = "\
Examples:
  rotunda token revoke --accessor 8609694a-cdbc-db9b-d345-e782dbb562ed
  rotunda token revoke --self")]
    Revoke(TokenRevokeArgs),
}

/// `rotunda token create`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda token create --policy app-read --ttl 8h
  rotunda token create --policy ci --period 24h --orphan --display-name ci --field token")]
pub(crate) struct TokenCreateArgs {
    /// A policy it carries; may be given several times
    #[arg(long = "policy", value_name = "NAME")]
    pub(crate) policies: Vec<String>,
    /// How long it lives unless renewed
    #[arg(long, value_name = "DURATION", value_parser = Seconds::parse)]
    pub(crate) ttl: Option<Seconds>,
    /// How long it lives at most
    #[arg(long, value_name = "DURATION", value_parser = Seconds::parse)]
    pub(crate) explicit_max_ttl: Option<Seconds>,
    /// Renews to this span for ever
    #[arg(long, value_name = "DURATION", value_parser = Seconds::parse)]
    pub(crate) period: Option<Seconds>,
    /// Requests it may make
    #[arg(long = "use-limit", value_name = "N")]
    pub(crate) use_limit: Option<u64>,
    /// Outlives your token
    #[arg(long)]
    pub(crate) orphan: bool,
    /// Leave out the policy `default`
    #[arg(long)]
    pub(crate) no_default_policy: bool,
    /// Shown as token-NAME
    #[arg(long, value_name = "NAME")]
    pub(crate) display_name: Option<String>,
    /// Written to the audit log with each use; may be given several times
    #[arg(long = "metadata", value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) metadata: Vec<(String, String)>,
    /// service or batch
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
}

/// Which token is meant.
#[derive(Debug, Args)]
pub(crate) struct TokenChoice {
    /// `-` for standard input; a token written here is seen by other users of the machine
    #[arg(value_name = "TOKEN", value_parser = sensitive, conflicts_with = "accessor")]
    pub(crate) given: Option<Sensitive<String>>,
    /// The token with this accessor
    #[arg(long, value_name = "ACCESSOR")]
    pub(crate) accessor: Option<String>,
}

/// `rotunda token renew`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  rotunda token renew\n  rotunda token renew --increment 2h")]
pub(crate) struct TokenRenewArgs {
    /// `-` for standard input; a token written here is seen by other users of the machine
    #[arg(value_name = "TOKEN", value_parser = sensitive)]
    pub(crate) given: Option<Sensitive<String>>,
    /// How long from now
    #[arg(long, value_name = "DURATION", value_parser = Seconds::parse)]
    pub(crate) increment: Option<Seconds>,
}

/// `rotunda token revoke`.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct TokenRevokeArgs {
    /// `-` for standard input; a token written here is seen by other users of the machine
    #[arg(value_name = "TOKEN", value_parser = sensitive)]
    pub(crate) given: Option<Sensitive<String>>,
    /// The token with this accessor
    #[arg(long, value_name = "ACCESSOR")]
    pub(crate) accessor: Option<String>,
    /// Your own
    #[arg(long = "self")]
    pub(crate) own: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| "write it as key=value".to_owned())
}
