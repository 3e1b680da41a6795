//! Webhooks through the whole program: what was committed is told over a kill -9, under the same id.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use vault_core::secret::SecretString;
use vault_core::webhook::sign::signature;
use vault_tests::vault::ROOT;
use vault_tests::world::World;

/// What came: message id, body, and whether its signature was right.
type Came = Arc<Mutex<Vec<(String, Value, bool)>>>;

struct Receiver {
    came: Came,
    secret: Arc<Mutex<String>>,
    hangs: Arc<Mutex<bool>>,
    url: String,
}

impl Receiver {
    async fn start() -> Self {
        let (came, secret, hangs) = (Came::default(), Arc::default(), Arc::new(Mutex::new(false)));
        let state = (Arc::clone(&came), Arc::clone(&secret), Arc::clone(&hangs));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let app = Router::new().route("/hook", post(take)).with_state(state);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { came, secret, hangs, url }
    }

    fn hang(&self, hangs: bool) {
        *self.hangs.lock().unwrap() = hangs;
    }

    fn came(&self) -> Vec<(String, Value, bool)> {
        self.came.lock().unwrap().clone()
    }

    /// Waits until what came is so.
    async fn until(&self, what: &str, is_so: impl Fn(&[(String, Value, bool)]) -> bool) {
        for _ in 0..1200 {
            if is_so(&self.came()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{what} does not come: {:?}", self.came());
    }
}

type Shared = (Came, Arc<Mutex<String>>, Arc<Mutex<bool>>);

async fn take(State((came, secret, hangs)): State<Shared>, headers: HeaderMap, text: String) -> StatusCode {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let id = header("webhook-id");
    let secret = SecretString::new(secret.lock().unwrap().clone());
    let want = signature(&secret, &id, header("webhook-timestamp").parse().unwrap(), &text);
    let is_signed = want.as_deref() == Some(header("webhook-signature").as_str());
    came.lock().unwrap().push((id, serde_json::from_str(&text).unwrap(), is_signed));
    if *hangs.lock().unwrap() {
        std::future::pending::<()>().await;
    }
    StatusCode::NO_CONTENT
}

fn promoted(came: &[(String, Value, bool)], version: u64) -> Vec<String> {
    let is_it = |body: &Value| body["type"] == "credential.promoted" && body["data"]["version"] == version;
    came.iter().filter(|(_, body, _)| is_it(body)).map(|(id, ..)| id.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_promotion_is_told_over_kills_under_one_id() {
    let mut world = World::new().await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    let receiver = Receiver::start().await;
    let settings =
        json!({ "url": receiver.url, "accounts": "db/*", "retry_base": "500ms", "retry_cap": "1s" });
    let written = world.vault.post("sys/webhooks/w", settings).await.unwrap();
    *receiver.secret.lock().unwrap() = written.text("/data/secret").to_owned();
    let before = world.credential("db/app").await.unwrap().version;
    for round in 1..=5 {
        // What is sent is taken by nobody: it was committed, and is not known to be delivered.
        receiver.hang(true);
        assert!(world.rotate("db/app").await.unwrap().is_success());
        let version = before + round;
        // Now and then it is killed before the first attempt.
        if round % 2 == 1 {
            receiver.until("the attempt", |came| !promoted(came, version).is_empty()).await;
        }
        world.vault.kill().unwrap();
        let seen = promoted(&receiver.came(), version);
        receiver.hang(false);
        world.vault.start_again().await.unwrap();
        receiver.until("the message", |came| promoted(came, version).len() > seen.len()).await;
    }
    let mut pending = Value::Null;
    for _ in 0..400 {
        let read = world.vault.get("sys/webhooks/w").await.unwrap();
        pending = read.data().unwrap()["pending"].clone();
        if pending == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(pending, 0);
    let came = receiver.came();
    assert!(came.iter().all(|(_, _, is_signed)| *is_signed));
    for version in before + 1..=before + 5 {
        let mut ids = promoted(&came, version);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 1, "version {version} under several ids");
    }
    // And in the words of the command line.
    let output = world.cli(ROOT, &["webhook", "test", "w"]).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("delivered"));
    let log = world.vault.log();
    assert!(!log.contains("whsec_") && !log.contains("/hook"), "secret or URL in the log");
    assert!(world.vault.audit_is_intact().unwrap());
}
