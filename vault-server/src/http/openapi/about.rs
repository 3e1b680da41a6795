//! Descriptions of all lines of the route tables, one file for each area.

mod account;
mod approle;
mod campaign;
mod ceremony;
mod cubbyhole;
mod database;
mod incident;
mod kv;
mod lease;
mod mount;
mod plugin;
mod policy;
mod pool;
mod rehearsal;
mod report;
mod rule;
mod server;
mod silence;
mod system;
mod target;
mod token;
mod userpass;
mod webhook;
mod wrapping;

use super::shape::{Field, Shape};
use crate::http::error::ApiError;
use crate::http::fields::Asked;
use crate::http::route::Operation;

/// What is described of what is built in.
#[must_use]
pub fn built_in() -> Vec<About> {
    let areas = [
        system::LINES,
        server::LINES,
        ceremony::LINES,
        wrapping::LINES,
        cubbyhole::LINES,
        mount::LINES,
        policy::LINES,
        token::LINES,
        target::LINES,
        account::LINES,
        rehearsal::LINES,
        pool::LINES,
        lease::LINES,
        plugin::LINES,
        rule::LINES,
        incident::LINES,
        report::LINES,
        silence::LINES,
        webhook::LINES,
        campaign::LINES,
    ];
    areas.concat()
}

pub use self::approle::LINES as APPROLE;
pub use self::database::LINES as DATABASE;
pub use self::kv::{V1 as KV_V1, V2 as KV_V2};
pub use self::pool::LIBRARY;
pub use self::userpass::LINES as USERPASS;

/// What is told of one line of a route table: of one operation on one path.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Which operation.
    pub operation: Operation,
    /// The pattern of the line.
    pub route: &'static str,
    /// The pattern as it is shown: another where one line serves several kinds of paths.
    pub shown: &'static str,
    /// What it is for, in a sentence.
    pub summary: &'static str,
    /// Its parameters, in the body of a write and in the query of anything else. One with the name of a part of the
    /// path describes that part.
    pub fields: &'static [Field],
    /// Further ones.
    pub more_fields: &'static [Field],
    /// Whether it takes any other parameter, too.
    pub is_open: bool,
    /// Headers that change what it does.
    pub headers: &'static [Field],
    /// What it answers.
    pub reply: Reply,
    /// What it may answer instead, by status.
    pub others: &'static [(u16, Reply)],
    /// Statuses of errors beside those that every line has.
    pub errors: &'static [u16],
    /// Whether the document leaves it out.
    pub is_hidden: bool,
}

/// An answer.
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    /// 204 and no body.
    Nothing,
    /// 204 and no body, or 200 with warnings.
    Quiet,
    /// 202 with a warning that says what was begun.
    Started,
    /// 200 with this as `data`.
    Data(Shape),
    /// 200 with this as `data`, its keys once more beside the envelope.
    Top(Shape),
    /// 200 with `data.keys`.
    Keys,
    /// 200 with `auth`, which carries a token.
    Auth,
    /// 200 with an envelope without `data`: what there is to tell is beside it.
    Bare,
    /// 200 with `wrap_info`, where the answer was put.
    Wrapped,
    /// 200 with an envelope of any content.
    Whole,
    /// 200 with this and no envelope.
    Raw(Shape),
    /// 200 with text of this content type.
    Typed(&'static str),
}

impl About {
    pub(super) const fn new(
        operation: Operation,
        route: &'static str,
        summary: &'static str,
        reply: Reply,
    ) -> Self {
        Self {
            operation,
            route,
            shown: route,
            summary,
            fields: &[],
            more_fields: &[],
            is_open: false,
            headers: &[],
            reply,
            others: &[],
            errors: &[],
            is_hidden: false,
        }
    }

    /// With these parameters.
    #[must_use]
    pub const fn takes(mut self, fields: &'static [Field]) -> Self {
        self.fields = fields;
        self
    }

    /// With these parameters, too: for areas that share some.
    #[must_use]
    pub const fn and(mut self, fields: &'static [Field]) -> Self {
        self.more_fields = fields;
        self
    }

    /// With any parameter: the names belong to what is stored.
    #[must_use]
    pub const fn takes_anything(mut self) -> Self {
        self.is_open = true;
        self
    }

    /// With these headers.
    #[must_use]
    pub const fn hears(mut self, headers: &'static [Field]) -> Self {
        self.headers = headers;
        self
    }

    /// Or with these answers, by status; 0 is any other status.
    #[must_use]
    pub const fn or(mut self, others: &'static [(u16, Reply)]) -> Self {
        self.others = others;
        self
    }

    /// Or with an error of these statuses.
    #[must_use]
    pub const fn fails(mut self, statuses: &'static [u16]) -> Self {
        self.errors = statuses;
        self
    }

    /// Under this pattern: the line serves several kinds of paths, and this tells of one of them.
    #[must_use]
    pub const fn shown_as(mut self, pattern: &'static str) -> Self {
        self.shown = pattern;
        self
    }

    /// Not in the document: it is there only to say where else to look.
    #[must_use]
    pub const fn hidden(mut self) -> Self {
        self.is_hidden = true;
        self
    }

    /// All parameters.
    pub fn parameters(&self) -> impl Iterator<Item = &'static Field> {
        self.fields.iter().chain(self.more_fields)
    }

    /// Whether `name` is one of its parameters, or any name would be.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.is_open || self.parameters().any(|field| field.name == name)
    }
}

/// In debug builds, an internal error when the handler of a line asked for a parameter that is not described: so that
/// no test passes while the document leaves something out.
///
/// # Errors
/// [`ApiError::Internal`]; the log names the parameter.
pub(in crate::http) fn check(abouts: &[About], asked: &Asked) -> Result<(), ApiError> {
    if !cfg!(debug_assertions) || abouts.is_empty() {
        return Ok(());
    }
    let is_known = |name: &String| abouts.iter().any(|about| about.knows(name));
    match asked.names().into_iter().find(|name| !is_known(name)) {
        None => Ok(()),
        Some(name) => {
            let route = abouts.first().map_or("", |about| about.route);
            tracing::error!(route, name, "a parameter is not described in http/openapi/about");
            Err(ApiError::Internal)
        }
    }
}
