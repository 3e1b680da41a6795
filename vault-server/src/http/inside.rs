//! The API, asked from inside this process: how the dashboard learns and does what it shows.
//!
//! A request goes through the same steps as one from outside — token, policy, audit, handler — and comes back as
//! the same JSON. So a page can show nobody what the API would not tell them, and each look is in the trail.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use vault_core::clock::Timestamp;
use vault_core::entropy::random_bytes;
use vault_core::policy::{Acl, Capability};
use vault_core::secret::{SecretString, wipe};

use super::body;
use super::dispatch::{self, OPEN_BODY_BYTES_MAX, Server};
use super::error::ApiError;
use super::events::{self, EventSender};
use super::fields::Fields;
use super::guard;
use super::head;
use crate::app::App;
use crate::dashboard::session::Sessions;
pub(crate) use crate::service::pulse::{Beat, Feed, Heard};
use crate::shutdown::Shutdown;

/// The door for one request of a browser.
pub(crate) struct Inside {
    server: Arc<Server>,
    remote: SocketAddr,
}

/// What the API answered. It may hold a secret, so nothing prints it, and it is wiped.
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    body: Value,
}

/// Which changes somebody may be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Looks {
    pub(crate) incidents: bool,
    pub(crate) accounts: bool,
    pub(crate) silences: bool,
}

/// What policies grant.
pub(crate) struct Grants(Arc<Acl>);

impl Grants {
    /// Whether all of `wanted` is granted at `path`, which is below `/v1/`; that of a list ends with a slash.
    pub(crate) fn may(&self, path: &str, wanted: &[Capability]) -> bool {
        let granted = self.0.capabilities(path);
        granted.contains(&Capability::Root) || wanted.iter().all(|one| granted.contains(one))
    }
}

impl Inside {
    pub(super) fn new(server: Arc<Server>, remote: SocketAddr) -> Self {
        Self { server, remote }
    }

    /// Reads `path`, which is below `/v1/` and encoded.
    pub(crate) async fn read(&self, token: &SecretString, path: &str) -> Told {
        self.ask(Method::GET, path, Some(token), None).await
    }

    /// Lists `path`, which is below `/v1/` and encoded.
    pub(crate) async fn list(&self, token: &SecretString, path: &str) -> Told {
        match Method::from_bytes(b"LIST") {
            Ok(method) => self.ask(method, path, Some(token), None).await,
            Err(_) => Told { status: StatusCode::INTERNAL_SERVER_ERROR, body: Value::Null },
        }
    }

    /// Writes `body` to `path`, which is below `/v1/` and encoded.
    pub(crate) async fn write(&self, token: Option<&SecretString>, path: &str, body: Value) -> Told {
        self.ask(Method::POST, path, token, Some(body)).await
    }

    /// Deletes `path`, which is below `/v1/` and encoded.
    pub(crate) async fn delete(&self, token: &SecretString, path: &str) -> Told {
        self.ask(Method::DELETE, path, Some(token), None).await
    }

    /// What anybody may know: whether there is a vault, and whether it is sealed.
    pub(crate) async fn seal_status(&self) -> Told {
        self.ask(Method::GET, "sys/seal-status", None, None).await
    }

