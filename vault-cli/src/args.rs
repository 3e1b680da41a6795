//! The words and flags as typed, and their sorting by who carries them out.

pub(crate) mod account;
pub(crate) mod audit;
pub(crate) mod campaign;
pub(crate) mod checkout;
pub(crate) mod connection;
pub(crate) mod drill;
pub(crate) mod generic;
pub(crate) mod incident;
pub(crate) mod kv;
pub(crate) mod lease;
pub(crate) mod mount;
pub(crate) mod offline;
pub(crate) mod operator;
pub(crate) mod output;
pub(crate) mod plugin;
pub(crate) mod policy;
pub(crate) mod pool;
pub(crate) mod report;
pub(crate) mod rotator;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod serve;
pub(crate) mod silence;
pub(crate) mod target;
pub(crate) mod token;
pub(crate) mod webhook;

use std::ffi::OsString;

use clap::{ArgMatches, Parser, Subcommand, error::ErrorKind};

use self::{
    connection::ConnectionArgs,
    drill::DrillArgs,
    offline::OfflineCommand,
    output::OutputArgs,
    serve::{DevArgs, ServerArgs},
};

/// What was asked for, by who can do it.
#[derive(Debug)]
pub enum Parsed {
    /// Run the server; the binary's part.
    Server(ServerArgs),
    /// Run a server for trying things out; the binary's part.
    Dev(DevArgs),
    /// Work on files without a server; the binary's part, because it needs the core.
    Offline(OfflineCommand),
    /// Play the fault drill; the binary's part, because it has the private servers.
    Drill(DrillArgs, OutputArgs),
    /// A process between a server and a plugin; the binary's part.
    Plugin(PluginStage),
    /// Talk to a server: give it to [`run_client`](crate::run_client).
    Client(Box<ClientCommand>),
}

/// A process between a server and a plugin.
#[derive(Debug)]
pub enum PluginStage {
    /// Stands over it; its order is on standard input.
    Supervise,
    /// Becomes it, as standard input says.
    Execute,
}

impl PluginStage {
    /// The words by which the program starts itself. They are for nobody else, so no help shows them; and they come
    /// with every request to a plugin, so nothing more is read.
    pub(crate) fn of(words: &[OsString]) -> Option<Self> {
        match words {
            [_, run] if run == "plugin-run" => Some(Self::Supervise),
            [_, exec] if exec == "plugin-exec" => Some(Self::Execute),
            _ => None,
        }
    }
}

/// A command for a server, with where that server is and how to print.
#[derive(Debug)]
pub struct ClientCommand {
    pub(crate) connection: ConnectionArgs,
    pub(crate) output: OutputArgs,
    pub(crate) word: Word,
}

/// The vault's command line.
#[derive(Debug, Parser)]
#[command(
    name = "rotunda",
    version,
    about = "An encrypted credential vault that rotates what it keeps",
    after_help = EXAMPLES,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    word: Word,
}

const EXAMPLES: &str = "\
Examples:
  rotunda dev --root-token try
  rotunda check-out db/app --reason 'fix invoice 4711' --ttl 30m
  rotunda run --account db/app -- psql -h db.example -d app
  rotunda incident list

Exit codes: 0 done · 1 refused by server or target · 2 usage, file or connection · 3 held by another ·
4 rotation failed · 5 sealed or not initialised · 6 the vault is still at it · 7 `run` could not check in.
The whole list, with the environment variables, is in docs/cli.md.";

