//! Authenticate, authorise, record, run, record: the steps before and after every guarded handler.
//!
//! Each step needs what the one before it made, and the handler needs the proofs of all, so none can be
//! left out. A refusal is recorded too.

use std::net::IpAddr;
use std::sync::Arc;

use vault_core::audit::{Auth, entry::Token as AuditToken};
use vault_core::clock::Timestamp;
use vault_core::mount::TableError;
use vault_core::policy::{Authorized, Operation as Asked};
use vault_core::secret::SecretString;

use super::answer::Answer;
use super::context::{Context, Request, TokenlessContext};
use super::dispatch::{Server, caught};
use super::dry_run;
use super::error::ApiError;
use super::openapi::about;
use super::route::{BoxedAnswer, Found, Need, Operation, Route, Service};
use super::trail::Trail;
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

/// Lets a question pass that any live token may ask: counted and recorded, but asked of no policy.
pub(super) async fn admit(
    server: &Server,
    request: &Request,
    token: Option<&SecretString>,
) -> Result<(), ApiError> {
    let caller = authenticate(server, token, request.remote.ip(), request.now)
        .and_then(|caller| caller.ok_or(ApiError::InvalidToken));
    let caller = match caller {
        Ok(caller) => caller,
        Err(error) => return Err(refuse(server, request, token, error)),
    };
    let _last_use = match server.app.tokens.count_use(&caller, request.now).await.map_err(ApiError::from) {
        Ok(last_use) => last_use,
        Err(ApiError::Forbidden(_)) => return Err(refuse(server, request, token, ApiError::InvalidToken)),
        Err(error) => return Err(refuse(server, request, token, error)),
    };
    let trail = Trail::of(&server.app, None);
    trail.request(&auth_of(token, Some(&caller)), request, asked_of(request.operation)).map(|_receipt| ())
}

/// Records that a request goes no further, and why; gives back what the caller is told.
pub(super) fn refuse(
    server: &Server,
    request: &Request,
    token: Option<&SecretString>,
    error: ApiError,
) -> ApiError {
    let trail = Trail::of(&server.app, None);
    match trail.refusal(&auth_of(token, None), request, asked_of(request.operation), &error) {
        Ok(()) => error,
        Err(unrecorded) => unrecorded,
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
        Found::NoPath => (None, nowhere(&server, &request, ApiError::UnsupportedPath)),
        Found::NoMount => (None, nowhere(&server, &request, ApiError::NoRoute(request.path.clone()))),
    };
    let app = &server.app;
    let unwraps = route.is_some_and(|route| route.unwraps);
    let (token, caller) =
        if unwraps { wrapping::presenter(app, &request, token, caller) } else { (token, caller) };
    let trail = Trail::of(app, route);
    if let Some(Route { service: Service::Tokenless(handler), .. }) = route {
        return tokenless(app, (&trail, route), handler.as_ref(), request, token.as_ref()).await;
    }
    // The last use of a token keeps what it holds in place until the answer is ready.
    let (caller, authorized, asked, last_use) = match permit(app, route, &request, caller).await {
        Ok(permitted) => permitted,
        Err((error, caller)) => {
            let error = if unwraps { wrapping::lost(error, caller.as_ref()) } else { error };
            let auth = auth_of(token.as_ref(), caller.as_ref());
            trail.refusal(&auth, &request, asked_of(request.operation), &error)?;
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
    let is_clear = route.map_or(Ok(()), |route| dry_run::check(&route.abouts, &request));
    let request = Arc::new(request);
    let result = match (route, is_clear) {
        (Some(Route { service: Service::Guarded(_, handler), .. }), Ok(())) => {
            let context = Context {
                app: Arc::clone(app),
                request: Arc::clone(&request),
                caller,
                is_last_use: last_use.is_some(),
                authorized,
                receipt,
            };
            wrapping::wrapped(app, &request, answered(handler(context), route, &request).await).await
        }
        (Some(Route { service: Service::Guarded(..), .. }), Err(unclear)) => Err(unclear),
        (Some(_), _) => Err(ApiError::Internal),
        (None, _) => Err(missing),
    };
    if route.is_some_and(|route| route.seals) && result.is_ok() {
        return result;
    }
    trail.response(&auth, &request, asked, result)
}

/// What is said of a path that nothing serves: it may be that of a mount whose record cannot be read.
fn nowhere(server: &Server, request: &Request, otherwise: ApiError) -> ApiError {
    let mounts = &server.app.mounts;
    let unread = mounts.table().unread().next().filter(|_| mounts.find(&request.path).is_none());
    unread.map_or(otherwise, |id| ApiError::Damaged(TableError::Unread(id).to_string()))
}

/// A request of who has no token, or whose token its handler judges: recorded, run, recorded.
async fn tokenless(
    app: &Arc<App>,
    (trail, route): (&Trail<'_>, Option<&Route>),
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
    let answer = answered(handler(context), route, &request).await;
    // What anybody may ask is not put away for anybody: only a login's token is worth a place in the store.
    let result = match answer {
        Ok(answer) if answer.facts().auth.is_some() => wrapping::wrapped(app, &request, Ok(answer)).await,
        other => other,
    };
    trail.response(&auth, &request, asked, result)
}

/// Runs a handler and adds the warning about parameters that it never asked for.
async fn answered(work: BoxedAnswer, route: Option<&Route>, request: &Request) -> Result<Answer, ApiError> {
    let answer = caught(work).await?;
    about::check(route.map_or(&[], |route| &route.abouts), &request.fields.asked())?;
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
    if route.is_some_and(|route| route.folds) {
        let meant = folded(request, asked);
        let decision = acl.decide_wrapped(&meant, asked, data, request.wrap_ttl);
        let _meant = decision.authorize().map_err(|_| ApiError::PermissionDenied)?;
    }
    let needs_sudo = matches!(route, Some(Route { service: Service::Guarded(Need::Sudo, _), .. }));
    let authorized = if needs_sudo {
        authorized.require_sudo().map_err(|_| ApiError::PermissionDenied)?
    } else {
        authorized
    };
    Ok((authorized, asked, last_use))
}

/// The path with its names as they are kept, so that no spelling passes a rule about the one that is meant.
fn folded(request: &Request, asked: Asked) -> String {
    let mount = request.mount.as_ref().map_or("", |mount| mount.path.as_str());
    let (mount, rest) = request.path.split_at_checked(mount.len()).unwrap_or(("", &request.path));
    let parts: Vec<String> = rest.split('/').map(|part| part.trim().to_lowercase()).collect();
    let slash = if asked == Asked::List { "/" } else { "" };
    format!("{mount}{}{slash}", parts.join("/"))
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
