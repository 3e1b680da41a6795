//! Pages for who is not let in, and for what is not there.

use askama::Template;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;

use super::sign_in::safe_next;
use super::{Frame, html};
use crate::dashboard::visit::Visit;
use crate::http::ApiError;

/// A page of a few sentences.
#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    frame: Frame,
    heading: &'a str,
    text: &'a str,
    /// Where to go from here.
    onward: (&'a str, &'a str),
    /// Whether the browser goes there by itself.
    is_bounce: bool,
}

#[derive(Template)]
#[template(path = "sealed.html")]
struct Sealed {
    frame: Frame,
    status: Status,
}

/// As `sys/seal-status` tells.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    initialized: bool,
    sealed: bool,
    t: u64,
    n: u64,
    progress: u64,
}

fn message(status: StatusCode, heading: &str, text: &str) -> Response<Body> {
    let frame = Frame::of_nobody(heading);
    let onward = ("/ui/", "To the overview");
    html(status, &Message { frame, heading, text, onward, is_bounce: false })
}

/// Nothing is there.
pub(in crate::dashboard) fn missing(status: StatusCode) -> Response<Body> {
    message(status, "There is nothing here", "The address leads to no page of the dashboard.")
}

/// A page was not made: too many were asked for, it took too long, or there is a fault in it.
pub(in crate::dashboard) fn failed(error: &ApiError, is_form: bool, path: &str) -> Response<Body> {
    let (heading, text) = words(error, is_form);
    let back = safe_next(path);
    let onward =
        if back.is_empty() { ("/ui/", "To the overview") } else { (back.as_str(), "Back to the page") };
    let frame = Frame::of_nobody(heading);
    html(error.status(), &Message { frame, heading, text, onward, is_bounce: false })
}

fn words(error: &ApiError, is_form: bool) -> (&'static str, &'static str) {
    match (error, is_form) {
        (ApiError::TooManyRequests(_), true) => (
            "Too many requests",
            "Too much was asked for from your address. Nothing was done. Try again shortly.",
        ),
        (ApiError::TooManyRequests(_), false) => {
            ("Too many requests", "Too much was asked for from your address. Try again shortly.")
        }
        (ApiError::Unavailable(_), true) => (
            "It took too long",
            "It is not known how far it came: what was begun goes on. Look before you repeat it.",
        ),
        (ApiError::Unavailable(_), false) => {
            ("It took too long", "The page took longer than a request may take.")
        }
        (_, true) => ("Something went wrong", "It is not known how far it came. Look before you repeat it."),
        (_, false) => ("Something went wrong", "There is a fault in the vault: its log says more."),
    }
}

/// Something that the API did not tell.
pub(in crate::dashboard) fn unread(status: StatusCode, why: &str) -> Response<Body> {
    message(status, "It could not be read", why)
}

/// Nothing was done.
pub(in crate::dashboard) fn refused(why: &str) -> Response<Body> {
    message(StatusCode::FORBIDDEN, "Refused", why)
}

/// The browser keeps the cookie back when a link of another place leads here. From this page on it does not.
pub(in crate::dashboard) fn bounce(path: &str) -> Response<Body> {
    let heading = "One moment";
    let text = "You came by a link of another place. If the page does not go on by itself, follow the link.";
    let onward = (path, "Go on");
    html(
        StatusCode::OK,
        &Message { frame: Frame::of_nobody(heading), heading, text, onward, is_bounce: true },
    )
}

/// No token is good for anything just now.
pub(in crate::dashboard) async fn sealed(visit: &Visit) -> Response<Body> {
    let status: Status = visit.inside.seal_status().await.bare().unwrap_or_default();
    let title = if status.initialized { "Sealed" } else { "Not initialised" };
    html(StatusCode::SERVICE_UNAVAILABLE, &Sealed { frame: Frame::of_nobody(title), status })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_was_cut_off_is_not_said_to_have_done_nothing() {
        for error in [ApiError::Internal, ApiError::Unavailable(String::new())] {
            let (_, text) = words(&error, true);
            assert!(text.contains("not known how far it came") && !text.contains("Nothing"), "{text}");
        }
        assert!(words(&ApiError::TooManyRequests(1), true).1.contains("Nothing was done"));
    }
}
