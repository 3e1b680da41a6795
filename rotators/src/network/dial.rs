//! A TCP connection to one host, with TLS from its first byte where that is asked for.
//!
//! For protocols that are spoken by hand, or by a library that takes a connection. Limits of time are the caller's.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use vault_core::rotation::fault::{Fault, FaultClass};

use super::reach::{Reach, TlsMode};
use super::tls;

/// A connection, encrypted or not. Dropping it closes the socket.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Connects to the first address of `host` that answers; `place` says in messages where that is.
/// [`TlsMode::Prefer`] means TLS here: there is nothing to ask the server beforehand.
///
/// # Errors
/// `unreachable` or `tls`.
pub(crate) async fn open(
    host: &str,
    port: u16,
    reach: &Reach,
    place: &(dyn fmt::Display + Sync),
) -> Result<Box<dyn Wire>, Fault> {
    let stream = connect(host, port, place).await?;
    if reach.tls == TlsMode::Disable {
        return Ok(Box::new(stream));
    }
    let fault = |what: &str| Fault::new(FaultClass::Tls, format!("{place}: {what}"));
    let client = tls::client_config(reach).await.map_err(|error| fault(&error.to_string()))?;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| fault("the host is no name that TLS can verify"))?;
    let shaken = TlsConnector::from(Arc::new(client)).connect(name, stream).await;
    let stream = shaken.map_err(|error| handshake_fault(&error, place))?;
    Ok(Box::new(stream))
}

/// Connects to the first address of `host` that answers, without TLS.
///
/// # Errors
/// `unreachable`.
pub(crate) async fn connect(
    host: &str,
    port: u16,
    place: &(dyn fmt::Display + Sync),
) -> Result<TcpStream, Fault> {
    let unreachable = |what: &str| Fault::new(FaultClass::Unreachable, format!("{place}: {what}"));
    let addresses = tokio::net::lookup_host((host, port))
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

fn handshake_fault(error: &io::Error, place: &(dyn fmt::Display + Sync)) -> Fault {
    match error.get_ref() {
        Some(inner) if inner.is::<rustls::Error>() => {
            Fault::new(FaultClass::Tls, format!("{place}: TLS failed: {}", tls::words(error)))
        }
        _ => {
            Fault::new(FaultClass::Unreachable, format!("{place}: the connection broke in the TLS handshake"))
        }
    }
}
