//! One connection to the server: opening it, asking, ending it. All I/O of the rotator is here.
//!
//! Every wait has its limit. A connection whose answer did not come in time, or that is dropped, is closed;
//! nothing of it goes on in the background.

use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, DriverError, Error, IoError, Opts, OptsBuilder, Row, SslOpts, Value};
use rustls::{CertificateError, RootCertStore};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::Login;
use vault_core::secret::SecretString;

use super::account::Account;
use super::classify::{self, LoginFailure};
use super::command;
use super::config::{Config, Place};
use crate::network::{TlsMode, tls};

/// An open connection.
pub(super) struct Session<'a> {
    conn: Conn,
    config: &'a Config,
    /// Whether the server has ended it, or an answer is outstanding.
    broken: bool,
}

/// Why no answer can be used.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server or the connection said no.
    Said(Error),
    /// Nothing came in time.
    Silent,
}

/// The first column, or several, as text.
pub(super) type Texts = Vec<Option<String>>;

impl<'a> Session<'a> {
    /// Logs in by the path that consumers use.
    pub(super) async fn open(config: &'a Config, login: &Login, name: &str) -> Result<Self, LoginFailure> {
        match timeout(config.reach.connect_timeout, dial(config, login, name)).await {
            Ok(result) => result.map(|conn| Self { conn, config, broken: false }),
            Err(_) => Err(LoginFailure::Other(Fault::new(
                FaultClass::Unreachable,
                format!("{}: no connection within {:?}", config.place(), config.reach.connect_timeout),
            ))),
        }
    }

