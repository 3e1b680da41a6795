//! What a handler is given: the parsed request, and the proofs that the pipeline made on the way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use vault_core::audit::{AuditReceipt, AuditedHeader};
use vault_core::clock::Timestamp;
use vault_core::id::RequestId;
use vault_core::mount::Mount;
use vault_core::path::{AccountPath, Name};
use vault_core::policy::Authorized;
use vault_core::secret::SecretString;

use super::error::ApiError;
use super::fields::Fields;
use super::route::{Captures, Operation};
use crate::app::App;
use crate::service::token::Caller;

/// A request as parsed: nothing in it was decided yet.
pub struct Request {
    /// Names this request in the answer, the log and the audit file.
    pub id: RequestId,
    /// What it wants.
    pub operation: Operation,
    /// The folded path below `/v1/`.
    pub path: String,
    /// The parts of the path that stood where the pattern has `<…>`.
    pub captures: Captures,
    /// The mount that it belongs to; `None` for what is built in.
    pub mount: Option<Arc<Mount>>,
    /// The parameters.
    pub fields: Fields,
    /// The names in the query of a write, which takes its parameters from its body.
    pub beside: Vec<String>,
    /// How long its answer is to be wrapped; `None` for a bare one.
    pub wrap_ttl: Option<Duration>,
    /// Those of its headers that get into the audit trail.
    pub headers: Option<Arc<[AuditedHeader]>>,
    /// Where it came from.
    pub remote: SocketAddr,
    /// Whether its answer is to be a stream of events.
    pub events: Option<EventsAsked>,
    /// Whether it accepts OpenMetrics text.
    pub takes_open_metrics: bool,
    /// Is cancelled when the client has hung up; only where the handler waits for what the client wants.
    pub(super) hung_up: Option<CancellationToken>,
    /// When it came; read once, so that every decision about it uses the same instant.
    pub now: Timestamp,
}

/// What a client says that takes server-sent events (`Accept: text/event-stream`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventsAsked {
    /// The event that it saw last, before its connection was lost (`Last-Event-ID`).
    pub last_id: Option<u64>,
}

impl Request {
    /// Ends when the client has hung up; never where that is not looked at.
    pub async fn gone(&self) {
        match &self.hung_up {
            Some(hung_up) => hung_up.cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// Is cancelled when the client has hung up; never where that is not looked at.
    #[must_use]
    pub fn hang_up(&self) -> CancellationToken {
        self.hung_up.clone().unwrap_or_default()
    }

    /// The captured part `name` of the path.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when the pattern has no such part: a mistake in the table.
    pub fn part(&self, name: &str) -> Result<&str, ApiError> {
        self.captures.get(name).map(String::as_str).ok_or(ApiError::Internal)
    }

    /// The mount that the path belongs to.
    ///
    /// # Errors
    /// [`ApiError::Internal`] for a path that is built in: a mistake in the table.
    pub fn mount(&self) -> Result<&Arc<Mount>, ApiError> {
        self.mount.as_ref().ok_or(ApiError::Internal)
    }

    /// The captured part `name` as an account path.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] by cause.
    pub fn account_path(&self, name: &str) -> Result<AccountPath, ApiError> {
        Ok(AccountPath::parse(self.part(name)?)?)
    }

    /// The captured part `name` as the name of a configured thing.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] by cause.
    pub fn name(&self, name: &str) -> Result<Name, ApiError> {
        Ok(Name::parse(self.part(name)?)?)
    }
}

/// A guarded request on its way to its handler: authenticated, authorised, recorded.
///
/// The two proofs can only be made by [`vault_core::policy`] and [`vault_core::audit`], so a handler
/// cannot be reached around them, and a service that reveals something can ask for them by type.
pub struct Context {
    /// Everything that is wired.
    pub app: Arc<App>,
    /// The request.
    pub request: Arc<Request>,
    /// Who asks.
    pub caller: Caller,
    /// Whether the caller's token is used up with this request.
    pub is_last_use: bool,
    /// Proof that the caller's policies allow this operation on this path.
    pub authorized: Authorized,
    /// Proof that an audit sink has the request's entry on disk.
    pub receipt: AuditReceipt,
}

impl Context {
    /// When the request came.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.request.now
    }

    /// The parameters.
    #[must_use]
    pub fn fields(&self) -> &Fields {
        &self.request.fields
    }
}

/// A request of a route for who has no token yet; recorded, but neither authenticated nor authorised.
pub struct TokenlessContext {
    /// Everything that is wired.
    pub app: Arc<App>,
    /// The request.
    pub request: Arc<Request>,
    /// A token that came along all the same; the handler decides what it is good for.
    pub token: Option<SecretString>,
    /// Proof that an audit sink has the request's entry on disk.
    pub receipt: AuditReceipt,
}

/// A request of a route that needs no token, sealed or not.
pub struct OpenContext {
    /// Everything that is wired.
    pub app: Arc<App>,
    /// The request.
    pub request: Request,
}
