//! Saying that a target is in maintenance: what that would do is told first, and it is done when somebody confirms.

use askama::Template;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value};

use super::{Frame, html};
use crate::dashboard::visit::SignedIn;
use crate::http::Fields;

#[derive(Template)]
#[template(path = "maintenance.html")]
struct Confirm {
    frame: Frame,
    way: Way,
    wish: Wish,
    steps: Vec<String>,
}

/// Where it was asked for.
pub(super) struct Way {
    /// The word of the place in the navigation, with its address and name.
    pub(super) from: (&'static str, &'static str, &'static str),
    /// The page that the form was on, and its name.
    pub(super) page: (String, String),
    /// Where the form goes.
    pub(super) form: String,
}

/// What a form asks for.
pub(super) struct Wish {
    lasts: String,
    /// The end that was told, once it was: however late somebody is sure.
    until: String,
    reason: String,
    /// Whether what it would do was told already.
    pub(super) is_sure: bool,
}

impl Wish {
    pub(super) fn of(form: &Fields) -> Self {
        let text = |field: &str| form.text(field).ok().flatten().unwrap_or_default().trim().to_owned();
        Self {
            lasts: text("for"),
            until: text("until"),
            reason: text("reason"),
            is_sure: text("sure") == "yes",
        }
    }

    /// As the API takes it: only asked, until somebody is sure.
    pub(super) fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        let (name, end) = if self.until.is_empty() { ("for", &self.lasts) } else { ("until", &self.until) };
        body.insert(name.to_owned(), Value::from(end.as_str()));
        body.insert("reason".to_owned(), Value::from(self.reason.as_str()));
        if !self.is_sure {
            body.insert("dry_run".to_owned(), Value::from(true));
        }
        body
    }
}

/// What it would do until its end, with the button that does it.
pub(super) fn confirm(
    signed_in: &SignedIn,
    way: Way,
    wish: Wish,
    (until, steps): (String, Vec<String>),
) -> Response<Body> {
    let wish = Wish { until, ..wish };
    let frame = Frame::of(signed_in, way.from.0, "Maintenance");
    html(StatusCode::OK, &Confirm { frame, way, wish, steps })
}
