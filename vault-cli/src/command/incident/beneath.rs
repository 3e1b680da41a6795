//! `rotunda incident accounts`: what is beneath the incident of a target.

use vault_api::incident::{Incident, IncidentAccount, IncidentAccounts};

use crate::{
    client::Request,
    command::Session,
    failure::{Exit, Failure},
    output,
};

/// Page after page, so that many accounts show as they come.
pub(super) async fn accounts(path: &str, session: &mut Session) -> Result<Exit, Failure> {
    let mut after: Option<String> = None;
    loop {
        let mut request = Request::get(path);
        if let Some(after) = &after {
            request = request.with("after", after);
        }
        let answer = session.ask("reading the accounts", request).await?;
        let page: IncidentAccounts = answer.read_data()?;
        session.show(&answer, |_, _| Ok(table(&page.accounts)))?;
        after = page.next;
        if after.is_none() {
            return Ok(Exit::Done);
        }
    }
}

fn table(accounts: &[IncidentAccount]) -> String {
    if accounts.is_empty() {
        return "no account is beneath it: it is an account's own\n".to_owned();
    }
    let rows: Vec<Vec<String>> = accounts
        .iter()
        .map(|account| {
            vec![
                output::shown(&account.account),
                output::shown(&account.state),
                output::shown(&account.class),
                output::shown(&account.phase),
                account.attempts.to_string(),
                output::optional(account.next_attempt.as_deref()),
                output::shown(&account.joined_at),
                output::optional(account.left_at.as_deref()),
                output::shown(&account.detail),
            ]
        })
        .collect();
    output::columns(
        &["ACCOUNT", "STATE", "CLASS", "STEP", "ATTEMPTS", "NEXT ATTEMPT", "SINCE", "LEFT", "DETAIL"],
        &rows,
    )
}

/// What an incident says of the accounts beneath it.
pub(super) fn pairs(incident: &Incident) -> Vec<(&'static str, String)> {
    let mut pairs = Vec::new();
    if let (Some(open), Some(total)) = (incident.accounts_open, incident.accounts_total) {
        pairs.push(("accounts", format!("{open} of {total} still fail (rotunda incident accounts ID)")));
    }
    if !incident.accounts.is_empty() {
        let hidden = incident.accounts_open.unwrap_or(0).saturating_sub(incident.accounts.len() as u64);
        let more = if hidden > 0 { format!(", and {hidden} more") } else { String::new() };
        pairs.push(("still failing", format!("{}{more}", output::shown(&incident.accounts.join(", ")))));
    }
    if let Some(from) = &incident.moved_from {
        pairs.push(("moved from", output::shown(from)));
    }
    pairs
}
