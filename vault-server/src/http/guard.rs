//! Authenticate, authorise, record, run, record: the steps before and after every guarded handler.
//!
//! Each step needs what the one before it made, and the handler needs the proofs of all, so none can be
//! left out. A refusal is recorded too.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde_json::Value;
use vault_core::audit::{self, Auth, entry::Token as AuditToken};
use vault_core::clock::Timestamp;
use vault_core::policy::{Authorized, Operation as Asked};
use vault_core::secret::SecretString;

use super::answer::Answer;
use super::context::{Context, Request, TokenlessContext};
use super::dispatch::{Server, caught};
use super::error::ApiError;
use super::route::{BoxedAnswer, Found, Need, Operation, Route, Service};
use super::wrapping;
use crate::app::App;
use crate::service::token::{Caller, LastUse};

/// A request whose body was read and whose token was looked at.
pub(super) struct Arrived {
    pub(super) request: Request,
    pub(super) token: Option<SecretString>,
    /// `Ok(None)` without a token.
    pub(super) caller: Result<Option<Caller>, ApiError>,
}

/// Who presents the token, if there is one.
pub(super) fn authenticate(
    server: &Server,
    token: Option<&SecretString>,
    from: IpAddr,
    now: Timestamp,
) -> Result<Option<Caller>, ApiError> {
    let caller = token.map(|token| server.app.tokens.authenticate(token.expose(), now)).transpose();
    match caller.map_err(ApiError::from) {
        Ok(Some(caller)) if !caller.token.may_come_from(from) => Err(ApiError::InvalidToken),
        // An unknown token and one that ended look the same.
        Err(ApiError::Forbidden(_)) => Err(ApiError::InvalidToken),
        outcome => outcome,
    }
}

/// Takes a request through all steps.
pub(super) async fn run(server: Arc<Server>, arrived: Arrived) -> Result<Answer, ApiError> {
    let Arrived { mut request, token, caller } = arrived;
    let (found, mount) = server.router.find(&server.app.mounts, request.operation, &request.path);
    request.mount = mount;
    let (route, missing) = match found {
        Found::Route(route, captures) => {
            request.captures = captures;
            (Some(route), ApiError::Internal)
        }
        Found::OtherOperation { .. } => (None, ApiError::UnsupportedOperation),
        Found::NoPath => (None, ApiError::UnsupportedPath),
        Found::NoMount => (None, ApiError::NoRoute(request.path.clone())),
    };
    let app = &server.app;
    let unwraps = route.is_some_and(|route| route.unwraps);
    let (token, caller) =
        if unwraps { wrapping::presenter(app, &request, token, caller) } else { (token, caller) };
    let trail = Trail::of(app, route);
    if let Some(Route { service: Service::Tokenless(handler), .. }) = route {
        return tokenless(app, &trail, handler.as_ref(), request, token.as_ref()).await;
    }
    // The last use of a token keeps what it holds in place until the answer is ready.
    let (caller, authorized, asked, _last_use) = match permit(app, route, &request, caller).await {
        Ok(permitted) => permitted,
        Err((error, caller)) => {
            let error = if unwraps { wrapping::lost(error, caller.as_ref()) } else { error };
            let auth = auth_of(token.as_ref(), caller.as_ref());
            trail.refusal(&auth, &request, audit_operation(asked_of(request.operation)), &error)?;
            return Err(error);
        }
    };
    let text = SecretString::new(caller.plain.expose().to_owned());
    let (display_name, policies) = (caller.token.display_name().to_owned(), caller.token.policies().to_vec());
    let accessor = caller.token.accessor().clone();
    let auth = Auth {
        client_token: Some(AuditToken(text.expose())),
        accessor: Some(accessor.as_str()),
        display_name: &display_name,
        policies: &policies,
        entity_id: "",
        token_type: caller.token.kind().as_str(),
    };
    let receipt = trail.request(&auth, &request, asked)?;
    let request = Arc::new(request);
    let result = match route {
        Some(Route { service: Service::Guarded(_, handler), .. }) => {
            let context =
                Context { app: Arc::clone(app), request: Arc::clone(&request), caller, authorized, receipt };
            wrapping::wrapped(app, &request, answered(handler(context), &request).await).await
        }
        Some(_) => Err(ApiError::Internal),
        None => Err(missing),
    };
    if route.is_some_and(|route| route.seals) && result.is_ok() {
        return result;
    }
    trail.response(&auth, &request, asked, result)
}

