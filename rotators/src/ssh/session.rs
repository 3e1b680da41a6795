//! One connection to the server: opening it, proving who we are, ending it.
//!
//! Every wait has its limit. A session that is dropped closes its socket at once; nothing of it goes on.

use std::future::Future;
use std::net::Shutdown;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use russh::client::{self, DisconnectReason, Handle};
use russh::keys::PublicKeyOrCertificate;
use russh::{Disconnect, Error, MethodKind, MethodSet};
use tokio::net::TcpStream;
use tokio::time::timeout;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::Login;

use super::classify::{self, LoginFailure};
use super::config::{Config, Elevation};
use super::hostkey::{self, Pins};
use super::login::{self, Proof};

mod auth;
mod run;

pub(super) use run::Came;

/// An open connection.
pub(super) struct Session<'a> {
    handle: Handle<Ear>,
    heard: Heard,
    pub(super) config: &'a Config,
    /// What sudo may be answered with.
    password: Option<&'a vault_core::secret::SecretString>,
    /// Dropped last.
    _socket: Socket,
}

/// Closes the connection when it is dropped, whatever the library's task is about.
struct Socket(std::net::TcpStream);

impl Drop for Socket {
    fn drop(&mut self) {
        // It may be closed already.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// What the server said beside its answers.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Said>>);

#[derive(Default)]
struct Said {
    /// The host key that was not accepted.
    foreign_key: Option<String>,
    /// How many banners came.
    banners: usize,
    /// The server's last word, where it said good-bye.
    goodbye: Option<String>,
}

impl Heard {
    fn lock(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Our side of the connection, as the library calls it.
struct Ear {
    pins: Pins,
    heard: Heard,
}

impl client::Handler for Ear {
    type Error = Error;

    async fn auth_banner(&mut self, _banner: &str, _session: &mut client::Session) -> Result<(), Error> {
        self.heard.lock().banners += 1;
        Ok(())
    }

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Error> {
        // Certificates are never asked for.
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else { return Ok(false) };
        let known = self.pins.hold(key);
        if !known {
            self.heard.lock().foreign_key = Some(hostkey::shown(key));
        }
        Ok(known)
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Error>) -> Result<(), Error> {
        if let DisconnectReason::ReceivedDisconnect(info) = reason {
            self.heard.lock().goodbye = Some(info.message);
        }
        Ok(())
    }
}

impl<'a> Session<'a> {
    /// Logs in by the path that consumers use.
    pub(super) async fn open(config: &'a Config, login: &'a Login) -> Result<Self, LoginFailure> {
        let wrong = |error: login::LoginError| {
            LoginFailure::Other(Fault::new(FaultClass::Preflight, error.to_string()))
        };
        login::check_name(&login.username).map_err(wrong)?;
        let proof = Proof::of(&login.password).map_err(wrong)?;
        let mut session = Self::connect(config).await.map_err(LoginFailure::Other)?;
        let silent = |_| {
            LoginFailure::Other(say(
                config,
                &format!("no answer to the login within {:?}", config.request_timeout),
            ))
        };
        timeout(config.request_timeout, auth::prove(&mut session, &login.username, &proof))
            .await
            .map_err(silent)??;
        session.password = matches!(proof, Proof::Password(_)).then_some(&login.password);
        Ok(session)
    }

    /// Logs the management credential in.
    pub(super) async fn open_management(config: &'a Config, login: &'a Login) -> Result<Self, Fault> {
        if config.elevation == Elevation::SudoPassword && login::is_key(&login.password) {
            let what =
                "become = sudo_password needs a management password, and the management credential is a key";
            return Err(Fault::new(FaultClass::Preflight, what));
        }
        Self::open(config, login).await.map_err(LoginFailure::of_management)
    }

    /// The ways of logging in that the server offers to this name; no credential is sent.
    pub(super) async fn offers(config: &Config, username: &str) -> Result<MethodSet, Fault> {
        let mut session = Session::connect(config).await?;
        let offered = timeout(config.request_timeout, auth::offered(&mut session, username)).await;
        let offered = offered.map_err(|_| say(config, "the server fell silent"))??;
        session.close().await;
        Ok(offered)
    }

    async fn connect(config: &'a Config) -> Result<Self, Fault> {
        match timeout(config.connect_timeout, Self::dial(config)).await {
            Ok(result) => result,
            Err(_) => Err(say(config, &format!("no connection within {:?}", config.connect_timeout))),
        }
    }

    async fn dial(config: &'a Config) -> Result<Self, Fault> {
        let broke = |error: std::io::Error| say(config, &format!("the connection broke ({})", error.kind()));
        let stream = tcp(config).await?.into_std().map_err(broke)?;
        let socket = Socket(stream.try_clone().map_err(broke)?);
        let stream = TcpStream::from_std(stream).map_err(broke)?;
        let heard = Heard::default();
        let ear = Ear { pins: config.host_key.clone(), heard: heard.clone() };
        let settings = client::Config { preferred: config.host_key.preferred(), ..client::Config::default() };
        let handle = client::connect_stream(Arc::new(settings), stream, ear)
            .await
            .map_err(|error| classify::connection(&error, heard.lock().foreign_key.as_deref(), config))?;
        Ok(Self { handle, heard, config, password: None, _socket: socket })
    }

    /// Whether the connection is known to be gone.
    pub(super) fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// Says good-bye, so that the server does not note a broken connection. Waits only briefly.
    pub(super) async fn close(self) {
        let farewell = async {
            // Past the limit, dropping the socket does what is left to do.
            let _ = self.handle.disconnect(Disconnect::ByApplication, "", "").await;
            let _ = self.handle.await;
        };
        let _ = timeout(CLOSE_TIME_MAX, farewell).await;
    }
}

/// Whether one of these is a way of giving a password.
pub(super) fn by_password(offered: &MethodSet) -> bool {
    offered.contains(&MethodKind::Password) || offered.contains(&MethodKind::KeyboardInteractive)
}

fn say(config: &Config, what: &str) -> Fault {
    Fault::new(FaultClass::Unreachable, format!("{}: {what}", config.place()))
}

/// Resolves the name and connects to the first address that answers.
async fn tcp(config: &Config) -> Result<TcpStream, Fault> {
    let addresses = tokio::net::lookup_host((config.host.as_str(), config.port))
        .await
        .map_err(|_| say(config, "the host name does not resolve"))?;
    let mut failure = say(config, "the host name has no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Only a matter of speed: small messages go out at once.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => failure = say(config, &format!("no TCP connection ({})", error.kind())),
        }
    }
    Err(failure)
}

/// Waits for an answer so long.
async fn within<T>(
    config: &Config,
    answer: impl Future<Output = Result<T, Error>>,
    what: &str,
) -> Result<T, Fault> {
    match timeout(config.request_timeout, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(say(config, what)),
        Err(_) => Err(say(config, "the server fell silent")),
    }
}

/// Longest wait for an orderly good-bye.
const CLOSE_TIME_MAX: Duration = Duration::from_millis(500);
