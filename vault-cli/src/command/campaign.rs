//! `rotunda rotate` for many accounts, `respond`, `offboard` and `campaign …`.

mod print;

use std::time::Duration;

use vault_api::campaign::{
    CampaignAccounts, CampaignList, CampaignPlan, CampaignRequest, CampaignStarted, CampaignStatus,
};

use super::{Session, trimmed};
use crate::{
    args::campaign::{CampaignWishes, CampaignWord, OffboardArgs, RespondArgs, RotateArgs, WhichArgs},
    client::{Answer, Request},
    failure::{Exit, Failure},
    output,
    progress::CampaignBar,
};

pub(super) async fn rotate(args: RotateArgs, session: &mut Session) -> Result<Exit, Failure> {
    let request = asked(Some(args.which), &args.wishes);
    start("rotate", request, &args.wishes, session).await
}

pub(super) async fn respond(args: RespondArgs, session: &mut Session) -> Result<Exit, Failure> {
    let mut request = asked(Some(args.which), &args.wishes);
    (request.principal, request.revoke) = (args.principal, args.revoke.then_some(true));
    start("respond", request, &args.wishes, session).await
}

pub(super) async fn offboard(args: OffboardArgs, session: &mut Session) -> Result<Exit, Failure> {
    let mut request = asked(None, &args.wishes);
    (request.principal, request.revoke) = (Some(args.principal), args.revoke.then_some(true));
    start("offboard", request, &args.wishes, session).await
}

pub(super) async fn run(word: CampaignWord, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        CampaignWord::List => {
            let answer = session.ask("asking for campaigns", Request::get("campaigns")).await?;
            let found: CampaignList = answer.read_data()?;
            session.show(&answer, |_, _| Ok(print::list(&found.campaigns)))?;
            Ok(Exit::Done)
        }
        CampaignWord::Status(args) => status(&args.id, session).await,
        CampaignWord::Attach(args) => attach(&args.id, session).await,
        CampaignWord::Accounts(args) => accounts(&args.id, args.state.as_deref(), session).await,
        CampaignWord::Pause(args) => told(&args.id, "pause", session).await,
        CampaignWord::Resume(args) => told(&args.id, "resume", session).await,
        CampaignWord::Cancel(args) => told(&args.id, "cancel", session).await,
    }
}

fn asked(which: Option<WhichArgs>, wishes: &CampaignWishes) -> CampaignRequest {
    let mut request = CampaignRequest {
        reason: wishes.reason.clone(),
        canary: wishes.canary,
        pace: wishes.pace,
        concurrency: wishes.concurrency,
        stop_at: wishes.stop_at,
        leases: wishes.leases.clone(),
        dry_run: wishes.dry_run,
        ..CampaignRequest::default()
    };
    if let Some(which) = which {
        (request.all, request.target, request.filter) = (which.all, which.target, which.filter);
        (request.older_than, request.management) = (which.older_than, which.management.then_some(true));
    }
    request
}

async fn start(
    kind: &str,
    request: CampaignRequest,
    wishes: &CampaignWishes,
    session: &mut Session,
) -> Result<Exit, Failure> {
    let request = Request::post(format!("campaigns/{kind}")).sending(&request)?;
    let answer = session.ask("beginning", request).await?;
    if wishes.dry_run {
        let plan: CampaignPlan = answer.read_data()?;
        session.show(&answer, |_, _| Ok(print::plan(&plan)))?;
        return Ok(Exit::Done);
    }
    let started: CampaignStarted = answer.read_data()?;
    let id = started.campaign.id.clone();
    if wishes.detach {
        session.show(&answer, |_, _| Ok(print::started(&started)))?;
        return Ok(Exit::Done);
    }
    for warning in answer.warnings() {
        session.console.warning(&output::shown(warning));
    }
    if let Some(access) = &started.access {
        session.console.note(print::access(access).trim_end());
    }
    session.console.note(&format!(
        "campaign {id}: it goes on when this is interrupted; see rotunda campaign attach {id}"
    ));
    attach(&id, session).await
}

/// Watches until nothing more happens by itself.
async fn attach(id: &str, session: &mut Session) -> Result<Exit, Failure> {
    let bar = CampaignBar::new(session.console.shows_progress());
    let (mut failures, mut last) = (0_u32, None);
    let answer = loop {
        let answer = match session.client.send(Request::get(below(id, ""))).await {
            Ok(answer) => answer,
            // The server may be restarting: the campaign goes on after that, and so do we.
            Err(failure)
                if last.is_some()
                    && failures < FAILURES_MAX
                    && matches!(failure.exit(), Exit::Usage | Exit::Sealed) =>
            {
                failures += 1;
                tokio::time::sleep(AGAIN_AFTER).await;
                continue;
            }
            Err(failure) => return Err(failure),
        };
        failures = 0;
        let status: CampaignStatus = answer.read_data()?;
        bar.show(&status);
        if !matches!(status.state.as_str(), "gathering" | "running") {
            break answer;
        }
        last = Some(status);
        tokio::time::sleep(POLLED_EVERY).await;
    };
    bar.end();
    told_with_troubles(&answer, session).await
}

