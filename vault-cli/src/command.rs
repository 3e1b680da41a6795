//! The commands that talk to a server, one file each; this one dispatches and ends them.

mod account;
mod audit;
mod campaign;
mod checkout;
mod generic;
mod hand_over;
mod incident;
mod kv;
mod lease;
mod login;
mod mount;
mod operator;
mod plugin;
mod policy;
mod pool;
mod rehearse;
mod remedy;
mod report;
mod rotate;
mod run;
mod silence;
mod status;
mod target;
mod token;
mod watch;
mod webhook;

use std::{path::PathBuf, process::ExitCode};

use serde_json::{Map, Value};

use crate::{
    args::{ClientCommand, Word, audit::AuditWord, output::Format},
    client::{Answer, Client, Request},
    console::Console,
    failure::{Exit, Failure},
    output, progress,
};

/// What a command works with.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) console: Console,
    /// The one field that `--field` asks for.
    pub(crate) field: Option<String>,
    /// Where the token is kept.
    pub(crate) home: Option<PathBuf>,
}

/// Runs a command with the process's streams and environment.
pub(crate) fn run_on_terminal(command: ClientCommand) -> ExitCode {
    // Whoever wired this process may have installed one already; the client names its own all the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let console = Console::of_terminal(command.output.no_color).printing(command.output.format);
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| !home.as_os_str().is_empty());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let exit = match runtime {
        Ok(runtime) => runtime.block_on(run_in(command, console, home)),
        Err(error) => {
            let mut console = console;
            console.failure(&Failure::usage(format!("cannot start: {error}")));
            Exit::Usage
        }
    };
    exit.into()
}

/// Runs a command with streams and a home folder from outside.
pub(crate) async fn run_in(command: ClientCommand, mut console: Console, home: Option<PathBuf>) -> Exit {
    let ClientCommand { connection, output, word } = command;
    if let Word::Completion(args) = &word {
        let printed = console.text(&generic::completion(args));
        return ended(printed.map(|()| Exit::Done).map_err(Failure::from), &mut console);
    }
    let client = match Client::new(&connection, home.as_deref()) {
        Ok(client) => client,
        Err(failure) => return ended(Err(failure), &mut console),
    };
    if let Some(warning) = client.warning() {
        console.warning(&warning);
    }
    let mut session = Session { client, console, field: output.field, home };
    let result = execute(word, &mut session).await;
    ended(result, &mut session.console)
}

fn ended(result: Result<Exit, Failure>, console: &mut Console) -> Exit {
    match result {
        Ok(exit) => exit,
        // Nobody is left to read a message about it.
        Err(failure) if failure.exit() == Exit::ClosedPipe => Exit::ClosedPipe,
        Err(failure) => {
            console.failure(&failure);
            failure.exit()
        }
    }
}

async fn execute(word: Word, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        Word::Status => status::run(session).await,
        Word::Operator(word) => operator::run(word, session).await,
        Word::Login(args) => login::run(&args, session).await,
        Word::Token(word) => token::run(word, session).await,
        Word::Policy(word) => policy::acl(word, session).await,
        Word::RotationPolicy(word) => policy::rotation(word, session).await,
        Word::PasswordPolicy(word) => policy::password(word, session).await,
        Word::Kv(word) => kv::run(word, session).await,
        Word::Secrets(word) => mount::secrets(word, session).await,
        Word::Auth(word) => mount::auth(word, session).await,
        Word::Target(word) => target::run(word, session).await,
        Word::Plugin(word) => plugin::run(word, session).await,
        Word::Account(word) => account::run(word, session).await,
        Word::Pool(word) => pool::run(word, session).await,
        Word::Creds(args) => account::creds(&args.path, session).await,
        Word::CheckOut(args) => checkout::check_out(&args, session).await,
        Word::CheckIn(args) => checkout::check_in(args, session).await,
        Word::Rotate(args) => rotate::run(args, session).await,
        Word::Respond(args) => campaign::respond(args, session).await,
        Word::Offboard(args) => campaign::offboard(args, session).await,
        Word::Campaign(word) => campaign::run(word, session).await,
        Word::Run(args) => run::run(&args, session).await,
        Word::Incident(word) => incident::run(word, session).await,
        Word::Silence(word) => silence::run(word, session).await,
        Word::Report(word) => report::run(word, session).await,
        Word::Webhook(word) => webhook::run(word, session).await,
        Word::Lease(word) => lease::run(word, session).await,
        Word::Read(args) => generic::read(&args, session).await,
        Word::Write(args) => generic::write(&args, session).await,
        Word::List(args) => generic::list(&args, session).await,
        Word::Delete(args) => generic::delete(&args, session).await,
        Word::Audit(AuditWord::Search(args)) => audit::search(args, session).await,
        Word::Audit(AuditWord::Status) => audit::status(session).await,
        // `into_parsed` gives these to the binary, and `run_in` has printed the completion.
        Word::Server(_)
        | Word::Dev(_)
        | Word::Drill(_)
        | Word::Audit(AuditWord::Verify(_))
        | Word::Rotator(_)
        | Word::Completion(_) => Err(Failure::usage("this word needs no server")),
    }
}

