//! `rotunda read|write|list|delete` on any path, and the completion scripts.

use std::time::Duration;

use serde_json::Value;

use super::Session;
use crate::{
    args::generic::{CompletionArgs, DeleteArgs, ListArgs, ReadArgs, WriteArgs},
    client::{Answer, Request},
    failure::{Exit, Failure},
    input::{self, Ending},
    output,
};

pub(super) async fn read(args: &ReadArgs, session: &mut Session) -> Result<Exit, Failure> {
    let request = Request::get(args.path.as_str()).touching_a_target(Duration::ZERO);
    let request = with_parameters(request, &args.parameters, session)?;
    let answer = session.ask("reading", request).await?;
    show_any(&answer, "nothing was said", session)
}

pub(super) async fn write(args: &WriteArgs, session: &mut Session) -> Result<Exit, Failure> {
    let data = input::settings(&args.data, Ending::AsIs, &mut session.console)?;
    let request = Request::put(args.path.as_str()).sending(&data)?.touching_a_target(Duration::ZERO);
    let answer = session.ask("writing", request).await?;
    show_any(&answer, "written", session)?;
    Ok(if answer.is_accepted() { Exit::Unfinished } else { Exit::Done })
}

pub(super) async fn list(args: &ListArgs, session: &mut Session) -> Result<Exit, Failure> {
    let request = with_parameters(Request::list(args.path.as_str()), &args.parameters, session)?;
    let answer = session.ask("listing", request).await?;
    session.show_names(&answer)?;
    Ok(Exit::Done)
}

pub(super) async fn delete(args: &DeleteArgs, session: &mut Session) -> Result<Exit, Failure> {
    let request = Request::delete(args.path.as_str()).touching_a_target(Duration::ZERO);
    let request = with_parameters(request, &args.parameters, session)?;
    let answer = session.ask("deleting", request).await?;
    show_any(&answer, "deleted", session)
}

fn with_parameters(request: Request, words: &[String], session: &mut Session) -> Result<Request, Failure> {
    let parameters = input::parameters(words, &mut session.console)?;
    Ok(parameters.into_iter().fold(request, |request, (key, value)| request.with(&key, value)))
}

/// Data with the lease it came with, the token of a login, or an answer that has no envelope.
fn show_any(answer: &Answer, otherwise: &str, session: &mut Session) -> Result<Exit, Failure> {
    session.show(answer, |answer, _| {
        let mut text = String::new();
        if let Some(lease) = answer.text("lease_id") {
            text.push_str(&output::record([("lease_id", output::shown(lease))]));
        }
        let parts = [answer.data(), answer.part("auth")];
        let without_envelope = answer.body().filter(|body| body.get("request_id").is_none());
        for part in parts.into_iter().flatten().chain(without_envelope) {
            match part {
                Value::Object(object) => text.push_str(&output::record(output::pairs(object, &[]))),
                other => text.push_str(&format!("{}\n", output::cell(other))),
            }
        }
        Ok(if text.is_empty() { format!("{otherwise}\n") } else { text })
    })?;
    Ok(Exit::Done)
}

/// The script of a shell.
pub(super) fn completion(args: &CompletionArgs) -> String {
    // Into memory first: the generator panics when its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::command(), "rotunda", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
