//! `rotunda run`: check out, run a command with the credential in its environment, check in.
//!
//! Whatever happens between check-out and the end of the command, the check-in is tried. Signals that end
//! this program are therefore caught from before the check-out on.

mod child;
mod lease_keeper;
mod signals;

use std::time::Duration;

use vault_api::{
    checkout::{CheckInRequest, CheckInResponse, CheckOutResponse, LeaseEnd},
    duration::Seconds,
};

use self::{child::Ending, lease_keeper::LeaseKeeper, signals::Signals};
use super::{Session, checkout, lease, trimmed};
use crate::{
    args::run::RunArgs,
    client::Answer,
    failure::{Exit, Failure},
    output, progress,
};

pub(super) async fn run(args: &RunArgs, session: &mut Session) -> Result<Exit, Failure> {
    let mut signals = Signals::catch()?;
    let path = trimmed(&args.account);
    let request = checkout::check_out_request(path, &args.wishes)?;
    let asked = session.ask(checkout::waiting_words(&args.wishes), request);
    let (answer, caught) = signals::unless_interrupted(asked, signals.next()).await;
    let interrupted = caught.map(Ending::asked_for_by);
    let Some(answer) = answer else {
        let exit = interrupted.map_or(Exit::Refused, Ending::exit);
        return Err(Failure::new(
            exit,
            "interrupted before the vault had answered; the command was not started",
        )
        .with_hint(format!("if the account was lent all the same: rotunda check-in {path}")));
    };
    let answer = answer?;
    let lease_id = answer.text("lease_id").ok_or_else(|| Failure::unexpected_answer("lease_id"))?.to_owned();
    // From here on every way out passes the check-in.
    let ended = match (interrupted, answer.read_data::<CheckOutResponse>()) {
        (Some(ending), _) => Ok(ending),
        (None, Ok(lent)) => supervise(args, &lent, &answer, &mut signals, session).await,
        (None, Err(failure)) => Err(failure),
    };
    let checked_in = tokio::select! {
        result = check_in(path, &lease_id, session) => result,
        () = signals.insist() => Err(Failure::new(Exit::Refused, "interrupted before the account was given back")),
    };
    let exit = match &ended {
        Ok(ending) => ending.exit(),
        Err(failure) => failure.exit(),
    };
    if let Err(failure) = &ended {
        session.console.failure(failure);
    }
    match checked_in {
        Ok(()) => Ok(exit),
        Err(failure) => {
            session.console.failure(&failure);
            session.console.note(&format!(
                "  {path} is still checked out; it ends by itself with its lease, or: rotunda check-in {path} --lease-id {lease_id}"
            ));
            // A command that failed keeps its own code; a success must not hide a password that is still alive.
            Ok(if exit == Exit::Done { Exit::NotCheckedIn } else { exit })
        }
    }
}

/// Runs the command to its end, passing signals on and keeping the lease alive meanwhile.
async fn supervise(
    args: &RunArgs,
    lent: &CheckOutResponse,
    answer: &Answer,
    signals: &mut Signals,
    session: &mut Session,
) -> Result<Ending, Failure> {
    let mut child = child::spawn(args, lent)?;
    let lease_id = answer.text("lease_id").unwrap_or_default();
    let renewable = answer.part("renewable").and_then(serde_json::Value::as_bool).unwrap_or(false);
    let mut keeper = LeaseKeeper::new(lease::lasting(answer), renewable);
    loop {
        tokio::select! {
            ending = child.wait() => return ending,
            signal = signals.next() => child.pass_on(signal),
            () = keeper.due() => renew(&mut keeper, lease_id, args.wishes.ttl, session).await,
        }
    }
}

async fn renew(keeper: &mut LeaseKeeper, lease_id: &str, increment: Option<Seconds>, session: &mut Session) {
    let renewed = match lease::renewal(lease_id, increment) {
        Ok(request) => session.client.send(request).await,
        Err(failure) => Err(failure),
    };
    let sentence = match renewed {
        Ok(answer) => keeper.renewed(lease::lasting(&answer)),
        Err(failure) => keeper.failed(&failure.to_string()),
    };
    if let Some(sentence) = sentence {
        session.console.warning(&sentence);
    }
}

/// Gives the account back; a server that cannot be reached is tried again for a while.
async fn check_in(path: &str, lease_id: &str, session: &mut Session) -> Result<(), Failure> {
    let mut pauses = CHECK_IN_PAUSES.into_iter();
    let answer = loop {
        let body = CheckInRequest { lease_id: Some(lease_id.to_owned()), force: false };
        match session
            .ask("giving the account back; its password dies", checkout::check_in_request(path, body)?)
            .await
        {
            Ok(answer) => break answer,
            // The lease id makes a repetition harmless: a second check-in of it changes nothing.
            Err(failure) if failure.exit() == Exit::Usage => match pauses.next() {
                Some(pause) => {
                    let waiting = tokio::time::sleep(pause);
                    progress::during(
                        session.console.shows_progress(),
                        "the server cannot be reached",
                        waiting,
                    )
                    .await;
                }
                None => return Err(failure),
            },
            Err(failure) => return Err(failure),
        }
    };
    if answer.data().is_some() {
        let ended: CheckInResponse = answer.read_data()?;
        if ended.state == LeaseEnd::Revoking {
            let incident =
                ended.incident.map(|id| format!(" (incident {})", output::shown(&id))).unwrap_or_default();
            session.console.warning(&format!(
                "{path} is checked in, but the target was not yet seen to refuse its password; see rotunda account status{incident}"
            ));
        }
    }
    Ok(())
}

/// How long to wait before each further try of the check-in.
const CHECK_IN_PAUSES: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];