    /// Where the target is, for messages.
    pub(super) fn place(&self) -> Place<'a> {
        self.config.place()
    }

    /// Sets what our statements rely on.
    pub(super) async fn prepare(&mut self) -> Result<(), Failure> {
        // The server counts in seconds.
        let limit = self.config.reach.request_timeout.as_millis().div_ceil(1000);
        let limits = command::session_limits(u64::try_from(limit).unwrap_or(u64::MAX));
        for statement in [command::SQL_MODE, command::CHARSET, &limits] {
            self.run(statement).await?;
        }
        Ok(())
    }

    /// Runs statements, in one round trip.
    pub(super) async fn run(&mut self, statement: &str) -> Result<(), Failure> {
        let limit = self.config.reach.request_timeout.saturating_add(REPLY_GRACE);
        let answer = timeout(limit, self.conn.query_drop(statement)).await;
        self.noted(answer)
    }

    /// Asks one question, in one round trip. Of an answer of several columns each row is one list.
    pub(super) async fn ask(&mut self, question: &str) -> Result<Vec<Texts>, Failure> {
        let limit = self.config.reach.request_timeout.saturating_add(REPLY_GRACE);
        let answer = timeout(limit, self.conn.query::<Row, _>(question)).await;
        Ok(self.noted(answer)?.into_iter().map(texts).collect())
    }

    fn noted<T>(
        &mut self,
        answer: Result<Result<T, Error>, tokio::time::error::Elapsed>,
    ) -> Result<T, Failure> {
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                self.broken |= classify::code(&error).is_none();
                Err(Failure::Said(error))
            }
            Err(_) => {
                self.broken = true;
                Err(Failure::Silent)
            }
        }
    }

    /// Whether nothing more can be asked.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// The errors behind the last one.
    pub(super) async fn errors_behind(&mut self) -> Vec<u16> {
        let Ok(rows) = self.ask("SHOW WARNINGS").await else { return Vec::new() };
        let code = |row: &Texts| row.get(1)?.as_ref()?.parse().ok();
        rows.iter().filter_map(code).collect()
    }

    /// Ends in order, so that the server does not count a broken connection. Waits only briefly.
    pub(super) async fn close(self) {
        // Past the limit, the socket is closed without the good-bye.
        let _ = timeout(CLOSE_TIME_MAX, self.conn.disconnect()).await;
    }

    /// Makes this the only session that bears this mark: ends the one that does, waits until it is gone, so that what
    /// it was doing is either done or never happens, and takes the mark.
    ///
    /// # Errors
    /// `permission_denied` when the server does not let us, `unreachable` when it is still there when the time is up.
    pub(super) async fn take_over(&mut self, mark: &str) -> Result<(), Fault> {
        let limit = self.config.reach.request_timeout;
        let mut ended: Option<String> = None;
        let mut forbidden: Option<Fault> = None;
        let taken = async {
            let mut pause = GONE_PAUSE_MIN;
            loop {
                let question = format!("SELECT GET_LOCK({mark}, 0), IS_USED_LOCK({mark})");
                let row = self.ask(&question).await.map_err(|failure| self.look_fault(failure))?.pop();
                let mut columns = row.unwrap_or_default().into_iter();
                let (got, holder) = (columns.next().flatten(), columns.next().flatten());
                if got.as_deref() == Some("1") {
                    return Ok(());
                }
                if let Some(holder) = holder.filter(|holder| ended.as_ref() != Some(holder)) {
                    match self.kill(&holder).await {
                        // Another's, which may be about to end by itself.
                        Err(fault) if fault.class == FaultClass::PermissionDenied => forbidden = Some(fault),
                        done => done?,
                    }
                    ended = Some(holder);
                }
                sleep(pause).await;
                pause = (pause * 2).min(GONE_PAUSE_MAX);
            }
        };
        match timeout(limit, taken).await {
            Ok(taken) => taken,
            Err(_) => Err(forbidden.unwrap_or_else(|| self.still_there())),
        }
    }

    /// Ends every session of this user but our own, and waits until they are gone. Returns how many there were.
    ///
    /// # Errors
    /// As [`Session::take_over`].
    pub(super) async fn end_sessions_of(&mut self, user: &str) -> Result<u32, Fault> {
        let limit = self.config.reach.request_timeout;
        let mut name = String::new();
        super::account::push_literal(&mut name, user);
        let question = format!(
            "SELECT ID FROM information_schema.PROCESSLIST WHERE BINARY `USER` = {name} AND ID <> CONNECTION_ID()"
        );
        let ended = async {
            let mut told: Vec<String> = Vec::new();
            let mut pause = GONE_PAUSE_MIN;
            loop {
                let rows = self.ask(&question).await.map_err(|failure| self.look_fault(failure))?;
                let left: Vec<String> = rows.into_iter().filter_map(|row| row.into_iter().next()?).collect();
                if left.is_empty() {
                    return Ok(u32::try_from(told.len()).unwrap_or(u32::MAX));
                }
                for id in left {
                    if !told.contains(&id) {
                        self.kill(&id).await?;
                        told.push(id);
                    }
                }
                sleep(pause).await;
                pause = (pause * 2).min(GONE_PAUSE_MAX);
            }
        };
        timeout(limit, ended).await.unwrap_or_else(|_| Err(self.still_there()))
    }

    async fn kill(&mut self, id: &str) -> Result<(), Fault> {
        if !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.look_fault(Failure::Silent));
        }
        match self.run(&format!("KILL CONNECTION {id}")).await {
            // It has gone by itself.
            Err(Failure::Said(error)) if classify::code(&error) == Some(UNKNOWN_THREAD) => Ok(()),
            done => done.map_err(|failure| self.look_fault(failure)),
        }
    }

    fn still_there(&self) -> Fault {
        let what = format!("{}: sessions that were told to end are still there", self.place());
        Fault::new(FaultClass::Unreachable, what)
    }

    /// Whether all sessions of the server can be seen.
    pub(super) async fn sees_all_sessions(&mut self) -> Result<bool, Fault> {
        // Who lacks PROCESS sees only sessions of his own, and is not told so; here he is.
        match self.ask("SELECT 1 FROM information_schema.INNODB_TRX LIMIT 1").await {
            Ok(_) => Ok(true),
            Err(Failure::Said(error)) if classify::code(&error) == Some(ACCESS_DENIED_SPECIFIC) => Ok(false),
            Err(failure) => Err(self.look_fault(failure)),
        }
    }

    /// A failed look at the server, as a fault.
    pub(super) fn look_fault(&self, failure: Failure) -> Fault {
        match failure {
            Failure::Said(error) => classify::look(&error, self.place()),
            Failure::Silent => {
                Fault::new(FaultClass::Unreachable, format!("{}: the server fell silent", self.place()))
            }
        }
    }

    /// One statement of a role's, as a secret; its failure with what stood behind it.
    pub(super) async fn run_template(&mut self, statement: &SecretString, what: &str) -> Result<(), Fault> {
        match self.run(statement.expose()).await {
            Ok(()) => Ok(()),
            Err(Failure::Said(error)) => {
                let behind = if self.broken { Vec::new() } else { self.errors_behind().await };
                Err(classify::statement(&error, &behind, self.place(), what))
            }
            Err(failure) => Err(self.look_fault(failure)),
        }
    }

    /// The accounts of these users, whatever their hosts.
    pub(super) async fn accounts_of(&mut self, users: &[&str]) -> Result<Vec<Account>, Fault> {
        let mut list = String::new();
        for (at, user) in users.iter().enumerate() {
            list.push_str(if at == 0 { "" } else { ", " });
            super::account::push_literal(&mut list, user);
        }
        let question = format!("SELECT User, Host FROM mysql.user WHERE User IN ({list})");
        let rows = self.ask(&question).await.map_err(|failure| self.look_fault(failure))?;
        let account = |row: Texts| {
            let mut columns = row.into_iter();
            Some(Account { user: columns.next()??, host: columns.next()?? })
        };
        Ok(rows.into_iter().filter_map(account).collect())
    }
}

