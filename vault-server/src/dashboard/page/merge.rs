//! Incidents that have one cause: what merging would do is told first, and it is done when somebody confirms.

use askama::Template;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value};
use vault_api::incident::{ActResponse, Incident, IncidentList, IncidentState};

use super::typed::{Refused, Typed};
use super::{Frame, html, incident, incident_id, on_to, state};
use crate::dashboard::visit::{Part, SignedIn};
use crate::http::Fields;

#[derive(Template)]
#[template(path = "merge.html")]
struct Confirm {
    frame: Frame,
    id: String,
    /// `merge` or `unmerge`.
    word: String,
    label: &'static str,
    into: String,
    would: ActResponse,
}

/// An incident into which another may be merged.
pub(super) struct Other {
    pub(super) id: String,
    pub(super) name: String,
}

/// POST `/ui/incident/<id>/{merge,unmerge}`: the dry run, and with `sure` the act.
pub(in crate::dashboard) async fn write(
    signed_in: &SignedIn,
    id: &str,
    word: &str,
    form: &Fields,
) -> Response<Body> {
    let Some(id) = incident_id(id) else { return state::missing(StatusCode::NOT_FOUND) };
    let text =
        |field: &str| form.text(field).ok().flatten().map(|text| text.trim().to_owned()).unwrap_or_default();
    let (into, is_sure) = (text("into"), text("sure") == "yes");
    let mut body = Map::new();
    body.insert("dry_run".to_owned(), Value::from(!is_sure));
    if word == "merge" {
        body.insert("into".to_owned(), Value::from(into.as_str()));
    }
    let told = signed_in.write(&format!("incidents/{id}/{word}"), Value::Object(body)).await;
    let would: Part<ActResponse> = Part::of(&told);
    match would.told {
        Some(_) if is_sure => on_to(&format!("/ui/incident/{id}")),
        Some(would) => {
            let label = if word == "merge" { "Merge" } else { "Take apart" };
            let frame = Frame::of(signed_in, "", label);
            html(StatusCode::OK, &Confirm { frame, id, word: word.to_owned(), label, into, would })
        }
        None => {
            let typed = Typed::of(word, form, &["into"]);
            incident::page(signed_in, &id, Some(Refused { told: &told, typed })).await
        }
    }
}

/// The open incidents that `one` may be merged into, where it may be merged at all.
pub(super) async fn others(signed_in: &SignedIn, one: &Incident) -> Vec<Other> {
    let may_be = one.state == IncidentState::Open && one.merged_into.is_none() && one.merged.is_empty();
    if !may_be {
        return Vec::new();
    }
    let open: Part<IncidentList> = signed_in.part(&format!("incidents?state=open&limit={OTHERS_MAX}")).await;
    let open = open.told.map(|open| open.incidents).unwrap_or_default();
    let others = open.into_iter().filter(|other| other.id != one.id);
    others
        .map(|other| Other {
            name: format!("{}: {}, since {}", other.subject, other.class, other.opened_at),
            id: other.id,
        })
        .collect()
}

/// Incidents that are offered; the API takes any.
const OTHERS_MAX: usize = 100;
