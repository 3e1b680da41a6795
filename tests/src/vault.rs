//! The real `rotunda` program, on a free port with a folder of its own: started, killed, started again.

mod clock;
mod mode;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::postgres::PostgresServer;
use crate::process::free_port;
use mode::Mode;
pub use rotunda_drill::caller::{Answer, Caller};

/// A running vault. Its folder goes when it is dropped; until then it can be killed and started again.
#[derive(Debug)]
pub struct Vault {
    mode: Mode,
    child: Option<Child>,
    folder: TempDir,
    /// What answers it for the machine's clock, where that is to be stepped.
    clock: Option<PathBuf>,
    port: u16,
    caller: Caller,
    starts: u32,
}

impl Vault {
    /// Starts a dev-mode vault that keeps its data, with the root token [`ROOT`].
    ///
    /// # Errors
    /// When the program is missing or does not come up.
    pub async fn start() -> Result<Self> {
        Self::start_as(Mode::Dev).await
    }

    /// Starts `rotunda server` with a configuration file, initialises it with three unseal keys of which two
    /// are needed, and unseals it; also after each [`Vault::start_again`].
    ///
    /// `sections` is TOML that follows `data_dir` and `[listener]`.
    ///
    /// # Errors
    /// When the program is missing or does not come up.
    pub async fn start_configured(sections: &str) -> Result<Self> {
        Self::start_as(Mode::configured(sections)).await
    }

    /// Starts `rotunda server`, which waits to be initialised.
    ///
    /// # Errors
    /// As [`Vault::start`].
    pub async fn start_server() -> Result<Self> {
        Self::start_as(Mode::Server).await
    }

    async fn start_as(mode: Mode) -> Result<Self> {
        Self::start_with(mode, None).await
    }

    async fn start_with(mode: Mode, clock: Option<PathBuf>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("rotunda-test-").tempdir()?;
        let port = free_port()?;
        let caller = Caller::of(port)?;
        let mut vault = Self { mode, child: None, folder, clock, port, caller, starts: 0 };
        vault.start_again().await?;
        Ok(vault)
    }

