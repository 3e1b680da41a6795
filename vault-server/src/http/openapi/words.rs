//! The words that descriptions are written in; for `use …::words::*` at their top.
//!
//! ```text
//!   read("sys/leases/count", "Counts leases that are ending.", data(&[must("lease_count", Count, "How many.")]))
//!       .takes(&[may("type", Text, "Only `irrevocable` is known.")])
//!       .or(204, Nothing),
//! ```

pub use super::about::{About, Reply, Reply::*};
pub use super::shape::{Field, Shape, Shape::*};
use crate::http::route::Operation;

/// A parameter or key that is always there.
pub const fn must(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, shape, about, is_required: true }
}

/// A parameter or key that may be left out.
pub const fn may(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, shape, about, is_required: false }
}

/// 200 with these keys in `data`.
pub const fn data(fields: &'static [Field]) -> Reply {
    Data(Object(fields))
}

/// GET `route`.
pub const fn read(route: &'static str, summary: &'static str, reply: Reply) -> About {
    About::new(Operation::Read, route, summary, reply)
}

/// LIST `route`, or GET with `list=true`.
pub const fn list(route: &'static str, summary: &'static str, reply: Reply) -> About {
    About::new(Operation::List, route, summary, reply)
}

/// POST or PUT `route`.
pub const fn write(route: &'static str, summary: &'static str, reply: Reply) -> About {
    About::new(Operation::Write, route, summary, reply)
}

/// PATCH `route` with a merge patch.
pub const fn patch(route: &'static str, summary: &'static str, reply: Reply) -> About {
    About::new(Operation::Patch, route, summary, reply)
}

/// DELETE `route`.
pub const fn delete(route: &'static str, summary: &'static str, reply: Reply) -> About {
    About::new(Operation::Delete, route, summary, reply)
}
