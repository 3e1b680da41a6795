//! `rotunda check-out` and `rotunda check-in`.

use std::time::Duration;

use vault_api::{
    checkout::{CheckInRequest, CheckInResponse, CheckOutRequest, CheckOutResponse, LeaseEnd},
    duration::Seconds,
};

use super::{Session, trimmed};
use crate::{
    args::checkout::{CheckInArgs, CheckOutArgs, LeaseWishes},
    client::{Answer, Request},
    failure::{Exit, Failure},
    output,
};

pub(super) async fn check_out(args: &CheckOutArgs, session: &mut Session) -> Result<Exit, Failure> {
    let path = trimmed(&args.path);
    let answer = session.ask(waiting_words(&args.wishes), check_out_request(path, &args.wishes)?).await?;
    let lent: CheckOutResponse = answer.read_data()?;
    let shown = session.show(&answer, |answer, _| Ok(table(&lent, answer)));
    if let Err(failure) = shown {
        // The password is lent although nobody saw it: say how to give it back.
        let lease = answer.text("lease_id").unwrap_or_default();
        session.console.warning(&format!(
            "{path} is checked out although it could not be printed: rotunda check-in {path} --lease-id {lease}"
        ));
        return Err(failure);
    }
    Ok(Exit::Done)
}

pub(super) fn check_out_request(path: &str, wishes: &LeaseWishes) -> Result<Request, Failure> {
    request(&format!("accounts/check-out/{path}"), wishes)
}

/// A check-out at `path`, of an account or of a pool.
pub(super) fn request(path: &str, wishes: &LeaseWishes) -> Result<Request, Failure> {
    let body = CheckOutRequest {
        ttl: wishes.ttl,
        reason: wishes.reason.clone(),
        ticket: wishes.ticket.clone(),
        wait: wishes.wait,
    };
    let waiting = Duration::from_secs(wishes.wait.map_or(0, |wait| wait.0));
    Ok(Request::post(path).sending(&body)?.touching_a_target(waiting))
}

pub(super) const fn waiting_words(wishes: &LeaseWishes) -> &'static str {
    if wishes.wait.is_some() { "waiting for the account" } else { "checking out" }
}

pub(super) fn table(lent: &CheckOutResponse, answer: &Answer) -> String {
    let duration = answer.part("lease_duration").and_then(serde_json::Value::as_u64).unwrap_or(0);
    output::record([
        ("username", output::shown(&lent.username)),
        ("password", output::shown(lent.password.expose())),
        ("version", lent.version.to_string()),
        ("lease", output::optional(answer.text("lease_id"))),
        ("ends", format!("{} (in {})", output::optional(Some(&lent.expires_at)), Seconds(duration))),
    ])
}

pub(super) async fn check_in(args: CheckInArgs, session: &mut Session) -> Result<Exit, Failure> {
    let request =
        check_in_request(&args.path, CheckInRequest { lease_id: args.lease_id, force: args.force })?;
    let answer = session.ask("giving the account back; its password dies", request).await?;
    let ended: Option<CheckInResponse> = answer.data().is_some().then(|| answer.read_data()).transpose()?;
    session
        .show(&answer, |_, _| Ok(ended.as_ref().map_or_else(|| "checked in\n".to_owned(), ended_table)))?;
    match ended {
        Some(ended) if ended.state == LeaseEnd::Revoking => Ok(Exit::Unfinished),
        _ => Ok(Exit::Done),
    }
}

pub(super) fn check_in_request(path: &str, body: CheckInRequest) -> Result<Request, Failure> {
    let path = trimmed(path);
    Ok(Request::post(format!("accounts/check-in/{path}")).sending(&body)?.touching_a_target(Duration::ZERO))
}

fn ended_table(ended: &CheckInResponse) -> String {
    let state = match ended.state {
        LeaseEnd::Closed => "closed: the target refuses the password you had",
        LeaseEnd::Revoking => {
            "revoking: not yet proved that the target refuses the password; see rotunda account status"
        }
    };
    let mut pairs = vec![("lease", output::optional(Some(&ended.lease_id))), ("state", state.to_owned())];
    if let Some(version) = ended.version {
        pairs.push(("version", version.to_string()));
    }
    if let Some(incident) = &ended.incident {
        pairs.push(("incident", output::shown(incident)));
    }
    output::record(pairs)
}
