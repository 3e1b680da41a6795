//! An action about an incident: what it would do is told first, and it is done when somebody confirms.

use askama::Template;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use vault_api::incident::{ActResponse, IncidentAction, IncidentActions};

use super::incident::LOOK;
use super::maintenance::{Way, Wish};
use super::typed::{Refused, Typed};
use super::{Frame, html, incident_id, maintenance, refusal, state};
use crate::dashboard::time::When;
use crate::dashboard::visit::{Part, SignedIn, reason};
use crate::http::Fields;
use crate::http::inside::encoded;

#[derive(Template)]
#[template(path = "act.html")]
struct Confirm {
    frame: Frame,
    alert: String,
    /// What was typed for it; no password.
    typed: Typed,
    id: String,
    /// The account beneath a target's incident, as a parameter of an address; empty where none is named.
    of: String,
    subject: String,
    label: String,
    action: Option<IncidentAction>,
    /// Why it cannot be pressed.
    why_not: String,
    takes_password: bool,
    /// Whether it is to be said how long it lasts, and why.
    takes_end: bool,
}

#[derive(Template)]
#[template(path = "acted.html")]
struct Acted {
    frame: Frame,
    id: String,
    subject: String,
    label: String,
    outcome: ActResponse,
    /// Until when the maintenance lasts that was declared.
    until: Option<When>,
}

/// GET `/ui/incident/<id>/act/<action>`: the dry run. It reads only.
pub(in crate::dashboard) async fn show(signed_in: &SignedIn, id: &str, action: &str) -> Response<Body> {
    match incident_id(id) {
        Some(id) => confirm(signed_in, &id, action, None).await,
        None => state::missing(StatusCode::NOT_FOUND),
    }
}

async fn confirm(signed_in: &SignedIn, id: &str, word: &str, refused: Option<Refused<'_>>) -> Response<Body> {
    let of = of(signed_in);
    let told = signed_in.read(&format!("incidents/{id}/actions{of}")).await;
    let actions: Option<IncidentActions> = told.data();
    let label = label(word);
    let is_refused = refused.is_some();
    let status = match &refused {
        // An answer of success that cannot be read is none.
        Some(refused) if refused.told.status.is_success() => StatusCode::INTERNAL_SERVER_ERROR,
        Some(refused) => refused.told.status,
        None => StatusCode::OK,
    };
    let mut page = Confirm {
        frame: Frame::of(signed_in, "", label.clone()),
        alert: refused.as_ref().map(|refused| refusal(refused.told, LOOK)).unwrap_or_default(),
        typed: refused.map(|refused| refused.typed).unwrap_or_default(),
        id: id.to_owned(),
        of,
        subject: String::new(),
        label,
        action: None,
        why_not: String::new(),
        takes_password: word == "set_password",
        takes_end: word == MAINTENANCE,
    };
    let Some(actions) = actions else {
        page.why_not = reason(&told);
        return html(if is_refused { status } else { told.status }, &page);
    };
    page.subject = actions.subject;
    page.action = actions.actions.into_iter().find(|action| action.action == word);
    page.why_not = match &page.action {
        Some(action) if !action.permitted => {
            format!("Your token may not do this: it needs the right to update {}.", action.path)
        }
        Some(_) => String::new(),
        None => actions.nothing.unwrap_or_else(|| {
            "This does not fit where things stand now. They may have moved on since the page was made."
                .to_owned()
        }),
    };
    html(status, &page)
}

/// POST `/ui/incident/<id>/act/<action>`.
pub(in crate::dashboard) async fn press(
    signed_in: &SignedIn,
    id: &str,
    action: &str,
    form: &Fields,
) -> Response<Body> {
    let (Some(id), false) = (incident_id(id), label(action).is_empty()) else {
        return state::missing(StatusCode::NOT_FOUND);
    };
    let password = form.secret("password").ok().flatten().filter(|text| !text.expose().is_empty());
    let wish = Wish::of(form);
    let mut body = match (action, password) {
        ("set_password", Some(password)) => json!({ "password": password.expose() }),
        (MAINTENANCE, _) => Value::Object(wish.body()),
        _ => json!({}),
    };
    // Whose page the form was on is in its address.
    let (account, of) = (signed_in.visit.asked(ACCOUNT), of(signed_in));
    if let (Some(body), false) = (body.as_object_mut(), account.is_empty()) {
        body.insert(ACCOUNT.to_owned(), Value::from(account));
    }
    let (inside, token) = (&signed_in.visit.inside, Some(&signed_in.session.token));
    let told = inside.write(token, &format!("incidents/{id}/act/{action}"), body).await;
    let done: Part<ActResponse> = Part::of(&told);
    let Some(outcome) = done.told else {
        let typed = Typed::of(action, form, &["for", "reason"]);
        return confirm(signed_in, &id, action, Some(Refused { told: &told, typed })).await;
    };
    if outcome.dry_run {
        let steps = outcome.steps.into_iter().map(|step| step.text).collect();
        let told = (outcome.until.unwrap_or_default(), steps);
        return maintenance::confirm(signed_in, way(&id, &of), wish, told);
    }
    let subject: Part<IncidentActions> = signed_in.part(&format!("incidents/{id}/actions{of}")).await;
    let page = Acted {
        frame: Frame::of(signed_in, "", label(action)),
        id,
        subject: subject.told.map(|actions| actions.subject).unwrap_or_default(),
        label: label(action),
        until: outcome.until.as_deref().map(|until| When::of(Some(until), signed_in.visit.now, "")),
        outcome,
    };
    html(StatusCode::OK, &page)
}

fn way(id: &str, of: &str) -> Way {
    let here = format!("/ui/incident/{id}");
    Way {
        from: ("", "/ui/", "Overview"),
        form: format!("{here}/act/{MAINTENANCE}{of}"),
        page: (here, "Incident".to_owned()),
    }
}

/// The account beneath a target's incident that the page is about, as a parameter of an address.
fn of(signed_in: &SignedIn) -> String {
    about(signed_in.visit.asked(ACCOUNT))
}

/// The parameter of an address that names an account; empty without one.
pub(super) fn about(account: &str) -> String {
    if account.is_empty() { String::new() } else { format!("?{ACCOUNT}={}", encoded(account)) }
}

/// The words on the button; none for what is no action.
pub(super) fn label(action: &str) -> String {
    match action {
        "retry" => "Retry now",
        "unpark" => "Unpark",
        "reconcile" => "Reconcile",
        "use_previous" => "Use the previous version",
        "set_password" => "Tell the vault the password",
        MAINTENANCE => "Mark the target in maintenance",
        _ => "",
    }
    .to_owned()
}

/// The parameter that names an account beneath a target's incident, here and at the API.
const ACCOUNT: &str = "account";
/// The one action that is about a target as a whole, and is told of twice before it is done: with its end, too.
const MAINTENANCE: &str = "maintenance";
