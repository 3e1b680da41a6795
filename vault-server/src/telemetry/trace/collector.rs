//! One POST to a collector, and what it said: OTLP over HTTP
//! ([specification](https://opentelemetry.io/docs/specs/otlp/#otlphttp)).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use reqwest::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
    TRANSFER_ENCODING,
};
use reqwest::{Client, Response, StatusCode, Url, redirect, retry};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use vault_core::trace::Span;
use zeroize::Zeroizing;

use super::wire;
use crate::config::Telemetry;

/// Why there is no way to the collector. The texts name the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollectorError {
    /// A file cannot be read.
    #[error("telemetry: cannot read {file}")]
    Unreadable {
        /// Which one.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A line of the headers is none. The line itself may hold a token, and is not told.
    #[error(
        "telemetry.otlp_headers_file: {file}, line {line}: write a header as `name: value`, and none that says what \
         the body is or where it goes"
    )]
    Header {
        /// Which file.
        file: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// There is no certificate in the file.
    #[error("telemetry.otlp_ca_file: {0} has no certificate in PEM form")]
    NoCertificate(PathBuf),
    /// TLS cannot be set up.
    #[error("telemetry: no client for the collector")]
    Client,
}

/// The collector.
pub(super) struct Collector {
    client: Client,
    url: Url,
    headers: HeaderMap,
    service: String,
}

/// Why a batch was not taken.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It may be later: the collector did not answer, or said so.
    ForNow {
        /// What to tell people.
        why: String,
        /// When the collector wants to be asked again.
        after: Option<Duration>,
    },
    /// It never will be.
    ForGood(String),
}

impl Collector {
    pub(super) fn new(config: &Telemetry) -> Result<Self, CollectorError> {
        let headers = config.headers_file.as_deref().map(headers).transpose()?.unwrap_or_default();
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(match &config.ca_file {
            Some(file) => authorities(file)?,
            None => rustls_native_certs::load_native_certs().certs,
        });
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|_| CollectorError::Client)?
            .with_root_certificates(store)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .timeout(ANSWER_MAX)
            .pool_max_idle_per_host(1)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .user_agent(concat!("rotunda/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| CollectorError::Client)?;
        Ok(Self { client, url: config.url.clone(), headers, service: config.service_name.clone() })
    }

    /// Sends a batch; gives back how many of its spans the collector did not want.
    pub(super) async fn send(&self, spans: &[Span]) -> Result<u64, Refusal> {
        let body = wire::request(spans, &self.service).encode_to_vec();
        let request = self.client.post(self.url.clone()).headers(self.headers.clone());
        let request = request.header(CONTENT_TYPE, PROTOBUF).body(body);
        let response = request.send().await.map_err(|error| Refusal::ForNow {
            // The address is the operator's own, but has no place in each line.
            why: format!("{:#}", anyhow::Error::new(error.without_url())),
            after: None,
        })?;
        match response.status() {
            status if status.is_success() => Ok(rejected(response).await.min(count(spans.len()))),
            status @ (StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT) => {
                Err(Refusal::ForNow { why: answered(status), after: retry_after(&response) })
            }
            status => Err(Refusal::ForGood(answered(status))),
        }
    }
}

/// How many spans a collector that took the batch says that it did not want. An answer that cannot be read, or is
/// cut off, says nothing of the kind.
async fn rejected(mut response: Response) -> u64 {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() > ANSWER_BYTES_MAX {
            return 0;
        }
    }
    let partial =
        ExportTraceServiceResponse::decode(body.as_slice()).ok().and_then(|said| said.partial_success);
    partial.map_or(0, |partial| u64::try_from(partial.rejected_spans).unwrap_or(0))
}

/// When the collector wants to be asked again, where it says so in seconds.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn answered(status: StatusCode) -> String {
    format!("it answered {}", status.as_u16())
}

pub(super) fn count(spans: usize) -> u64 {
    u64::try_from(spans).unwrap_or(u64::MAX)
}

/// The headers of a file: one `name: value` on each line; empty lines and those that begin with `#` are for people.
fn headers(file: &Path) -> Result<HeaderMap, CollectorError> {
    let text = Zeroizing::new(read(file)?);
    let mut headers = HeaderMap::new();
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let header = line.split_once(':').and_then(|(name, value)| {
            let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
            let mut value = HeaderValue::from_str(value.trim()).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        });
        let wrong = || CollectorError::Header { file: file.to_owned(), line: index + 1 };
        let (name, value) = header.filter(|(name, _)| !OURS.contains(name)).ok_or_else(wrong)?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn authorities(file: &Path) -> Result<Vec<CertificateDer<'static>>, CollectorError> {
    let pem = read(file)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(|| CollectorError::NoCertificate(file.to_owned()))
}

fn read(file: &Path) -> Result<String, CollectorError> {
    std::fs::read_to_string(file)
        .map_err(|source| CollectorError::Unreadable { file: file.to_owned(), source })
}

/// How long one POST may take: the specification's default.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// The most of an answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Headers that are the exporter's to set.
const OURS: [HeaderName; 5] = [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING, HOST];
const PROTOBUF: &str = "application/x-protobuf";
