//! A private OpenLDAP server, for the drill and for tests.
//!
//! It has its own temporary folder and free ports on 127.0.0.1, wants every request to be logged in, and has
//! password policies and group memberships switched on. It runs as a child of this process, as an unprivileged user
//! when this process is root. A small watcher takes server and folder away when this process dies without
//! cleaning up.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Mod, Scope, SearchEntry};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

#[cfg(feature = "tls")]
use crate::postgres::tls;
use crate::process::{Log, Process, RunAs, Watcher, free_port};

mod setup;

pub use setup::{ADMIN, BASE, GROUPS, MANAGEMENT, PEOPLE};

/// What a server shall be like.
#[derive(Clone, Debug, Default)]
pub struct LdapOptions {
    /// Make a certificate authority and a certificate for `localhost` and 127.0.0.1, and offer StartTLS and a second
    /// port with TLS from the start.
    #[cfg(feature = "tls")]
    pub tls: bool,
    /// Further lines for the configuration of the database, before the rules of access.
    pub config: Vec<String>,
    /// Lines of the password policy that holds for everybody, such as `pwdInHistory: 3`.
    pub policy: Vec<String>,
}

/// A running private server; it and its folder go when this is dropped.
#[derive(Debug)]
pub struct LdapServer {
    run_as: RunAs,
    port: u16,
    /// The port with TLS from the first byte, when TLS was asked for.
    tls_port: Option<u16>,
    log: Arc<Log>,
    /// How many marks were put into the log.
    marks: AtomicU64,
    process: Option<Process>,
    // Last, so that it is dismissed after all else is gone.
    folder: TempDir,
    watcher: Watcher,
}

impl LdapServer {
    /// Starts a server without TLS.
    ///
    /// # Errors
    /// When no server is installed (`tests/install` gets it) or it does not come up; then the error holds its log.
    pub async fn start() -> Result<Self> {
        Self::start_with(&LdapOptions::default()).await
    }

    /// Starts a server as `options` say.
    ///
    /// # Errors
    /// As [`LdapServer::start`].
    pub async fn start_with(options: &LdapOptions) -> Result<Self> {
        let run_as = RunAs::one_of(&["openldap"])?;
        let folder = run_as.temporary_folder("rotunda-ldap-")?;
        let watcher = Watcher::over(folder.path())?;
        let mut server = Self {
            run_as,
            port: 0,
            tls_port: None,
            log: Arc::default(),
            marks: AtomicU64::default(),
            process: None,
            folder,
            watcher,
        };
        server.initialise(options)?;
        // Between choosing a free port and listening on it, another process can take it.
        for attempt in 1.. {
            server.port = free_port()?;
            #[cfg(feature = "tls")]
            if options.tls {
                server.tls_port = Some(free_port()?);
            }
            match server.launch().await {
                Ok(()) => break,
                Err(error) if attempt == START_ATTEMPTS => return Err(error),
                Err(error) if !server.log.text().contains("Address already in use") => return Err(error),
                Err(_) => {}
            }
        }
        Ok(server)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port with TLS from the first byte, when TLS was asked for.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        self.tls_port.unwrap_or_default()
    }

