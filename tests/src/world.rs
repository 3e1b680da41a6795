//! One private PostgreSQL, a proxy before it and a vault before that: the stage of the stories.
//!
//! The vault reaches the server only through the proxy; the tests look at the server directly, so what
//! they see is what the server really holds.

use std::future::poll_fn;
use std::process::Output;
use std::task::Poll;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::postgres::{Connected, PostgresOptions, PostgresServer, connect};
use crate::proxy::FaultProxy;
use crate::vault::{Answer, ROOT, Vault};

/// Server, proxy and vault.
#[derive(Debug)]
pub struct World {
    /// The vault.
    pub vault: Vault,
    /// Between vault and server.
    pub proxy: FaultProxy,
    /// The server.
    pub server: PostgresServer,
}

/// A credential as the vault hands it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The role.
    pub username: String,
    /// Its password.
    pub password: String,
    /// Which version that is.
    pub version: u64,
    /// The lease, when it was checked out.
    pub lease: String,
}

impl Credential {
    /// From an answer of `creds` or `check-out`.
    ///
    /// # Errors
    /// When the answer is a refusal or has no credential.
    pub fn of(answer: &Answer) -> Result<Self> {
        let data = answer.data()?;
        let text = |name: &str| data[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
        Ok(Self {
            username: text("username")?,
            password: text("password")?,
            version: data["version"].as_u64().context("no version")?,
            lease: answer.text("/lease_id").to_owned(),
        })
    }
}

impl World {
    /// A quick server with the management role [`KEEPER`], configured as the target `pg`, and the rotation
    /// policy [`QUICK`].
    ///
    /// # Errors
    /// When a part does not come up.
    pub async fn new() -> Result<Self> {
        Self::with(&[]).await
    }

    /// The same with further lines in `postgresql.conf`.
    ///
    /// # Errors
    /// As [`World::new`].
    pub async fn with(config: &[&str]) -> Result<Self> {
        Self::before(Vault::start().await?, config).await
    }

    /// The same with an unsealed vault that is there already and knows the token [`ROOT`].
    ///
    /// # Errors
    /// As [`World::new`].
    pub async fn before(vault: Vault, config: &[&str]) -> Result<Self> {
        let config = config.iter().map(|&line| line.to_owned()).collect();
        let options = PostgresOptions { fast: true, config, ..PostgresOptions::default() };
        let server = PostgresServer::start_with(&options)?;
        let proxy = FaultProxy::start(server.port()).await?;
        let world = Self { vault, proxy, server };
        world.sql(&format!("CREATE ROLE {KEEPER} SUPERUSER LOGIN PASSWORD '{KEEPER_PASSWORD}'")).await?;
        world.target("pg", json!({})).await?;
        let quick = json!({
            "rotation_period": "24h", "retries": 3, "retry_base": "1s", "retry_cap": "1s",
        });
        world.wrote(&format!("rotation-policies/{QUICK}"), quick).await?;
        Ok(world)
    }

    /// Configures the server as a target, through the proxy, with short deadlines; `more` is added to the
    /// request.
    ///
    /// # Errors
    /// When the vault refuses it.
    pub async fn target(&self, name: &str, more: Value) -> Result<()> {
        let mut body = json!({
            "rotator": "postgresql",
            "connection_url": self.url(),
            "username": KEEPER,
            "password": KEEPER_PASSWORD,
        });
        merge(&mut body, more);
        self.wrote(&format!("targets/config/{name}"), body).await
    }

    /// The address template of the server behind the proxy, with short deadlines.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}&connect_timeout=6s&statement_timeout=6s", self.proxy.url_template())
    }

