//! A private PostgreSQL server, for the drill and for tests.
//!
//! It has its own temporary folder and a free port on 127.0.0.1, asks for passwords by SCRAM-SHA-256,
//! and never is the machine's own instance. It runs as a child of this process, as an unprivileged user
//! when this process is root. A small watcher takes server and folder away when this process dies
//! without cleaning up.

use std::fs;
use std::io::Write;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use crate::process::{Log, Process, Watcher, free_port};

mod programs;
#[cfg(feature = "tls")]
pub mod tls;

use programs::Programs;
pub use programs::is_installed;

/// What a server shall be like.
#[derive(Clone, Debug, Default)]
pub struct PostgresOptions {
    /// Skip fsync. Quicker, and it survives a kill of its processes but no power cut.
    pub fast: bool,
    /// Make a certificate authority and a certificate for `localhost` and 127.0.0.1, and offer TLS.
    #[cfg(feature = "tls")]
    pub tls: bool,
    /// Further lines for `postgresql.conf`.
    pub config: Vec<String>,
    /// Lines for `pg_hba.conf` that stand before the usual ones.
    pub hba: Vec<String>,
}

/// A running (or stopped, or paused) private server; it and its folder go when this is dropped.
#[derive(Debug)]
pub struct PostgresServer {
    programs: Programs,
    port: u16,
    password: String,
    log: Arc<Log>,
    /// How many marks were put into the log.
    marks: AtomicU64,
    process: Option<Process>,
    // Last, so that it is dismissed after all else is gone.
    folder: TempDir,
    watcher: Watcher,
}

impl PostgresServer {
    /// Starts a quick server without TLS.
    ///
    /// # Errors
    /// When no server programs are installed (`tests/install` gets them) or the server does not come up;
    /// then the error holds its log.
    pub fn start() -> Result<Self> {
        Self::start_with(&PostgresOptions { fast: true, ..PostgresOptions::default() })
    }

    /// Starts a server as `options` say.
    ///
    /// # Errors
    /// As [`PostgresServer::start`].
    pub fn start_with(options: &PostgresOptions) -> Result<Self> {
        let programs = Programs::find()?;
        let folder = programs.run_as().temporary_folder("rotunda-pg-")?;
        let watcher = Watcher::over(folder.path())?;
        let mut server = Self {
            folder,
            programs,
            port: 0,
            password: SUPERUSER_PASSWORD.to_owned(),
            log: Arc::default(),
            marks: AtomicU64::default(),
            process: None,
            watcher,
        };
        server.initialise(options)?;
        // Between choosing a free port and listening on it, another process can take it.
        for attempt in 1.. {
            server.port = free_port()?;
            match server.launch() {
                Ok(()) => break,
                Err(error) if attempt == START_ATTEMPTS => return Err(error),
                Err(error) if !server.log().contains("Address already in use") => return Err(error),
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

    /// The name of the superuser.
    #[must_use]
    pub fn superuser(&self) -> &'static str {
        SUPERUSER
    }

    /// The superuser's password, as it was made. It stays this unless a test changes it.
    #[must_use]
    pub fn superuser_password(&self) -> &str {
        &self.password
    }

    /// The address template of this server, as a target is configured with it (TLS off).
    #[must_use]
    pub fn url_template(&self) -> String {
        url_template(self.port)
    }

    /// The certificate authority's file in PEM, when TLS was asked for.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join(tls::CA_FILE)
    }

    /// The server's data folder.
    #[must_use]
    pub fn data_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What the server has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// What the server has logged, with certainty everything up to this call.
    ///
    /// # Errors
    /// When the server cannot be asked to log a mark, or the mark does not come.
    pub async fn log_until_now(&self) -> Result<String> {
        let mark = format!("mark {}", self.marks.fetch_add(1, Ordering::Relaxed));
        self.admin().await?.batch_execute(&format!("DO $$ BEGIN RAISE LOG '{mark}.'; END $$")).await?;
        for _ in 0..LOG_CHECKS_MAX {
            let log = self.log();
            if log.contains(&format!("LOG:  {mark}.")) {
                return Ok(log);
            }
            tokio::time::sleep(LOG_CHECK_PAUSE).await;
        }
        bail!("the server's log does not show '{mark}'")
    }

    /// A superuser's connection to the database `postgres`.
    ///
    /// # Errors
    /// When the server does not let it in.
    pub async fn admin(&self) -> Result<Connected> {
        connect(self.port, SUPERUSER, &self.password).await
    }

    /// Whether a fresh login succeeds; the password is sent by SCRAM without TLS.
    ///
    /// # Errors
    /// When the login failed for another reason than the credential (SQLSTATE class 28).
    pub async fn accepts(&self, username: &str, password: &str) -> Result<bool> {
        accepts(self.port, username, password).await
    }

    /// Shuts down in order (open sessions are ended) and waits for the end. Nothing when it is stopped.
    ///
    /// # Errors
    /// When the process cannot be signalled or waited for.
    pub fn stop(&mut self) -> Result<()> {
        self.end_with(Signal::INT)
    }

    /// Starts again after a stop or a crash, on the same port.
    ///
    /// # Errors
    /// When it is running already or does not come up.
    pub fn start_again(&mut self) -> Result<()> {
        if self.process.is_some() {
            bail!("the server is running");
        }
        self.launch()
    }

    /// [`PostgresServer::stop`], then [`PostgresServer::start_again`].
    ///
    /// # Errors
    /// As these.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.start_again()
    }

