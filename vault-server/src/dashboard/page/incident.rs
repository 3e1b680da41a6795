//! One incident: what happened, who has it, and what may be done.

mod line;

use askama::Template;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value};
use vault_api::incident::{
    AccountAction, AccountActions, Incident, IncidentAction, IncidentActions, IncidentReview, IncidentState,
};
use vault_core::clock::Timestamp;
use vault_core::incident::entry::Cause;

use self::line::TimeLine;
use super::merge::{Other, others};
use super::overview::{Quiet, quiet};
use super::typed::{Refused, Typed};
use super::{Frame, html, incident_id, on_to, refusal, state};
use crate::dashboard::time::When;
use crate::dashboard::visit::{Part, SignedIn};
use crate::http::Fields;
use crate::http::inside::encoded;

#[derive(Template)]
#[template(path = "incident.html")]
struct Page {
    frame: Frame,
    /// What was refused.
    alert: String,
    /// The form of it, with what was typed.
    typed: Typed,
    id: String,
    incident: Part<Shown>,
    actions: Part<IncidentActions>,
    may: May,
    /// The incidents that it may be merged into.
    others: Vec<Other>,
}

/// An incident as it is shown.
struct Shown {
    incident: Incident,
    is_open: bool,
    marks: Vec<Mark>,
    line: TimeLine,
    next: Option<When>,
    silenced: Option<Quiet>,
    /// Where it is silenced, as a parameter of an address.
    silencing: String,
    review: Option<IncidentReview>,
    /// The first accounts beneath it, when it is a target's.
    members: Vec<Member>,
    /// How many are beneath it and not among the members.
    unlisted: u64,
}

/// An account beneath a target's incident.
struct Member {
    path: String,
    address: String,
}

/// One of the times t0 to t8.
struct Mark {
    name: &'static str,
    word: &'static str,
    at: When,
}

/// Which forms are worth showing.
#[derive(Clone, Copy, Default)]
struct May {
    ack: bool,
    assign: bool,
    note: bool,
    merge: bool,
    unmerge: bool,
    review: bool,
    silence: bool,
}

impl Page {
    fn label(action: &IncidentAction) -> String {
        super::act::label(&action.action)
    }

    fn word(action: &AccountAction) -> String {
        super::act::label(&action.action)
    }

    /// The part of an address that names an account beneath it.
    fn of(one: &AccountActions) -> String {
        super::act::about(&one.account)
    }

