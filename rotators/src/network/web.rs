//! A client for HTTP with the TLS of the settings, and what can be said of a request that brought no answer.
//!
//! Each request has a connection of its own. Nothing is followed, repeated, cached or sent through a proxy. Every
//! wait has its limit.

use std::error::Error;
use std::fmt;
use std::io;

use reqwest::{Client, Response, redirect, retry};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::secret::SecretBytes;

use super::{Reach, TlsMode, tls};

/// Gets ready; sends nothing yet.
///
/// # Errors
/// `tls` when the settings of it cannot be used.
pub(crate) async fn client(reach: &Reach, place: &(dyn fmt::Display + Sync)) -> Result<Client, Fault> {
    let fault = |what: &str| Fault::new(FaultClass::Tls, format!("{place}: {what}"));
    // Taken also where there is no TLS: the client asks for one in any case.
    let tls = match reach.tls {
        TlsMode::Disable => tls::client_config(&Reach { tls: TlsMode::Require, ..reach.clone() }).await,
        _ => tls::client_config(reach).await,
    };
    Client::builder()
        .tls_backend_preconfigured(tls.map_err(|error| fault(&error.to_string()))?)
        .connect_timeout(reach.connect_timeout)
        .timeout(reach.request_timeout)
        .pool_max_idle_per_host(0)
        .http1_only()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .build()
        .map_err(|_| fault("TLS cannot be set up"))
}

/// Why a request was certainly never sent; `None` when it, or part of it, may have been. `whom` was not reached.
pub(crate) fn unsent(error: &reqwest::Error, whom: &str, place: &(dyn fmt::Display + Sync)) -> Option<Fault> {
    if !error.is_connect() {
        return None;
    }
    Some(match error.source().and_then(handshake_failure) {
        Some(cause) => Fault::new(FaultClass::Tls, format!("{place}: TLS failed: {}", tls::words(cause))),
        None => Fault::new(FaultClass::Unreachable, format!("{place}: no connection to {whom}")),
    })
}

/// The body of an answer; `None` when it did not come whole or is longer than `bytes_max`.
pub(crate) async fn body(mut response: Response, bytes_max: usize) -> Option<SecretBytes> {
    // Enough from the start, so that growing leaves no copies of what it holds.
    let expected = response.content_length().and_then(|length| usize::try_from(length).ok());
    let mut body = Vec::with_capacity(expected.unwrap_or(BODY_BYTES_USUAL).min(bytes_max));
    while let Some(piece) = response.chunk().await.ok()? {
        body.extend_from_slice(&piece);
        if body.len() > bytes_max {
            return None;
        }
    }
    Some(SecretBytes::new(body))
}

/// The failure of a handshake by rustls among the causes of an error.
fn handshake_failure<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e io::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>();
        let held = io.and_then(io::Error::get_ref);
        if held.is_some_and(|held| held.is::<rustls::Error>()) {
            return io;
        }
        // What an `io::Error` holds it skips among its causes.
        cause = match held {
            Some(held) => Some(held),
            None => error.source(),
        };
    }
    None
}

const BODY_BYTES_USUAL: usize = 16 * 1024;
