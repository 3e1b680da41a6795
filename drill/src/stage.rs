//! One server with its proxy and its accounts in the vault's care, and what the drill asks the vault about them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::time::Instant;
use vault_core::clock::{Clock, SystemClock, Timestamp};

use crate::expected::MAX_CONCURRENCY;
use crate::fault::Kind;
use crate::proxy::FaultProxy;
use crate::receiver::Receiver;
use crate::server::Server;
use crate::vault::{Typed, Vault};

/// A server before which a proxy stands, as a target of the vault.
pub(crate) struct Stage<'a> {
    pub(crate) kind: Kind,
    pub(crate) vault: &'a Vault,
    pub(crate) receiver: &'a Receiver,
    pub(crate) server: Server,
    pub(crate) proxy: FaultProxy,
    /// The target's name in the vault.
    pub(crate) target: String,
    pub(crate) accounts: Vec<Member>,
    /// The management credential's password, as a person set it last.
    pub(crate) management: String,
}

/// An account in the vault's care.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Its path in the vault.
    pub(crate) path: String,
    /// Its name on the server.
    pub(crate) username: String,
}

/// A password as the vault hands it out.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) version: u64,
}

impl<'a> Stage<'a> {
    /// Starts a server, makes accounts on it, and has the vault take them into its care: each gets a new password.
    pub(crate) async fn set(
        kind: Kind,
        vault: &'a Vault,
        receiver: &'a Receiver,
        accounts: usize,
    ) -> Result<Self> {
        let server = Server::start(kind).await?;
        let proxy = match kind {
            Kind::Postgresql => FaultProxy::start(server.port()).await?,
            Kind::Ldap => FaultProxy::start_plain(server.port()).await?,
        };
        let target = format!("drill-{}", kind.word());
        let member = |number: usize| {
            let username = format!("app{number:03}");
            Member { path: format!("{}/{username}", kind.word()), username }
        };
        let accounts: Vec<Member> = (0..accounts).map(member).collect();
        let management =
            server.target(0).get("password").and_then(Value::as_str).unwrap_or_default().to_owned();
        let stage = Self { kind, vault, receiver, server, proxy, target, accounts, management };
        stage.adopt().await?;
        Ok(stage)
    }

    async fn adopt(&self) -> Result<()> {
        let names: Vec<String> = self.accounts.iter().map(|member| member.username.clone()).collect();
        self.server.create(&names, BEFORE).await?;
        let mut target = self.server.target(self.proxy.port());
        if let Some(fields) = target.as_object_mut() {
            fields.insert("max_concurrency".to_owned(), json!(MAX_CONCURRENCY));
        }
        self.vault.wrote(&format!("targets/config/{}", self.target), target).await?;
        let configure = |member: Member| async move {
            let body =
                json!({ "target": self.target, "username": member.username, "rotation_policy": POLICY });
            let status = self.vault.wrote(&format!("accounts/config/{}", member.path), body).await?;
            ensure!(status.get("state").is_some_and(|state| state == "idle"), "{}: {status}", member.path);
            Ok(())
        };
        self.for_each(&self.accounts, configure).await?;
        Ok(())
    }

    /// Does this to all of them, several at once.
    pub(crate) async fn for_each<T, F>(
        &self,
        members: &[Member],
        work: impl Fn(Member) -> F,
    ) -> Result<Vec<T>>
    where
        F: Future<Output = Result<T>>,
    {
        let next = AtomicUsize::new(0);
        let worker = || async {
            let mut done = Vec::new();
            while let Some((at, member)) = {
                let at = next.fetch_add(1, Ordering::Relaxed);
                members.get(at).map(|member| (at, member))
            } {
                done.push((at, work(member.clone()).await?));
            }
            Ok::<_, anyhow::Error>(done)
        };
        let (a, b, c, d) = tokio::try_join!(worker(), worker(), worker(), worker())?;
        let mut all: Vec<(usize, T)> = [a, b, c, d].into_iter().flatten().collect();
        all.sort_by_key(|(at, _)| *at);
        Ok(all.into_iter().map(|(_, one)| one).collect())
    }

