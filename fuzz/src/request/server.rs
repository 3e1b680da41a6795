//! A server with something of everything in it: in memory, a clock that stands still, a scripted target, no socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use rotators::fake::FakeTarget;
use rotators::registry::Registry;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;
use vault_core::clock::{ManualClock, Timestamp};
use vault_core::entropy::{Entropy, SeededEntropy};
use vault_core::store::anchor::MemoryAnchor;
use vault_core::store::{MemoryEngine, Store};
use vault_server::app::{App, Ports};
use vault_server::config::{Config, from_arguments};
use vault_server::http::{RequestPath, router};

use super::Written;
use super::answer::Answer;

/// A server, and what its answers have told.
pub(super) struct Server {
    runtime: Runtime,
    app: Arc<App>,
    router: Router,
    root: String,
    share: String,
    token: String,
    nonce: String,
    id: String,
    sent: u32,
    _dir: TempDir,
}

impl Server {
    /// Initialised, unsealed and set up.
    #[expect(clippy::unwrap_used, reason = "without a server there is nothing to try")]
    pub(super) fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let config = from_arguments("127.0.0.1:0", dir.path()).unwrap();
        // What waits for something waits for some hundredths of a second.
        let config = Config { requests_per_second: 0, request_deadline: DEADLINE, ..config };
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(7));
        let engine = Arc::new(MemoryEngine::default());
        let store = Store::open(engine, Box::new(MemoryAnchor::default()), Arc::clone(&entropy)).unwrap();
        let target = Arc::new(FakeTarget::new());
        for (username, password) in [("manager", "m-1"), ("app", "a-1"), ("one", "o-1"), ("two", "t-1")] {
            target.create_account(username, password);
        }
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_000)));
        let ports = Ports { clock, entropy, rotators: Registry::default().with(target) };
        let app = {
            let _inside = runtime.enter();
            App::over(Arc::new(store), config, ports).unwrap()
        };
        app.tokens.set_watcher(Arc::new(app.leases.clone()));
        let [root, share, token, nonce, id] = [const { String::new() }; 5];
        let router = router(Arc::clone(&app));
        let mut server = Self { runtime, app, router, root, share, token, nonce, id, sent: 0, _dir: dir };
        server.set_up();
        server
    }

    #[expect(clippy::unwrap_used, reason = "without a server there is nothing to try")]
    fn set_up(&mut self) {
        let init = Written::line(r#"PUT /v1/sys/init {"secret_shares":1,"secret_threshold":1}"#).unwrap();
        let keys = self.send(&init);
        let text = |pointer: &str| keys.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
        (self.root, self.share) = (text("/root_token"), text("/keys_base64/0"));
        assert!(self.unseal());
        for line in include_str!("set-up.txt").lines() {
            let status = self.answer(&Written::line(line).unwrap()).unwrap().status;
            assert!(status < 300, "{status}: {line}");
        }
        self.sent = 0;
    }

    /// Sends a request and holds the answer against what is promised; one that is no HTTP is not sent.
    pub(super) fn send(&mut self, request: &Written<'_>) -> Value {
        let path = RequestPath::parse(request.uri.split('?').next().unwrap_or_default());
        let path = path.as_ref().map(RequestPath::as_str).unwrap_or_default();
        // A device of the audit trail is a file or a socket anywhere on the machine.
        if path.starts_with("sys/audit/") {
            return Value::Null;
        }
        let Some(answer) = self.answer(request) else { return Value::Null };
        let what = format!("{} {} {:?} {}", request.method, request.uri, request.headers, request.body);
        if request.uri.starts_with("/ui") {
            answer.check_page(&what);
            return Value::Null;
        }
        let json = answer.check(&what, path);
        self.note(&json);
        if self.app.barrier.is_sealed() && !self.root.is_empty() {
            self.unseal();
        }
        json
    }

    /// Whether the next input finds it as it should be: unsealed, with its root token, not too full.
    pub(super) fn is_fit(&mut self) -> bool {
        let looks = Written { method: "GET", uri: LOOKUP, headers: Vec::new(), body: "" };
        self.sent < SENT_MAX && self.answer(&looks).is_some_and(|answer| answer.status == 200)
    }

    fn unseal(&mut self) -> bool {
        let body = format!(r#"{{"key":"{}"}}"#, self.share);
        let request = Written { method: "PUT", uri: "/v1/sys/unseal", headers: Vec::new(), body: &body };
        self.answer(&request).is_some_and(|answer| answer.status == 200) && !self.app.barrier.is_sealed()
    }

    fn answer(&mut self, request: &Written<'_>) -> Option<Answer> {
        self.sent += 1;
        let mut builder = Request::builder().method(request.method).uri(self.filled(request.uri));
        let names_token = |(name, _): &(&str, &str)| {
            ["x-vault-token", "authorization"].iter().any(|token| name.eq_ignore_ascii_case(token))
        };
        if !request.headers.iter().any(names_token) && !self.root.is_empty() {
            builder = builder.header("X-Vault-Token", &self.root);
        }
        for (name, value) in &request.headers {
            builder = builder.header(*name, self.filled(value));
        }
        let remote = ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000)));
        let request = builder.extension(remote).body(Body::from(self.filled(request.body))).ok()?;
        let router = self.router.clone();
        self.runtime.block_on(async move {
            let Ok(response) = router.oneshot(request).await;
            let (parts, body) = response.into_parts();
            let (status, headers) = (parts.status.as_u16(), parts.headers);
            let content_type = headers.get("content-type").and_then(|value| value.to_str().ok());
            // A stream of events ends when its client goes away.
            if content_type == Some("text/event-stream") {
                return None;
            }
            let body = axum::body::to_bytes(body, usize::MAX).await.ok()?.to_vec();
            Some(Answer { status, headers, body })
        })
    }

    fn filled(&self, text: &str) -> String {
        let known = [
            ("@ROOT@", &self.root),
            ("@SHARE@", &self.share),
            ("@TOKEN@", &self.token),
            ("@NONCE@", &self.nonce),
            ("@ID@", &self.id),
        ];
        known.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// Keeps what later requests may need.
    fn note(&mut self, json: &Value) {
        let Some(object) = json.as_object() else { return };
        for (name, value) in object {
            match (name.as_str(), value) {
                ("token" | "client_token", Value::String(text)) => self.token.clone_from(text),
                ("nonce" | "verification_nonce", Value::String(text)) => self.nonce.clone_from(text),
                ("lease_id" | "secret_id" | "role_id" | "accessor" | "id", Value::String(text))
                    if !text.is_empty() =>
                {
                    self.id.clone_from(text);
                }
                ("data" | "auth" | "wrap_info", Value::Object(_)) => self.note(value),
                _ => {}
            }
        }
    }
}

/// A long poll ends this much before it: see the route.
const DEADLINE: Duration = Duration::from_millis(5_020);
/// So many requests one server answers.
const SENT_MAX: u32 = 400;
const LOOKUP: &str = "/v1/auth/token/lookup-self";
