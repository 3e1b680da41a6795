//! The OpenAPI document of everything that is answered, as `sys/internal/specs/openapi` gives it.
//!
//! ```text
//!   route tables ──┐
//!                  ├─► Table::described ─► document(mounts) ─► JSON
//!   about::…  ─────┘
//! ```
//!
//! [`about`] describes each line of the route tables: what it is for, which parameters it takes, what it answers.
//! Three things keep that true. A line without a description fails a test here, as does a description without a line.
//! In debug builds a handler that asks for a parameter which its description does not name ends in an internal error.
//! And the tests hold every answer that they see against the document.

pub mod about;
pub mod shape;
pub mod words;

mod document;
mod errors;
mod operation_id;

use serde_json::Value;
use vault_core::mount::MountTable;

pub use self::document::Wish;
pub(in crate::http) use self::document::document;
use super::router::Router;

/// The document of all that is answered while these mounts are there, whoever asks.
#[must_use]
pub fn whole(mounts: &MountTable) -> Value {
    document(&Router::new(), mounts, &Wish::default(), &|_| true)
}
