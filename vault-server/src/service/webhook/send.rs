//! One attempt: a signed POST, or a mail, and what came of it. All I/O with receivers is here and in `mail.rs`.
//!
//! Nothing is followed, repeated or kept of an answer but its status. Every wait has its limit. The URL may hold a token
//! of the receiver's, so no error of the client is told: only a class.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Body, Client, Response, redirect, retry};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_util::bytes::Bytes;
use vault_core::clock::{Clock, Timestamp};
use vault_core::id::EventId;
use vault_core::webhook::format::Format;
use vault_core::webhook::sign::{message_id, signatures};
use vault_core::webhook::{Delivery, FailureClass, Webhook};
use zeroize::Zeroizing;

use super::address::{Guarded, OnlyRefused, Unresolved, checked};
use super::mail::Mailer;

/// What an attempt came to: the status, where there was one; and why it failed, if it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) status: Option<u16>,
    pub(super) failure: Option<FailureClass>,
}

impl Answered {
    pub(super) fn failed(class: FailureClass) -> Self {
        Self { status: None, failure: Some(class) }
    }
}

/// When a message is sent.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    /// By the vault's clock.
    now: Timestamp,
    /// By the machine's: receivers compare it with clocks of their own.
    wall: Timestamp,
}

impl Moment {
    pub(super) fn of(clock: &dyn Clock) -> Self {
        Self { now: clock.now(), wall: clock.wall() }
    }
}

/// The way to a receiver, as it is configured now. Cheap to clone.
#[derive(Clone)]
pub(super) enum Channel {
    /// By HTTP.
    Http(Client),
    /// By mail.
    Mail(Arc<Mailer>),
}

impl Channel {
    /// That of `webhook`; `None` when its settings cannot be used.
    pub(super) fn of(webhook: &Webhook) -> Option<Self> {
        if webhook.format == Format::Mail {
            return Mailer::of(webhook).map(Arc::new).map(Self::Mail);
        }
        client(webhook).map(Self::Http)
    }

    /// Whether the receiver refused to let the vault log in last.
    pub(super) fn is_login_refused(&self) -> bool {
        matches!(self, Self::Mail(mailer) if mailer.is_login_refused())
    }

    /// Sends a message, and tells what the receiver said. `first` is the first mail about the same incident.
    pub(super) async fn send(
        &self,
        webhook: &Webhook,
        delivery: &Delivery,
        first: Option<EventId>,
        moment: Moment,
    ) -> Answered {
        match self {
            Self::Http(client) => send(client, webhook, delivery, moment).await,
            Self::Mail(mailer) => match mailer.letter(delivery, webhook, first) {
                // By the clocks of those who read it nothing happened later than now.
                Some(letter) => mailer.send(webhook, letter, delivery.at.min(moment.wall)).await,
                None => Answered::failed(FailureClass::Unfit),
            },
        }
    }
}

/// Those who may have signed the certificate of a receiver; `None` where they cannot be read.
pub(super) fn roots(webhook: &Webhook) -> Option<Vec<CertificateDer<'static>>> {
    match &webhook.tls_ca {
        Some(pem) => authorities(pem),
        None => Some(rustls_native_certs::load_native_certs().certs),
    }
}

/// A client for the receiver of `webhook`; `None` when its settings cannot be used.
fn client(webhook: &Webhook) -> Option<Client> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots(webhook)?);
    let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(store)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(Arc::new(Guarded))
        .connect_timeout(webhook.timeout.min(CONNECT_MAX))
        .timeout(webhook.timeout)
        .pool_idle_timeout(IDLE_MAX)
        .pool_max_idle_per_host(2)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .user_agent(concat!("rotunda/", env!("CARGO_PKG_VERSION")))
        .build()
        .ok()
}

/// The certificates of a PEM text; `None` when there is none.
pub(super) fn authorities(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().ok()?;
    (!found.is_empty()).then_some(found)
}

async fn send(client: &Client, webhook: &Webhook, delivery: &Delivery, moment: Moment) -> Answered {
    let Moment { now, wall } = moment;
    let Ok(url) = checked(&webhook.url, webhook.allow_http) else {
        return Answered::failed(FailureClass::Settings);
    };
    let routing_key = webhook.routing_key.as_ref().map(|routing| routing.key.expose());
    let Some(body) = webhook.format.render(&delivery.body, routing_key) else {
        return Answered::failed(FailureClass::Unfit);
    };
    let id = message_id(delivery.event);
    let request = client
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-timestamp", wall.as_secs().to_string())
        .header("webhook-signature", signatures(webhook, &id, now, wall, &body))
        .header("webhook-id", id)
        .body(wiped(body));
    match request.send().await {
        Ok(response) => {
            let status = response.status().as_u16();
            // Taken is taken: what is said about it does not matter, nor whether that arrives.
            let _ = tokio::time::timeout(REST_MAX, swallow(response)).await;
            Answered { status: Some(status), failure: FailureClass::of_status(status) }
        }
        Err(error) => Answered::failed(class(&error)),
    }
}

/// A body that is wiped when it has been sent: it may hold a routing key.
fn wiped(body: Zeroizing<String>) -> Body {
    Body::from(Bytes::from_owner(Wiped(body)))
}

/// Text that is lent as bytes.
struct Wiped(Zeroizing<String>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Reads what little there may be of a body, so that the connection can be used again.
async fn swallow(mut response: Response) {
    let mut read = 0;
    while let Ok(Some(piece)) = response.chunk().await {
        read += piece.len();
        if read > ANSWER_BYTES_MAX {
            return;
        }
    }
}

fn class(error: &reqwest::Error) -> FailureClass {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if inner.is::<OnlyRefused>() {
            return FailureClass::AddressRefused;
        }
        if inner.is::<Unresolved>() {
            return FailureClass::Unresolved;
        }
        // The handshake's failure is inside an I/O error, which does not name it as its source.
        let held = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if inner.is::<rustls::Error>() || held.is_some_and(|held| held.is::<rustls::Error>()) {
            return FailureClass::Tls;
        }
        cause = inner.source();
    }
    match error {
        error if error.is_timeout() => FailureClass::Timeout,
        error if error.is_connect() => FailureClass::Unreachable,
        error if error.is_builder() => FailureClass::Settings,
        _ => FailureClass::Broken,
    }
}

/// The longest that a connection is waited for.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long an idle connection is kept.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// The most of an answer's body that is read, and thrown away.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// How long the rest of an answer is waited for.
pub(super) const REST_MAX: Duration = Duration::from_secs(1);
