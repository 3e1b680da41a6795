//! `rotunda incident …`.

mod beneath;
mod merge;

use vault_api::{
    duration::Seconds,
    incident::{
        AssignRequest, Incident, IncidentEvent, IncidentEvents, IncidentList, IncidentState, MergeRequest,
        NoteRequest, ReviewRequest,
    },
};

use super::{Session, silence, trimmed};
use crate::{
    args::incident::{EventsArgs, IncidentListArgs, IncidentWord},
    client::{Answer, Request},
    console::{Console, Tone},
    failure::{Exit, Failure},
    input, output,
};

pub(super) async fn run(word: IncidentWord, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        IncidentWord::List(args) => list(&args, session).await,
        IncidentWord::Show(args) => show(&args.id, session).await,
        IncidentWord::Ack(args) => {
            let answer = session.ask("acknowledging", Request::post(below(&args.id, "/ack"))).await?;
            written(&answer, session)
        }
        IncidentWord::Assign(args) => {
            let request =
                Request::post(below(&args.id, "/assign")).sending(&AssignRequest { owner: args.owner })?;
            let answer = session.ask("assigning", request).await?;
            written(&answer, session)
        }
        IncidentWord::Note(args) => {
            let note = NoteRequest { text: text(args.text, session)?, staff_minutes: args.minutes };
            let request = Request::post(below(&args.id, "/note")).sending(&note)?;
            let answer = session.ask("adding the note", request).await?;
            written(&answer, session)
        }
        IncidentWord::Review(args) => {
            let text = text(args.text, session)?;
            let review = ReviewRequest { cause: args.cause, text, staff_minutes: args.minutes };
            let request = Request::post(below(&args.id, "/review")).sending(&review)?;
            let answer = session.ask("adding the review", request).await?;
            written(&answer, session)
        }
        IncidentWord::Events(args) => events(&args, session).await,
        IncidentWord::Accounts(args) => beneath::accounts(&below(&args.id, "/accounts"), session).await,
        IncidentWord::Actions(args) => {
            super::remedy::actions(&below(&args.id, "/actions"), &args, session).await
        }
        IncidentWord::Merge(args) => {
            let request = MergeRequest { into: Some(args.into), dry_run: args.dry_run };
            merge::press(&below(&args.id, "/merge"), &request, session).await
        }
        IncidentWord::Unmerge(args) => {
            let request = MergeRequest { into: None, dry_run: args.dry_run };
            merge::press(&below(&args.id, "/unmerge"), &request, session).await
        }
        IncidentWord::Do(args) => {
            let path = below(&args.id, &format!("/act/{}", trimmed(&args.action)));
            super::remedy::press(&path, &args, session).await
        }
    }
}

fn text(given: String, session: &mut Session) -> Result<String, Failure> {
    if given == "-" { input::document("-", &mut session.console) } else { Ok(given) }
}

/// Page after page, so that a long time line shows as it comes.
async fn events(args: &EventsArgs, session: &mut Session) -> Result<Exit, Failure> {
    let mut after = args.after;
    loop {
        let mut request = Request::get(below(&args.id, "/events"));
        if let Some(after) = after {
            request = request.with("after", after.to_string());
        }
        let answer = session.ask("reading the time line", request).await?;
        let page: IncidentEvents = answer.read_data()?;
        session.show(&answer, |_, _| Ok(events_table(&page.events)))?;
        after = page.next;
        if after.is_none() {
            return Ok(Exit::Done);
        }
    }
}

fn events_table(events: &[IncidentEvent]) -> String {
    let rows: Vec<Vec<String>> = events
        .iter()
        .map(|event| {
            vec![
                event.seq.map_or("-".to_owned(), |seq| seq.to_string()),
                output::shown(&event.at),
                output::shown(&event.kind),
                event.attempt.map_or("-".to_owned(), |attempt| attempt.to_string()),
                output::optional(event.phase.as_deref()),
                output::optional(event.by.as_deref()),
                output::optional(event.text.as_deref()),
            ]
        })
        .collect();
    output::columns(&["LINE", "AT", "WHAT", "ATTEMPT", "STEP", "BY", "TEXT"], &rows)
}

/// What was written down is the last line of the incident's time line: that, and where it stands.
fn written(answer: &Answer, session: &mut Session) -> Result<Exit, Failure> {
    let incident: Incident = answer.read_data()?;
    session.show(answer, |_, _| Ok(written_text(&incident)))?;
    Ok(Exit::Done)
}

fn written_text(incident: &Incident) -> String {
    let mut pairs = vec![
        ("incident", output::shown(&incident.id)),
        ("subject", output::shown(&incident.subject)),
        ("state", word(incident.state).to_owned()),
        ("owner", output::optional(incident.owner.as_deref())),
    ];
    if let Some(event) = incident.events.last() {
        pairs.push(("written", output::optional(event.text.as_deref())));
    }
    output::record(pairs)
}

