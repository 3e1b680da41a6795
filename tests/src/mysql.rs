//! A private MariaDB server for tests.
//!
//! It has its own temporary folder and a free port on 127.0.0.1, asks for passwords, and never is the machine's own
//! instance. It runs as a child of this process, as an unprivileged user when this process is root. A small watcher
//! takes server and folder away when this process dies without cleaning up.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, OptsBuilder};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::postgres::tls;
use crate::process::{Log, Process, RunAs, Watcher, free_port};

/// What a server shall be like.
#[derive(Clone, Debug, Default)]
pub struct MysqlOptions {
    /// Make a certificate authority and a certificate for `localhost` and 127.0.0.1, and offer TLS.
    pub tls: bool,
    /// Further options of `mariadbd`.
    pub options: Vec<String>,
}

/// A running (or stopped, or paused) private server; it and its folder go when this is dropped.
#[derive(Debug)]
pub struct MysqlServer {
    run_as: RunAs,
    port: u16,
    options: Vec<String>,
    log: Arc<Log>,
    process: Option<Process>,
    // Last, so that it is dismissed after all else is gone.
    folder: TempDir,
    watcher: Watcher,
}

impl MysqlServer {
    /// Starts a server as `options` say.
    ///
    /// # Errors
    /// When no server programs are installed (`tests/install` gets them) or the server does not come up;
    /// then the error holds its log.
    pub fn start(options: &MysqlOptions) -> Result<Self> {
        let run_as = RunAs::one_of(&["mysql"])?;
        let folder = run_as.temporary_folder("rotunda-my-")?;
        let watcher = Watcher::over(folder.path())?;
        let mut server = Self {
            run_as,
            port: 0,
            options: options.options.clone(),
            log: Arc::default(),
            process: None,
            folder,
            watcher,
        };
        server.initialise(options.tls)?;
        // Between choosing a free port and listening on it, another process can take it.
        for attempt in 1.. {
            server.port = free_port()?;
            match server.start_again() {
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

    /// The name of an account that may do everything.
    #[must_use]
    pub fn superuser(&self) -> &'static str {
        SUPERUSER
    }

    /// Its password.
    #[must_use]
    pub fn superuser_password(&self) -> &'static str {
        SUPERUSER_PASSWORD
    }

    /// The certificate authority's file in PEM, when TLS was asked for.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join(tls::CA_FILE)
    }

