//! `rotunda account …` and `rotunda creds`.

use std::time::Duration;

use vault_api::{
    account::{
        AccountDelete, AccountHistory, AccountState, AccountStatus, CredentialAge, Disposal, LoginsCounted,
        StatusListing,
    },
    consumer::{ConfirmRequest, Confirmation, ConsumerInfo, ConsumerList},
    duration::Seconds,
    rehearsal::LastRehearsal,
    rotation::RotationRequest,
};

use super::{Session, hand_over, rehearse, rotate, silence, trimmed, watch};
use crate::{
    args::{
        account::{
            AccountConfirmArgs, AccountDeleteArgs, AccountStatusArgs, AccountWord, AccountWriteArgs,
            DisposalChoice,
        },
        output::Format,
    },
    client::Request,
    console::{Console, Tone},
    failure::{Exit, Failure},
    input::{self, Ending},
    output,
};

pub(super) async fn run(word: AccountWord, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        AccountWord::Write(args) => write(&args, session).await,
        AccountWord::Read(args) => {
            let request = Request::get(format!("accounts/config/{}", trimmed(&args.path)));
            let answer = session.ask("reading the account", request).await?;
            session.show_record(&answer, &["target", "username"], "nothing is known")?;
            Ok(Exit::Done)
        }
        AccountWord::List(args) => {
            let prefix = args.prefix.as_deref().map(trimmed).filter(|prefix| !prefix.is_empty());
            let path = prefix
                .map_or_else(|| "accounts/config".to_owned(), |prefix| format!("accounts/config/{prefix}"));
            let answer = session.ask("listing", Request::list(path)).await?;
            session.show_names(&answer)?;
            Ok(Exit::Done)
        }
        AccountWord::Status(AccountStatusArgs { path: Some(path), .. }) => status(&path, session).await,
        AccountWord::Status(AccountStatusArgs { path: None, state, team }) => {
            status_list(state, team, session).await
        }
        AccountWord::History(args) => history(&args.path, session).await,
        AccountWord::Consumers(args) => consumers(&args.path, session).await,
        AccountWord::Confirm(args) => confirm(&args, session).await,
        AccountWord::Watch(args) => watch::run(&args, session).await,
        AccountWord::Verify(args) => {
            rotate::act("verify", &args.path, RotationRequest::default(), session).await
        }
        AccountWord::Rehearse(args) => rehearse::run(&args, session).await,
        AccountWord::Reconcile(args) => {
            rotate::act("reconcile", &args.path, RotationRequest::default(), session).await
        }
        AccountWord::Delete(args) => delete(&args, session).await,
    }
}

/// Reads the current credential.
pub(super) async fn creds(path: &str, session: &mut Session) -> Result<Exit, Failure> {
    // A read that arrives in the middle of a rotation waits for its outcome.
    let request = Request::get(format!("accounts/creds/{}", trimmed(path))).touching_a_target(Duration::ZERO);
    let answer = session.ask("reading the credential", request).await?;
    session.show_record(&answer, &["username", "password", "version"], "no credential")?;
    Ok(Exit::Done)
}

async fn write(args: &AccountWriteArgs, session: &mut Session) -> Result<Exit, Failure> {
    let settings = input::settings(&args.settings, Ending::WithoutNewline, &mut session.console)?;
    let path = trimmed(&args.path);
    let request = Request::post(format!("accounts/config/{path}"))
        .sending(&settings)?
        .touching_a_target(Duration::ZERO);
    let answer = session.ask("storing the account", request).await?;
    session.show_record(
        &answer,
        &["outcome", "state", "version"],
        &format!("account {path} is in the vault's care"),
    )?;
    if answer.is_accepted() {
        session.console.note(&format!("its adoption is still running: rotunda account status {path}"));
        return Ok(Exit::Unfinished);
    }
    Ok(Exit::Done)
}

async fn delete(args: &AccountDeleteArgs, session: &mut Session) -> Result<Exit, Failure> {
    let (disposal, word) = match args.disposal {
        DisposalChoice::RotateAndForget => (Disposal::RotateAndForget, "rotate-and-forget"),
        DisposalChoice::HandOver => (Disposal::HandOver, "hand-over"),
    };
    // In the query too: proxies may drop the body of a DELETE.
    let request = || {
        Request::delete(format!("accounts/config/{}", trimmed(&args.path)))
            .with("disposal", word)
            .sending(&AccountDelete { disposal: Some(disposal) })
            .map(|request| request.touching_a_target(Duration::ZERO))
    };
    if disposal == Disposal::HandOver {
        return hand_over::confirmed(request, session).await;
    }
    let answer = session.ask("taking the account out of the vault's care", request()?).await?;
    session.done(&answer, "deleted; its last password is known to nobody")
}