async fn list(args: &IncidentListArgs, session: &mut Session) -> Result<Exit, Failure> {
    let mut request = Request::get("incidents/").with("state", args.state.as_str());
    let given = [
        ("order", args.order.clone()),
        ("team", args.team.clone()),
        ("limit", args.limit.map(|limit| limit.to_string())),
    ];
    for (name, value) in given {
        request = match value {
            Some(value) => request.with(name, value),
            None => request,
        };
    }
    let answer = session.ask("asking for incidents", request).await?;
    let found: IncidentList = answer.read_data()?;
    session.show(&answer, |_, _| Ok(list_table(&found.incidents, &args.state)))?;
    Ok(Exit::Done)
}

fn list_table(incidents: &[Incident], asked: &str) -> String {
    if incidents.is_empty() {
        return match asked {
            "all" => "no incident\n".to_owned(),
            asked => format!("no {asked} incident\n"),
        };
    }
    let rows: Vec<Vec<String>> = incidents
        .iter()
        .map(|incident| {
            vec![
                output::shown(&incident.id),
                word(incident.state).to_owned(),
                merge::subject(incident),
                output::shown(&incident.class),
                output::shown(&incident.severity),
                output::shown(&incident.opened_at),
                incident.attempts.to_string(),
                output::optional(incident.next_attempt.as_deref()),
                owner(incident),
            ]
        })
        .collect();
    output::columns(
        &["ID", "STATE", "SUBJECT", "CLASS", "SEVERITY", "OPENED", "ATTEMPTS", "NEXT ATTEMPT", "OWNER"],
        &rows,
    )
}

/// Who has it, else the team that it is for.
fn owner(incident: &Incident) -> String {
    match (&incident.owner, &incident.team) {
        (None, Some(team)) => format!("team {}", output::shown(team)),
        (owner, _) => output::optional(owner.as_deref()),
    }
}

async fn show(id: &str, session: &mut Session) -> Result<Exit, Failure> {
    let answer = session.ask("reading the incident", Request::get(below(id, ""))).await?;
    let incident: Incident = answer.read_data()?;
    session.show(&answer, |_, console| Ok(incident_text(&incident, console)))?;
    Ok(Exit::Done)
}

fn incident_text(incident: &Incident, console: &Console) -> String {
    let tone = if incident.state == IncidentState::Open { Tone::Bad } else { Tone::Good };
    let mut pairs = vec![
        ("incident", output::shown(&incident.id)),
        ("subject", output::shown(&incident.subject)),
        ("target", output::shown(&incident.target)),
        ("state", console.emphasised(tone, word(incident.state))),
        ("class", output::shown(&incident.class)),
        ("severity", output::shown(&incident.severity)),
        ("exposure", Seconds(incident.exposure_seconds).to_string()),
        ("phase", output::optional(Some(&incident.phase))),
        ("detail", output::optional(incident.detail.as_deref())),
        ("owner", output::optional(incident.owner.as_deref())),
        ("acknowledged", output::optional(incident.acknowledged_at.as_deref())),
        ("attempts", incident.attempts.to_string()),
        ("next attempt", output::optional(incident.next_attempt.as_deref())),
    ];
    if let Some(act) = &incident.last_act {
        let told = format!("the vault {}, {}", act.text, act.at);
        pairs.push(("last act", output::shown(&told)));
    }
    if let Some(team) = &incident.team {
        pairs.insert(TEAM_PLACE, ("team", output::shown(team)));
    }
    if let Some(silenced) = &incident.silenced {
        pairs.push(("silenced", output::shown(&silence::told(silenced))));
    }
    pairs.extend(beneath::pairs(incident));
    pairs.extend(merge::pairs(incident));
    if incident.staff_minutes > 0 {
        pairs.push(("staff minutes", incident.staff_minutes.to_string()));
    }
    if let Some(review) = &incident.review {
        let cause = format!("{}, by {}: {}", review.cause, review.by, review.text);
        pairs.push(("review", output::shown(&cause)));
    }
    if let Some(step) = incident.clock_stepped_back_seconds {
        pairs.push(("clock", format!("was stepped back by {step} s: the times below are no measure")));
    }
    for (mark, at) in &incident.marks {
        let name = MARKS.iter().find(|(known, _)| known == mark).map_or(mark.as_str(), |(_, name)| name);
        pairs.push((name, output::optional(at.as_deref())));
    }
    let mut text = output::record(pairs);
    if !incident.events.is_empty() {
        text.push('\n');
        text.push_str(&events_table(&incident.events));
        if incident.events_total > incident.events.len() as u64 {
            text.push_str("\nthe first and the newest lines; all: rotunda incident events ");
            text.push_str(&output::shown(&incident.id));
            text.push('\n');
        }
    }
    text
}

fn below(id: &str, verb: &str) -> String {
    format!("incidents/{}{verb}", trimmed(id))
}

const fn word(state: IncidentState) -> &'static str {
    match state {
        IncidentState::Open => "open",
        IncidentState::Closed => "closed",
    }
}

/// After the owner.
const TEAM_PLACE: usize = 10;
/// What the times of an incident are called.
const MARKS: [(&str, &str); 9] = [
    ("t0", "t0 due"),
    ("t1", "t1 started"),
    ("t2", "t2 fault"),
    ("t3", "t3 detected"),
    ("t4", "t4 notified"),
    ("t5", "t5 acknowledged"),
    ("t6", "t6 mitigated"),
    ("t7", "t7 remediated"),
    ("t8", "t8 reviewed"),
];
