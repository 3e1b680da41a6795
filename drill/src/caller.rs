//! Requests to a vault on this machine.

use std::sync::Once;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::Value;

/// Who sends requests to one vault. Cheap to clone, and of use also while the vault is being killed.
#[derive(Clone, Debug)]
pub struct Caller {
    client: reqwest::Client,
    address: String,
}

impl Caller {
    /// Who calls the vault on this port of 127.0.0.1.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn of(port: u16) -> Result<Self> {
        // rustls asks for a provider even where no TLS is spoken.
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        });
        let client = reqwest::Client::builder().timeout(ANSWER_TIME_MAX).no_proxy().build()?;
        Ok(Self { client, address: format!("http://127.0.0.1:{port}") })
    }

    /// `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// One request.
    ///
    /// # Errors
    /// When no answer came (the vault is down).
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>, token: &str) -> Result<Answer> {
        let mut request = self.client.request(method, format!("{}/v1/{path}", self.address));
        if !token.is_empty() {
            request = request.header("X-Vault-Token", token);
        }
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) })
    }
}

/// An answer: status and parsed body (`null` when there is none).
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The JSON body.
    pub body: Value,
}

impl Answer {
    /// The `data` of a successful answer.
    ///
    /// # Errors
    /// When it was no success; the message shows the errors, never the data.
    pub fn data(&self) -> Result<&Value> {
        ensure!(self.is_success(), "status {}: {}", self.status, self.errors());
        self.body.get("data").context("the answer has no data")
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The list of errors as text.
    #[must_use]
    pub fn errors(&self) -> String {
        self.body.get("errors").map(ToString::to_string).unwrap_or_default()
    }

    /// Text at a JSON pointer of the body, empty when it is not there.
    #[must_use]
    pub fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}

const ANSWER_TIME_MAX: Duration = Duration::from_secs(120);
