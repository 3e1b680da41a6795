//! What every task works with: the vault, its own token, and the notes.

use std::sync::Arc;

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use vault_tests::vault::{Answer, Caller};

use crate::chance::Chance;
use crate::fact::Facts;

/// One task's means. Every method fails when the vault is dead, and then the task ends.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) vault: Caller,
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) facts: Arc<Facts>,
    pub(crate) chance: Arc<Chance>,
    /// The port of the PostgreSQL server.
    pub(crate) port: u16,
}

impl Worker {
    pub(crate) async fn post(&self, path: &str, body: Value) -> Result<Answer> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer> {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answer> {
        let answer = self.vault.call(method, path, body, &self.token).await?;
        let mut noted = self.facts.note();
        let id = answer.text("/request_id");
        if !id.is_empty() {
            noted.answered.push(id.to_owned());
        }
        if !answer.is_success() {
            *noted.count.refusals.entry(answer.status).or_default() += 1;
            // 500 is a fault of the vault; 502 one of the target, which is well all the time.
            if matches!(answer.status, 500 | 502) {
                let text = format!("{} {path}: {} {}", self.name, answer.status, answer.body);
                noted.violations.push(text);
            }
        }
        Ok(answer)
    }

    /// Whether PostgreSQL lets `username` in with `password`.
    pub(crate) async fn accepts(&self, username: &str, password: &str) -> Result<bool> {
        vault_tests::postgres::accepts(self.port, username, password).await
    }

    /// Writes `value` where it can be read back by `read`, and notes it.
    pub(crate) async fn write(&self, path: &str, body: Option<Value>) -> Result<()> {
        self.facts.note().writes.entry(path.to_owned()).or_default().sent = Some(body.clone());
        let answer = match &body {
            Some(body) => self.post(path, body.clone()).await?,
            None => self.call(Method::DELETE, path, None).await?,
        };
        let mut noted = self.facts.note();
        let written = noted.writes.entry(path.to_owned()).or_default();
        written.sent = None;
        if answer.is_success() {
            written.value = body;
            noted.count.writes += 1;
        } else if !matches!(answer.status, 409 | 503) {
            noted.violations.push(format!("{path} was not written: {} {}", answer.status, answer.body));
        }
        Ok(())
    }

    /// Checks a lease in; `Ok(true)` when the vault says that it is closed.
    pub(crate) async fn check_in(&self, path: &str, lease: &str) -> Result<bool> {
        self.facts.note().account(path).ending(Some(lease));
        let answer = self.post(&format!("accounts/check-in/{path}"), json!({ "lease_id": lease })).await?;
        Ok(answer.is_success() && answer.text("/data/state") == "closed")
    }
}
