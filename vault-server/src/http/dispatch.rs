//! The one way in: from a raw request to a finished response.
//!
//! Open routes are answered here. Everything else goes through [`guard`](super::guard), in a task of its
//! own: a client that hangs up, or a deadline, never stops a change half-way.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vault_core::clock::Timestamp;
use vault_core::id::RequestId;

use super::answer::{Answer, error_response};
use super::body;
use super::context::{OpenContext, Request};
use super::cors::Judged;
use super::error::ApiError;
use super::fields::Fields;
use super::guard::{self, Arrived};
use super::head::Head;
use super::inside::Inside;
use super::openapi::about;
use super::rate::Rate;
use super::route::{BoxedAnswer, Found, Operation, Route, Service};
use super::router::Router;
use crate::app::App;
use crate::dashboard;
use crate::panic;

/// What every request shares.
pub(super) struct Server {
    pub(super) app: Arc<App>,
    pub(super) router: Router,
    rate: Rate,
}

impl Server {
    pub(super) fn new(app: Arc<App>, router: Router) -> Self {
        let rate = Rate::new(app.config.requests_per_second);
        Self { app, router, rate }
    }
}

/// Answers one request.
pub(super) async fn dispatch(
    State(server): State<Arc<Server>>,
    ConnectInfo(remote): ConnectInfo<SocketAddr>,
    request: HttpRequest,
) -> Response<Body> {
    let began = Instant::now();
    if server.app.config.dashboard && dashboard::is_below(request.uri().path()) {
        return page(server, remote, request).await;
    }
    let id = RequestId::generate(server.app.clock.now(), &*server.app.entropy);
    let operation = request.method().clone();
    let app = Arc::clone(&server.app);
    let origin = Judged::of(&app.settings.cors.current(), &operation, request.headers());
    let mut response = match (server.rate.check(remote.ip()), origin.outright()) {
        (Ok(()), Some(response)) => response,
        (Ok(()), None) => {
            let deadline = app.config.request_deadline;
            match tokio::time::timeout(deadline, answer(server, id, remote, request)).await {
                Ok(Ok(Answered::Ready(response))) => response,
                Ok(Ok(Answered::Open { is_head, task })) => {
                    respond(id, is_head, task.await.unwrap_or(Err(ApiError::Internal)))
                }
                Ok(Err(error)) => error_response(&error),
                Err(_) => error_response(&ApiError::Unavailable(
                    "the request took longer than its deadline; what it began goes on".to_owned(),
                )),
            }
        }
        (Err(seconds), _) => error_response(&ApiError::TooManyRequests(seconds)),
    };
    finish(response.headers_mut());
    origin.mark(response.headers_mut());
    let status = response.status().as_u16();
    let took = began.elapsed();
    app.metrics.request(&operation, status, took);
    tracing::debug!(request_id = %id, %remote, method = %operation, status, ?took, "answered");
    response
}

/// Answers a request of a browser for the dashboard, within the bounds of every request.
async fn page(server: Arc<Server>, remote: SocketAddr, request: HttpRequest) -> Response<Body> {
    let (began, method, app) = (Instant::now(), request.method().clone(), Arc::clone(&server.app));
    let path = request.uri().path().to_owned();
    let failed = |error: &ApiError| dashboard::failed(error, &method, &path);
    let mut response = match server.rate.check(remote.ip()) {
        Ok(()) => {
            let work = dashboard::answer(Inside::new(server, remote), request);
            let work: Pin<Box<dyn Future<Output = Response<Body>> + Send>> = Box::pin(work);
            match tokio::time::timeout(app.config.request_deadline, panic::caught(work)).await {
                Ok(response) => response.unwrap_or_else(|| failed(&ApiError::Internal)),
                Err(_) => failed(&ApiError::Unavailable(
                    "the page took longer than its deadline; what it began goes on".to_owned(),
                )),
            }
        }
        Err(seconds) => failed(&ApiError::TooManyRequests(seconds)),
    };
    let is_kept = response.headers_mut().remove(header::CACHE_CONTROL);
    finish(response.headers_mut());
    dashboard::headers(response.headers_mut(), is_kept);
    app.metrics.request(&method, response.status().as_u16(), began.elapsed());
    response
}