    /// The password of [`ADMIN`], who may do everything, and at first of [`MANAGEMENT`].
    #[must_use]
    pub fn password(&self) -> &'static str {
        setup::PASSWORD
    }

    /// The certificate authority's file in PEM, when TLS was asked for.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join(tls::CA_FILE)
    }

    /// The server's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Shuts down in order and waits for the end. Nothing when it is stopped.
    ///
    /// # Errors
    /// When the process cannot be signalled or waited for.
    pub fn stop(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |process| process.end(Signal::TERM))
    }

    /// Starts again after a stop, on the same port.
    ///
    /// # Errors
    /// When it is running already or does not come up.
    pub async fn start_again(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "the server is running");
        self.launch().await
    }

    /// Ends it and leaves its folder on the disk, with its log in it as `log`.
    ///
    /// # Errors
    /// When it cannot be ended, or the log cannot be written.
    pub fn keep(mut self) -> Result<PathBuf> {
        self.stop()?;
        fs::write(self.folder.path().join("log"), self.log.text())?;
        self.folder.disable_cleanup(true);
        Ok(self.folder.path().to_owned())
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

    /// A connection of [`ADMIN`].
    ///
    /// # Errors
    /// When the server does not let it in.
    pub async fn admin(&self) -> Result<Connected> {
        let mut connected = self.connect().await?;
        connected.ldap.simple_bind(ADMIN, setup::PASSWORD).await?.success()?;
        Ok(connected)
    }

    async fn connect(&self) -> Result<Connected> {
        let url = format!("ldap://127.0.0.1:{}", self.port);
        let (connection, ldap) = LdapConnAsync::with_settings(LdapConnSettings::new(), &url).await?;
        // The caller sees a broken connection by its own next request.
        let task = tokio::spawn(async move { drop(connection.drive().await) });
        Ok(Connected { ldap, task })
    }

    /// Logs in by DN and stays logged in, whatever the outcome is called.
    ///
    /// # Errors
    /// When the connection or the login fails.
    pub async fn log_in(&self, dn: &str, password: &str) -> Result<Connected> {
        let mut connected = self.connect().await?;
        connected.ldap.simple_bind(dn, password).await?.success()?;
        Ok(connected)
    }

    /// Whether a fresh login by this DN succeeds.
    ///
    /// # Errors
    /// When the login failed for another reason than the credential.
    pub async fn accepts(&self, dn: &str, password: &str) -> Result<bool> {
        let mut connected = self.connect().await?;
        match connected.ldap.simple_bind(dn, password).await?.rc {
            0 => Ok(true),
            INVALID_CREDENTIALS => Ok(false),
            code => bail!("the server answers a bind with {code}"),
        }
    }

    /// Creates an account with this relative name below [`PEOPLE`], in the group `readers`; one of the same name gives
    /// way to it.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn create_account(&self, name: &str, password: &str) -> Result<()> {
        let mut admin = self.admin().await?;
        let dn = account_dn(name);
        let removed = admin.ldap.delete(&dn).await?.rc;
        ensure!(removed == 0 || removed == NO_SUCH_OBJECT, "delete answers {removed}");
        let entry = [("objectClass", "person"), ("cn", name), ("sn", "Account"), ("userPassword", password)];
        let entry = entry.map(|(name, value)| (name.to_owned(), [value.to_owned()].into())).to_vec();
        admin.ldap.add(&dn, entry).await?.success()?;
        let readers = format!("cn=readers,{GROUPS}");
        if removed == 0 {
            // A group keeps who has gone; somebody took this one out, or nobody did.
            let leave = Mod::Delete("member".to_owned(), [dn.clone()].into());
            let left = admin.ldap.modify(&readers, vec![leave]).await?.rc;
            ensure!(left == 0 || left == NO_SUCH_ATTRIBUTE, "leaving the group answers {left}");
        }
        self.modify(&readers, vec![Mod::Add("member".to_owned(), [dn].into())]).await
    }

    /// Changes an entry as [`ADMIN`].
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn modify(&self, dn: &str, changes: Vec<Mod<String>>) -> Result<()> {
        self.admin().await?.ldap.modify(dn, changes).await?.success()?;
        Ok(())
    }

    /// An entry with all its attributes, as [`ADMIN`] sees it.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn entry(&self, dn: &str) -> Result<SearchEntry> {
        let mut admin = self.admin().await?;
        let found = admin.ldap.search(dn, Scope::Base, "(objectClass=*)", ["*", "+"]).await?;
        let (entries, _) = found.success()?;
        Ok(SearchEntry::construct(entries.into_iter().next().context("no entry")?))
    }

    /// How many logins as this DN were refused, over the server's life.
    ///
    /// # Errors
    /// When the server cannot be asked to log a mark, or the mark does not come.
    pub async fn refused_logins(&self, dn: &str) -> Result<u32> {
        let log = self.log_until_now().await?;
        // conn=1004 op=0 BIND dn="cn=app,ou=people,dc=example,dc=org" method=128
        let wanted = format!("BIND dn=\"{dn}\" method=128");
        let mut refused = 0;
        for line in log.lines().filter(|line| line.contains(&wanted)) {
            let operation =
                line.split_once("conn=").and_then(|(_, rest)| rest.split_once(" BIND")).context("a BIND")?;
            let answer = format!("conn={} RESULT tag=97 err={INVALID_CREDENTIALS} ", operation.0);
            refused += u32::from(log.contains(&answer));
        }
        Ok(refused)
    }

    /// What the server has logged, with certainty everything up to this call.
    ///
    /// # Errors
    /// When the server cannot be asked to log a mark, or the mark does not come.
    pub async fn log_until_now(&self) -> Result<String> {
        let mark = format!("(cn=mark-{}-)", self.marks.fetch_add(1, Ordering::Relaxed));
        self.admin().await?.ldap.search(BASE, Scope::Base, &mark, ["1.1"]).await?.success()?;
        for _ in 0..CHECKS_MAX {
            let log = self.log.text();
            if log.contains(&mark) {
                return Ok(log);
            }
            tokio::time::sleep(CHECK_PAUSE).await;
        }
        bail!("the server's log does not show '{mark}'")
    }

    fn initialise(&self, options: &LdapOptions) -> Result<()> {
        let folder = self.folder.path();
        #[cfg(feature = "tls")]
        if options.tls {
            tls::write(folder, |path| self.run_as.give(path))?;
        }
        let data = folder.join("data");
        fs::create_dir(&data)?;
        self.run_as.give(&data)?;
        self.write("slapd.conf", &setup::configuration(folder, options))?;
        self.write("first.ldif", &setup::entries(options))?;
        let mut slapadd = self.run_as.command(&program("slapadd")?);
        slapadd.arg("-f").arg(folder.join("slapd.conf")).arg("-l").arg(folder.join("first.ldif"));
        let output = slapadd.current_dir(folder).output().context("slapadd did not start")?;
        ensure!(output.status.success(), "slapadd failed: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    async fn launch(&mut self) -> Result<()> {
        let folder = self.folder.path();
        let mut urls = format!("ldap://127.0.0.1:{}", self.port);
        if let Some(tls_port) = self.tls_port {
            urls.push_str(&format!(" ldaps://127.0.0.1:{tls_port} ldap://127.0.0.2:{}", self.port));
        }
        let mut command = self.run_as.command(&program("slapd")?);
        // With a level of messages it stays in the foreground and writes them to its standard error.
        command.args(["-d", "stats", "-h", &urls, "-f"]).arg(folder.join("slapd.conf")).current_dir(folder);
        let process = Process::start(&mut command, "slapd starting", &self.log)?;
        self.watcher.watch(&process)?;
        self.process = Some(process);
        // It says so a moment before it listens.
        for _ in 0..CHECKS_MAX {
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(CHECK_PAUSE).await;
        }
        bail!("the server does not listen:\n{}", self.log.text())
    }

    /// Writes a file that only the server's own user can read.
    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.path().join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        self.run_as.give(&path)
    }
}

