//! A private Redis server for tests, with passwords on, and a client of its own for the administrator's part.
//!
//! It has its own temporary folder and a free port on 127.0.0.1. A small watcher takes server and folder
//! away when this process dies without cleaning up.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rotators::redis::command::{encode, stored};
use rotators::redis::reply::Reply;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vault_core::secret::SecretString;

use crate::postgres::tls;
use crate::process::{Log, Process, RunAs, Watcher, free_port};

/// Where a server keeps its users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Users {
    /// In an ACL file.
    #[default]
    AclFile,
    /// In its configuration file.
    ConfigFile,
    /// Nowhere: it has no file at all.
    Memory,
}

/// What a server shall be like.
#[derive(Clone, Debug, Default)]
pub struct RedisOptions {
    /// Where it keeps its users.
    pub users: Users,
    /// Offer TLS on the port instead of cleartext, by a certificate for `localhost` and 127.0.0.1.
    pub tls: bool,
    /// Further settings, each `name value…`.
    pub config: Vec<String>,
}

/// A running (or stopped) private server; it and its folder go when this is dropped.
#[derive(Debug)]
pub struct RedisServer {
    options: RedisOptions,
    run_as: RunAs,
    port: u16,
    log: Arc<Log>,
    process: Option<Process>,
    // Last, so that it is dismissed after all else is gone.
    folder: TempDir,
    watcher: Watcher,
}

impl RedisServer {
    /// Starts a server with an ACL file and without TLS.
    ///
    /// # Errors
    /// When `redis-server` is not installed or does not come up; then the error holds its log.
    pub fn start() -> Result<Self> {
        Self::start_with(&RedisOptions::default())
    }

    /// Starts a server as `options` say.
    ///
    /// # Errors
    /// As [`RedisServer::start`].
    pub fn start_with(options: &RedisOptions) -> Result<Self> {
        let run_as = RunAs::one_of(&["redis"])?;
        let folder = run_as.temporary_folder("rotunda-redis-")?;
        let watcher = Watcher::over(folder.path())?;
        let (options, log) = (options.clone(), Arc::default());
        let mut server = Self { options, run_as, port: 0, log, process: None, folder, watcher };
        // Between choosing a free port and listening on it, another process can take it.
        for attempt in 1.. {
            server.port = free_port()?;
            server.write_settings()?;
            match server.launch() {
                Ok(()) => break,
                Err(error) if attempt == START_ATTEMPTS => return Err(error),
                Err(error) if !server.log.text().contains("Address already in use") => return Err(error),
                Err(_) => {}
            }
        }
        Ok(server)
    }

    /// The port on 127.0.0.1; the same after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address template of this server, as a target is configured with it.
    #[must_use]
    pub fn url_template(&self) -> String {
        url_template(self.port)
    }

