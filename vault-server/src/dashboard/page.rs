//! Pages: each asks for what it shows, and fills a template that escapes it.

pub(super) mod accounts;
pub(super) mod act;
pub(super) mod incident;
pub(super) mod overview;
pub(super) mod sign_in;
pub(super) mod state;

use askama::Template;
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use uuid::Uuid;

use super::asset::{ICON, SCRIPT, STYLE};
use super::time::When;
use super::visit::SignedIn;

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
