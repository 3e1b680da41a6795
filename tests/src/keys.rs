//! A small HTTP server with accounts, for tests: it speaks as Grafana, GitLab and Keycloak do, as far as the shipped
//! descriptions ask them, with real checks of passwords and tokens.
//!
//! It listens on a free port of 127.0.0.1 and ends with its handle. What it holds can be looked at and changed past
//! its API, as an administrator could; answers can be replaced.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

mod dialect;
mod state;

use state::Keys;
pub use state::{Account, Key};

/// A running server; it stops on drop.
#[derive(Debug)]
pub struct KeyServer {
    port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    keys: Mutex<Keys>,
    /// Answers that are given in place of the right ones: part of `METHOD /path`, status, body.
    replaced: Mutex<Vec<(String, u16, Value)>>,
    /// The requests that came, as `METHOD /path?query`.
    requests: Mutex<Vec<String>>,
}

/// One request, as the dialects see it.
struct Asked {
    method: Method,
    /// The pieces of the path, decoded.
    path: Vec<String>,
    query: Vec<(String, String)>,
    bearer: Option<String>,
    private_token: Option<String>,
    body: Bytes,
}

/// What is answered.
struct Told {
    status: StatusCode,
    body: Value,
    link: Option<String>,
}

impl KeyServer {
    /// Starts a server with the management account [`ADMIN`].
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port for the key server")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared::default());
        let app = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            // It ends with its task; nobody is there to tell of a failure.
            let _ = axum::serve(listener, app).await;
        });
        let server = Self { port, shared, task };
        server.create_account(ADMIN, ADMIN_SECRET);
        server.with_account(ADMIN, |admin| {
            admin.manages = true;
            let secret = ADMIN_SECRET.to_owned();
            admin.keys.push(Key {
                id: 1,
                label: "the vault".to_owned(),
                secret,
                expires: None,
                revoked: false,
            });
        });
        Ok(server)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes an account anew, with this password and a key that a person made, whose secret is the same.
    pub fn create_account(&self, name: &str, password: &str) {
        self.keys().create(name, password);
    }

    /// Takes an account away.
    pub fn remove_account(&self, name: &str) {
        self.keys().accounts.retain(|account| account.name != name);
    }

    /// Changes an account past the API.
    pub fn with_account(&self, name: &str, change: impl FnOnce(&mut Account)) {
        if let Some(account) = self.keys().accounts.iter_mut().find(|account| account.name == name) {
            change(account);
        }
    }

    /// Whether this password opens this account; not counted.
    #[must_use]
    pub fn takes_password(&self, name: &str, password: &str) -> bool {
        let keys = self.keys();
        let account = keys.accounts.iter().find(|account| account.name == name);
        account.is_some_and(|account| !account.disabled && account.password == password)
    }

    /// Whether this key opens this account; not counted.
    #[must_use]
    pub fn takes_key(&self, name: &str, secret: &str) -> bool {
        let keys = self.keys();
        let account = keys.accounts.iter().find(|account| account.name == name);
        account.is_some_and(|account| account.opens(secret))
    }

    /// The live keys of an account.
    #[must_use]
    pub fn live_keys(&self, name: &str) -> Vec<Key> {
        let keys = self.keys();
        let account = keys.accounts.iter().find(|account| account.name == name);
        account.map_or_else(Vec::new, |account| {
            account.keys.iter().filter(|key| !key.revoked).cloned().collect()
        })
    }

    /// Opens a session, as a consumer's login does.
    pub fn open_session(&self, name: &str) {
        self.with_account(name, |account| account.sessions += 1);
    }

    /// How many logins as this name were refused.
    #[must_use]
    pub fn refused_logins(&self, name: &str) -> u32 {
        self.keys().refused.get(name).copied().unwrap_or(0)
    }

    /// Refuses passwords that hold this text.
    pub fn refuse_passwords_with(&self, text: &str) {
        self.keys().refused_text = Some(text.to_owned());
    }

    /// Answers requests whose `METHOD /path` holds this text with a status and body, and does nothing.
    pub fn replace(&self, part: &str, status: u16, body: Value) {
        self.replaced().push((part.to_owned(), status, body));
    }

    /// Ends what [`KeyServer::replace`] began.
    pub fn restore(&self) {
        self.replaced().clear();
    }

    /// The requests so far, as `METHOD /path?query`.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.shared.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replaced(&self) -> MutexGuard<'_, Vec<(String, u16, Value)>> {
        self.shared.replaced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Told {
    fn new(status: u16, body: Value) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, body, link: None }
    }
}

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        if let Some(link) = self.link.and_then(|link| link.parse().ok()) {
            headers.insert(header::LINK, link);
        }
        if self.body.is_null() {
            return (self.status, headers).into_response();
        }
        (self.status, headers, axum::Json(self.body)).into_response()
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Told {
    let line = format!("{method} {uri}");
    shared.requests.lock().unwrap_or_else(PoisonError::into_inner).push(line.clone());
    let replaced = shared.replaced.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, status, body)) = replaced.iter().find(|(part, ..)| line.contains(part.as_str())) {
        return Told::new(*status, body.clone());
    }
    drop(replaced);
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let asked = Asked {
        method,
        path: uri.path().split('/').skip(1).map(decoded).collect(),
        query: pairs(uri.query().unwrap_or_default()),
        bearer: text("authorization").and_then(|text| text.strip_prefix("Bearer ").map(str::to_owned)),
        private_token: text("private-token"),
        body,
    };
    let mut keys = shared.keys.lock().unwrap_or_else(PoisonError::into_inner);
    dialect::answer(&mut keys, &asked).unwrap_or_else(|| Told::new(404, json!({ "message": "not found" })))
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    };
    text.split('&').filter(|text| !text.is_empty()).map(pair).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        bytes.push(match byte {
            b'%' => {
                digit().zip(digit()).map_or(b'?', |(high, low)| u8::try_from(high * 16 + low).unwrap_or(b'?'))
            }
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The account that may manage others.
pub const ADMIN: &str = "admin";
/// Its password and its key.
pub const ADMIN_SECRET: &str = "the-admin-of-the-key-server-4711";
