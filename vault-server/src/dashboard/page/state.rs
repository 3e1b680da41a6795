//! Pages for who is not let in, and for what is not there.

use askama::Template;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;

use super::{Frame, html};
use crate::dashboard::visit::Visit;

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
