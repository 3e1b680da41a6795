//! What a line of the route table is. `table.rs` says how a path finds its line.

mod table;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::answer::Answer;
use super::context::{Context, OpenContext, Request, TokenlessContext};
use super::error::ApiError;
use super::openapi::about::About;
use crate::app::App;
use crate::service::token::Caller;

pub(super) use self::table::Found;
pub use self::table::{Captures, Table};

/// What a request wants, whatever method it came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// GET.
    Read,
    /// LIST, or GET with `list=true`.
    List,
    /// POST or PUT: the same everywhere.
    Write,
    /// PATCH with a merge patch.
    Patch,
    /// DELETE.
    Delete,
}

impl Operation {
    /// As the audit entry spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::List => "list",
            Self::Write => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

/// What the caller must have for a guarded route, beside the capability of the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The capability alone.
    Capability,
    /// `sudo` too: the path is root-protected, as in Vault.
    Sudo,
}

pub(super) type BoxedAnswer = Pin<Box<dyn Future<Output = Result<Answer, ApiError>> + Send>>;
type GuardedHandler = Box<dyn Fn(Context) -> BoxedAnswer + Send + Sync>;
type TokenlessHandler = Box<dyn Fn(TokenlessContext) -> BoxedAnswer + Send + Sync>;
type OpenHandler = Box<dyn Fn(OpenContext) -> BoxedAnswer + Send + Sync>;

/// How a line is served.
pub(super) enum Service {
    /// Behind token, policy and audit: the handler gets the proofs in its [`Context`].
    Guarded(Need, GuardedHandler),
    /// Behind the audit only, for who has no token yet: logins. Not while sealed.
    Tokenless(TokenlessHandler),
    /// Without any of them, sealed or not: `init`, `seal-status`, `unseal`, `health`, `leader`.
    Open(OpenHandler),
}

/// One line of the table.
pub struct Route {
    pub(super) operation: Operation,
    pub(super) pattern: &'static str,
    pub(super) service: Service,
    pub(super) readable: &'static [&'static str],
    pub(super) hidden: &'static [&'static str],
    pub(super) exists: Option<Exists>,
    pub(super) exists_for: Option<ExistsFor>,
    pub(super) seals: bool,
    pub(super) unwraps: bool,
    pub(super) folds: bool,
    pub(super) waits: bool,
    /// What is told of it; more than one where it serves several kinds of paths.
    pub(super) abouts: Arc<[About]>,
}

/// Says whether what a write names is there already.
pub type Exists = fn(&App, &Request) -> Result<bool, ApiError>;
/// Says whether what a write names is there already, where each caller sees another place.
pub type ExistsFor = fn(&App, &Request, &Caller) -> Result<bool, ApiError>;

impl Route {
    fn new(operation: Operation, pattern: &'static str, service: Service) -> Self {
        Self {
            operation,
            pattern,
            service,
            readable: &[],
            hidden: &[],
            exists: None,
            exists_for: None,
            seals: false,
            unwraps: false,
            folds: false,
            waits: false,
            abouts: Arc::default(),
        }
    }