async fn status(path: &str, session: &mut Session) -> Result<Exit, Failure> {
    let answer = session
        .ask("asking for the status", Request::get(format!("accounts/status/{}", trimmed(path))))
        .await?;
    let status: AccountStatus = answer.read_data()?;
    session.show(&answer, |_, console| Ok(status_table(&status, console)))?;
    Ok(Exit::Done)
}

/// What counts on a target that locks, in words.
fn refused_logins(counted: &LoginsCounted) -> String {
    let LoginsCounted { username, refused, threshold, held_until, .. } = counted;
    let held = held_until.as_ref().map(|until| format!("; the next one is held back until {until}"));
    format!("{refused} of {username} count, {threshold} lock{}", held.unwrap_or_default())
}

/// How old a credential is, and how much of its policy's period that is.
fn aged(age: &CredentialAge) -> String {
    let of = |(percent, period): (u64, u64)| format!(" ({percent} % of {})", Seconds(period));
    let share = age.percent.zip(age.period_seconds).map_or_else(String::new, of);
    format!("{}{share}", Seconds(age.seconds))
}

fn status_table(status: &AccountStatus, console: &Console) -> String {
    let in_use = |name: &String| {
        let note = if status.username_in_use.as_ref() == Some(name) { " (in use)" } else { "" };
        format!("{}{note}", output::shown(name))
    };
    let mut pairs = vec![
        ("target", output::shown(&status.target)),
        ("username", in_use(&status.username)),
        ("state", console.emphasised(tone(status.state), status.state.word())),
        ("version", status.version.to_string()),
    ];
    if let Some(alternate) = &status.alternate_username {
        pairs.insert(2, ("takes turns with", in_use(alternate)));
    }
    pairs.extend(status.pending_version.map(|pending| ("on its way", format!("version {pending}"))));
    pairs.push(("last rotation", output::optional(status.last_rotation.as_deref())));
    pairs.push(("next rotation", output::optional(status.next_rotation.as_deref())));
    pairs.extend(status.age.as_ref().map(|age| ("age", aged(age))));
    let (facts, silenced) = (&status.failure, status.silenced.as_ref().map(silence::told));
    let refused = status.lockout.as_ref().map(refused_logins);
    for (name, fact) in [
        ("held until", &status.held_until),
        ("silenced", &silenced),
        ("refused logins", &refused),
        ("failure", &facts.class),
        ("detail", &facts.detail),
        ("incident", &facts.incident),
        ("next attempt", &facts.next_attempt),
        ("team", &status.team),
        ("rotation policy", &status.rotation_policy),
        ("password policy", &status.password_policy),
    ] {
        if let Some(fact) = fact {
            pairs.push((name, output::shown(fact)));
        }
    }
    if let Some(attempts) = facts.attempts {
        pairs.push(("attempts", attempts.to_string()));
    }
    if let Some(holder) = &status.holder {
        let until = output::optional(holder.expires_at.as_deref());
        pairs.push((
            "held by",
            format!("{} until {until} ({})", output::shown(&holder.principal), holder.state),
        ));
        for (name, text) in
            [("reason", &holder.reason), ("ticket", &holder.ticket), ("lease", &holder.lease_id)]
        {
            if let Some(text) = text {
                pairs.push((name, output::shown(text)));
            }
        }
    }
    if !status.line.is_empty() {
        let names: Vec<String> = status.line.iter().map(|waiter| output::shown(&waiter.principal)).collect();
        pairs.push(("in line", names.join(", ")));
    }
    if let Some(rehearsal) = &status.rehearsal {
        pairs.push(("rehearsed", rehearsed(rehearsal, console)));
    }
    if let Some(pool) = &status.pool {
        pairs.push(("pool", output::shown(pool)));
    }
    pairs.extend(of_consumers(status));
    output::record(pairs)
}

/// How its consumers stand, if it has any.
fn of_consumers(status: &AccountStatus) -> Vec<(&'static str, String)> {
    let consumers = status.consumers.as_ref().filter(|consumers| consumers.live > 0);
    let Some(consumers) = consumers else { return Vec::new() };
    let (current, live) = (consumers.current, consumers.live);
    let mut pairs = vec![("consumers", format!("{current} of {live} have version {}", status.version))];
    for one in &consumers.laggards {
        let name = one.id.as_ref().unwrap_or(&one.principal);
        pairs.push(("lagging", format!("{} (version {})", output::shown(name), one.version)));
    }
    pairs
}

fn rehearsed(rehearsal: &LastRehearsal, console: &Console) -> String {
    let light = console.emphasised(rehearse::tone(rehearsal.light), rehearsal.light.word());
    let codes = rehearsal.codes.join(", ");
    let why = if codes.is_empty() { String::new() } else { format!(" ({})", output::shown(&codes)) };
    format!("{light}{why} at {}", output::shown(&rehearsal.at))
}

