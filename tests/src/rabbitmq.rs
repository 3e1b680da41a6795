//! A private RabbitMQ server for tests, and the administrator's part without the rotator.
//!
//! It has a node name, a data folder, an Erlang port mapper and ports of its own, all in a temporary folder or
//! on 127.0.0.1, and no user `guest`. Watchers take servers and folder away when this process dies without
//! cleaning up.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, Method, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::postgres::tls;
use crate::process::{Log, Process, RunAs, Watcher, free_port};

mod amqp;

pub use amqp::Connection;

/// What a server shall be like.
#[derive(Clone, Debug, Default)]
pub struct RabbitOptions {
    /// Offer TLS on both ports instead of cleartext, by a certificate for `localhost` and 127.0.0.1.
    pub tls: bool,
    /// Further lines for `rabbitmq.conf`.
    pub config: Vec<String>,
}

/// A running private server; it and its folder go when this is dropped.
#[derive(Debug)]
pub struct RabbitServer {
    run_as: RunAs,
    ports: Ports,
    log: Arc<Log>,
    server: Option<Process>,
    mapper: Option<Process>,
    // Last, so that they are dismissed after all else is gone.
    folder: TempDir,
    watchers: [Watcher; 2],
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    management: u16,
    amqp: u16,
    distribution: u16,
    mapper: u16,
}

impl RabbitServer {
    /// Starts a server as `options` say.
    ///
    /// # Errors
    /// When RabbitMQ is not installed or does not come up; then the error holds its log.
    pub fn start_with(options: &RabbitOptions) -> Result<Self> {
        let run_as = RunAs::one_of(&["rabbitmq"])?;
        // Between choosing free ports and listening on them, another process can take one.
        for attempt in 1.. {
            let folder = run_as.temporary_folder("rotunda-rabbit-")?;
            let watchers = [Watcher::over(folder.path())?, Watcher::over(folder.path())?];
            let ports = Ports {
                management: free_port()?,
                amqp: free_port()?,
                distribution: free_port()?,
                mapper: free_port()?,
            };
            let log = Arc::default();
            let mut server = Self { run_as, ports, log, server: None, mapper: None, folder, watchers };
            match server.launch(options) {
                Ok(()) => return Ok(server),
                Err(error) if attempt == START_ATTEMPTS => return Err(error),
                Err(error) if !server.log.text().contains("eaddrinuse") => return Err(error),
                Err(_) => {}
            }
        }
        bail!("no attempt was made")
    }

