//! Targets: the systems on which accounts live, and how each stands.

use askama::Template;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::Value;
use vault_api::listing::Listing;
use vault_api::target::TargetStatus;
use vault_core::clock::Timestamp;

use super::overview::{Quiet, quiet};
use super::paged::{Paged, cut};
use super::{Frame, html};
use crate::dashboard::time::When;
use crate::dashboard::visit::{Part, SignedIn, reason};
use crate::http::Told;
use crate::http::inside::encoded;

#[derive(Template)]
#[template(path = "targets.html")]
struct Targets {
    frame: Frame,
    search: String,
    listing: Part<Paged<Row>>,
}

struct Row {
    name: String,
    status: Part<Standing>,
}

/// How a target stands.
pub(super) struct Standing {
    pub(super) status: TargetStatus,
    pub(super) changed: When,
    pub(super) next: Option<When>,
    pub(super) silenced: Option<Quiet>,
    /// The state of its circuit breaker, where the API tells of one.
    pub(super) circuit: Option<String>,
}

/// GET `/ui/targets?q=…&page=…`.
pub(in crate::dashboard) async fn show(signed_in: &SignedIn) -> Response<Body> {
    let visit = &signed_in.visit;
    let search = visit.asked("q").trim().to_owned();
    let told = visit.inside.list(&signed_in.session.token, "targets/config").await;
    let names = match told.data::<Listing>() {
        Some(listing) => Some(listing.keys),
        // A list without entries is not found, as Vault has it.
        None if told.status == StatusCode::NOT_FOUND => Some(Vec::new()),
        None => None,
    };
    let why = if names.is_some() { String::new() } else { reason(&told) };
    let status = if names.is_some() { StatusCode::OK } else { told.status };
    let mut listing = Part { told: None, why };
    if let Some(names) = names {
        listing.told = Some(found(signed_in, names, &search).await);
    }
    html(status, &Targets { frame: Frame::of(signed_in, "targets", "Targets"), search, listing })
}

async fn found(signed_in: &SignedIn, names: Vec<String>, search: &str) -> Paged<Row> {
    let wanted = search.to_lowercase();
    let names = names.into_iter().filter(|name| name.to_lowercase().contains(&wanted)).collect();
    let page = signed_in.visit.asked("page").parse().unwrap_or(1);
    let address = |page: usize| format!("/ui/targets?q={}&page={page}", encoded(search));
    let Paged { rows, found, first, last, earlier, later } = cut(names, page, address);
    let mut shown = Vec::with_capacity(rows.len());
    for name in rows {
        let told = signed_in.read(&format!("targets/status/{}", encoded(&name))).await;
        shown.push(Row { status: standing(&told, signed_in.visit.now), name });
    }
    Paged { rows: shown, found, first, last, earlier, later }
}

pub(super) fn standing(told: &Told, now: Timestamp) -> Part<Standing> {
    let circuit = told.data::<Value>().as_ref().and_then(circuit);
    let Part { told, why } = Part::<TargetStatus>::of(told);
    let told = told.map(|mut status| Standing {
        changed: When::of(status.last_rotation.as_deref(), now, "never"),
        next: status.failure.next_attempt.as_deref().map(|at| When::of(Some(at), now, "")),
        silenced: status.silenced.take().map(|silenced| quiet(silenced, now)),
        circuit,
        status,
    });
    Part { told, why }
}

/// A word, or an object with one.
fn circuit(status: &Value) -> Option<String> {
    let circuit = status.get("circuit")?;
    circuit.as_str().or_else(|| circuit.get("state")?.as_str()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_circuit_is_shown_where_there_is_one() {
        for (status, want) in [
            (json!({ "rotator": "fake" }), None),
            (json!({ "circuit": "open" }), Some("open")),
            (json!({ "circuit": { "state": "half_open", "failures": 3 } }), Some("half_open")),
            (json!({ "circuit": 3 }), None),
        ] {
            assert_eq!(circuit(&status).as_deref(), want, "{status}");
        }
    }
}