/// A request of who has no token, or whose token its handler judges: recorded, run, recorded.
async fn tokenless(
    app: &Arc<App>,
    trail: &Trail<'_>,
    handler: &(dyn Fn(TokenlessContext) -> BoxedAnswer + Send + Sync),
    request: Request,
    token: Option<&SecretString>,
) -> Result<Answer, ApiError> {
    let (auth, asked) = (auth_of(token, None), asked_of(request.operation));
    let receipt = trail.request(&auth, &request, asked)?;
    let request = Arc::new(request);
    let context = TokenlessContext {
        app: Arc::clone(app),
        request: Arc::clone(&request),
        token: token.map(SecretString::duplicate),
        receipt,
    };
    let result = wrapping::wrapped(app, &request, answered(handler(context), &request).await).await;
    trail.response(&auth, &request, asked, result)
}

/// Runs a handler and adds the warning about parameters that it never asked for.
async fn answered(work: BoxedAnswer, request: &Request) -> Result<Answer, ApiError> {
    let answer = caught(work).await?;
    Ok(answer.warn_of_ignored(&request.fields.asked().unasked(&request.fields.names())))
}

type Permitted = (Caller, Authorized, Asked, Option<LastUse>);

/// Counts the use, finds the policies, asks them.
async fn permit(
    app: &App,
    route: Option<&Route>,
    request: &Request,
    caller: Result<Option<Caller>, ApiError>,
) -> Result<Permitted, (ApiError, Option<Caller>)> {
    let caller = match caller {
        Ok(Some(caller)) => caller,
        Ok(None) => return Err((ApiError::InvalidToken, None)),
        Err(error) => return Err((error, None)),
    };
    match decide(app, route, request, &caller).await {
        Ok((authorized, asked, last_use)) => Ok((caller, authorized, asked, last_use)),
        Err(error) => Err((error, Some(caller))),
    }
}

async fn decide(
    app: &App,
    route: Option<&Route>,
    request: &Request,
    caller: &Caller,
) -> Result<(Authorized, Asked, Option<LastUse>), ApiError> {
    let last_use =
        app.tokens.count_use(caller, request.now).await.map_err(|error| match ApiError::from(error) {
            ApiError::Forbidden(_) => ApiError::InvalidToken,
            other => other,
        })?;
    let acl = app.policies.acl(caller.token.policies())?;
    let exists = match route.filter(|_| request.operation == Operation::Write) {
        Some(Route { exists: Some(exists), .. }) => exists(app, request)?,
        Some(Route { exists_for: Some(exists), .. }) => exists(app, request, caller)?,
        Some(_) | None => true,
    };
    let asked = if exists { asked_of(request.operation) } else { Asked::Create };
    // A list is asked of the directory, as Vault does.
    let path = match asked {
        Asked::List => format!("{}/", request.path),
        _ => request.path.clone(),
    };
    let data = (!request.fields.is_empty()).then(|| request.fields.object());
    let authorized = acl
        .decide_wrapped(&path, asked, data, request.wrap_ttl)
        .authorize()
        .map_err(|_| ApiError::PermissionDenied)?;
    let needs_sudo = matches!(route, Some(Route { service: Service::Guarded(Need::Sudo, _), .. }));
    let authorized = if needs_sudo {
        authorized.require_sudo().map_err(|_| ApiError::PermissionDenied)?
    } else {
        authorized
    };
    Ok((authorized, asked, last_use))
}

fn asked_of(operation: Operation) -> Asked {
    match operation {
        Operation::Read => Asked::Read,
        Operation::List => Asked::List,
        Operation::Write => Asked::Update,
        Operation::Patch => Asked::Patch,
        Operation::Delete => Asked::Delete,
    }
}

fn audit_operation(asked: Asked) -> audit::Operation {
    match asked {
        Asked::Create => audit::Operation::Create,
        Asked::Read => audit::Operation::Read,
        Asked::Update => audit::Operation::Update,
        Asked::Patch => audit::Operation::Patch,
        Asked::Delete => audit::Operation::Delete,
        Asked::List => audit::Operation::List,
    }
}