    /// What a reader gets now.
    pub(crate) async fn credential(&self, path: &str) -> Result<Credential> {
        let data = self.vault.data(&format!("accounts/creds/{path}")).await?;
        let text = |name: &str| data.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        Ok(Credential {
            username: text("username").context("no user name")?,
            password: text("password").context("no password")?,
            version: data.get("version").and_then(Value::as_u64).context("no version")?,
        })
    }

    /// What readers of these accounts get now, in their order.
    pub(crate) async fn credentials(&self, members: &[Member]) -> Result<Vec<Credential>> {
        self.for_each(members, |member| async move { self.credential(&member.path).await }).await
    }

    /// How many of these the server lets in, found out past vault and proxy.
    pub(crate) async fn let_in(&self, credentials: &[Credential]) -> Result<usize> {
        let mut count = 0;
        for one in credentials {
            count += usize::from(self.server.accepts(&one.username, &one.password).await?);
        }
        Ok(count)
    }

    /// Asks for a rotation of each; whether that succeeded.
    pub(crate) async fn rotate(&self, members: &[Member]) -> Result<Vec<bool>> {
        let rotate = |member: Member| async move {
            let answer = self.vault.post(&format!("accounts/rotate/{}", member.path), json!({})).await?;
            Ok(answer.is_success())
        };
        self.for_each(members, rotate).await
    }

    /// Types a command, words parted by blanks; in the table it stands with `ID`, `PATH` and `NAME` for what they were.
    pub(crate) async fn typed(&self, words: &str, input: &str) -> Result<Typed> {
        self.vault.typed(&words.split(' ').collect::<Vec<_>>(), input).await
    }

    /// All incidents of this target and of accounts on it.
    pub(crate) async fn incidents(&self) -> Result<Vec<Value>> {
        let data = self.vault.data("incidents?state=all").await?;
        let all = data.get("incidents").and_then(Value::as_array).context("no list of incidents")?;
        let is_here = |one: &&Value| one.get("target").is_some_and(|target| *target == *self.target);
        Ok(all.iter().filter(is_here).cloned().collect())
    }

    /// One incident with its time line.
    pub(crate) async fn incident(&self, id: &str) -> Result<Value> {
        self.vault.data(&format!("incidents/{id}")).await
    }

    /// The accounts of this stage that are beneath a target's incident now, each with its state.
    pub(crate) async fn beneath(&self, id: &str) -> Result<Vec<String>> {
        let (mut states, mut after) = (Vec::new(), String::new());
        loop {
            let data = self.vault.data(&format!("incidents/{id}/accounts?limit=1000&after={after}")).await?;
            let page = data.get("accounts").and_then(Value::as_array).context("no accounts")?;
            for one in page {
                let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
                let is_ours = self.accounts.iter().any(|member| member.path == text("account"));
                if is_ours && ["open", "parked"].contains(&text("state")) {
                    states.push(text("state").to_owned());
                }
            }
            match data.get("next").and_then(Value::as_str) {
                Some(next) => next.clone_into(&mut after),
                None => return Ok(states),
            }
        }
    }

    /// How many `incident.opened` about this target came so far.
    pub(crate) fn pages(&self) -> usize {
        self.receiver.about("incident.opened", &self.target).len()
    }

    /// Ends the server and leaves its folder.
    pub(crate) fn keep(self) -> Result<PathBuf> {
        self.server.keep()
    }
}

/// Asks until the answer is not `None`.
///
/// # Errors
/// When that takes longer than `patience`, or an answer is an error.
pub(crate) async fn until<T, F>(what: &str, patience: Duration, mut ask: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = ask().await? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            bail!("{what} did not come within {} s", patience.as_secs());
        }
        tokio::time::sleep(PULSE).await;
    }
}

/// Now, by the clock that the vault looks at as well.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

/// The rotation policy of all accounts.
pub(crate) const POLICY: &str = "drill";
/// The password of every account before the vault knows it.
const BEFORE: &str = "as-everybody-knew-it-4711";
const PULSE: Duration = Duration::from_millis(200);