fn texts(row: Row) -> Texts {
    let text = |value| match value {
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Value::Int(number) => Some(number.to_string()),
        Value::UInt(number) => Some(number.to_string()),
        _ => None,
    };
    row.unwrap_raw().into_iter().map(|value| text(value.unwrap_or(Value::NULL))).collect()
}

/// The task of a login; dropping it ends it.
struct Dialling(JoinHandle<Result<Conn, Error>>);

impl Drop for Dialling {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn dial(config: &Config, login: &Login, name: &str) -> Result<Conn, LoginFailure> {
    let failed = |error: &Error| classify::login(error, config.place());
    let trust = trust(config).await.map_err(LoginFailure::Other)?;
    match attempt(config, login, name, trust.clone()).await? {
        Ok(conn) => Ok(conn),
        // No credential was sent yet.
        Err(Error::Driver(DriverError::NoClientSslFlagFromServer)) if config.reach.tls == TlsMode::Prefer => {
            attempt(config, login, name, None).await?.map_err(|error| failed(&error))
        }
        Err(error) => {
            // The certificate is of a trusted authority, and for another host: with `verify-ca` it is asked for by a
            // name that it has, since the driver knows no other way.
            let other = presented_name(&error).filter(|_| config.reach.tls == TlsMode::VerifyCa);
            let (Some(trust), Some(other)) = (trust, other) else { return Err(failed(&error)) };
            let trust = trust.with_danger_tls_hostname_override(Some(other));
            attempt(config, login, name, Some(trust)).await?.map_err(|error| failed(&error))
        }
    }
}

/// One try. The driver panics where a server asks for a plugin that it was built without; in a task of its own
/// that is an error like others.
async fn attempt(
    config: &Config,
    login: &Login,
    name: &str,
    trust: Option<SslOpts>,
) -> Result<Result<Conn, Error>, LoginFailure> {
    let options = options(config, login, name, trust);
    let mut dialling = Dialling(tokio::spawn(Conn::new(options)));
    (&mut dialling.0).await.map_err(|_| {
        let what = format!("{}: the server asks for a proof that is not known here", config.place());
        LoginFailure::Other(Fault::new(FaultClass::Preflight, what))
    })
}

fn options(config: &Config, login: &Login, name: &str, trust: Option<SslOpts>) -> Opts {
    // A login names the user; the host is where it comes from.
    let user =
        Account::parse(&login.username).map_or_else(|_| login.username.clone(), |account| account.user);
    OptsBuilder::default()
        .ip_or_hostname(config.host.clone())
        .tcp_port(config.port)
        .user(Some(user))
        .pass(Some(login.password.expose()))
        .db_name(config.database.clone())
        .ssl_opts(trust)
        // Else the driver would go over to a socket that the server names.
        .prefer_socket(false)
        .stmt_cache_size(0)
        // Given, so that the driver does not ask for them.
        .max_allowed_packet(Some(PACKET_BYTES_MAX))
        .wait_timeout(Some(IDLE_SECS))
        .connect_attributes([("program_name".to_owned(), name.to_owned())].into())
        .into()
}

/// The driver's words for whom to trust; `None` for no TLS.
async fn trust(config: &Config) -> Result<Option<SslOpts>, Fault> {
    match config.reach.tls {
        TlsMode::Disable => Ok(None),
        TlsMode::Prefer | TlsMode::Require => {
            Ok(Some(SslOpts::default().with_danger_accept_invalid_certs(true)))
        }
        TlsMode::VerifyCa | TlsMode::VerifyFull => {
            let fault = |what: &str| Fault::new(FaultClass::Tls, format!("{}: {what}", config.place()));
            let found =
                tls::authorities(&config.reach.roots).await.map_err(|error| fault(&error.to_string()))?;
            // The driver refuses all of them for one that is no use.
            let usable = found
                .into_iter()
                .filter(|certificate| RootCertStore::empty().add(certificate.clone()).is_ok());
            let roots: Vec<_> = usable.map(|certificate| certificate.to_vec().into()).collect();
            if roots.is_empty() {
                return Err(fault(
                    "sslrootcert or tls_ca holds no certificate, or the operating system trusts none",
                ));
            }
            Ok(Some(SslOpts::default().with_root_certs(roots).with_disable_built_in_roots(true)))
        }
    }
}

/// A name that the certificate has, where nothing but the name is wrong with it.
fn presented_name(error: &Error) -> Option<String> {
    let Error::Io(IoError::Io(cause)) = error else { return None };
    match cause.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. }) => {
            presented.iter().find_map(|name| plain_name(name))
        }
        _ => None,
    }
}

/// `DnsName("*.example")` and `IpAddress(127.0.0.1)`, as rustls shows them.
fn plain_name(shown: &str) -> Option<String> {
    let (_, inner) = shown.split_once('(')?;
    let name = inner.strip_suffix(')')?.trim_matches('"');
    Some(name.replacen('*', "any", 1))
}

/// `ER_NO_SUCH_THREAD`
const UNKNOWN_THREAD: u16 = 1094;
/// `ER_SPECIFIC_ACCESS_DENIED_ERROR`
const ACCESS_DENIED_SPECIFIC: u16 = 1227;
/// An answer may come this much later than the server's own limit for a lock.
const REPLY_GRACE: Duration = Duration::from_secs(1);
/// Longest wait for an orderly good-bye.
const CLOSE_TIME_MAX: Duration = Duration::from_millis(500);
const GONE_PAUSE_MIN: Duration = Duration::from_millis(5);
const GONE_PAUSE_MAX: Duration = Duration::from_millis(100);
/// In bytes; far more than any statement of ours.
const PACKET_BYTES_MAX: usize = 16 << 20;
/// What the driver takes the server's patience for; no session lives so long.
const IDLE_SECS: usize = 28_800;
