//! `rotunda silence …` and `rotunda target maintenance`.

use vault_api::silence::{Silence, SilenceList, SilenceRequest, Silenced};

use super::{Session, trimmed};
use crate::{
    args::{
        silence::{SilenceAddArgs, SilenceWord},
        target::MaintenanceArgs,
    },
    client::Request,
    failure::{Exit, Failure},
    output,
};

pub(super) async fn run(word: SilenceWord, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        SilenceWord::Add(args) => add(args, session).await,
        SilenceWord::List => {
            let answer = session.ask("asking for silences", Request::get("silences")).await?;
            let found: SilenceList = answer.read_data()?;
            session.show(&answer, |_, _| Ok(table(&found.silences)))?;
            Ok(Exit::Done)
        }
        SilenceWord::End(args) => {
            let request = Request::delete(format!("silences/{}", trimmed(&args.id)));
            let answer = session.ask("ending the silence", request).await?;
            session.done(&answer, "ended; what is still open is told")
        }
    }
}

async fn add(args: SilenceAddArgs, session: &mut Session) -> Result<Exit, Failure> {
    let request = SilenceRequest {
        target: args.target,
        accounts: args.accounts,
        mode: args.maintenance.then(|| "maintenance".to_owned()),
        from: args.from,
        until: args.until,
        lasts: args.lasts,
        reason: args.reason,
        dry_run: args.dry_run,
    };
    said(Request::post("silences").sending(&request)?, session).await
}

pub(super) async fn maintenance(args: MaintenanceArgs, session: &mut Session) -> Result<Exit, Failure> {
    let path = format!("targets/maintenance/{}", trimmed(&args.name));
    if args.end {
        let answer = session.ask("ending the maintenance", Request::delete(path)).await?;
        return session.done(&answer, "ended; what is still open is told, and rotations go on");
    }
    let request = SilenceRequest {
        until: args.until,
        lasts: args.lasts,
        reason: args.reason.unwrap_or_default(),
        dry_run: args.dry_run,
        ..SilenceRequest::default()
    };
    said(Request::post(path).sending(&request)?, session).await
}

async fn said(request: Request, session: &mut Session) -> Result<Exit, Failure> {
    let answer = session.ask("making the silence", request).await?;
    let silence: Silence = answer.read_data()?;
    session.show(&answer, |_, _| {
        Ok(if silence.dry_run { would(&silence) } else { table(std::slice::from_ref(&silence)) })
    })?;
    Ok(Exit::Done)
}

/// What it would do, which was only asked.
fn would(silence: &Silence) -> String {
    let lines = silence.steps.iter().enumerate();
    let lines: String = lines.map(|(at, step)| format!("  {}. {}\n", at + 1, output::shown(step))).collect();
    format!("nothing was done; it would do this:\n{lines}")
}

/// By whom something is silenced, until when and why, as the server says it.
pub(super) fn told(silenced: &Silenced) -> String {
    format!("by {} until {}: {}", silenced.by, silenced.until, silenced.reason)
}

fn table(silences: &[Silence]) -> String {
    if silences.is_empty() {
        return "nothing is silenced\n".to_owned();
    }
    let rows: Vec<Vec<String>> = silences
        .iter()
        .map(|silence| {
            let target = silence.target.as_ref().map(|target| format!("target {target}"));
            let accounts = silence.accounts.as_ref().map(|pattern| format!("accounts {pattern}"));
            vec![
                output::shown(&silence.id),
                output::shown(&silence.mode),
                output::shown(&silence.state),
                output::optional(target.or(accounts).as_deref()),
                output::shown(&silence.from),
                output::shown(&silence.until),
                output::shown(&silence.by),
                output::shown(&silence.reason),
            ]
        })
        .collect();
    output::columns(&["ID", "MODE", "STATE", "OF", "FROM", "UNTIL", "BY", "REASON"], &rows)
}