/// Every first word.
#[derive(Debug, Subcommand)]
pub(crate) enum Word {
    /// Run the server
    Server(ServerArgs),
    /// Run a server for trying things out: initialised, unsealed, on loopback
    Dev(DevArgs),
    /// See with your own eyes what the vault does when targets fail, on private servers
    Drill(DrillArgs),
    /// Show whether the vault is initialised and unsealed
    #[command(
        after_help = "Examples:\n  rotunda status\n  rotunda status --format json\n\nExit code 5 when it is sealed."
    )]
    Status,
    /// Initialise, unseal, seal and look after the vault itself
    #[command(subcommand)]
    Operator(operator::OperatorWord),
    /// Store a token in ~/.vault-token, once the server has accepted it
    Login(token::LoginArgs),
    /// Make, look up, renew and revoke tokens
    #[command(subcommand)]
    Token(token::TokenWord),
    /// Write and read path policies
    #[command(subcommand)]
    Policy(policy::PolicyWord),
    /// Write, read and look after static secrets
    #[command(subcommand)]
    Kv(kv::KvWord),
    /// Mount, tune, move and disable secrets engines
    #[command(subcommand)]
    Secrets(mount::SecretsWord),
    /// Mount and disable ways in
    #[command(subcommand)]
    Auth(mount::AuthWord),
    /// Describe the systems on which accounts live
    #[command(subcommand)]
    Target(target::TargetWord),
    /// Register rotators that are programs of their own
    #[command(subcommand)]
    Plugin(plugin::PluginWord),
    /// Look whether a rotator that is a program of its own keeps the contract
    #[command(subcommand)]
    Rotator(rotator::RotatorWord),
    /// Describe accounts and see how they are
    #[command(subcommand)]
    Account(account::AccountWord),
    /// Describe pools of accounts, and take whichever account of one is free
    #[command(subcommand)]
    Pool(pool::PoolWord),
    /// Read an account's current credential without taking a lease
    Creds(account::CredsArgs),
    /// Take an account for a while; nobody else has it meanwhile
    CheckOut(checkout::CheckOutArgs),
    /// Give an account back; the password you saw dies on the target
    CheckIn(checkout::CheckInArgs),
    /// Change an account's password, or those of many in waves, and verify them
    Rotate(campaign::RotateArgs),
    /// Answer a breach: rotate many accounts at once, and cut what is lent
    Respond(campaign::RespondArgs),
    /// Rotate exactly what somebody knows who leaves
    Offboard(campaign::OffboardArgs),
    /// See and steer the rotation of many accounts
    #[command(subcommand)]
    Campaign(campaign::CampaignWord),
    /// Check out, run a command with the credential in its environment, check in
    Run(run::RunArgs),
    /// Say when accounts are rotated
    #[command(subcommand)]
    RotationPolicy(schedule::RotationPolicyWord),
    /// Say how generated passwords look
    #[command(subcommand)]
    PasswordPolicy(schedule::PasswordPolicyWord),
    /// See and take on failures
    #[command(subcommand)]
    Incident(incident::IncidentWord),
    /// Keep notifications back for a while, of what is expected to fail
    #[command(subcommand)]
    Silence(silence::SilenceWord),
    /// Figures about failures and repair
    #[command(subcommand)]
    Report(report::ReportWord),
    /// Tell others what happens to credentials, and see whether they heard it
    #[command(subcommand)]
    Webhook(webhook::WebhookWord),
    /// Look up, renew and revoke leases
    #[command(subcommand)]
    Lease(lease::LeaseWord),
    /// Look for lines in the audit trail, and verify its files
    #[command(subcommand)]
    Audit(audit::AuditWord),
    /// Read any path of the API
    Read(generic::ReadArgs),
    /// Write to any path of the API
    Write(generic::WriteArgs),
    /// List any path of the API
    List(generic::ListArgs),
    /// Delete any path of the API
    Delete(generic::DeleteArgs),
    /// Print the completion script of a shell
    Completion(generic::CompletionArgs),
}

impl Cli {
    /// Sorts by who carries it out.
    ///
    /// # Errors
    /// A word that talks to no server was given a flag about one, or misses what it needs.
    pub(crate) fn into_parsed(self, connection_flag: Option<&'static str>) -> Result<Parsed, clap::Error> {
        let Self { connection, output, word } = self;
        match (output.format.of_server(), &word) {
            (Some(_), Word::Report(report::ReportWord::Ended(_) | report::ReportWord::Attempts(_))) => {
                return Err(refusal(
                    "csv and markdown are forms of sums; this one is printed as table or json",
                ));
            }
            (None, _) | (_, Word::Report(_)) | (Some("markdown"), Word::Drill(_)) => {}
            (Some(_), Word::Drill(_)) => {
                return Err(refusal("the drill's table is printed as table, json or markdown"));
            }
            (Some(_), _) => {
                return Err(refusal(
                    "csv and markdown are forms of `report`; this one is printed as table or json",
                ));
            }
        }
        let parsed = match word {
            Word::Server(args) => Parsed::Server(args),
            Word::Dev(args) => Parsed::Dev(args),
            Word::Drill(args) => Parsed::Drill(args, output),
            Word::Rotator(rotator::RotatorWord::Test(args)) => {
                Parsed::Offline(OfflineCommand::RotatorTest { args, output })
            }
            Word::Audit(audit::AuditWord::Verify(args)) => {
                Parsed::Offline(OfflineCommand::AuditVerify { args, output })
            }
            Word::Operator(operator::OperatorWord::MigrateStore(args)) => {
                if args.from.directory == args.to.directory {
                    return Err(refusal("--from and --to must be two folders"));
                }
                Parsed::Offline(OfflineCommand::MigrateStore { args, output })
            }
            Word::Operator(operator::OperatorWord::Verify(operator::VerifyArgs {
                data: Some(data),
                engine,
            })) => Parsed::Offline(OfflineCommand::VerifyStore { data, engine, output }),
            word => return Ok(Parsed::Client(Box::new(ClientCommand { connection, output, word }))),
        };
        match connection_flag {
            // Unnoticed, `server --address …` would listen somewhere else than was meant.
            Some(flag) => {
                Err(refusal(&format!("--{flag} is for commands that talk to a server; this one does not")))
            }
            None => Ok(parsed),
        }
    }
}

/// The first connection flag that was typed (not taken from the environment), wherever it stands.
pub(crate) fn typed_connection_flag(matches: &ArgMatches) -> Option<&'static str> {
    let mut level = Some(matches);
    while let Some(matches) = level {
        let typed = CONNECTION_FLAGS
            .into_iter()
            .find(|(id, _)| matches!(matches.value_source(id), Some(clap::parser::ValueSource::CommandLine)));
        if let Some((_, flag)) = typed {
            return Some(flag);
        }
        level = matches.subcommand().map(|(_, below)| below);
    }
    None
}

fn refusal(sentence: &str) -> clap::Error {
    use clap::CommandFactory as _;
    Cli::command().error(ErrorKind::ArgumentConflict, sentence)
}

/// The fields of [`ConnectionArgs`] and how they are typed.
const CONNECTION_FLAGS: [(&str, &str); 5] = [
    ("address", "address"),
    ("token", "token"),
    ("namespace", "namespace"),
    ("ca_cert", "ca-cert"),
    ("timeout", "timeout"),
];

#[cfg(test)]
mod tests;
