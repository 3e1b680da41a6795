//! HTTP: Vault's dialect, from bytes to a parsed request and back. It parses and translates; it decides
//! nothing.
//!
//! ```text
//!   accept ─► TLS ─► headers, rate limit ─► head ─► route ─► authenticate ─► body ─► authorise ─► audit
//!                                                                                               │
//!   answer ◄─ headers ◄─ audit ◄─────────────────────────────── handler(Context with proofs) ◄──┘
//! ```
//!
//! [`route`] says what a line of the table is, [`routes`] is the table, [`error`] is the only file that
//! knows status codes.

pub mod answer;
pub mod context;
pub mod error;
pub mod fields;
pub mod openapi;
pub mod route;

mod body;
mod cors;
mod dispatch;
mod dry_run;
mod events;
mod guard;
mod head;
pub(crate) mod inside;
mod listen;
mod path;
mod rate;
mod router;
pub mod routes;
mod tls;
mod trail;
mod wrapping;

use std::sync::Arc;

use axum::Router;

pub use self::answer::{Answer, Renewable};
pub use self::context::{Context, OpenContext, Request, TokenlessContext};
pub use self::error::ApiError;
pub(crate) use self::events::EventSender;
pub use self::fields::Fields;
pub(crate) use self::inside::{Beat, Feed, Grants, Heard, Inside, Looks, Told};
pub use self::listen::{Bound, ListenError};
pub use self::path::RequestPath;
pub use self::route::{Operation, Route, Table};

use self::dispatch::Server;
use crate::app::App;

/// The whole server as one service: everything below `/v1`, the dashboard below `/ui`, and 404 for the
/// rest.
pub fn router(app: Arc<App>) -> Router {
    let server = Arc::new(Server::new(app, self::router::Router::new()));
    Router::new().fallback(dispatch::dispatch).with_state(server)
}