    /// The port of the management API on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.ports.management
    }

    /// The port of AMQP on 127.0.0.1.
    #[must_use]
    pub fn amqp_port(&self) -> u16 {
        self.ports.amqp
    }

    /// The certificate authority's file in PEM, when TLS was asked for.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join(tls::CA_FILE)
    }

    /// What the server has logged, with certainty everything up to this call.
    ///
    /// # Errors
    /// When the mark that is put into the log does not show up.
    pub async fn log_until_now(&self) -> Result<String> {
        let mark = format!("mark-{}", self.log.text().len());
        let refused = self.request(Method::GET, "whoami", None, &mark, "x").await?;
        if refused.0 != StatusCode::UNAUTHORIZED {
            bail!("the server answers a stranger with {}", refused.0);
        }
        for _ in 0..LOG_CHECKS_MAX {
            let log = self.log.text();
            if log.contains(&format!("user '{mark}'")) {
                return Ok(log);
            }
            tokio::time::sleep(LOG_CHECK_PAUSE).await;
        }
        bail!("the server's log does not show '{mark}'")
    }

    /// A request of the administrator's that must succeed; the path is below `/api/`.
    ///
    /// # Errors
    /// When the server refuses it or cannot be reached.
    pub async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let (status, answer) = self.request(method, path, body, ADMIN, ADMIN_PASSWORD).await?;
        if !status.is_success() {
            bail!("{path}: {status} {answer}");
        }
        Ok(answer)
    }

    /// Makes a user anew, with this password, these tags and every permission in the first virtual host.
    ///
    /// # Errors
    /// As [`RabbitServer::admin`].
    pub async fn create_user(&self, name: &str, password: &str, tags: &str) -> Result<()> {
        let path = format!("users/{}", rotators::rabbitmq::command::path_piece(name));
        let (status, _) = self.request(Method::DELETE, &path, None, ADMIN, ADMIN_PASSWORD).await?;
        if !status.is_success() && status != StatusCode::NOT_FOUND {
            bail!("{path}: {status}");
        }
        self.admin(Method::PUT, &path, Some(json!({ "password": password, "tags": tags }))).await?;
        let all = json!({ "configure": ".*", "write": ".*", "read": ".*" });
        self.admin(Method::PUT, &permissions(name), Some(all)).await.map(drop)
    }

    /// Whether AMQP takes this login.
    ///
    /// # Errors
    /// When it failed for another reason than the credential.
    pub async fn accepts(&self, username: &str, password: &str) -> Result<bool> {
        Ok(Connection::open(self.ports.amqp, username, password).await?.is_some())
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        username: &str,
        password: &str,
    ) -> Result<(StatusCode, Value)> {
        let client = Client::builder().no_proxy().timeout(ANSWER_TIME_MAX).build()?;
        let address = format!("http://127.0.0.1:{}/api/{path}", self.ports.management);
        let mut request = client.request(method, address).basic_auth(username, Some(password));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        Ok((response.status(), serde_json::from_slice(&response.bytes().await?).unwrap_or(Value::Null)))
    }

    fn launch(&mut self, options: &RabbitOptions) -> Result<()> {
        self.write_settings(options)?;
        let mut mapper = self.run_as.command(Path::new("epmd"));
        let port = self.ports.mapper.to_string();
        mapper.args(["-d", "-address", "127.0.0.1", "-port", &port]);
        let [of_mapper, of_server] = &mut self.watchers;
        self.mapper = Some(Process::start_watched(&mut mapper, "epmd running", &self.log, of_mapper)?);
        let folder = self.folder.path();
        let mut server = self.run_as.command(Path::new(PROGRAM));
        server
            .current_dir(folder)
            .env("HOME", folder)
            // Becomes the server itself instead of a shell that watches it.
            .env("RUNNING_UNDER_SYSTEMD", "true")
            .env("ERL_EPMD_PORT", port)
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODENAME", format!("rotunda{}@localhost", self.ports.amqp))
            .env("RABBITMQ_DIST_PORT", self.ports.distribution.to_string())
            .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
            .env("RABBITMQ_LOG_BASE", folder.join("log"))
            .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq.conf"))
            .env("RABBITMQ_CONF_ENV_FILE", folder.join("rabbitmq-env.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("enabled_plugins"))
            .env("RABBITMQ_PID_FILE", folder.join("pid"))
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+S 1:1 -kernel inet_dist_use_interface {127,0,0,1}");
        self.server =
            Some(Process::start_watched(&mut server, "Server startup complete", &self.log, of_server)?);
        Ok(())
    }

    fn write_settings(&self, options: &RabbitOptions) -> Result<()> {
        let folder = self.folder.path().display();
        let Ports { management, amqp, .. } = self.ports;
        let listens = if options.tls {
            tls::write(self.folder.path(), |path| self.run_as.give(path))?;
            let files = |name: &str| {
                format!(
                    "{name}.cacertfile = {folder}/{}\n{name}.certfile = {folder}/server.crt\n\
                     {name}.keyfile = {folder}/server.key\n",
                    tls::CA_FILE
                )
            };
            format!(
                "listeners.tcp = none\nlisteners.ssl.1 = 127.0.0.1:{amqp}\n{}ssl_options.verify = verify_none\n\
                 management.ssl.ip = 127.0.0.1\nmanagement.ssl.port = {management}\n{}",
                files("ssl_options"),
                files("management.ssl")
            )
        } else {
            format!(
                "listeners.tcp.1 = 127.0.0.1:{amqp}\nmanagement.tcp.ip = 127.0.0.1\n\
                 management.tcp.port = {management}\n"
            )
        };
        let mut config = format!(
            "{listens}log.console = true\nlog.console.level = info\nlog.file = false\n\
             load_definitions = {folder}/definitions.json\n"
        );
        options.config.iter().for_each(|line| config.push_str(&format!("{line}\n")));
        let definitions = json!({
            "users": [{ "name": ADMIN, "password": ADMIN_PASSWORD, "tags": "administrator" }],
            "vhosts": [{ "name": "/" }],
            "permissions": [{ "user": ADMIN, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*" }],
        });
        for (name, text) in [
            ("rabbitmq.conf", config),
            ("rabbitmq-env.conf", String::new()),
            ("enabled_plugins", "[rabbitmq_management].\n".to_owned()),
            ("definitions.json", definitions.to_string()),
        ] {
            let path = self.folder.path().join(name);
            fs::write(&path, text).with_context(|| format!("{name} cannot be written"))?;
            self.run_as.give(&path)?;
        }
        Ok(())
    }
}

impl Drop for RabbitServer {
    fn drop(&mut self) {
        for process in [self.server.take(), self.mapper.take()].into_iter().flatten() {
            // Nobody is left to tell; the watchers would try again if this process failed on the way.
            let _ = process.end(Signal::KILL);
        }
    }
}

/// The path of a user's permissions in the first virtual host.
#[must_use]
pub fn permissions(name: &str) -> String {
    format!("permissions/%2F/{}", rotators::rabbitmq::command::path_piece(name))
}

/// The user that may do everything.
pub const ADMIN: &str = "admin";
/// Its password, unless a test changes it.
pub const ADMIN_PASSWORD: &str = "the-test-server's-own-admin";
/// Where Debian has it; the one on `PATH` wants to be root.
const PROGRAM: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const START_ATTEMPTS: u32 = 5;
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);
const LOG_CHECKS_MAX: u32 = 1000;
const LOG_CHECK_PAUSE: Duration = Duration::from_millis(5);
