//! `rotunda pool …`.

use std::time::Duration;

use vault_api::{
    checkout::LeaseEnd,
    pool::{PoolCheckInRequest, PoolCheckIns, PoolCheckOut, PoolStatus},
};

use super::{Session, checkout, trimmed};
use crate::{
    args::pool::{PoolCheckInArgs, PoolCheckOutArgs, PoolWord, PoolWriteArgs},
    client::Request,
    console::{Console, Tone},
    failure::{Exit, Failure},
    input::{self, Ending},
    output,
};

pub(super) async fn run(word: PoolWord, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        PoolWord::Write(args) => write(&args, session).await,
        PoolWord::Read(args) => {
            let request = Request::get(format!("pools/config/{}", trimmed(&args.name)));
            let answer = session.ask("reading the pool", request).await?;
            session.show_record(&answer, &["accounts", "ttl", "max_ttl"], "nothing is known")?;
            Ok(Exit::Done)
        }
        PoolWord::List => {
            let answer = session.ask("listing", Request::list("pools/config")).await?;
            session.show_names(&answer)?;
            Ok(Exit::Done)
        }
        PoolWord::Status(args) => status(&args.name, session).await,
        PoolWord::CheckOut(args) => check_out(&args, session).await,
        PoolWord::CheckIn(args) => check_in(args, session).await,
        PoolWord::Delete(args) => {
            let name = trimmed(&args.name);
            let answer = session.ask("deleting", Request::delete(format!("pools/config/{name}"))).await?;
            session.done(&answer, &format!("pool {name} is gone; its accounts stay"))
        }
    }
}

async fn write(args: &PoolWriteArgs, session: &mut Session) -> Result<Exit, Failure> {
    let settings = input::settings(&args.settings, Ending::WithoutNewline, &mut session.console)?;
    let name = trimmed(&args.name);
    let request = Request::post(format!("pools/config/{name}")).sending(&settings)?;
    let answer = session.ask("storing the pool", request).await?;
    session.done(&answer, &format!("pool {name} is stored"))
}

async fn check_out(args: &PoolCheckOutArgs, session: &mut Session) -> Result<Exit, Failure> {
    let name = trimmed(&args.name);
    let request = checkout::request(&format!("pools/check-out/{name}"), &args.wishes)?;
    let answer = session.ask(checkout::waiting_words(&args.wishes), request).await?;
    let lent: PoolCheckOut = answer.read_data()?;
    let shown = session.show(&answer, |answer, _| {
        Ok(format!(
            "{}{}",
            output::record([("account ", output::shown(&lent.account))]),
            checkout::table(&lent.out, answer)
        ))
    });
    if let Err(failure) = shown {
        // The password is lent although nobody saw it: say how to give it back.
        let lease = answer.text("lease_id").unwrap_or_default();
        session.console.warning(&format!(
            "{} is checked out although it could not be printed: rotunda pool check-in {name} --lease-id {lease}",
            lent.account
        ));
        return Err(failure);
    }
    Ok(Exit::Done)
}

async fn check_in(args: PoolCheckInArgs, session: &mut Session) -> Result<Exit, Failure> {
    let body = PoolCheckInRequest {
        accounts: args.accounts.iter().map(|path| trimmed(path).to_owned()).collect(),
        lease_id: args.lease_id,
        force: args.force,
    };
    let request = Request::post(format!("pools/check-in/{}", trimmed(&args.name)))
        .sending(&body)?
        .touching_a_target(Duration::ZERO);
    let answer = session.ask("giving back; the passwords die", request).await?;
    let ended: PoolCheckIns = answer.read_data()?;
    session.show(&answer, |_, _| Ok(ended_table(&ended)))?;
    let is_open = ended.check_ins.iter().any(|one| one.state == LeaseEnd::Revoking);
    Ok(if is_open { Exit::Unfinished } else { Exit::Done })
}

fn ended_table(ended: &PoolCheckIns) -> String {
    if ended.check_ins.is_empty() {
        return "nothing of it was checked out by you\n".to_owned();
    }
    let rows: Vec<Vec<String>> = ended
        .check_ins
        .iter()
        .map(|one| {
            let state = match one.state {
                LeaseEnd::Closed => "closed: the target refuses the password",
                LeaseEnd::Revoking => "revoking: not yet proved; see rotunda account status",
            };
            vec![output::shown(&one.account), state.to_owned()]
        })
        .collect();
    output::columns(&["ACCOUNT", "STATE"], &rows)
}

async fn status(name: &str, session: &mut Session) -> Result<Exit, Failure> {
    let request = Request::get(format!("pools/status/{}", trimmed(name)));
    let answer = session.ask("asking for the status", request).await?;
    let status: PoolStatus = answer.read_data()?;
    session.show(&answer, |_, console| Ok(status_table(&status, console)))?;
    Ok(Exit::Done)
}

fn status_table(status: &PoolStatus, console: &Console) -> String {
    let rows: Vec<Vec<String>> = status
        .accounts
        .iter()
        .map(|(path, one)| {
            let tone = match one.state.as_str() {
                "free" => Tone::Good,
                "failing" | "refused" | "not_ready" => Tone::Bad,
                _ => Tone::Warn,
            };
            let holder = one.holder.as_ref();
            vec![
                output::shown(path),
                console.emphasised(tone, &output::shown(&one.state)),
                output::optional(holder.map(|holder| holder.principal.as_str())),
                output::optional(holder.and_then(|holder| holder.expires_at.as_deref())),
                output::optional(one.failure.class.as_deref()),
            ]
        })
        .collect();
    format!(
        "{} of {} free\n{}",
        status.available,
        status.total,
        output::columns(&["ACCOUNT", "STATE", "HELD BY", "UNTIL", "FAILURE"], &rows)
    )
}
