//! A connection that is logged in: dialling, and the task that moves its bytes.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Connection, Error, NoTls, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::Login;

use super::classify::{self, LoginFailure};
use super::config::Config;
use crate::network::{TlsMode, dial, tls};

/// An open connection.
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) driver: Driver,
    since: Instant,
    /// As whom the server has let it in, in the server's own words; poolers do not tell.
    pub(super) user: Option<String>,
    pub(super) is_prepared: AtomicBool,
    /// Questions that were asked on it before: the server has read and planned them.
    pub(super) statements: Mutex<HashMap<&'static str, Statement>>,
}

impl Link {
    /// Whether it is open, and not older than that.
    pub(super) fn is_usable(&self, life_max: Duration) -> bool {
        !self.client.is_closed() && self.since.elapsed() < life_max
    }

    /// When it was logged in.
    pub(super) const fn since(&self) -> Instant {
        self.since
    }

    /// Connects and logs in.
    pub(super) async fn dial(
        config: &Config,
        login: &Login,
        application_name: &str,
    ) -> Result<Self, LoginFailure> {
        let place = config.place();
        let stream = dial::connect(&config.host, config.port, &place).await.map_err(LoginFailure::Other)?;
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
        Ok(if config.reach.tls == TlsMode::Disable {
            let (client, connection) = settings.connect_raw(stream, NoTls).await.map_err(failed)?;
            Self::new(client, connection)
        } else {
            let connector = connector(config).await.map_err(LoginFailure::Other)?;
            let (client, connection) = settings.connect_raw(stream, connector).await.map_err(failed)?;
            Self::new(client, connection)
        })
    }

    fn new<S, T>(client: Client, connection: Connection<S, T>) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        Self {
            client,
            user: connection.parameter("session_authorization").map(str::to_owned),
            driver: Driver::start(connection),
            since: Instant::now(),
            is_prepared: AtomicBool::new(false),
            statements: Mutex::default(),
        }
    }
}

/// The task that moves the bytes of a connection; dropping it closes the socket.
pub(super) struct Driver(pub(super) JoinHandle<()>);

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

async fn connector(
    config: &Config,
) -> Result<<MakeRustlsConnect as MakeTlsConnect<TcpStream>>::TlsConnect, Fault> {
    let fault = |what: &str| Fault::new(FaultClass::Tls, format!("{}: {what}", config.place()));
    let client = tls::client_config(&config.reach).await.map_err(|error| fault(&error.to_string()))?;
    let mut make = MakeRustlsConnect::new(client);
    MakeTlsConnect::<TcpStream>::make_tls_connect(&mut make, &config.host).map_err(|never| match never {})
}