    /// The kinds of cause that a review may name.
    fn causes() -> [(Cause, &'static str); CAUSES.len()] {
        CAUSES
    }

    fn is_pressable(one: &AccountActions) -> bool {
        one.actions.iter().any(|action| action.permitted)
    }
}

/// GET `/ui/incident/<id>`.
pub(in crate::dashboard) async fn show(signed_in: &SignedIn, id: &str) -> Response<Body> {
    let Some(id) = incident_id(id) else { return state::missing(StatusCode::NOT_FOUND) };
    page(signed_in, &id, None).await
}

/// POST `/ui/incident/<id>/{ack,assign,note,review}`.
pub(in crate::dashboard) async fn write(
    signed_in: &SignedIn,
    id: &str,
    word: &str,
    form: &Fields,
) -> Response<Body> {
    let Some(id) = incident_id(id) else { return state::missing(StatusCode::NOT_FOUND) };
    let mut body = Map::new();
    for field in FIELDS {
        if let Some(text) = form.text(field).ok().flatten().filter(|text| !text.trim().is_empty()) {
            body.insert(field.to_owned(), Value::from(text.trim()));
        }
    }
    let path = format!("incidents/{id}/{word}");
    let told = signed_in.write(&path, Value::Object(body)).await;
    if told.status.is_success() {
        return on_to(&format!("/ui/incident/{id}"));
    }
    let typed = Typed::of(word, form, &FIELDS);
    page(signed_in, &id, Some(Refused { told: &told, typed })).await
}

pub(super) async fn page(signed_in: &SignedIn, id: &str, refused: Option<Refused<'_>>) -> Response<Body> {
    let now = signed_in.visit.now;
    let told = signed_in.read(&format!("incidents/{id}")).await;
    let mut incident: Part<Incident> = Part::of(&told);
    let status = match &refused {
        Some(refused) => refused.told.status,
        None if incident.told.is_some() => StatusCode::OK,
        None => told.status,
    };
    // Who may not read the incident is told nothing beside it.
    let (actions, may) = if incident.told.is_some() {
        (signed_in.part(&format!("incidents/{id}/actions")).await, may(signed_in, id).await)
    } else {
        (Part { told: None, why: String::new() }, May::default())
    };
    let others = match &incident.told {
        Some(incident) if may.merge => others(signed_in, incident).await,
        _ => Vec::new(),
    };
    let line = match &mut incident.told {
        Some(incident) => TimeLine::of(signed_in, incident).await,
        None => TimeLine::default(),
    };
    let title = incident.told.as_ref().map_or("Incident", |incident| &incident.subject);
    let frame = Frame::of(signed_in, "", title).refreshed(format!("/ui/incident/{id}?{}auto=1", line.query));
    let incident = Part { told: incident.told.map(|incident| shown(incident, line, now)), why: incident.why };
    let alert = refused.as_ref().map(|refused| refusal(refused.told, LOOK)).unwrap_or_default();
    let typed = refused.map(|refused| refused.typed).unwrap_or_default();
    html(status, &Page { frame, alert, typed, id: id.to_owned(), incident, actions, may, others })
}

fn shown(mut incident: Incident, line: TimeLine, now: Timestamp) -> Shown {
    let mark = |(name, word): (&'static str, &'static str)| {
        let at = incident.marks.get(name).cloned().flatten();
        Mark { name, word, at: When::of(at.as_deref(), now, "not yet") }
    };
    let marks = MARKS.into_iter().map(mark).collect();
    let members: Vec<Member> = incident.accounts.iter().take(MEMBERS_MAX).map(|path| member(path)).collect();
    let beneath = incident.accounts_open.unwrap_or(incident.accounts.len() as u64);
    Shown {
        is_open: incident.state == IncidentState::Open,
        marks,
        line,
        silencing: silencing(&incident),
        next: incident.next_attempt.as_deref().map(|at| When::of(Some(at), now, "")),
        silenced: incident.silenced.take().map(|silenced| quiet(silenced, now)),
        review: incident.review.take(),
        unlisted: beneath.saturating_sub(members.len() as u64),
        members,
        incident,
    }
}

/// What a silence would be about that covers the incident.
fn silencing(incident: &Incident) -> String {
    let management = format!("management credential of {}", incident.target);
    if incident.kind == "target" || incident.subject == management {
        return format!("target={}", encoded(&incident.target));
    }
    format!("accounts={}", encoded(&incident.subject))
}

fn member(path: &str) -> Member {
    Member { path: path.to_owned(), address: format!("/ui/accounts?q={}", encoded(path)) }
}

/// Asks which of the forms the token may send; where that cannot be asked, they are shown, and the API decides.
async fn may(signed_in: &SignedIn, id: &str) -> May {
    let path = |word: &str| format!("incidents/{id}/{word}");
    let words = ["ack", "assign", "note", "merge", "unmerge", "review"];
    let paths = words.map(path).into_iter().chain([SILENCES.to_owned()]);
    let rights = signed_in.rights(&paths.collect::<Vec<_>>()).await;
    let [ack, assign, note, merge, unmerge, review] = words.map(|word| rights.may("update", &path(word)));
    May { ack, assign, note, merge, unmerge, review, silence: rights.may("update", SILENCES) }
}

/// What people type into the forms of the page.
const FIELDS: [&str; 4] = ["owner", "cause", "text", "staff_minutes"];
/// What is to be done where nobody knows how far it came.
pub(super) const LOOK: &str = "Look at the time line";
/// Where silences of anything are made.
const SILENCES: &str = "silences";
/// Accounts that are named on the page; the rest is counted.
const MEMBERS_MAX: usize = 50;
/// What a review may say of the kind of cause: the API's word, and what it means.
const CAUSES: [(Cause, &str); Cause::ALL.len()] = [
    (Cause::TargetDown, "the target was down or overloaded"),
    (Cause::Network, "something between the vault and the target"),
    (Cause::Credential, "the management credential"),
    (Cause::Policy, "the target’s rules about passwords"),
    (Cause::Permission, "a right that was missing"),
    (Cause::ChangedOutside, "somebody changed it past the vault"),
    (Cause::Consumer, "a consumer that kept an old version"),
    (Cause::Plugin, "a plugin"),
    (Cause::Vault, "the vault itself"),
    (Cause::Person, "a mistake of a person"),
    (Cause::Unknown, "nobody found out"),
];
/// The clock of an incident (docs/rotation.md).
const MARKS: [(&str, &str); 9] = [
    ("t0", "due"),
    ("t1", "first attempt began"),
    ("t2", "first fault"),
    ("t3", "detected: incident opened"),
    ("t4", "somebody was notified"),
    ("t5", "acknowledged"),
    ("t6", "mitigated: consumers are served"),
    ("t7", "remediated: proved healthy"),
    ("t8", "reviewed"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_that_the_api_knows_can_be_chosen() {
        assert_eq!(CAUSES.map(|(cause, _)| cause), Cause::ALL);
    }
}