    /// The server's own folder, with `users.acl` or `redis.conf` in it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The certificate authority's file in PEM, when TLS was asked for.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join(tls::CA_FILE)
    }

    /// What the server has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// The administrator's connection.
    ///
    /// # Errors
    /// When the server does not let it in.
    pub async fn admin(&self) -> Result<RedisClient> {
        RedisClient::connect(self.port, ADMIN, ADMIN_PASSWORD).await
    }

    /// Whether a fresh login succeeds.
    ///
    /// # Errors
    /// When it failed for another reason than the credential.
    pub async fn accepts(&self, username: &str, password: &str) -> Result<bool> {
        match RedisClient::open(self.port).await?.ask(&["AUTH", username, password]).await? {
            Reply::Text(_) => Ok(true),
            Reply::Refusal(words) if words.starts_with("WRONGPASS") => Ok(false),
            other => bail!("{other:?} in answer to AUTH"),
        }
    }

    /// Kills the server, as a crash of the machine's memory would; users come from where they are kept.
    ///
    /// # Errors
    /// When it cannot be killed or does not come up again.
    pub fn crash_and_start_again(&mut self) -> Result<()> {
        self.end(Signal::KILL)?;
        self.launch()
    }

    /// Stops the server in its tracks: connections open, and nothing answers.
    ///
    /// # Errors
    /// When the process cannot be signalled.
    pub fn pause(&self) -> Result<()> {
        self.process.as_ref().context("the server is not running")?.signal_all(Signal::STOP)
    }

    fn write_settings(&self) -> Result<()> {
        let folder = self.folder.path().display();
        let listens = if self.options.tls {
            tls::write(self.folder.path(), |path| self.run_as.give(path))?;
            format!(
                "port 0\ntls-port {}\ntls-cert-file {folder}/server.crt\ntls-key-file {folder}/server.key\n\
                 tls-ca-cert-file {folder}/{}\ntls-auth-clients no\n",
                self.port,
                tls::CA_FILE
            )
        } else {
            format!("port {}\n", self.port)
        };
        // The user of a login without a name is off: nobody comes in without a password.
        let stored = stored(&SecretString::new(ADMIN_PASSWORD.to_owned()));
        let users = format!("user default off\nuser {ADMIN} on #{} ~* &* +@all\n", stored.expose());
        let mut settings = format!("bind 127.0.0.1 127.0.0.2\ndir {folder}\nsave \"\"\n{listens}");
        if self.options.users == Users::AclFile {
            self.write("users.acl", &users)?;
            settings.push_str(&format!("aclfile {folder}/users.acl\n"));
        } else {
            settings.push_str(&users);
        }
        self.options.config.iter().for_each(|line| settings.push_str(&format!("{line}\n")));
        self.write("redis.conf", &settings)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.path().join(name);
        fs::write(&path, text)?;
        self.run_as.give(&path)
    }

    fn launch(&mut self) -> Result<()> {
        let mut command = self.run_as.command(Path::new("redis-server"));
        command.current_dir(self.folder.path());
        if self.options.users == Users::Memory {
            // Settings by its standard input: then it knows of no file.
            command.args(["--loglevel", "notice"]);
            let settings = fs::read_to_string(self.folder.path().join("redis.conf"))?;
            for line in settings.lines() {
                let mut words = line.split(' ');
                command.arg(format!("--{}", words.next().unwrap_or_default()));
                command.args(words.map(|word| if word == "\"\"" { "" } else { word }));
            }
        } else {
            command.arg(self.folder.path().join("redis.conf"));
        }
        let process = Process::start(&mut command, "Ready to accept connections", &self.log)?;
        self.watcher.watch(&process)?;
        self.process = Some(process);
        Ok(())
    }

    fn end(&mut self, signal: Signal) -> Result<()> {
        self.process.take().map_or(Ok(()), |process| process.end(signal))
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // Nobody is left to tell; the watcher would try again if this process failed on the way.
        let _ = self.end(Signal::KILL);
    }
}

/// A connection that sends commands one at a time.
#[derive(Debug)]
pub struct RedisClient {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl RedisClient {
    /// Connects to 127.0.0.1 without a login.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn open(port: u16) -> Result<Self> {
        Ok(Self { stream: TcpStream::connect(("127.0.0.1", port)).await?, buffer: Vec::new() })
    }

    /// Connects and logs in.
    ///
    /// # Errors
    /// When the server does not let it in.
    pub async fn connect(port: u16, username: &str, password: &str) -> Result<Self> {
        let mut client = Self::open(port).await?;
        client.run(&["AUTH", username, password]).await?;
        Ok(client)
    }

    /// Sends a command and returns the answer, whatever it is.
    ///
    /// # Errors
    /// When the connection breaks, or the server is silent for long.
    pub async fn ask(&mut self, words: &[&str]) -> Result<Reply> {
        self.stream.write_all(encode(words).expose()).await?;
        tokio::time::timeout(ANSWER_TIME_MAX, async {
            loop {
                if let Some((reply, used)) = Reply::parse(&self.buffer)? {
                    self.buffer.drain(..used);
                    return Ok(reply);
                }
                if self.stream.read_buf(&mut self.buffer).await? == 0 {
                    bail!("the server has closed the connection");
                }
            }
        })
        .await?
    }

    /// Sends a command that must succeed.
    ///
    /// # Errors
    /// The server's refusal, or as [`RedisClient::ask`].
    pub async fn run(&mut self, words: &[&str]) -> Result<Reply> {
        match self.ask(words).await? {
            Reply::Refusal(refusal) => bail!("{refusal}"),
            reply => Ok(reply),
        }
    }
}

/// The address template of a server (or of a proxy before it) on 127.0.0.1, without TLS.
#[must_use]
pub fn url_template(port: u16) -> String {
    format!("redis://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{port}/0")
}

/// The user that may do everything.
pub const ADMIN: &str = "admin";
/// Its password, unless a test changes it.
pub const ADMIN_PASSWORD: &str = "the-test-server's-own-admin";
const START_ATTEMPTS: u32 = 5;
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);
