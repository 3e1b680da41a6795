//! `rotunda incident actions` and `rotunda incident do`.

use vault_api::incident::{
    AccountAction, AccountActions, ActRequest, ActResponse, ActionStep, IncidentActions,
};

use super::Session;
use crate::{
    args::incident::{ActionsArgs, DoArgs},
    client::Request,
    failure::{Exit, Failure},
    input, output,
};

pub(super) async fn actions(path: &str, args: &ActionsArgs, session: &mut Session) -> Result<Exit, Failure> {
    let mut request = Request::get(path);
    if let Some(account) = &args.account {
        request = request.with("account", account);
    }
    let answer = session.ask("asking what may be pressed", request).await?;
    let found: IncidentActions = answer.read_data()?;
    session.show(&answer, |_, _| Ok(actions_text(&found)))?;
    Ok(Exit::Done)
}

fn actions_text(found: &IncidentActions) -> String {
    let mut text = output::record(vec![
        ("incident", output::shown(&found.id)),
        ("subject", output::shown(&found.subject)),
        ("class", output::shown(&found.class)),
        ("means", output::shown(&found.runbook.means)),
        ("by itself", output::shown(&found.runbook.by_itself)),
    ]);
    for command in &found.runbook.commands {
        text.push_str(&format!("  {}\n", output::shown(command)));
    }
    text.push('\n');
    if let Some(nothing) = &found.nothing {
        text.push_str(&format!("{}\n", output::shown(nothing)));
    }
    for action in &found.actions {
        let safe = if action.safe { "safe" } else { "NOT SAFE" };
        let right = if action.permitted {
            String::new()
        } else {
            format!(" (you may not: it needs {})", output::shown(&action.path))
        };
        let (word, why) = (output::shown(&action.action), output::shown(&action.why));
        text.push_str(&format!("{word}: {safe}: {why}{right}\n"));
        text.push_str(&steps_text(&action.steps));
    }
    text.push_str(&beneath_text(&found.accounts));
    text
}

/// What may be pressed for each account beneath a target's incident, with `--account`.
fn beneath_text(accounts: &[AccountActions]) -> String {
    if accounts.is_empty() {
        return String::new();
    }
    let word = |action: &AccountAction| {
        let (safe, right) = (if action.safe { "" } else { " (not safe)" }, action.permitted);
        format!("{}{safe}{}", output::shown(&action.action), if right { "" } else { " (you may not)" })
    };
    let words = |account: &AccountActions| account.actions.iter().map(word).collect::<Vec<_>>().join(", ");
    let row = |account: &AccountActions| {
        let words = Some(words(account)).filter(|words| !words.is_empty());
        let words = words.unwrap_or_else(|| "nothing now".to_owned());
        vec![output::shown(&account.account), output::shown(&account.class), words]
    };
    let rows: Vec<Vec<String>> = accounts.iter().map(row).collect();
    format!("\n{}", output::columns(&["--account", "CLASS", "ACTIONS"], &rows))
}

pub(super) fn steps_text(steps: &[ActionStep]) -> String {
    let lines = steps.iter().enumerate();
    lines.map(|(at, step)| format!("  {}. {}\n", at + 1, output::shown(&step.text))).collect()
}

pub(super) async fn press(path: &str, args: &DoArgs, session: &mut Session) -> Result<Exit, Failure> {
    let is_maintenance = args.action == "maintenance";
    if !is_maintenance && (args.lasts.is_some() || args.until.is_some() || args.reason.is_some()) {
        return Err(Failure::usage("--for, --until and --reason are those of maintenance"));
    }
    if is_maintenance && args.lasts.is_none() && args.until.is_none() {
        return Err(Failure::usage("maintenance needs its end: --for or --until; none lasts for ever"));
    }
    let password = match args.action.as_str() {
        "set_password" if !args.dry_run => {
            Some(input::secret::given(None, "password", &mut session.console)?)
        }
        _ => None,
    };
    let body = ActRequest {
        dry_run: args.dry_run,
        password,
        account: args.account.clone(),
        lasts: args.lasts.clone(),
        until: args.until.clone(),
        reason: args.reason.clone(),
    };
    let answer = session.ask("talking to the target", Request::post(path).sending(&body)?).await?;
    let done: ActResponse = answer.read_data()?;
    session.show(&answer, |_, _| Ok(done_text(&done)))?;
    if answer.is_accepted() {
        session.console.note("still running: the vault goes on by itself; see rotunda incident show");
        return Ok(Exit::Unfinished);
    }
    Ok(Exit::Done)
}

fn done_text(done: &ActResponse) -> String {
    let safe = if done.safe { "yes" } else { "NO" };
    let mut pairs = vec![
        ("action", output::shown(&done.action)),
        ("outcome", output::shown(&done.outcome)),
        ("safe", format!("{safe}: {}", output::shown(&done.why))),
    ];
    match (done.accounts, &done.until) {
        (Some(count), _) => {
            pairs.push(("accounts", count.to_string()));
            pairs.push(("left alone", done.left_alone.unwrap_or(0).to_string()));
        }
        (None, Some(until)) => pairs.push(("until", output::shown(until))),
        (None, None) => {
            pairs.push(("version", done.version.to_string()));
            pairs.push(("state", output::shown(&done.state)));
        }
    }
    let mut text = output::record(pairs);
    if done.dry_run {
        text.push('\n');
        text.push_str(&steps_text(&done.steps));
    }
    text
}
