//! One connection to the server: opening it, asking, ending it. All I/O of the rotator is here.
//!
//! Every wait has its limit. A connection that is dropped closes its socket at once; nothing of it goes
//! on in the background.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Connection, Error, NoTls, Row};
use tokio_postgres_rustls::MakeRustlsConnect;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::Login;

use super::classify::{self, LoginFailure};
use super::command;
use super::config::{Config, Place};
use crate::network::{TlsMode, tls};

/// An open connection.
pub(super) struct Session<'a> {
    client: Client,
    driver: Driver,
    config: &'a Config,
}

/// The task that moves the bytes of a connection; dropping it closes the socket.
struct Driver(JoinHandle<()>);

impl Driver {
    fn start<S, T>(connection: Connection<S, T>) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // What breaks the connection is told to the request that waits for an answer.
        Self(tokio::spawn(async move { drop(connection.await) }))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Which sessions to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Selection {
    /// Those that bear this application name.
    Named,
    /// Those of this role.
    OfRole,
}

impl Selection {
    fn terminate(self) -> &'static str {
        match self {
            Self::Named => {
                "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE application_name = $1 AND pid <> pg_backend_pid()"
            }
            // Without pg_read_all_stats the type of others' sessions is hidden. A parallel worker ends
            // with its leader.
            Self::OfRole => {
                "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE usename = $1 AND pid <> pg_backend_pid() \
                 AND coalesce(backend_type, 'client backend') IN ('client backend', 'walsender')"
            }
        }
    }
}

/// Why no answer can be used.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server or the connection said no.
    Said(Error),
    /// Nothing came in time.
    Silent,
}

impl<'a> Session<'a> {
    /// Logs in by the path that consumers use.
    pub(super) async fn open(
        config: &'a Config,
        login: &Login,
        application_name: &str,
    ) -> Result<Self, LoginFailure> {
        match timeout(config.reach.connect_timeout, Self::dial(config, login, application_name)).await {
            Ok(result) => result,
            Err(_) => Err(LoginFailure::Other(Fault::new(
                FaultClass::Unreachable,
                format!("{}: no connection within {:?}", config.place(), config.reach.connect_timeout),
            ))),
        }
    }

    async fn dial(config: &'a Config, login: &Login, application_name: &str) -> Result<Self, LoginFailure> {
        let stream = connect(config).await.map_err(LoginFailure::Other)?;
        let mut settings = tokio_postgres::Config::new();
        settings
            .user(&login.username)
            .password(login.password.expose())
            .dbname(&config.database)
            .application_name(application_name)
            .ssl_mode(match config.reach.tls {
                TlsMode::Disable => tokio_postgres::config::SslMode::Disable,
                TlsMode::Prefer => tokio_postgres::config::SslMode::Prefer,
                TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => {
                    tokio_postgres::config::SslMode::Require
                }
            });
        let failed = |error: Error| classify::login(&error, config.place());
        let (client, driver) = if config.reach.tls == TlsMode::Disable {
            let (client, connection) = settings.connect_raw(stream, NoTls).await.map_err(failed)?;
            (client, Driver::start(connection))
        } else {
            let connector = connector(config).await.map_err(LoginFailure::Other)?;
            let (client, connection) = settings.connect_raw(stream, connector).await.map_err(failed)?;
            (client, Driver::start(connection))
        };
        Ok(Self { client, driver, config })
    }

