//! A receiver of webhooks: keeps what it is sent, checks each signature, and answers as a test says.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use vault_core::secret::SecretString;
use vault_core::webhook::sign::signature;

/// How it answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    /// With this status.
    Status(u16),
    /// Never.
    Hang,
    /// 302 to where it would be taken.
    Redirect,
    /// 200, and a body without end.
    Endless,
}

/// A message that came.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    text: String,
}

impl Message {
    /// What happened.
    pub(crate) fn kind(&self) -> &str {
        self.body.get("type").unwrap().as_str().unwrap()
    }

    /// How many of its signatures are by `secret`, and how many there are.
    pub(crate) fn signed_by(&self, secret: &str) -> (usize, usize) {
        let text = |name: &str| self.headers.get(name).unwrap().to_str().unwrap();
        let secret = SecretString::new(secret.to_owned());
        let seconds = text("webhook-timestamp").parse().unwrap();
        let want = signature(&secret, &self.id, seconds, &self.text).unwrap();
        let all: Vec<&str> = text("webhook-signature").split(' ').collect();
        (all.iter().filter(|one| **one == want).count(), all.len())
    }
}

#[derive(Default)]
struct Script {
    replies: VecDeque<Reply>,
    always: Option<Reply>,
    came: Vec<Message>,
}

type Shared = Arc<Mutex<Script>>;

/// One that runs until it is dropped.
pub(crate) struct Receiver {
    script: Shared,
    pub(crate) address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), Shared::default()).await
    }

    async fn at(address: SocketAddr, script: Shared) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().route("/hook", post(take)).with_state(Arc::clone(&script));
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { script, address, serving }
    }

    /// Goes away; what it knows comes with it.
    pub(crate) async fn down(self) -> impl FnOnce() -> std::pin::Pin<Box<dyn Future<Output = Self>>> {
        let (address, script) = (self.address, Arc::clone(&self.script));
        self.serving.abort();
        drop(self);
        move || Box::pin(Self::at(address, script))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The next answers; then 204 again, or what is said for always.
    pub(crate) fn replies(&self, replies: &[Reply]) {
        self.script.lock().unwrap().replies.extend(replies);
    }

    pub(crate) fn always(&self, reply: Reply) {
        self.script.lock().unwrap().always = Some(reply);
    }

    /// What came so far.
    pub(crate) fn came(&self) -> Vec<Message> {
        self.script.lock().unwrap().came.clone()
    }

    /// Waits for this many messages.
    pub(crate) async fn expect(&self, count: usize) -> Vec<Message> {
        for _ in 0..POLLS_MAX {
            let came = self.came();
            if came.len() >= count {
                return came;
            }
            tokio::time::sleep(PULSE).await;
        }
        panic!("{count} messages were to come; there are {:?}", self.came());
    }
}

async fn take(State(script): State<Shared>, headers: HeaderMap, text: String) -> Response {
    let reply = {
        let mut script = script.lock().unwrap();
        let id = headers.get("webhook-id").unwrap().to_str().unwrap().to_owned();
        let body = serde_json::from_str(&text).unwrap();
        script.came.push(Message { id, headers, body, text });
        script.replies.pop_front().or(script.always).unwrap_or(Reply::Status(204))
    };
    match reply {
        Reply::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Reply::Hang => std::future::pending().await,
        Reply::Redirect => (StatusCode::FOUND, [(header::LOCATION, "/hook")]).into_response(),
        Reply::Endless => Response::new(Body::new(Endless)),
    }
}

/// A body that never ends.
struct Endless;

impl axum::body::HttpBody for Endless {
    type Data = axum::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        std::task::Poll::Ready(Some(Ok(hyper::body::Frame::data(axum::body::Bytes::from_static(
            &[b'x'; 4096],
        )))))
    }
}

const POLLS_MAX: u32 = 1500;
const PULSE: Duration = Duration::from_millis(10);