async fn status(id: &str, session: &mut Session) -> Result<Exit, Failure> {
    let answer = session.ask("reading the campaign", Request::get(below(id, ""))).await?;
    told_with_troubles(&answer, session).await?;
    Ok(Exit::Done)
}

/// Prints how a campaign stands, and, for people, which accounts failed, were left alone or wait.
async fn told_with_troubles(answer: &Answer, session: &mut Session) -> Result<Exit, Failure> {
    let status: CampaignStatus = answer.read_data()?;
    let mut text = print::status(&status, &session.console);
    if session.console.is_for_people() {
        let counts = &status.accounts;
        for (state, count) in
            [("failed", counts.failed), ("skipped", counts.skipped), ("waiting", counts.waiting)]
        {
            if count > 0 {
                let request = Request::get(below(&status.id, "/accounts"))
                    .with("state", state)
                    .with("limit", SHOWN_MAX.to_string());
                let answer = session.ask("reading accounts", request).await?;
                let found: CampaignAccounts = answer.read_data()?;
                text.push_str(&print::troubles(state, count, &found.accounts));
            }
        }
    }
    session.show(answer, |_, _| Ok(text))?;
    let left = left_alone(&status);
    if !left.is_empty() {
        session.console.warning(&format!(
            "left alone, so that what is known of them still opens them: {}; see rotunda campaign accounts {} --state skipped",
            left.join(", "),
            output::shown(&status.id)
        ));
    }
    Ok(exit(&status))
}

/// Accounts that a breach or a leaver's campaign left alone although their passwords still work: how many, and why.
fn left_alone(status: &CampaignStatus) -> Vec<String> {
    if !matches!(status.kind.as_str(), "respond" | "offboard") {
        return Vec::new();
    }
    let lives = status.skips.iter().filter(|(why, _)| !matches!(why.as_str(), "deleted" | "no_credential"));
    lives.map(|(why, count)| format!("{count} {}", output::shown(why))).collect()
}

fn exit(status: &CampaignStatus) -> Exit {
    match status.state.as_str() {
        "paused" | "cancelled" => Exit::RotationFailed,
        _ if status.accounts.failed > 0 || !left_alone(status).is_empty() => Exit::RotationFailed,
        "done" => Exit::Done,
        _ => Exit::Unfinished,
    }
}

async fn accounts(id: &str, state: Option<&str>, session: &mut Session) -> Result<Exit, Failure> {
    let (mut all, mut from) = (CampaignAccounts::default(), Some(0));
    let mut last = None;
    while let Some(next) = from {
        let mut request = Request::get(below(id, "/accounts")).with("from", next.to_string());
        if let Some(state) = state {
            request = request.with("state", state);
        }
        let answer = session.ask("reading accounts", request).await?;
        let page: CampaignAccounts = answer.read_data()?;
        from = page.next;
        all.accounts.extend(page.accounts);
        last = Some(answer);
    }
    if session.console.is_for_people() {
        let text = print::accounts(&all.accounts);
        session.console.text(&text)?;
    } else if last.is_some() {
        let value = serde_json::to_value(&all.accounts)
            .map_err(|error| Failure::usage(format!("cannot write the answer as JSON: {error}")))?;
        session.console.json(&value)?;
    }
    Ok(Exit::Done)
}

async fn told(id: &str, verb: &str, session: &mut Session) -> Result<Exit, Failure> {
    let answer = session.ask("telling the campaign", Request::post(below(id, &format!("/{verb}")))).await?;
    let status: CampaignStatus = answer.read_data()?;
    session.show(&answer, |_, console| Ok(print::status(&status, console)))?;
    Ok(Exit::Done)
}

fn below(id: &str, verb: &str) -> String {
    format!("campaigns/{}{verb}", trimmed(id))
}

/// Between two looks at a campaign.
const POLLED_EVERY: Duration = Duration::from_millis(500);
/// Before the next try when the server does not answer.
const AGAIN_AFTER: Duration = Duration::from_secs(2);
/// So many tries, about ten minutes.
const FAILURES_MAX: u32 = 300;
/// Most accounts of one kind that a status names.
const SHOWN_MAX: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breach_or_a_leaver_is_not_done_with_while_an_old_password_lives() {
        for (kind, why, want) in [
            ("rotate", "parked", Exit::Done),
            ("respond", "parked", Exit::RotationFailed),
            ("offboard", "already_rotating", Exit::RotationFailed),
            ("offboard", "deleted", Exit::Done),
            ("respond", "no_credential", Exit::Done),
        ] {
            let status = CampaignStatus {
                kind: kind.to_owned(),
                state: "done".to_owned(),
                skips: [(why.to_owned(), 1)].into(),
                ..CampaignStatus::default()
            };
            assert_eq!(exit(&status), want, "{kind}, {why}");
        }
    }
}
