//! `rotunda incident merge` and `unmerge`, and how merged incidents are shown.

use vault_api::incident::{ActResponse, Incident, IncidentState, MergeRequest};

use crate::{
    client::Request,
    command::{Session, remedy},
    failure::{Exit, Failure},
    output,
};

pub(super) async fn press(
    path: &str,
    request: &MergeRequest,
    session: &mut Session,
) -> Result<Exit, Failure> {
    let answer = session.ask("changing the incidents", Request::post(path).sending(request)?).await?;
    let done: ActResponse = answer.read_data()?;
    session.show(&answer, |_, _| Ok(text(&done)))?;
    Ok(Exit::Done)
}

fn text(done: &ActResponse) -> String {
    let mut text = output::record(vec![
        ("action", output::shown(&done.action)),
        ("outcome", output::shown(&done.outcome)),
        ("safe", format!("{}: {}", if done.safe { "yes" } else { "NO" }, output::shown(&done.why))),
    ]);
    text.push('\n');
    text.push_str(&remedy::steps_text(&done.steps));
    text
}

/// Whose it is, and how many others it stands for.
pub(super) fn subject(incident: &Incident) -> String {
    let subject = output::shown(&incident.subject);
    match incident.merged.len() {
        0 => subject,
        others => format!("{subject} (and {others} merged)"),
    }
}

/// What an incident says of those that it is merged with.
pub(super) fn pairs(incident: &Incident) -> Vec<(&'static str, String)> {
    let mut pairs = Vec::new();
    if let Some(into) = &incident.merged_into {
        pairs.push(("merged into", output::shown(into)));
    }
    for one in &incident.merged {
        let state = if one.state == IncidentState::Open { "open" } else { "closed" };
        let told = format!("{} {}: {}, {state}", one.id, one.subject, one.class);
        pairs.push(("merged", output::shown(&told)));
    }
    pairs
}