fn tone(state: AccountState) -> Tone {
    match state {
        AccountState::Idle => Tone::Good,
        AccountState::Parked | AccountState::Quarantined => Tone::Bad,
        AccountState::Due
        | AccountState::Staged
        | AccountState::Applied
        | AccountState::Doubtful
        | AccountState::Reverting
        | AccountState::Retiring
        | AccountState::Backoff
        | AccountState::Grace => Tone::Warn,
    }
}

async fn status_list(
    state: Option<String>,
    team: Option<String>,
    session: &mut Session,
) -> Result<Exit, Failure> {
    let given = [("state", state), ("team", team)];
    let given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let list = Request::list("accounts/status");
    let request = given.fold(list, |request, (name, value)| request.with(name, value));
    let answer = session.ask("asking for the status of all accounts", request).await?;
    let listing: StatusListing = answer.read_data()?;
    if listing.key_info.is_empty() && session.console.format() == Format::Table {
        session.show_names(&answer)?;
        return Ok(Exit::Done);
    }
    session.show(&answer, |_, _| {
        let rows: Vec<Vec<String>> = listing
            .keys
            .iter()
            .map(|path| match listing.key_info.get(path) {
                Some(status) => vec![
                    output::shown(path),
                    status.state.word().to_owned(),
                    status.version.to_string(),
                    status
                        .rehearsal
                        .as_ref()
                        .map_or_else(|| "-".to_owned(), |last| last.light.word().to_owned()),
                    output::optional(status.failure.class.as_deref()),
                    output::optional(status.holder.as_ref().map(|holder| holder.principal.as_str())),
                    output::optional(status.next_rotation.as_deref()),
                ],
                None => vec![output::shown(path)],
            })
            .collect();
        Ok(output::columns(
            &["PATH", "STATE", "VERSION", "REHEARSED", "FAILURE", "HELD BY", "NEXT ROTATION"],
            &rows,
        ))
    })?;
    Ok(Exit::Done)
}

async fn confirm(args: &AccountConfirmArgs, session: &mut Session) -> Result<Exit, Failure> {
    let path = trimmed(&args.path);
    let body = ConfirmRequest { version: args.version };
    let request = Request::post(format!("accounts/confirm/{path}")).sending(&body)?;
    let answer = session.ask("confirming", request).await?;
    let done: Confirmation = answer.read_data()?;
    session.show(&answer, |_, _| {
        let state = if done.current { "the current version" } else { "no longer the current version" };
        Ok(format!("version {} of {} is confirmed; it is {state}\n", done.version, output::shown(path)))
    })?;
    Ok(Exit::Done)
}

async fn consumers(path: &str, session: &mut Session) -> Result<Exit, Failure> {
    let request = Request::get(format!("accounts/consumers/{}", trimmed(path)));
    let answer = session.ask("asking who has which version", request).await?;
    let list: ConsumerList = answer.read_data()?;
    session.show(&answer, |_, console| {
        let rows: Vec<Vec<String>> = list
            .consumers
            .iter()
            .map(|one| {
                let tone = match one.standing.as_str() {
                    "current" => Tone::Good,
                    "lagging" => Tone::Bad,
                    _ => Tone::Warn,
                };
                vec![
                    output::shown(one.id.as_ref().unwrap_or(&one.principal)),
                    output::optional(one.accessor.as_deref()),
                    held(one),
                    console.emphasised(tone, &output::shown(&one.standing)),
                    output::shown(&one.first_fetched),
                    output::shown(&one.last_seen),
                ]
            })
            .collect();
        let headings = ["WHO", "ACCESSOR", "VERSION", "STANDING", "FETCHED", "LAST SEEN"];
        Ok(format!(
            "{} of {} live consumers have version {}\n{}",
            list.summary.current,
            list.summary.live,
            list.version,
            output::columns(&headings, &rows)
        ))
    })?;
    Ok(Exit::Done)
}

/// The version that was fetched, and the one in use where that is told and another.
fn held(one: &ConsumerInfo) -> String {
    match one.confirmed.filter(|confirmed| *confirmed != one.version) {
        Some(confirmed) => format!("{}, uses {confirmed}", one.version),
        None => one.version.to_string(),
    }
}

async fn history(path: &str, session: &mut Session) -> Result<Exit, Failure> {
    let request = Request::get(format!("accounts/history/{}", trimmed(path)));
    let answer = session.ask("reading the history", request).await?;
    let history: AccountHistory = answer.read_data()?;
    session.show(&answer, |_, _| {
        let rows: Vec<Vec<String>> = history
            .events
            .iter()
            .map(|event| {
                vec![
                    output::shown(&event.at),
                    output::shown(&event.kind),
                    event.version.map_or_else(|| "-".to_owned(), |version| version.to_string()),
                    output::optional(event.class.as_deref()),
                    output::optional(event.principal.as_deref()),
                    output::optional(event.detail.as_deref()),
                ]
            })
            .collect();
        Ok(output::columns(&["AT", "WHAT", "VERSION", "FAILURE", "BY", "DETAIL"], &rows))
    })?;
    Ok(Exit::Done)
}
