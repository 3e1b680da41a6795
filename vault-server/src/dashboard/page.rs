//! Pages: each asks for what it shows, and fills a template that escapes it.

pub(super) mod accounts;
pub(super) mod act;
pub(super) mod audit;
pub(super) mod checkout;
pub(super) mod checkouts;
pub(super) mod incident;
pub(super) mod maintenance;
pub(super) mod merge;
pub(super) mod notifications;
pub(super) mod overview;
pub(super) mod reports;
pub(super) mod sign_in;
pub(super) mod silences;
pub(super) mod state;
pub(super) mod target;
pub(super) mod targets;

mod paged;
mod typed;

use askama::Template;
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use uuid::Uuid;

use super::asset::{ICON, SCRIPT, STYLE};
use super::place::{Place, places};
use super::time::When;
use super::visit::SignedIn;
use crate::http::Told;

/// What is around every page.
pub(super) struct Frame {
    title: String,
    /// The word of the place in the navigation.
    place: &'static str,
    style: String,
    script: String,
    icon: String,
    who: Option<Who>,
    /// From where a page that is shown for long learns what is new; empty for one that stays as it is.
    refresh: String,
    /// Whether it is loaded anew as a whole, too, where no script runs: not where something may be half typed.
    is_reloaded: bool,
}

/// Who is signed in.
struct Who {
    name: String,
    form: String,
    now: When,
    /// The places of the navigation.
    places: Vec<Place>,
}

impl Frame {
    fn of_nobody(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            place: "",
            style: STYLE.address(),
            script: SCRIPT.address(),
            icon: ICON.address(),
            who: None,
            refresh: String::new(),
            is_reloaded: false,
        }
    }

    fn of(signed_in: &SignedIn, place: &'static str, title: impl Into<String>) -> Self {
        let who = Who {
            name: signed_in.session.name.clone(),
            form: signed_in.session.form.expose().to_owned(),
            now: When::at(signed_in.visit.now, signed_in.visit.now),
            places: places(signed_in),
        };
        Self { who: Some(who), place, ..Self::of_nobody(title) }
    }

    fn refreshed(self, from: String) -> Self {
        Self { refresh: from, ..self }
    }

    /// The form token, for a page's own forms.
    fn form(&self) -> &str {
        self.who.as_ref().map_or("", |who| &who.form)
    }
}

/// A page as an answer.
fn html(status: StatusCode, template: &impl Template) -> Response<Body> {
    let (status, text) = match template.render() {
        Ok(text) => (status, text),
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            (StatusCode::INTERNAL_SERVER_ERROR, "The page could not be made.".to_owned())
        }
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// Sends the browser on, by a look.
fn on_to(address: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let address = HeaderValue::try_from(address).unwrap_or(HeaderValue::from_static("/ui/"));
    response.headers_mut().insert(header::LOCATION, address);
    response
}

/// The name of an incident in a path; nothing else comes further.
fn incident_id(text: &str) -> Option<String> {
    Uuid::try_parse(text).ok().map(|id| id.to_string())
}

/// What is said of a write that did not succeed. That nothing was done is said where the API refuses before it begins;
/// elsewhere `look` says where to look.
fn refusal(told: &Told, look: &str) -> String {
    sentence(told.status.as_u16(), &told.errors(), look)
}

fn sentence(status: u16, errors: &str, look: &str) -> String {
    match status {
        403 if errors.is_empty() || errors.contains("permission denied") => {
            "Your token may not do this. Nothing was done.".to_owned()
        }
        400 | 403 | 404 | 409 | 412 | 413 | 429 => format!("Nothing was done: {errors}"),
        _ if errors.is_empty() => format!("It is not known how far it came. {look}."),
        _ => format!("It is not known how far it came: {errors}. {look}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_nothing_was_done_is_said_where_that_is_certain() {
        for status in [400, 403, 404, 409, 412, 413, 429] {
            let text = sentence(status, "no", "Look");
            assert!(text.contains("Nothing was done") && !text.contains("not known"), "{status}: {text}");
        }
        for status in [200, 202, 405, 408, 418, 500, 502, 503, 504] {
            for errors in ["", "no"] {
                let text = sentence(status, errors, "Look");
                assert!(
                    !text.contains("Nothing") && text.contains("It is not known how far it came"),
                    "{text}"
                );
            }
        }
    }
}
