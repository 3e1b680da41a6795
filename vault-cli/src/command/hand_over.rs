//! A delete that prints the passwords first, and is carried out only when they are printed.

use serde_json::Value;
use vault_api::account::HandedOver;

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
        return session.done(&answer, "deleted; there was no password");
    }
    let handed: HandedOver = answer.read_data()?;
    match (session.field.as_deref(), session.console.format()) {
        (None, Format::Json) => session.console.json(answer.body().unwrap_or(&Value::Null))?,
        (None, Format::Table) => session.console.text(&table(&handed))?,
        (Some("passwords"), _) => session.show_record(&answer, &[], "")?,
        (Some(_), _) => {
            session.show_record(&answer, &[], "")?;
            session.console.note("nothing is deleted: the passwords were not printed");
            return Ok(Exit::Unfinished);
        }
    }
    session.ask("deleting", request()?.with("confirm", &handed.confirm)).await?;
    session.console.note("deleted; the passwords above are nowhere else");
    Ok(Exit::Done)
}

fn table(handed: &HandedOver) -> String {
    let rows: Vec<Vec<String>> = handed
        .passwords
        .iter()
        .map(|one| {
            vec![
                output::shown(&handed.username),
                output::shown(one.password.expose()),
                one.version.to_string(),
                output::shown(&one.state),
            ]
        })
        .collect();
    output::columns(&["USERNAME", "PASSWORD", "VERSION", "STATE"], &rows)
}