    /// A line behind token, policy and audit.
    pub fn guarded<F, Fut>(operation: Operation, pattern: &'static str, need: Need, handler: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Answer, ApiError>> + Send + 'static,
    {
        let handler: GuardedHandler = Box::new(move |context| Box::pin(handler(context)));
        Self::new(operation, pattern, Service::Guarded(need, handler))
    }

    /// A line that answers without a token, sealed or not.
    pub fn open<F, Fut>(operation: Operation, pattern: &'static str, handler: F) -> Self
    where
        F: Fn(OpenContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Answer, ApiError>> + Send + 'static,
    {
        let handler: OpenHandler = Box::new(move |context| Box::pin(handler(context)));
        Self::new(operation, pattern, Service::Open(handler))
    }

    /// A line that answers without a token, but audited, and only while unsealed.
    pub fn tokenless<F, Fut>(operation: Operation, pattern: &'static str, handler: F) -> Self
    where
        F: Fn(TokenlessContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Answer, ApiError>> + Send + 'static,
    {
        let handler: TokenlessHandler = Box::new(move |context| Box::pin(handler(context)));
        Self::new(operation, pattern, Service::Tokenless(handler))
    }

    /// Whether it asks for `sudo` beside the capability.
    pub(super) fn needs_sudo(&self) -> bool {
        matches!(self.service, Service::Guarded(Need::Sudo, _))
    }

    /// Whether it is behind token and policy.
    pub(super) fn needs_token(&self) -> bool {
        matches!(self.service, Service::Guarded(..))
    }

    /// Whether it asks for `create` where nothing is there yet.
    pub(super) fn can_create(&self) -> bool {
        self.exists.is_some() || self.exists_for.is_some()
    }

    /// Asks for `sudo` too.
    #[must_use]
    pub fn sudo(mut self) -> Self {
        if let Service::Guarded(need, _) = &mut self.service {
            *need = Need::Sudo;
        }
        self
    }

    /// For a write that makes things: asks for `create` where nothing is there, and for `update` where
    /// something is. Without it a write asks for `update` always, as Vault's paths without this check do.
    #[must_use]
    pub fn creating(mut self, exists: Exists) -> Self {
        self.exists = Some(exists);
        self
    }

    /// As [`creating`](Self::creating), for what is the caller's own.
    #[must_use]
    pub fn creating_own(mut self, exists: ExistsFor) -> Self {
        self.exists_for = Some(exists);
        self
    }

    /// The line is about a wrapping token, in the body or presented as the caller's own: one that is no
    /// good is told before anything else, and without another token it is the caller itself.
    #[must_use]
    pub fn unwrapping(mut self) -> Self {
        self.unwraps = true;
        self
    }

    /// The handler waits for what its client wants to be told: it ends when that hangs up.
    #[must_use]
    pub(super) fn waiting(mut self) -> Self {
        self.waits = true;
        self
    }

    /// The handler seals the vault and with it the audit file, so no entry of its answer can follow.
    #[must_use]
    pub(super) fn sealing(mut self) -> Self {
        self.seals = true;
        self
    }

    /// The names in its path count in any case of letters, so policies are asked about the one that is meant, too.
    #[must_use]
    pub(super) fn folding(mut self) -> Self {
        self.folds = true;
        self
    }

    /// Hides even the numbers of these fields in the audit file, in the request's data and in the answer's;
    /// `*` for all of them. For secrets of any shape.
    #[must_use]
    pub fn hiding(mut self, fields: &'static [&'static str]) -> Self {
        self.hidden = fields;
        self
    }

    /// Leaves the texts of these fields readable in the audit file, in the request's data and in the
    /// answer's. Only for fields that exist to be read there, such as the reason of a check-out.
    #[must_use]
    pub fn readable(mut self, fields: &'static [&'static str]) -> Self {
        self.readable = fields;
        self
    }
}

/// GET `pattern`, for who has `read` there.
pub fn read<F, Fut>(pattern: &'static str, handler: F) -> Route
where
    F: Fn(Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Answer, ApiError>> + Send + 'static,
{
    Route::guarded(Operation::Read, pattern, Need::Capability, handler)
}

/// LIST `pattern`, for who has `list` there.
pub fn list<F, Fut>(pattern: &'static str, handler: F) -> Route
where
    F: Fn(Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Answer, ApiError>> + Send + 'static,
{
    Route::guarded(Operation::List, pattern, Need::Capability, handler)
}

/// POST or PUT `pattern`, for who has `update` (or `create`) there.
pub fn write<F, Fut>(pattern: &'static str, handler: F) -> Route
where
    F: Fn(Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Answer, ApiError>> + Send + 'static,
{
    Route::guarded(Operation::Write, pattern, Need::Capability, handler)
}

/// PATCH `pattern` with a merge patch, for who has `patch` there.
pub fn patch<F, Fut>(pattern: &'static str, handler: F) -> Route
where
    F: Fn(Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Answer, ApiError>> + Send + 'static,
{
    Route::guarded(Operation::Patch, pattern, Need::Capability, handler)
}

/// DELETE `pattern`, for who has `delete` there.
pub fn delete<F, Fut>(pattern: &'static str, handler: F) -> Route
where
    F: Fn(Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Answer, ApiError>> + Send + 'static,
{
    Route::guarded(Operation::Delete, pattern, Need::Capability, handler)
}