    /// Restarts as a read-only standby that follows nobody.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn restart_as_standby(&mut self) -> Result<()> {
        self.stop()?;
        self.write("data/standby.signal", "", 0o600)?;
        self.start_again()
    }

    /// Kills every process of the server, as a crash of the machine's memory would.
    ///
    /// # Errors
    /// When a process cannot be signalled or waited for.
    pub fn crash(&mut self) -> Result<()> {
        self.signal_all(Signal::KILL)?;
        self.end_with(Signal::KILL)
    }

    /// Stops every process of the server in its tracks: connections open, and nothing answers.
    ///
    /// # Errors
    /// When a process cannot be signalled.
    pub fn pause(&self) -> Result<()> {
        self.signal_all(Signal::STOP)
    }

    /// Lets a paused server go on.
    ///
    /// # Errors
    /// When a process cannot be signalled.
    pub fn resume(&self) -> Result<()> {
        self.signal_all(Signal::CONT)
    }

    /// Ends it and leaves its folder on the disk, with its log in it as `log`.
    ///
    /// # Errors
    /// When it cannot be ended, or the log cannot be written.
    pub fn keep(mut self) -> Result<PathBuf> {
        self.stop()?;
        fs::write(self.folder.path().join("log"), self.log())?;
        self.folder.disable_cleanup(true);
        Ok(self.folder.path().to_owned())
    }

    fn initialise(&mut self, options: &PostgresOptions) -> Result<()> {
        self.write("superuser-password", &self.password, 0o600)?;
        let mut initdb = self.programs.command("initdb");
        initdb.arg("--pgdata").arg(self.data_folder()).args([
            "--username",
            SUPERUSER,
            "--auth-host=scram-sha-256",
            "--auth-local=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        initdb.arg("--pwfile").arg(self.folder.path().join("superuser-password"));
        let output = initdb.current_dir(self.folder.path()).output().context("initdb did not start")?;
        if !output.status.success() {
            bail!("initdb failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        let mut config = vec![
            "listen_addresses = '127.0.0.1'".to_owned(),
            format!("unix_socket_directories = '{}'", self.folder.path().display()),
            "lc_messages = 'C'".to_owned(),
            "logging_collector = off".to_owned(),
            "password_encryption = 'scram-sha-256'".to_owned(),
            "shared_buffers = '16MB'".to_owned(),
            "autovacuum = off".to_owned(),
        ];
        if options.fast {
            config.extend(["fsync", "full_page_writes"].map(|name| format!("{name} = off")));
        }
        #[cfg(feature = "tls")]
        if options.tls {
            config.extend(tls::set_up(self)?);
        }
        config.extend(options.config.iter().cloned());
        self.append("data/postgresql.conf", &config)?;
        let usual = fs::read_to_string(self.data_folder().join("pg_hba.conf"))?;
        let hba = options.hba.iter().map(|line| format!("{line}\n")).collect::<String>() + &usual;
        fs::write(self.data_folder().join("pg_hba.conf"), hba)?;
        Ok(())
    }

    fn launch(&mut self) -> Result<()> {
        let mut command = self.programs.command("postgres");
        command.arg("-D").arg(self.data_folder()).args(["-p", &self.port.to_string()]);
        command.current_dir(self.folder.path());
        // A standby says "ready to accept read-only connections".
        let process = Process::start(&mut command, "database system is ready to accept", &self.log)?;
        self.watcher.watch(&process)?;
        self.process = Some(process);
        Ok(())
    }

    fn end_with(&mut self, signal: Signal) -> Result<()> {
        self.process.take().map_or(Ok(()), |process| process.end(signal))
    }

    fn signal_all(&self, signal: Signal) -> Result<()> {
        self.process.as_ref().context("the server is not running")?.signal_all(signal)
    }

    /// Writes a file of the server's own user with these access bits.
    fn write(&self, name: &str, text: &str, mode: u32) -> Result<()> {
        let path = self.folder.path().join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        self.programs.run_as().give(&path)
    }

    fn append(&self, name: &str, lines: &[String]) -> Result<()> {
        let mut file = fs::OpenOptions::new().append(true).open(self.folder.path().join(name))?;
        lines.iter().try_for_each(|line| writeln!(file, "{line}"))?;
        Ok(())
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // Nobody is left to tell; the watcher would try again if this process failed on the way.
        let _ = self.end_with(Signal::QUIT);
    }
}

/// A client together with the task that drives it; both end on drop.
#[derive(Debug)]
pub struct Connected {
    client: Client,
    task: tokio::task::JoinHandle<()>,
}

impl Deref for Connected {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Logs in to the database `postgres` on 127.0.0.1 without TLS.
///
/// # Errors
/// What `tokio_postgres` reports, also to be found by `downcast_ref`.
pub async fn connect(port: u16, username: &str, password: &str) -> Result<Connected> {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(port).user(username).password(password).dbname("postgres");
    let (client, connection) = config.connect(NoTls).await?;
    let task = tokio::spawn(async move {
        // The caller sees a broken connection by its own next request.
        let _ = connection.await;
    });
    Ok(Connected { client, task })
}

/// Whether the server on this port of 127.0.0.1 lets a fresh login in; the password is sent by SCRAM without TLS.
///
/// # Errors
/// When the login failed for another reason than the credential (SQLSTATE class 28).
pub async fn accepts(port: u16, username: &str, password: &str) -> Result<bool> {
    match connect(port, username, password).await {
        Ok(_) => Ok(true),
        Err(error) => {
            let code = error
                .downcast_ref::<tokio_postgres::Error>()
                .and_then(|error| error.code().map(|code| code.code().to_owned()));
            match code {
                Some(code) if code.starts_with("28") => Ok(false),
                _ => Err(error),
            }
        }
    }
}

/// The address template of a server (or of a proxy before it) on 127.0.0.1, TLS off.
#[must_use]
pub fn url_template(port: u16) -> String {
    format!("postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{port}/postgres?sslmode=disable")
}

const SUPERUSER: &str = "postgres";
const SUPERUSER_PASSWORD: &str = "the-test-server's-own-superuser";
const LOG_CHECKS_MAX: u32 = 1000;
const LOG_CHECK_PAUSE: Duration = Duration::from_millis(5);
const START_ATTEMPTS: u32 = 5;
