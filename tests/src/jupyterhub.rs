//! A private JupyterHub for tests, and the administrator's part without the rotator.
//!
//! Its hub listens on a free port of 127.0.0.1, without a proxy before it and without servers of users. A watcher takes
//! it and its folder away when this process dies without cleaning up. `tests/jupyterhub` has its configuration and the
//! list of Python packages, which `tests/install` puts into `<target>/clients/jupyterhub`.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, Method, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Log, Process, Watcher, free_port};

/// A running private hub; it and its folder go when this is dropped.
#[derive(Debug)]
pub struct JupyterHub {
    port: u16,
    process: Option<Process>,
    // Last, so that they are dismissed after all else is gone.
    _folder: TempDir,
    _watcher: Watcher,
}

impl JupyterHub {
    /// Starts a hub with the services `vault` ([`VAULT_TOKEN`]) and `operator`, which may do everything.
    ///
    /// # Errors
    /// When JupyterHub is not installed or does not come up; then the error holds its log.
    pub fn start() -> Result<Self> {
        let program = crate::vault::binary()?;
        let target = program.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
        let python = target.join("clients/jupyterhub/bin/python");
        if !python.exists() {
            bail!(
                "{} is missing: run tests/install (with CARGO_TARGET_DIR={})",
                python.display(),
                target.display()
            );
        }
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("jupyterhub/jupyterhub_config.py");
        // Between choosing a free port and listening on it, another process can take it.
        for attempt in 1.. {
            let folder = tempfile::Builder::new().prefix("rotunda-hub-").tempdir()?;
            let mut watcher = Watcher::over(folder.path())?;
            let port = free_port()?;
            let log: Arc<Log> = Arc::default();
            // As this user, who has installed it.
            let mut command = Command::new(&python);
            command
                .args(["-m", "jupyterhub", "-f"])
                .arg(&config)
                .env_clear()
                .env("PATH", "/usr/bin:/bin")
                .current_dir(folder.path())
                .env("HOME", folder.path())
                .env("HUB_PORT", port.to_string())
                .env("HUB_VAULT_TOKEN", VAULT_TOKEN)
                .env("HUB_OPERATOR_TOKEN", OPERATOR_TOKEN);
            match Process::start_watched(&mut command, "JupyterHub is now running", &log, &mut watcher) {
                Ok(process) => {
                    return Ok(Self { port, process: Some(process), _folder: folder, _watcher: watcher });
                }
                Err(error) if attempt == START_ATTEMPTS => return Err(error),
                Err(error) if !log.text().contains("Address already in use") => return Err(error),
                Err(_) => {}
            }
        }
        bail!("no attempt was made")
    }

    /// The port of the API on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes a user anew, an administrator of the hub, with a token that a person made.
    ///
    /// # Errors
    /// When the hub refuses.
    pub async fn create_user(&self, name: &str) -> Result<()> {
        let user = format!("users/{}", piece(name));
        let (status, _) = self.ask(Method::DELETE, &user, None, OPERATOR_TOKEN).await?;
        if status != StatusCode::NO_CONTENT && status != StatusCode::NOT_FOUND {
            bail!("deleting the user {name}: {status}");
        }
        self.admin(Method::POST, &user, Some(json!({ "admin": true }))).await?;
        self.admin(Method::POST, &format!("{user}/tokens"), Some(json!({ "note": "by hand" })))
            .await
            .map(drop)
    }

    /// Takes the administrator's part from a user.
    ///
    /// # Errors
    /// When the hub refuses.
    pub async fn demote(&self, name: &str) -> Result<()> {
        let body = json!({ "admin": false });
        self.admin(Method::PATCH, &format!("users/{}", piece(name)), Some(body)).await.map(drop)
    }

    /// The tokens of a user.
    ///
    /// # Errors
    /// When the hub refuses.
    pub async fn tokens(&self, name: &str) -> Result<Vec<Value>> {
        let told = self.admin(Method::GET, &format!("users/{}/tokens", piece(name)), None).await?;
        told.get("api_tokens").and_then(Value::as_array).cloned().context("the hub told no list of tokens")
    }

    /// Whether this token opens this user.
    ///
    /// # Errors
    /// When the hub judged nothing.
    pub async fn accepts(&self, name: &str, token: &str) -> Result<bool> {
        match self.ask(Method::GET, "user", None, token).await? {
            (StatusCode::OK, me) => Ok(me.get("name").and_then(Value::as_str) == Some(name)),
            (StatusCode::FORBIDDEN, _) => Ok(false),
            (status, _) => bail!("{status} in answer to a token"),
        }
    }

    async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let (status, told) = self.ask(method, path, body, OPERATOR_TOKEN).await?;
        if !status.is_success() {
            bail!("{path}: {status} {told}");
        }
        Ok(told)
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        token: &str,
    ) -> Result<(StatusCode, Value)> {
        let client = Client::builder().no_proxy().timeout(ANSWER_TIME_MAX).build()?;
        let address = format!("http://127.0.0.1:{}/hub/api/{path}", self.port);
        let mut request = client.request(method, address).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        Ok((response.status(), serde_json::from_slice(&response.bytes().await?).unwrap_or(Value::Null)))
    }
}

impl Drop for JupyterHub {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            // Nobody is left to tell; the watcher would try again if this process failed on the way.
            let _ = process.end(Signal::KILL);
        }
    }
}

fn piece(name: &str) -> String {
    rotators::http::template::percent_encoded(name)
}

/// The token by which the vault manages users' tokens.
pub const VAULT_TOKEN: &str = "the-vault-of-the-hub-may-tokens";
const OPERATOR_TOKEN: &str = "the-operator-of-the-hub-may-all";
const START_ATTEMPTS: u32 = 5;
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);