    /// Runs SQL as the superuser, past the proxy.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn sql(&self, text: &str) -> Result<()> {
        Ok(self.server.admin().await?.batch_execute(text).await?)
    }

    /// Creates the role `role` with the password [`before`].
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn role(&self, role: &str) -> Result<()> {
        self.sql(&format!("CREATE ROLE \"{role}\" LOGIN PASSWORD '{}'", before(role))).await
    }

    /// Creates the role `role` and puts it under the vault's care as the account `path`, with the policy
    /// [`QUICK`].
    ///
    /// # Errors
    /// When the first rotation does not succeed.
    pub async fn adopted(&self, path: &str, role: &str) -> Result<Credential> {
        self.role(role).await?;
        self.configured(path, role, json!({})).await?;
        self.credential(path).await
    }

    /// Configures the account `path` with the policy [`QUICK`] and what `more` says.
    ///
    /// # Errors
    /// When the vault refuses it, or it is not in order afterwards.
    pub async fn configured(&self, path: &str, role: &str, more: Value) -> Result<Value> {
        let mut body = json!({ "target": "pg", "username": role, "rotation_policy": QUICK });
        merge(&mut body, more);
        let answer = self.vault.post(&format!("accounts/config/{path}"), body).await?;
        let status = answer.data()?.clone();
        ensure!(at_rest(&status), "{status}");
        Ok(status)
    }

    /// What a reader gets now.
    ///
    /// # Errors
    /// When the vault hands nothing out.
    pub async fn credential(&self, path: &str) -> Result<Credential> {
        Credential::of(&self.vault.get(&format!("accounts/creds/{path}")).await?)
    }

    /// Checks `path` out as the owner of `token`.
    ///
    /// # Errors
    /// When the vault does not answer.
    pub async fn check_out(&self, token: &str, path: &str, body: Value) -> Result<Answer> {
        self.vault.call(Method::POST, &format!("accounts/check-out/{path}"), Some(body), token).await
    }

    /// Checks `path` in as the owner of `token`.
    ///
    /// # Errors
    /// When the vault does not answer.
    pub async fn check_in(&self, token: &str, path: &str, body: Value) -> Result<Answer> {
        self.vault.call(Method::POST, &format!("accounts/check-in/{path}"), Some(body), token).await
    }

    /// Asks for a rotation.
    ///
    /// # Errors
    /// When the vault does not answer.
    pub async fn rotate(&self, path: &str) -> Result<Answer> {
        self.vault.post(&format!("accounts/rotate/{path}"), json!({})).await
    }

    /// Whether the server lets this credential in.
    ///
    /// # Errors
    /// When the server does not judge it.
    pub async fn accepts(&self, credential: &Credential) -> Result<bool> {
        self.server.accepts(&credential.username, &credential.password).await
    }

    /// A session of this credential, past the proxy.
    ///
    /// # Errors
    /// When the server does not let it in.
    pub async fn session(&self, credential: &Credential) -> Result<Connected> {
        connect(self.server.port(), &credential.username, &credential.password).await
    }

    /// `accounts/status/<path>`.
    ///
    /// # Errors
    /// When the vault refuses it.
    pub async fn status(&self, path: &str) -> Result<Value> {
        Ok(self.vault.get(&format!("accounts/status/{path}")).await?.data()?.clone())
    }

    /// Waits until the status of `path` is as wanted.
    ///
    /// # Errors
    /// When it has not become so within [`PATIENCE`]; shows the last status.
    pub async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let status = self.status(path).await?;
            if wanted(&status) {
                return Ok(status);
            }
            ensure!(tokio::time::Instant::now() < deadline, "{path} has not come to it: {status}");
            tokio::time::sleep(PULSE).await;
        }
    }

    /// Waits until nothing is wrong with `path` and nothing is going on, and shows that the served
    /// credential opens the server.
    ///
    /// # Errors
    /// When it does not heal, or what is served then is refused by the server.
    pub async fn healed(&self, path: &str) -> Result<Credential> {
        self.until(path, at_rest).await?;
        let credential = self.credential(path).await?;
        ensure!(self.accepts(&credential).await?, "what is served does not log in");
        Ok(credential)
    }

    /// Every incident so far, oldest first.
    ///
    /// # Errors
    /// When the vault refuses it.
    pub async fn incidents(&self) -> Result<Vec<Value>> {
        let answer = self.vault.get("incidents?state=all").await?;
        answer.data()?["incidents"].as_array().cloned().context("no list of incidents")
    }

    /// The one incident of `path`: closed, of this class, opened once whatever was tried, and with its marks
    /// in order. Where the trouble is the target's, that of the target, which the account has left by proof.
    ///
    /// # Errors
    /// When it is not so.
    pub async fn closed_incident(&self, path: &str, class: &str) -> Result<Value> {
        let incidents = self.incidents().await?;
        let of_path: Vec<&Value> = incidents.iter().filter(|incident| incident["subject"] == path).collect();
        if of_path.is_empty() {
            return self.left_by_proof(path, class, &incidents).await;
        }
        let [listed] = of_path.as_slice() else { bail!("not one incident of {path}: {of_path:?}") };
        let id = listed["id"].as_str().context("no id")?;
        let answer = self.vault.get(&format!("incidents/{id}")).await?;
        let incident = answer.data()?;
        let word = |name: &str| incident.get(name).and_then(Value::as_str).unwrap_or_default();
        ensure!(word("class") == class && word("state") == "closed", "{incident}");
        let events = incident.get("events").and_then(Value::as_array).context("no events")?;
        let opened = events.iter().filter(|event| event["kind"] == "opened").count();
        ensure!(opened == 1 && events.iter().all(|event| event["kind"] != "reopened"), "{incident}");
        let marks = ["/marks/t0", "/marks/t1", "/marks/t2", "/marks/t3", "/marks/t6", "/marks/t7"]
            .map(|mark| incident.pointer(mark).and_then(Value::as_str));
        ensure!(marks.iter().all(Option::is_some) && marks.is_sorted(), "{incident}");
        Ok(incident.clone())
    }

    /// The one incident of the target, which is closed, with `path` among those that were beneath it.
    async fn left_by_proof(&self, path: &str, class: &str, incidents: &[Value]) -> Result<Value> {
        let targets: Vec<&Value> = incidents.iter().filter(|incident| incident["kind"] == "target").collect();
        let [group] = targets.as_slice() else { bail!("not one incident of a target: {targets:?}") };
        ensure!(group["state"] == "closed" && group["class"] == class, "{group}");
        ensure!(
            group["accounts_open"] == 0 && group.pointer("/marks/t7").is_some_and(Value::is_string),
            "{group}"
        );
        let id = group["id"].as_str().context("no id")?;
        let answer = self.vault.get(&format!("incidents/{id}/accounts")).await?;
        let members = answer.data()?["accounts"].as_array().cloned().context("no accounts")?;
        let member = members.iter().find(|member| member["account"] == path);
        let member = member.with_context(|| format!("{path} was not beneath it: {members:?}"))?;
        ensure!(member["state"] == "proven" && member["class"] == class, "{member}");
        Ok((*group).clone())
    }

    /// The kinds of the lines of an account's history, oldest first.
    ///
    /// # Errors
    /// When the vault refuses it.
    pub async fn history(&self, path: &str) -> Result<Vec<String>> {
        let answer = self.vault.get(&format!("accounts/history/{path}")).await?;
        let events = answer.data()?["events"].as_array().cloned().context("no events")?;
        Ok(events.iter().map(|event| event["kind"].as_str().unwrap_or_default().to_owned()).collect())
    }

    /// A write as root that must succeed.
    ///
    /// # Errors
    /// When it does not.
    pub async fn wrote(&self, path: &str, body: Value) -> Result<()> {
        let answer = self.vault.post(path, body).await?;
        ensure!(answer.is_success(), "{path}: status {}: {}", answer.status, answer.errors());
        Ok(())
    }

    /// A token of somebody called `name` who may use every account, and nothing else.
    ///
    /// # Errors
    /// When the vault refuses it.
    pub async fn engineer(&self, name: &str) -> Result<String> {
        let policy = r#"path "accounts/*" { capabilities = ["create", "read", "update", "list"] }"#;
        self.wrote("sys/policies/acl/engineer", json!({ "policy": policy })).await?;
        self.vault.token(name, &["engineer"]).await
    }

    /// Runs the command line as the owner of `token`.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub async fn cli(&self, token: &str, arguments: &[&str]) -> Result<Output> {
        let mut command = self.vault.command()?;
        command.args(arguments).env("VAULT_TOKEN", token);
        // The proxy lives in this process: it must go on while the command runs.
        Ok(tokio::task::spawn_blocking(move || command.output()).await??)
    }

    /// Runs the command line as root with `--format json`; what it printed.
    ///
    /// # Errors
    /// When it fails.
    pub async fn cli_json(&self, arguments: &[&str]) -> Result<Value> {
        let output = self.cli(ROOT, &[arguments, &["--format", "json"]].concat()).await?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?} ended with {}: {stderr}", output.status);
        serde_json::from_slice(&output.stdout).with_context(|| format!("{arguments:?} printed no JSON"))
    }
}

