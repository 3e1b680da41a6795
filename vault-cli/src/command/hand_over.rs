//! A delete that prints the passwords first, and is carried out only when they are printed.

use serde_json::Value;
use vault_api::account::{HandedOver, HandedPassword};

use super::Session;
use crate::{
    args::output::Format,
    client::Request,
    failure::{Exit, Failure},
    output,
};

/// Asks for the passwords, prints them, and confirms. A pipe that breaks on the way leaves everything as it was.
pub(super) async fn confirmed(
    request: impl Fn() -> Result<Request, Failure>,
    session: &mut Session,
) -> Result<Exit, Failure> {
    let answer = session.ask("asking for the passwords", request()?).await?;
    if answer.data().is_none() {
        return session.done(&answer, "nothing is there any more, and there was no password to hand over");
    }
    let handed: HandedOver = answer.read_data()?;
    let is_whole = !handed.confirm.is_empty()
        && !handed.passwords.is_empty()
        && handed.passwords.iter().all(|one| one.password.is_some());
    match (session.field.as_deref(), session.console.format()) {
        (None, Format::Table) if is_whole && is_plain(&handed) => session.console.text(&records(&handed))?,
        // As JSON where a table would not show a password as it is.
        (None, _) => session.console.json(answer.body().unwrap_or(&Value::Null))?,
        (Some(_), _) => session.show_record(&answer, &[], "")?,
    }
    if !is_whole {
        session.console.note("nothing more is done: a version could not be read");
        return Ok(Exit::Unfinished);
    }
    if session.field.as_deref().is_some_and(|field| field != "passwords") {
        session.console.note("nothing is deleted: the passwords were not printed");
        return Ok(Exit::Unfinished);
    }
    session.ask("deleting", request()?.with("confirm", &handed.confirm)).await?;
    session.console.note("deleted; the passwords above are nowhere else");
    Ok(Exit::Done)
}

/// Whether each password is shown as it is, character by character.
fn is_plain(handed: &HandedOver) -> bool {
    let mut texts = handed.passwords.iter().filter_map(|one| one.password.as_ref());
    texts.all(|password| output::shown(password.expose()) == *password.expose())
}

/// A record for each version; the password ends its line, blanks at its end included.
fn records(handed: &HandedOver) -> String {
    let record = |one: &HandedPassword| {
        output::record([
            ("username", output::shown(&handed.username)),
            ("version", one.version.to_string()),
            ("state", output::shown(&one.state)),
            (
                "password",
                one.password.as_ref().map_or_else(String::new, |password| password.expose().clone()),
            ),
        ])
    };
    handed.passwords.iter().map(record).collect::<Vec<_>>().join("\n")
}