    /// Where this session is, for messages.
    pub(super) fn place(&self) -> Place<'a> {
        self.config.place()
    }

    /// Whether the connection is known to be gone.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Lets names mean the server's own catalogue from here on.
    pub(super) async fn prepare(&self) -> Result<(), Failure> {
        self.run(&command::session_limits(self.config.reach.request_timeout.as_millis())).await
    }

    /// The limits of a transaction that changes something, as one query.
    pub(super) fn transaction_limits(&self) -> String {
        command::transaction_limits(self.config.reach.request_timeout.as_millis())
    }

    /// Runs one statement without parameters, in one round trip.
    pub(super) async fn run(&self, statement: &str) -> Result<(), Failure> {
        self.within(self.client.batch_execute(statement)).await
    }

    /// Asks one question, in one round trip.
    pub(super) async fn ask(
        &self,
        question: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Failure> {
        self.within(self.client.query_typed(question, parameters)).await
    }

    async fn within<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
        // The server's own limit comes first when it is alive; then its answer tells more.
        match timeout(self.config.reach.request_timeout.saturating_add(REPLY_GRACE), answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Failure::Said(error)),
            Err(_) => Err(Failure::Silent),
        }
    }

    /// Ends in order, so that the server does not note a broken connection. Waits only briefly.
    pub(super) async fn close(self) {
        let Self { client, mut driver, .. } = self;
        drop(client);
        // Past the limit, dropping the driver closes the socket without the good-bye.
        let _ = timeout(CLOSE_TIME_MAX, &mut driver.0).await;
    }

    /// Ends every session that `selection` names by its parameter, and waits until they are gone, so
    /// that what they were doing is either done or never happens. Returns how many there were.
    ///
    /// # Errors
    /// `permission_denied` when the server does not let us, `unreachable` when they are still there when
    /// the time is up.
    pub(super) async fn end_others(&self, selection: Selection, key: &str) -> Result<u32, Fault> {
        let ended = async {
            let first = self
                .ask(selection.terminate(), &[(&key, Type::TEXT)])
                .await
                .map_err(|f| self.look_fault(f))?;
            let pids: Vec<i32> = first.iter().filter_map(|row| row.try_get(0).ok()).collect();
            let mut pause = GONE_PAUSE_MIN;
            loop {
                let left = self
                    .ask(STILL_THERE, &[(&pids, Type::INT4_ARRAY)])
                    .await
                    .map_err(|f| self.look_fault(f))?;
                if left.is_empty() {
                    return Ok(u32::try_from(pids.len()).unwrap_or(u32::MAX));
                }
                sleep(pause).await;
                pause = (pause * 2).min(GONE_PAUSE_MAX);
            }
        };
        match timeout(self.config.reach.request_timeout, ended).await {
            Ok(result) => result,
            Err(_) => Err(Fault::new(
                FaultClass::Unreachable,
                format!("{}: sessions that were told to end are still there", self.place()),
            )),
        }
    }

    /// A failed look at the catalogue, as a fault.
    pub(super) fn look_fault(&self, failure: Failure) -> Fault {
        match failure {
            Failure::Said(error) => classify::look(&error, self.place()),
            Failure::Silent => self.silence(),
        }
    }

    /// A failed step of the change before it could have happened, as a fault.
    pub(super) fn change_fault(&self, failure: Failure) -> Fault {
        match failure {
            Failure::Said(error) => classify::change(&error, self.place()),
            Failure::Silent => self.silence(),
        }
    }

    fn silence(&self) -> Fault {
        Fault::new(FaultClass::Unreachable, format!("{}: the server fell silent", self.place()))
    }
}

/// Resolves the name and connects to the first address that answers.
async fn connect(config: &Config) -> Result<TcpStream, Fault> {
    let unreachable = |what: &str| Fault::new(FaultClass::Unreachable, format!("{}: {what}", config.place()));
    let addresses = tokio::net::lookup_host((config.host.as_str(), config.port))
        .await
        .map_err(|_| unreachable("the host name does not resolve"))?;
    let mut failure = unreachable("the host name has no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Only a matter of speed: small messages go out at once.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => failure = unreachable(&format!("no TCP connection ({})", error.kind())),
        }
    }
    Err(failure)
}

async fn connector(
    config: &Config,
) -> Result<<MakeRustlsConnect as MakeTlsConnect<TcpStream>>::TlsConnect, Fault> {
    let fault = |what: &str| Fault::new(FaultClass::Tls, format!("{}: {what}", config.place()));
    let client = tls::client_config(&config.reach).await.map_err(|error| fault(&error.to_string()))?;
    let mut make = MakeRustlsConnect::new(client);
    MakeTlsConnect::<TcpStream>::make_tls_connect(&mut make, &config.host).map_err(|never| match never {})
}

const STILL_THERE: &str = "SELECT pid FROM pg_stat_activity WHERE pid = ANY($1)";
/// An answer may come this much later than the server's own limit for a statement.
const REPLY_GRACE: Duration = Duration::from_secs(1);
/// Longest wait for an orderly good-bye.
const CLOSE_TIME_MAX: Duration = Duration::from_millis(500);
const GONE_PAUSE_MIN: Duration = Duration::from_millis(5);
const GONE_PAUSE_MAX: Duration = Duration::from_millis(100);