impl Drop for LdapServer {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            // Nobody is left to tell; the watcher would try again if this process failed on the way.
            let _ = process.end(Signal::KILL);
        }
    }
}

/// A client together with the task that drives it; both end on drop.
#[derive(Debug)]
pub struct Connected {
    /// What requests are sent by.
    pub ldap: Ldap,
    task: JoinHandle<()>,
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The DN of an account below [`PEOPLE`].
#[must_use]
pub fn account_dn(name: &str) -> String {
    format!("cn={},{PEOPLE}", ldap3::dn_escape(name))
}

/// Whether there are programs to start a server from.
#[must_use]
pub fn is_installed() -> bool {
    program("slapd").is_ok() && program("slapadd").is_ok()
}

fn program(name: &str) -> Result<PathBuf> {
    // Not on everybody's PATH.
    let usual = Path::new("/usr/sbin").join(name);
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).map(|folder| folder.join(name));
    let found = std::iter::once(usual).chain(folders).find(|path| path.is_file());
    found.with_context(|| format!("OpenLDAP's server ({name}) is not installed; Debian has it in `slapd`"))
}

const INVALID_CREDENTIALS: u32 = 49;
const NO_SUCH_ATTRIBUTE: u32 = 16;
const NO_SUCH_OBJECT: u32 = 32;
const CHECKS_MAX: u32 = 1000;
const CHECK_PAUSE: Duration = Duration::from_millis(5);
const START_ATTEMPTS: u32 = 5;
