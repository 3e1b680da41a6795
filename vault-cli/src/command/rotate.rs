//! `rotunda rotate`, and the same form of answer for `account verify` and `account reconcile`.

use std::time::Duration;

use vault_api::rotation::{RotationOutcome, RotationRequest};

use super::{Session, campaign, trimmed};
use crate::{
    args::campaign::RotateArgs,
    client::{Answer, Request},
    failure::{Exit, Failure},
    output,
};

pub(super) async fn run(args: RotateArgs, session: &mut Session) -> Result<Exit, Failure> {
    match &args.path {
        Some(path) => act("rotate", path, RotationRequest { force: args.force }, session).await,
        None => campaign::rotate(args, session).await,
    }
}

/// Rotates a target's management credential.
pub(super) async fn management_credential(name: &str, session: &mut Session) -> Result<Exit, Failure> {
    let request =
        Request::post(format!("targets/rotate/{}", trimmed(name))).touching_a_target(Duration::ZERO);
    let answer = session.ask("rotating the management credential", request).await?;
    show(&answer, session)
}

/// Has an account rotated, verified or reconciled.
pub(super) async fn act(
    verb: &str,
    path: &str,
    request: RotationRequest,
    session: &mut Session,
) -> Result<Exit, Failure> {
    let request = Request::post(format!("accounts/{verb}/{}", trimmed(path)))
        .sending(&request)?
        .touching_a_target(Duration::ZERO);
    let answer = session.ask("talking to the target", request).await?;
    show(&answer, session)
}

fn show(answer: &Answer, session: &mut Session) -> Result<Exit, Failure> {
    session.show(answer, |answer, _| {
        let done: RotationOutcome = match answer.data() {
            Some(_) => answer.read_data()?,
            None => RotationOutcome::default(),
        };
        let mut pairs = vec![
            ("outcome", output::optional(Some(&done.outcome))),
            ("version", done.version.to_string()),
            ("state", output::optional(Some(&done.state))),
        ];
        let facts = [
            ("class", &done.failure.class),
            ("detail", &done.failure.detail),
            ("incident", &done.failure.incident),
        ];
        for (name, fact) in facts {
            if let Some(fact) = fact {
                pairs.push((name, output::shown(fact)));
            }
        }
        Ok(output::record(pairs))
    })?;
    if answer.is_accepted() {
        session.console.note("still running: the vault goes on by itself; see rotunda account status");
        return Ok(Exit::Unfinished);
    }
    Ok(Exit::Done)
}