/// A request that a page makes: through all steps of one from outside, but counted and timed as the page's.
pub(super) async fn inside(server: Arc<Server>, remote: SocketAddr, request: HttpRequest) -> Response<Body> {
    let id = RequestId::generate(server.app.clock.now(), &*server.app.entropy);
    match answer(server, id, remote, request).await {
        Ok(Answered::Ready(response)) => response,
        Ok(Answered::Open { is_head, task }) => {
            respond(id, is_head, task.await.unwrap_or(Err(ApiError::Internal)))
        }
        Err(error) => error_response(&error),
    }
}

/// What became of a request within its deadline.
enum Answered {
    Ready(Response<Body>),
    /// An open route is at work, for as long as it takes: `init` and `rekey` hand out keys that nobody can ask
    /// for again.
    Open {
        is_head: bool,
        task: JoinHandle<Result<Answer, ApiError>>,
    },
}

async fn answer(
    server: Arc<Server>,
    id: RequestId,
    remote: SocketAddr,
    request: HttpRequest,
) -> Result<Answered, ApiError> {
    let (parts, body) = request.into_parts();
    let head = Head::parse(&parts, &server.app.settings.audited_headers.current())?;
    let asked = head.operation.unwrap_or(Operation::Read);
    let (found, _) = server.router.find(&server.app.mounts, asked, head.path.as_str());
    let waits = matches!(&found, Found::Route(route, _) if route.waits);
    match found {
        Found::Route(Route { service: Service::Open(handler), operation, abouts, .. }, captures) => {
            // Of the methods that are no operation only HEAD has a meaning, and only here.
            if head.operation.is_none() {
                return Err(ApiError::MethodNotAllowed);
            }
            let fields = fields(&head, body, OPEN_BODY_BYTES_MAX).await?;
            let now = server.app.clock.now();
            // What answers without a token has no secret of the caller's, so it is not wrapped.
            let request =
                Request { captures, fields, wrap_ttl: None, ..unread(id, *operation, &head, remote, now) };
            let (abouts, asked) = (Arc::clone(abouts), request.fields.asked());
            let work = handler(OpenContext { app: Arc::clone(&server.app), request });
            // A task of its own: an init or unseal must not stop half-way because its caller went away.
            let task = server.app.shutdown.spawn(async move {
                let answer = caught(work).await?;
                about::check(&abouts, &asked).map(|()| answer)
            });
            return Ok(Answered::Open { is_head: head.is_head, task });
        }
        Found::OtherOperation { open: true } => return Err(ApiError::MethodNotAllowed),
        Found::Route(..) | Found::OtherOperation { .. } | Found::NoPath | Found::NoMount => {}
    }
    if server.app.barrier.is_sealed() || !server.app.mounts.is_ready() {
        return Err(ApiError::Sealed);
    }
    if head.operation.is_none() {
        return Err(ApiError::MethodNotAllowed);
    }
    if head.is_head {
        return Err(ApiError::UnsupportedOperation);
    }
    let result = if head.wants_help {
        help(&server, id, &head, remote).await
    } else {
        guarded(Arc::clone(&server), id, remote, (head, waits), body).await
    };
    Ok(Answered::Ready(respond(id, false, result)))
}

/// What the table knows of a path, for anyone with a token: nothing of what is stored.
async fn help(server: &Server, id: RequestId, head: &Head, remote: SocketAddr) -> Result<Answer, ApiError> {
    let request = unread(id, Operation::Read, head, remote, server.app.clock.now());
    guard::admit(server, &request, head.token.as_ref()).await?;
    server.router.help(&server.app.mounts, head.path.as_str()).map(Answer::raw)
}

/// A request without what is in its body.
fn unread(id: RequestId, operation: Operation, head: &Head, remote: SocketAddr, now: Timestamp) -> Request {
    Request {
        id,
        operation,
        path: head.path.as_str().to_owned(),
        captures: super::route::Captures::new(),
        mount: None,
        fields: Fields::default(),
        beside: beside(head),
        wrap_ttl: head.wrap_ttl,
        events: head.events,
        takes_open_metrics: head.takes_open_metrics,
        hung_up: None,
        headers: head.audited.clone(),
        remote,
        now,
    }
}