    /// Starts the program on the same folder and port, and waits until it answers, unsealed.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_again(&mut self) -> Result<()> {
        self.launch()?;
        self.ready().await
    }

    /// Starts the program on the same folder and port, and waits for nothing.
    ///
    /// # Errors
    /// When the program is missing.
    pub fn launch(&mut self) -> Result<()> {
        ensure!(self.child.is_none(), "the vault is running");
        self.starts += 1;
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log_file())?;
        let mut command = Command::new(binary()?);
        self.mode.arguments(&mut command, self.folder.path(), self.port)?;
        if let Some(library) = &self.clock {
            clock::apply(&mut command, library, self.folder.path());
        }
        let child = command
            .env("RUST_LOG", "debug,hyper=info,h2=info,rustls=info,sled=info,tokio_postgres=debug")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start rotunda")?;
        self.child = Some(child);
        Ok(())
    }

    /// Waits until the program that was launched answers, unsealed.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn ready(&mut self) -> Result<()> {
        for _ in 0..START_POLLS {
            match self.call(Method::GET, "sys/health", None, "").await {
                Ok(answer) if answer.status == 200 || self.mode.is_bare() => return Ok(()),
                Ok(answer) if self.mode.is_configured() => self.open(answer.status).await?,
                Ok(_) | Err(_) => {}
            }
            let ended = self.child.as_mut().map(Child::try_wait).transpose()?.flatten();
            if let Some(status) = ended {
                self.child = None;
                bail!("rotunda ended with {status}: {}", self.log());
            }
            tokio::time::sleep(POLL).await;
        }
        bail!("rotunda does not answer: {}", self.log())
    }

    /// Kills the program at once, as a crash would.
    ///
    /// # Errors
    /// When there is no process to kill.
    pub fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the vault is not running")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Asks the program to end, and waits until it has.
    ///
    /// # Errors
    /// When it does not end well.
    pub fn terminate(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the vault is not running")?;
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let status = child.wait()?;
        ensure!(status.success(), "rotunda ended with {status}: {}", self.log());
        Ok(())
    }

    /// One request.
    ///
    /// # Errors
    /// When no answer came (the vault is down).
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>, token: &str) -> Result<Answer> {
        self.caller.call(method, path, body, token).await
    }

    /// Who calls this vault, for tasks of their own.
    #[must_use]
    pub fn caller(&self) -> Caller {
        self.caller.clone()
    }

    /// A write as root.
    ///
    /// # Errors
    /// As [`Vault::call`].
    pub async fn post(&self, path: &str, body: Value) -> Result<Answer> {
        self.call(Method::POST, path, Some(body), self.root()).await
    }

    /// A read as root.
    ///
    /// # Errors
    /// As [`Vault::call`].
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.call(Method::GET, path, None, self.root()).await
    }

    /// What Prometheus reads.
    ///
    /// # Errors
    /// When no answer came, or a refusal.
    pub async fn metrics(&self) -> Result<String> {
        let asked = reqwest::Client::new().get(format!("{}/v1/sys/metrics", self.address()));
        let answer = asked.header("X-Vault-Token", self.root()).send().await?.error_for_status()?;
        Ok(answer.text().await?)
    }

    /// Configures the server as the target `pg`, through `url_template`.
    ///
    /// # Errors
    /// When the vault refuses it.
    pub async fn target(&self, server: &PostgresServer, url_template: &str) -> Result<()> {
        let body = json!({
            "rotator": "postgresql",
            "connection_url": url_template,
            "username": server.superuser(),
            "password": server.superuser_password(),
        });
        let answer = self.post("targets/config/pg", body).await?;
        ensure!(answer.is_success(), "{}", answer.errors());
        Ok(())
    }

    /// Adopts the role `username` of target `pg` as the account `path`.
    ///
    /// # Errors
    /// When the vault refuses it, or the first rotation failed.
    pub async fn adopt(&self, path: &str, username: &str) -> Result<()> {
        let body = json!({ "target": "pg", "username": username });
        let answer = self.post(&format!("accounts/config/{path}"), body).await?;
        ensure!(answer.is_success() && answer.text("/data/state") == "idle", "{}", answer.body);
        Ok(())
    }

    /// A child token with the given policies; returns the token itself.
    ///
    /// # Errors
    /// When the vault refuses it.
    pub async fn token(&self, name: &str, policies: &[&str]) -> Result<String> {
        let body = json!({ "display_name": name, "policies": policies });
        let answer = self.post("auth/token/create", body).await?;
        ensure!(answer.is_success(), "{}", answer.errors());
        Ok(answer.text("/auth/client_token").to_owned())
    }

    /// `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn address(&self) -> String {
        self.caller.address().to_owned()
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The plugin directory of a dev-mode vault; made when a plugin is put there.
    #[must_use]
    pub fn plugins(&self) -> PathBuf {
        self.folder.path().join(PLUGINS)
    }

    /// The configuration file of a configured server.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.folder.path().join(mode::CONFIG_FILE)
    }

    /// The audit file.
    #[must_use]
    pub fn audit_file(&self) -> PathBuf {
        self.data().join("audit.log")
    }

    /// Where everything that the program prints goes.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Everything that the program has printed.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// The process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The `rotunda` command line, pointed at this vault as root.
    ///
    /// # Errors
    /// When the program is missing.
    pub fn command(&self) -> Result<Command> {
        let mut command = Command::new(binary()?);
        command
            .env("VAULT_ADDR", self.address())
            .env("VAULT_TOKEN", self.root())
            .env("HOME", self.folder.path())
            .env_remove("VAULT_FORMAT")
            .stdin(Stdio::null());
        Ok(command)
    }

    /// Runs `rotunda audit verify` on the audit file and returns whether it found everything in order.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub fn audit_is_intact(&self) -> Result<bool> {
        let output = self.command()?.args(["audit", "verify"]).arg(self.audit_file()).output()?;
        Ok(output.status.success())
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        if self.child.is_some() {
            let _ = self.kill();
        }
    }
}

/// The `rotunda` program that was built with these tests.
///
/// # Errors
/// When it was not built.
pub fn binary() -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    // <target>/<profile>/deps/<test> → <target>/<profile>/rotunda
    let profile =
        test.parent().and_then(Path::parent).context("the test program stands in no target folder")?;
    let binary = profile.join("rotunda");
    ensure!(binary.exists(), "{} is missing; build it first: cargo build -p vault-server", binary.display());
    Ok(binary)
}

/// The root token of every dev-mode vault that these tests start.
pub const ROOT: &str = "root-of-the-tests";

const PLUGINS: &str = "plugins";
const START_POLLS: u32 = 6000;
const POLL: Duration = Duration::from_millis(5);
