//! Requests to the management API, and what became of each. All I/O over HTTP is here.
//!
//! Each request has a connection of its own, so that what is known about connections (`outwait`) holds for
//! every request. Nothing is followed, repeated or cached. Every wait has its limit.

use std::io;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::Login;
use vault_core::secret::{SecretBytes, SecretString};

use super::config::{Config, Place};
use crate::network::dial::{self, Wire};
use crate::network::{Reach, TlsMode, web};

/// The API, asked by one user.
pub(super) struct Api<'a> {
    client: Client,
    config: &'a Config,
    login: &'a Login,
}

/// Why a request has not succeeded.
#[derive(Debug)]
pub(super) enum Failure {
    /// It was never sent.
    Unsent(Fault),
    /// The server refused it.
    Said(Refusal),
    /// It was sent, or part of it, and no answer came that could be used.
    Silent,
}

/// What the server answered instead of success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The status.
    pub(super) status: u16,
    /// Whether it let the password pass and missed a tag of the user.
    pub(super) lacks_tag: bool,
}

impl<'a> Api<'a> {
    /// Gets ready; sends nothing yet.
    ///
    /// # Errors
    /// `tls` when the settings of it cannot be used.
    pub(super) async fn new(config: &'a Config, login: &'a Login) -> Result<Self, Fault> {
        let client = web::client(&config.reach, &config.place()).await?;
        Ok(Self { client, config, login })
    }

    /// Where the API is, for messages.
    pub(super) fn place(&self) -> Place<'a> {
        self.config.place()
    }

    /// Reads what is at this path below `/api/`.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Failure> {
        let body = self.send(Method::GET, path, None).await?;
        serde_json::from_slice(body.expose()).map_err(|_| Failure::Silent)
    }

    /// The same, with nothing where there is nothing.
    pub(super) async fn find(&self, path: &str) -> Result<Option<Value>, Failure> {
        match self.get(path).await {
            Ok(value) => Ok(Some(value)),
            Err(Failure::Said(Refusal { status: 404, .. })) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Puts this body there.
    pub(super) async fn put(&self, path: &str, body: &SecretString) -> Result<(), Failure> {
        self.send(Method::PUT, path, Some(body)).await.map(drop)
    }

    /// Deletes what is there.
    pub(super) async fn delete(&self, path: &str) -> Result<(), Failure> {
        self.send(Method::DELETE, path, None).await.map(drop)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&SecretString>,
    ) -> Result<SecretBytes, Failure> {
        let scheme = if self.config.encrypted() { "https" } else { "http" };
        let address = format!("{scheme}://{}{}/api/{path}", self.place(), self.config.prefix);
        let mut request = self
            .client
            .request(method, address)
            .basic_auth(&self.login.username, Some(self.login.password.expose()));
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.expose().to_owned());
        }
        let response = request.send().await.map_err(|error| self.failed(&error))?;
        let status = response.status();
        let body = web::body(response, ANSWER_BYTES_MAX).await.ok_or(Failure::Silent)?;
        if status.is_success() {
            return Ok(body);
        }
        let reason = serde_json::from_slice::<Value>(body.expose()).ok();
        let reason = reason.as_ref().and_then(|answer| answer.get("reason")?.as_str()).unwrap_or_default();
        // "Not management user", "Not administrator user".
        let lacks_tag = status.as_u16() == 401 && reason.starts_with("Not ") && reason.ends_with(" user");
        Err(Failure::Said(Refusal { status: status.as_u16(), lacks_tag }))
    }

    fn failed(&self, error: &reqwest::Error) -> Failure {
        web::unsent(error, "the management API", &self.place()).map_or(Failure::Silent, Failure::Unsent)
    }
}

/// Waits until every connection that was opened before this call has either delivered its request or was
/// ended by the server.
///
/// A request that is held up on its way cannot be found on the server, nor be called back. But the server ends
/// a connection that brings no request within a limit of its own (`request_timeout` of its web server, 5 s by
/// default), and it counts from the connection's beginning. So a connection is opened that stays mute: when the
/// server has ended it, it has ended all older ones. Over TLS the handshake has its own limit before that one.
///
/// # Errors
/// `unreachable`, also when the server does not end it in time.
pub(super) async fn outwait(config: &Config) -> Result<(), Fault> {
    let fault = |what: &str| Fault::new(FaultClass::Unreachable, format!("{}: {what}", config.place()));
    let waited = async {
        let bare = Reach { tls: TlsMode::Disable, ..config.reach.clone() };
        let stages: &[&Reach] = if config.encrypted() { &[&bare, &config.reach] } else { &[&bare] };
        for reach in stages {
            let place = config.place();
            let opened = dial::open(&config.host, config.port, reach, &place);
            let mut wire = match timeout(config.reach.connect_timeout, opened).await {
                Ok(wire) => wire?,
                Err(_) => return Err(fault("no connection to the management API")),
            };
            if !ended(&mut *wire).await {
                return Err(fault("a connection broke that the server should have ended"));
            }
        }
        Ok(())
    };
    match timeout(config.settle_timeout, waited).await {
        Ok(result) => result,
        Err(_) => Err(fault(
            "the server keeps mute connections open for longer than settle_timeout, so a late request cannot be excluded",
        )),
    }
}

/// Whether the other side has ended the connection in order.
async fn ended(wire: &mut dyn Wire) -> bool {
    let mut rest = [0; 512];
    loop {
        match wire.read(&mut rest).await {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == io::ErrorKind::UnexpectedEof,
        }
    }
}

/// The longest answer: the open connections of one user.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