    /// A file of the server's data folder, as it is now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn data(&self, name: &str) -> Result<Vec<u8>> {
        Ok(fs::read(self.folder.path().join("data").join(name))?)
    }

    /// A connection that may do everything.
    ///
    /// # Errors
    /// When the server does not let it in.
    pub async fn admin(&self) -> Result<Conn> {
        let mut admin = connect(self.port, SUPERUSER, SUPERUSER_PASSWORD).await?;
        // What `literal` relies on, whatever the server's own modes are.
        admin.query_drop("SET SESSION sql_mode = '', NAMES utf8mb4").await?;
        Ok(admin)
    }

    /// Runs statements with all rights.
    ///
    /// # Errors
    /// The first that fails.
    pub async fn sql(&self, statements: &str) -> Result<()> {
        let mut admin = self.admin().await?;
        admin.query_drop(statements).await?;
        admin.disconnect().await?;
        Ok(())
    }

    /// The first column of the first row, with all rights.
    ///
    /// # Errors
    /// When there is none.
    pub async fn text(&self, question: &str) -> Result<String> {
        let mut admin = self.admin().await?;
        let found = admin.query_first::<String, _>(question).await?.context("no row")?;
        admin.disconnect().await?;
        Ok(found)
    }

    /// Whether a fresh login succeeds.
    ///
    /// # Errors
    /// When it failed for another reason than the credential.
    pub async fn accepts(&self, username: &str, password: &str) -> Result<bool> {
        match connect(self.port, username, password).await {
            Ok(session) => {
                session.disconnect().await?;
                Ok(true)
            }
            Err(mysql_async::Error::Server(error)) if [1045, 1698, 4151].contains(&error.code) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Shuts down in order and waits for the end. Nothing when it is stopped.
    ///
    /// # Errors
    /// When the process cannot be signalled or waited for.
    pub fn stop(&mut self) -> Result<()> {
        self.end_with(Signal::TERM)
    }

    /// Kills the server, as a crash of the machine's memory would.
    ///
    /// # Errors
    /// When the process cannot be signalled or waited for.
    pub fn crash(&mut self) -> Result<()> {
        self.end_with(Signal::KILL)
    }

    /// Starts again after a stop or a crash, on the same port.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start_again(&mut self) -> Result<()> {
        let folder = self.folder.path().display();
        let mut command = self.run_as.command(&program("mariadbd")?);
        command.arg("--no-defaults").args([
            format!("--datadir={folder}/data"),
            format!("--tmpdir={folder}"),
            format!("--socket={folder}/socket"),
            format!("--pid-file={folder}/pid"),
            format!("--init-file={folder}/init.sql"),
            format!("--port={}", self.port),
            "--bind-address=127.0.0.1".to_owned(),
            "--log-warnings=2".to_owned(),
            "--innodb-buffer-pool-size=16M".to_owned(),
            "--innodb-flush-log-at-trx-commit=1".to_owned(),
            "--max-connections=50".to_owned(),
        ]);
        command.args(&self.options).current_dir(self.folder.path());
        let process = Process::start(&mut command, "ready for connections", &self.log)?;
        self.watcher.watch(&process)?;
        self.process = Some(process);
        Ok(())
    }

    /// Stops the server in its tracks: connections open, and nothing answers.
    ///
    /// # Errors
    /// When the process cannot be signalled.
    pub fn pause(&self) -> Result<()> {
        self.process.as_ref().context("the server is not running")?.signal_all(Signal::STOP)
    }

    /// Lets a paused server go on.
    ///
    /// # Errors
    /// When the process cannot be signalled.
    pub fn resume(&self) -> Result<()> {
        self.process.as_ref().context("the server is not running")?.signal_all(Signal::CONT)
    }

    fn initialise(&mut self, offers_tls: bool) -> Result<()> {
        let folder = self.folder.path().display().to_string();
        let mut install = self.run_as.command(&program("mariadb-install-db")?);
        install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        // Servers that start take away what they find in the common folder, also what is another's.
        install.args([format!("--datadir={folder}/data"), format!("--tmpdir={folder}")]);
        let output =
            install.current_dir(self.folder.path()).output().context("mariadb-install-db did not start")?;
        if !output.status.success() {
            bail!("mariadb-install-db failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        let init = format!(
            "DELETE FROM mysql.global_priv WHERE User = 'root';\nFLUSH PRIVILEGES;\n\
             CREATE USER IF NOT EXISTS '{SUPERUSER}'@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('{SUPERUSER_PASSWORD}');\n\
             GRANT ALL PRIVILEGES ON *.* TO '{SUPERUSER}'@'%' WITH GRANT OPTION;\n"
        );
        self.write("init.sql", &init)?;
        if offers_tls {
            tls::write(self.folder.path(), |path| self.run_as.give(path))?;
            self.options.extend([
                format!("--ssl-cert={folder}/server.crt"),
                format!("--ssl-key={folder}/server.key"),
            ]);
        }
        Ok(())
    }

    fn end_with(&mut self, signal: Signal) -> Result<()> {
        self.process.take().map_or(Ok(()), |process| process.end(signal))
    }

    /// Writes a file that only the server's own user and its group may read.
    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.path().join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640))?;
        self.run_as.give(&path)
    }
}

impl Drop for MysqlServer {
    fn drop(&mut self) {
        // Nobody is left to tell; the watcher would try again if this process failed on the way.
        let _ = self.end_with(Signal::KILL);
    }
}

/// Logs in on 127.0.0.1 without TLS.
///
/// # Errors
/// What the driver reports.
pub async fn connect(port: u16, username: &str, password: &str) -> Result<Conn, mysql_async::Error> {
    let options = OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(port)
        .user(Some(username))
        .pass(Some(password))
        .prefer_socket(false);
    Conn::new(options).await
}

/// A string for a statement of an administrator's session.
#[must_use]
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// The address template of a server (or of a proxy before it) on 127.0.0.1, TLS off.
#[must_use]
pub fn url_template(port: u16) -> String {
    format!("mysql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{port}/?sslmode=disable")
}

fn program(name: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/bin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .with_context(|| format!("MariaDB's {name} is not installed; run tests/install"))
}

const SUPERUSER: &str = "boss";
const SUPERUSER_PASSWORD: &str = "the-test-servers-own-Superuser-1";
const START_ATTEMPTS: u32 = 5;
