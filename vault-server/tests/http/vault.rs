//! A server in this process: memory engine, a clock that stands still, no socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::response::Parts;
use axum::http::{HeaderMap, Request};
use rotators::fake::FakeTarget;
use rotators::registry::Registry;
use serde_json::Value;
use tower::ServiceExt;
use vault_core::clock::{Clock, ManualClock, Timestamp};
use vault_core::entropy::{Entropy, OsEntropy};
use vault_core::store::anchor::MemoryAnchor;
use vault_core::store::engine::Engine;
use vault_core::store::{MemoryEngine, Store};
use vault_server::app::{App, Ports};
use vault_server::config::{self, Config};
use vault_server::http::router;

use crate::described;

/// What outlives a crash: the engine's contents, the side file, the audit file's directory, the time, and
/// the target.
pub(crate) struct Disk {
    engine: Arc<dyn Engine>,
    anchor: MemoryAnchor,
    /// The target that `rotators` holds, unless a test puts others in its place.
    pub(crate) target: Arc<FakeTarget>,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) config: Config,
    pub(crate) rotators: Registry,
}

/// A running server.
pub(crate) struct Vault {
    pub(crate) app: Arc<App>,
    router: Router,
    pub(crate) root: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {:?}", self.text))
    }

    pub(crate) fn at(&self, pointer: &str) -> Value {
        self.json().pointer(pointer).cloned().unwrap_or_else(|| panic!("no {pointer} in {}", self.text))
    }

    pub(crate) fn errors(&self) -> Value {
        self.at("/errors")
    }
}

impl Disk {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = config::from_arguments("127.0.0.1:0", dir.path()).unwrap();
        let target = Arc::new(FakeTarget::new());
        Self {
            engine: Arc::new(MemoryEngine::default()),
            anchor: MemoryAnchor::default(),
            rotators: Registry::default().with(target.clone()),
            target,
            dir,
            clock: Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_000))),
            config,
        }
    }

    /// The time as answers tell it.
    pub(crate) fn clock_text(&self) -> String {
        self.clock.now().to_rfc3339()
    }

    /// A process over this disk; sealed or uninitialised, as it finds it.
    pub(crate) fn start(&self) -> Vault {
        let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
        let store =
            Store::open(Arc::clone(&self.engine), Box::new(self.anchor.clone()), Arc::clone(&entropy))
                .unwrap();
        let ports = Ports { clock: self.clock.clone(), entropy, rotators: self.rotators.clone() };
        let app = App::over(Arc::new(store), self.config.clone(), ports).unwrap();
        Vault { router: router(Arc::clone(&app)), app, root: String::new() }
    }
}

impl Vault {
    /// Initialised with one share and unsealed; the share comes back too.
    pub(crate) async fn ready(disk: &Disk) -> (Self, String) {
        let mut vault = disk.start();
        let init = vault.call("PUT", "sys/init", "", r#"{"secret_shares":1,"secret_threshold":1}"#).await;
        assert_eq!(init.status, 200, "{}", init.text);
        let share = init.at("/keys_base64/0").as_str().unwrap().to_owned();
        vault.root = init.at("/root_token").as_str().unwrap().to_owned();
        vault.unseal(&share).await;
        (vault, share)
    }

    pub(crate) async fn unseal(&self, share: &str) {
        let reply = self.call("PUT", "sys/unseal", "", &format!(r#"{{"key":"{share}"}}"#)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.at("/sealed"), false, "{}", reply.text);
    }

    /// As root.
    pub(crate) async fn root(&self, method: &str, path: &str, body: &str) -> Reply {
        self.call(method, path, &self.root, body).await
    }

    pub(crate) async fn call(&self, method: &str, path: &str, token: &str, body: &str) -> Reply {
        let token = (!token.is_empty()).then_some(("X-Vault-Token", token));
        self.raw(method, &format!("/v1/{path}"), token.as_slice(), body).await
    }

    pub(crate) async fn raw(&self, method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        self.raw_from([127, 0, 0, 1], method, uri, headers, body).await
    }

    /// From another address than the loopback.
    pub(crate) async fn call_from(
        &self,
        from: [u8; 4],
        method: &str,
        path: &str,
        token: &str,
        body: &str,
    ) -> Reply {
        let token = (!token.is_empty()).then_some(("X-Vault-Token", token));
        self.raw_from(from, method, &format!("/v1/{path}"), token.as_slice(), body).await
    }

    async fn raw_from(
        &self,
        from: [u8; 4],
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let mounts = self.app.mounts.table();
        let (parts, body) = self.begin(from, method, uri, headers, Body::from(body.to_owned())).await;
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let reply = Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        };
        described::check(&[mounts, self.app.mounts.table()], (method, uri, headers), &reply);
        reply
    }

    /// The head of an answer, and its body still to be read.
    pub(crate) async fn begin(
        &self,
        from: [u8; 4],
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> (Parts, Body) {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let remote = ConnectInfo(SocketAddr::from((from, 40_000)));
        let request = request.extension(remote).body(body).unwrap();
        self.router.clone().oneshot(request).await.unwrap().into_parts()
    }

    /// A child of root with these JSON fields; its text.
    pub(crate) async fn token(&self, fields: &str) -> String {
        let reply = self.root("POST", "auth/token/create", fields).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.at("/auth/client_token").as_str().unwrap().to_owned()
    }

    pub(crate) async fn policy(&self, name: &str, text: &str) {
        let body = serde_json::json!({ "policy": text }).to_string();
        let reply = self.root("PUT", &format!("sys/policies/acl/{name}"), &body).await;
        assert_eq!(reply.status, 204, "{}", reply.text);
    }
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// All of them at once, on this task.
pub(crate) async fn at_once<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut open: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut pending = false;
        for (future, output) in &mut open {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => pending = true,
                }
            }
        }
        if pending { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    open.into_iter().filter_map(|(_, output)| output).collect()
}
