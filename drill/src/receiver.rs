//! A receiver of webhooks on this machine: verifies each message and keeps what it says.
//!
//! The signature is read from the Standard Webhooks specification once more, not by the vault's own code.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A running receiver; it stops on drop.
#[derive(Debug)]
pub struct Receiver {
    url: String,
    kept: Arc<Mutex<Kept>>,
    task: JoinHandle<()>,
}

/// What came so far.
#[derive(Debug, Default)]
struct Kept {
    /// The key of the webhook's secret, once it is known.
    key: Vec<u8>,
    ids: BTreeSet<String>,
    messages: Vec<Value>,
    /// Those whose signature was wrong or missing.
    forged: u64,
}

impl Receiver {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> Result<Self> {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port for the receiver")?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let app = Router::new().route("/hook", post(take)).with_state(Arc::clone(&kept));
        let task = tokio::spawn(async move {
            // It ends with the task; a failure shows as messages that do not come.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { url, kept, task })
    }

    /// Where messages are to be sent.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on messages must be signed by this secret (`whsec_…`).
    ///
    /// # Errors
    /// When it is no such secret.
    pub fn trust(&self, secret: &str) -> Result<()> {
        let key = secret.strip_prefix("whsec_").and_then(|text| BASE64.decode(text.as_bytes()).ok());
        lock(&self.kept).key = key.context("this is no secret of a webhook")?;
        Ok(())
    }

    /// The messages of this type about this target, each once however often it was sent, in order of arrival.
    #[must_use]
    pub fn about(&self, kind: &str, target: &str) -> Vec<Value> {
        let is_it = |message: &&Value| {
            message.get("type").is_some_and(|word| word == kind)
                && message.pointer("/data/target").is_some_and(|name| name == target)
        };
        lock(&self.kept).messages.iter().filter(is_it).cloned().collect()
    }

    /// How many messages were refused because of their signature.
    #[must_use]
    pub fn forged(&self) -> u64 {
        lock(&self.kept).forged
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(State(kept): State<Arc<Mutex<Kept>>>, headers: HeaderMap, body: String) -> StatusCode {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let id = header("webhook-id");
    let mut kept = lock(&kept);
    let signed = is_signed(&kept.key, id, header("webhook-timestamp"), header("webhook-signature"), &body);
    let (true, Ok(message)) = (signed, serde_json::from_str(&body)) else {
        kept.forged += 1;
        return StatusCode::UNAUTHORIZED;
    };
    if kept.ids.insert(id.to_owned()) {
        kept.messages.push(message);
    }
    StatusCode::NO_CONTENT
}

/// Whether one of the signatures is that of this key.
fn is_signed(key: &[u8], id: &str, timestamp: &str, signatures: &str, body: &str) -> bool {
    signatures.split(' ').filter_map(|one| one.strip_prefix("v1,")).any(|one| {
        let (Ok(signature), Ok(mut mac)) =
            (BASE64.decode(one.as_bytes()), Hmac::<Sha256>::new_from_slice(key))
        else {
            return false;
        };
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        mac.verify_slice(&signature).is_ok()
    })
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification (standardwebhooks.com, "verifying webhooks").
    #[test]
    fn the_example_of_the_specification_is_signed_and_nothing_like_it_is() {
        let key = BASE64.decode(b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let (id, at, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#);
        let right = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert!(is_signed(&key, id, at, right, body));
        assert!(is_signed(&key, id, at, &format!("v1,AAAA {right}"), body), "one of several");
        for (id, at, signature, body) in [
            (id, at, right, r#"{"test": 2432232315}"#),
            (id, "1614265331", right, body),
            ("msg_other", at, right, body),
            (id, at, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", body),
            (id, at, "", body),
        ] {
            assert!(!is_signed(&key, id, at, signature, body), "{id} {at} {signature} {body}");
        }
        assert!(!is_signed(&[], id, at, right, body));
    }
}