impl Session {
    /// Sends a request and shows a sign of life while it lasts.
    pub(crate) async fn ask(&self, words: &str, request: Request) -> Result<Answer, Failure> {
        progress::during(self.console.shows_progress(), words, self.client.send(request)).await
    }

    /// Prints an answer: one field, the whole as JSON, or as `table` draws its data.
    pub(crate) fn show(
        &mut self,
        answer: &Answer,
        table: impl FnOnce(&Answer, &Console) -> Result<String, Failure>,
    ) -> Result<(), Failure> {
        if let Some(field) = self.field.clone() {
            let value = field_of(answer, &field)?;
            self.warn(answer);
            return Ok(self.console.bare(&value)?);
        }
        match self.console.format() {
            Format::Json => Ok(self.console.json(answer.body().unwrap_or(&Value::Object(Map::new())))?),
            Format::Table | Format::Csv | Format::Markdown => {
                self.warn(answer);
                let text = table(answer, &self.console)?;
                Ok(self.console.text(&text)?)
            }
        }
    }

    /// Prints an answer whose data has no form of its own.
    pub(crate) fn show_record(&mut self, answer: &Answer, first: &[&str], done: &str) -> Result<(), Failure> {
        self.show(answer, |answer, _| {
            Ok(match answer.data() {
                Some(Value::Object(data)) if !data.is_empty() => output::record(output::pairs(data, first)),
                Some(data) if !data.is_object() => format!("{}\n", output::cell(data)),
                _ => format!("{done}\n"),
            })
        })
    }

    /// Prints the names of a listing; as JSON an array of names, as Vault's command line does.
    pub(crate) fn show_names(&mut self, answer: &Answer) -> Result<(), Failure> {
        let listing: vault_api::Listing = answer.read_data()?;
        self.warn(answer);
        self.show_list(listing.keys)
    }

    /// Prints names that were put together from several listings.
    pub(crate) fn show_list(&mut self, names: Vec<String>) -> Result<(), Failure> {
        match self.console.format() {
            Format::Json => Ok(self.console.json(&Value::from(names))?),
            Format::Table | Format::Csv | Format::Markdown => {
                let text: String = names.iter().map(|name| output::shown(name) + "\n").collect();
                Ok(self.console.text(&text)?)
            }
        }
    }

    /// Says that something without data was done.
    pub(crate) fn done(&mut self, answer: &Answer, sentence: &str) -> Result<Exit, Failure> {
        self.show_record(answer, &[], sentence)?;
        Ok(Exit::Done)
    }

    fn warn(&mut self, answer: &Answer) {
        for warning in answer.warnings() {
            self.console.warning(&output::shown(warning));
        }
    }
}

fn field_of(answer: &Answer, field: &str) -> Result<String, Failure> {
    let sources = [answer.data(), answer.part("auth"), answer.body()];
    // A new token is called client_token in the answer and token in Vault's command line.
    let names: &[&str] = if field == "token" { &["token", "client_token"] } else { &[field] };
    sources
        .into_iter()
        .flatten()
        .find_map(|source| names.iter().find_map(|name| source.get(name)))
        .map(output::bare)
        .ok_or_else(|| Failure::usage(format!("the answer has no field {field}")))
}

/// A path as the API wants it, without the slashes that people type around it.
pub(crate) fn trimmed(path: &str) -> &str {
    path.trim_matches('/')
}

#[cfg(test)]
pub(crate) mod canned;
#[cfg(test)]
mod tests;