/// The password that a role has before the vault knows it. It does not hold the role's name, which the
/// server's own policy module would refuse.
#[must_use]
pub fn before(role: &str) -> String {
    format!("set_by_hand_{}", role.len())
}

/// Runs `works` at the same time; their results in the same order.
pub async fn together<T>(works: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut works: Vec<_> = works.into_iter().map(|work| (Box::pin(work), None)).collect();
    poll_fn(|context| {
        for (work, result) in works.iter_mut().filter(|(_, result)| result.is_none()) {
            if let Poll::Ready(value) = work.as_mut().poll(context) {
                *result = Some(value);
            }
        }
        if works.iter().all(|(_, result)| result.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    works.into_iter().filter_map(|(_, result)| result).collect()
}

/// Whether a status says that nothing is wrong and nothing is going on.
fn at_rest(status: &Value) -> bool {
    status.get("state").is_some_and(|state| state == "idle") && status.get("incident").is_none()
}

/// Adds the members of `more`.
fn merge(body: &mut Value, more: Value) {
    if let (Value::Object(body), Value::Object(more)) = (body, more) {
        body.extend(more);
    }
}

/// The management role of every target.
pub const KEEPER: &str = "keeper";
/// Its password at first.
pub const KEEPER_PASSWORD: &str = "as-it-was-at-1st";
/// A rotation policy with a retry every second and three of them before a person must look.
pub const QUICK: &str = "quick";
/// How long [`World::until`] waits.
pub const PATIENCE: Duration = Duration::from_secs(60);
const PULSE: Duration = Duration::from_millis(50);