/// The names in the query of a write.
fn beside(head: &Head) -> Vec<String> {
    match head.operation {
        Some(Operation::Write | Operation::Patch) => head.query.keys().cloned().collect(),
        Some(Operation::Read | Operation::List | Operation::Delete) | None => Vec::new(),
    }
}

/// Authenticates before the body is read, so that who has no token cannot make us hold one.
async fn guarded(
    server: Arc<Server>,
    id: RequestId,
    remote: SocketAddr,
    (mut head, waits): (Head, bool),
    body: Body,
) -> Result<Answer, ApiError> {
    let now = server.app.clock.now();
    let operation = head.operation.ok_or(ApiError::UnsupportedOperation)?;
    let token = head.token.take();
    let caller = guard::authenticate(&server, token.as_ref(), remote.ip(), now);
    let limit = match &caller {
        Ok(Some(_)) => server.app.config.body_bytes_max,
        Ok(None) | Err(_) => OPEN_BODY_BYTES_MAX.min(server.app.config.body_bytes_max),
    };
    let fields = match fields(&head, body, limit).await {
        Ok(fields) => fields,
        Err(error) => {
            let request = unread(id, operation, &head, remote, now);
            return Err(guard::refuse(&server, &request, token.as_ref(), error));
        }
    };
    // A body may take its time, and the token may have ended meanwhile: what was seen before it was good for
    // its limit alone.
    let now = server.app.clock.now();
    let caller = match operation {
        Operation::Write | Operation::Patch => guard::authenticate(&server, token.as_ref(), remote.ip(), now),
        Operation::Read | Operation::List | Operation::Delete => caller,
    };
    let hung_up = waits.then(CancellationToken::new);
    let request = Request { fields, hung_up: hung_up.clone(), ..unread(id, operation, &head, remote, now) };
    // The client's end, or the deadline's, drops this future and with it the guard.
    let _hangs_up = hung_up.map(CancellationToken::drop_guard);
    let arrived = Arrived { request, token, caller };
    let shutdown = server.app.shutdown.clone();
    // On the heap at once: the future of a whole request is large, and would be copied at each step.
    let tracer = server.app.tracer.clone();
    let work: BoxedAnswer = tracer.asked_by(head.caller, Box::pin(guard::run(server, arrived)));
    let task = shutdown.spawn(caught(work));
    task.await.map_err(|_| ApiError::Internal).and_then(|result| result)
}

/// The parameters: the body of a write, the query of anything else.
async fn fields(head: &Head, body: Body, limit: usize) -> Result<Fields, ApiError> {
    match head.operation {
        Some(Operation::Write | Operation::Patch) => {
            let body = body::read(body, limit).await?;
            if head.is_form { Fields::from_form(&body) } else { Fields::from_body(&body) }
        }
        Some(Operation::Read | Operation::List | Operation::Delete) | None => {
            Ok(Fields::from_query(head.query.clone()))
        }
    }
}

fn respond(id: RequestId, is_head: bool, result: Result<Answer, ApiError>) -> Response<Body> {
    let mut response = match result {
        Ok(answer) => answer.into_response(id),
        Err(ApiError::NotFoundWith { data, warnings }) => Answer::missing(data, warnings).into_response(id),
        Err(error) => {
            if matches!(error, ApiError::Internal) {
                tracing::error!(request_id = %id, "a request ended in an internal error");
            }
            error_response(&error)
        }
    };
    if is_head {
        *response.body_mut() = Body::empty();
    }
    response
}

/// Runs `work`; a panic in it is an internal error of this request alone.
pub(super) async fn caught<F>(work: F) -> Result<Answer, ApiError>
where
    F: Future<Output = Result<Answer, ApiError>>,
{
    panic::caught(work).await.unwrap_or(Err(ApiError::Internal))
}

/// Headers that every answer carries.
fn finish(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (HeaderName::from_static("strict-transport-security"), "max-age=31536000; includeSubDomains"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Largest body of a request without a valid token: an init or unseal is far below.
pub(super) const OPEN_BODY_BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_internal_error_of_its_own_request() {
        let outcome = caught(async {
            tokio::task::yield_now().await;
            panic!("hunter2")
        });
        let Err(error) = outcome.await else { panic!("it was answered") };
        assert_eq!(
            (error.status().as_u16(), error.body()["errors"][0].as_str()),
            (500, Some("internal error"))
        );
    }
}