/// Without a live token only its digest is known.
fn auth_of<'a>(token: Option<&'a SecretString>, caller: Option<&'a Caller>) -> Auth<'a> {
    let client_token = token.map(|token| AuditToken(token.expose()));
    match caller {
        None => Auth { client_token, ..Auth::default() },
        Some(caller) => Auth {
            client_token,
            accessor: Some(caller.token.accessor().as_str()),
            display_name: caller.token.display_name(),
            policies: caller.token.policies(),
            entity_id: caller.token.entity_id(),
            token_type: caller.token.kind().as_str(),
        },
    }
}

/// The audit file, as one request sees it.
struct Trail<'a> {
    app: &'a App,
    readable: &'static [&'static str],
    hidden: &'static [&'static str],
}

impl<'a> Trail<'a> {
    fn of(app: &'a App, route: Option<&Route>) -> Self {
        let (readable, hidden) = route.map_or((&[] as _, &[] as _), |route| (route.readable, route.hidden));
        Self { app, readable, hidden }
    }
}

impl Trail<'_> {
    fn request(
        &self,
        auth: &Auth<'_>,
        request: &Request,
        asked: Asked,
    ) -> Result<audit::AuditReceipt, ApiError> {
        let remote = Remote::of(request.remote);
        let entry = self.entry(request, audit_operation(asked), &remote);
        Ok(self.app.audit.request(auth, &entry, request.now)?)
    }

    fn refusal(
        &self,
        auth: &Auth<'_>,
        request: &Request,
        operation: audit::Operation,
        error: &ApiError,
    ) -> Result<(), ApiError> {
        let remote = Remote::of(request.remote);
        let entry = self.entry(request, operation, &remote);
        let reason = error.messages().join("; ");
        self.app.audit.refusal(auth, &entry, &reason, request.now).map(|_receipt| ())?;
        Ok(())
    }

    /// Records the answer; without a record it does not leave.
    fn response(
        &self,
        auth: &Auth<'_>,
        request: &Request,
        asked: Asked,
        result: Result<Answer, ApiError>,
    ) -> Result<Answer, ApiError> {
        let remote = Remote::of(request.remote);
        let entry = self.entry(request, audit_operation(asked), &remote);
        let error_body;
        let (status, facts, reason) = match &result {
            Ok(answer) => (answer.status(), answer.facts(), None),
            Err(error) => {
                error_body = error.facts();
                let facts = super::answer::Facts { data: error_body.as_ref(), ..Default::default() };
                (error.status(), facts, Some(error.messages().join("; ")))
            }
        };
        let made = facts.auth.map(MadeToken::of);
        let response = audit::Response {
            status: status.as_u16(),
            data: facts.data,
            plain_keys: self.readable,
            hidden_keys: self.hidden,
            lease_id: facts.lease_id,
            auth: made.as_ref().map(MadeToken::as_auth),
            wrap_info: facts.wrap_info.map(wrapping::audited),
        };
        let now = self.app.clock.now();
        self.app.audit.response(auth, &entry, &response, reason.as_deref(), now).map(|_receipt| ())?;
        result
    }

    fn entry<'r>(
        &self,
        request: &'r Request,
        operation: audit::Operation,
        remote: &'r Remote,
    ) -> audit::Request<'r> {
        audit::Request {
            id: request.id,
            operation,
            path: &request.path,
            data: (!request.fields.is_empty()).then(|| request.fields.object()),
            plain_keys: self.readable,
            hidden_keys: self.hidden,
            remote_address: &remote.address,
            remote_port: remote.port,
        }
    }
}

struct Remote {
    address: String,
    port: u16,
}

impl Remote {
    fn of(remote: SocketAddr) -> Self {
        Self { address: remote.ip().to_canonical().to_string(), port: remote.port() }
    }
}

/// A token in an answer, for the entry of its making.
struct MadeToken<'a> {
    auth: &'a Value,
    policies: Vec<String>,
}

impl<'a> MadeToken<'a> {
    fn of(auth: &'a Value) -> Self {
        let policies = auth.get("policies").and_then(Value::as_array);
        let policies = policies.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        Self { auth, policies }
    }

    fn as_auth(&self) -> Auth<'_> {
        let text = |name| self.auth.get(name).and_then(Value::as_str);
        Auth {
            client_token: text("client_token").map(AuditToken),
            accessor: text("accessor"),
            display_name: text("display_name").unwrap_or_default(),
            policies: &self.policies,
            entity_id: text("entity_id").unwrap_or_default(),
            token_type: text("token_type").unwrap_or_default(),
        }
    }
}