    /// Reads `path` in the form that it names: as a file.
    pub(crate) async fn fetch(
        &self,
        token: &SecretString,
        path: &str,
    ) -> Result<(StatusCode, HeaderValue, Bytes), Told> {
        let response = self.send(Method::GET, path, Some(token), None).await?;
        if !response.status().is_success() {
            return Err(Self::told(response).await);
        }
        let (parts, body) = response.into_parts();
        let plain = HeaderValue::from_static("application/octet-stream");
        let content_type = parts.headers.get(header::CONTENT_TYPE).cloned().unwrap_or(plain);
        let bytes = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await.map_err(|_| Told::too_much())?;
        Ok((parts.status, content_type, bytes))
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&SecretString>,
        body: Option<Value>,
    ) -> Told {
        match self.send(method, path, token, body).await {
            Ok(response) => Self::told(response).await,
            Err(told) => told,
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&SecretString>,
        body: Option<Value>,
    ) -> Result<Response<Body>, Told> {
        let mut request = Request::builder().method(method).uri(format!("/v1/{path}"));
        if let Some(token) = token {
            // Bytes that no header can hold are no token.
            let Ok(mut value) = HeaderValue::from_str(token.expose()) else {
                return Err(Told { status: StatusCode::FORBIDDEN, body: Value::Null });
            };
            value.set_sensitive(true);
            request = request.header("x-vault-token", value);
        }
        let bytes = body.map(|mut body| {
            let text = body.to_string();
            wipe(&mut body);
            text
        });
        let request = request
            .header(header::CONTENT_TYPE, "application/json")
            .body(bytes.map_or_else(Body::empty, Body::from))
            .map_err(|_| Told::failed())?;
        Ok(dispatch::inside(Arc::clone(&self.server), self.remote, request).await)
    }

    async fn told(response: Response<Body>) -> Told {
        let status = response.status();
        let Ok(bytes) = axum::body::to_bytes(response.into_body(), ANSWER_BYTES_MAX).await else {
            return Told::too_much();
        };
        let body = if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes) };
        body.map_or_else(|_| Told::failed(), |body| Told { status, body })
    }

    /// The name that a live token goes by. Nothing is counted or written down: what is then asked with it is.
    pub(crate) fn name_of(&self, token: &SecretString) -> Option<String> {
        let caller = guard::authenticate(&self.server, Some(token), self.remote.ip(), self.now()).ok()??;
        Some(caller.token.display_name().to_owned())
    }

    /// What of the pages a live token may look at: by its policies as they are now. Nothing is counted or written down.
    pub(crate) fn looks_of(&self, token: &SecretString) -> Option<Looks> {
        let grants = self.grants_of(token)?;
        Some(Looks {
            incidents: grants.may("incidents", &[Capability::Read]),
            accounts: grants.may("accounts/status/", &[Capability::List]),
            silences: grants.may("silences", &[Capability::Read]),
        })
    }

    /// What a live token is granted by its policies as they are now. Nothing is counted or written down.
    pub(crate) fn grants_of(&self, token: &SecretString) -> Option<Grants> {
        let caller = guard::authenticate(&self.server, Some(token), self.remote.ip(), self.now()).ok()??;
        self.app().policies.acl(caller.token.policies()).ok().map(Grants)
    }

    /// Opens a feed of changes for a session, with the body of an answer and where its events are put; nothing when
    /// there are too many.
    pub(crate) fn feed(&self, session: &str) -> Option<(Feed, EventSender, Body)> {
        let feed = self.app().pulses.open(session)?;
        // The seat is the task's: it ends when the browser is gone.
        let (sender, body) = events::channel(Arc::new(()));
        Some((feed, sender, body))
    }

    /// By which a task ends with the server.
    pub(crate) fn shutdown(&self) -> Shutdown {
        self.app().shutdown.clone()
    }

    /// Whether nothing but the seal's own state can be told.
    pub(crate) fn is_sealed(&self) -> bool {
        self.app().barrier.is_sealed() || !self.app().mounts.is_ready()
    }

    /// What ends with a seal is good for one such number.
    pub(crate) fn closings(&self) -> u64 {
        self.app().barrier.closings()
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.app().sessions
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.app().clock.now()
    }

    /// 256 bits that nobody can guess, as text.
    pub(crate) fn draw(&self) -> SecretString {
        let bytes: [u8; 32] = random_bytes(&*self.app().entropy);
        SecretString::new(data_encoding::HEXLOWER.encode(&bytes))
    }

    /// Who asks.
    pub(crate) fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Whether browsers reach the server on this machine alone, and without TLS.
    pub(crate) fn is_plain_loopback(&self) -> bool {
        let listener = &self.app().config.listener;
        listener.tls.is_none() && listener.address.ip().is_loopback()
    }

    fn app(&self) -> &App {
        &self.server.app
    }
}

impl Told {
    fn failed() -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, body: Value::Null }
    }

    fn too_much() -> Self {
        let body = json!({ "errors": ["it is too many to show"] });
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, body }
    }

    /// The `data` of the answer, when it is a success of that form.
    pub(crate) fn data<T: DeserializeOwned>(&self) -> Option<T> {
        let data = self.body.get("data").filter(|_| self.status.is_success())?;
        T::deserialize(data).ok()
    }

    /// The facts beside a refusal.
    pub(crate) fn facts<T: DeserializeOwned>(&self) -> Option<T> {
        T::deserialize(self.body.get("data")?).ok()
    }

    /// A secret of the `data` of a success, which is taken out of it.
    pub(crate) fn secret(&mut self, name: &str) -> Option<SecretString> {
        let secret = self.body.get_mut("data").filter(|_| self.status.is_success())?.get_mut(name)?.take();
        match secret {
            Value::String(text) => Some(SecretString::new(text)),
            _ => None,
        }
    }

    /// What a success is warned of.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let warnings = self.body.get("warnings").and_then(Value::as_array).map(Vec::as_slice);
        warnings.unwrap_or_default().iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The whole answer, for those that have no envelope.
    pub(crate) fn bare<T: DeserializeOwned>(&self) -> Option<T> {
        T::deserialize(&self.body).ok()
    }

    /// The token of a login.
    pub(crate) fn token(&mut self) -> Option<SecretString> {
        let token = self.body.pointer_mut("/auth/client_token")?.take();
        match token {
            Value::String(text) => Some(SecretString::new(text)),
            _ => None,
        }
    }

    /// The sentences of a refusal.
    pub(crate) fn errors(&self) -> String {
        let errors = self.body.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let texts: Vec<&str> = errors.iter().filter_map(Value::as_str).map(str::trim).collect();
        texts.join("; ")
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        wipe(&mut self.body);
    }
}

/// The fields of a form.
pub(crate) async fn form(body: Body) -> Result<Fields, ApiError> {
    let body = body::read(body, OPEN_BODY_BYTES_MAX).await?;
    Fields::from_form(&body)
}

/// The pairs of a query; none when it cannot be read.
pub(crate) fn query(text: Option<&str>) -> BTreeMap<String, String> {
    head::query(text.unwrap_or("")).unwrap_or_default()
}

/// One part of a path, encoded, so that nothing in it can lead elsewhere.
pub(crate) fn encoded(part: &str) -> String {
    utf8_percent_encode(part, KEPT).to_string()
}

/// A path of several parts, each encoded.
pub(crate) fn encoded_path(path: &str) -> String {
    let parts: Vec<String> = path.split('/').map(encoded).collect();
    parts.join("/")
}

/// Answers of the API that a page is made of.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// All but what is never special in a path or a query.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
