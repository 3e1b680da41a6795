//! `[telemetry]`: where traces go, if anywhere.

use std::path::{Path, PathBuf};

use reqwest::Url;

use super::checked::Mend;
use super::raw::RawTelemetry;

/// A collector of traces.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// Where spans are posted to, whole.
    pub url: Url,
    /// Further headers of each request, such as a token: a file with one `name: value` on each line.
    pub headers_file: Option<PathBuf>,
    /// Who may have signed the collector's certificate, PEM; the system's authorities when absent.
    pub ca_file: Option<PathBuf>,
    /// What the vault is called in traces.
    pub service_name: String,
}

pub(super) fn telemetry(raw: RawTelemetry, base: &Path) -> Result<Option<Telemetry>, Mend> {
    let RawTelemetry { otlp_endpoint, otlp_headers_file, otlp_ca_file, service_name } = raw;
    let Some(text) = otlp_endpoint else {
        let unused = [
            ("telemetry.otlp_headers_file", otlp_headers_file.is_some()),
            ("telemetry.otlp_ca_file", otlp_ca_file.is_some()),
            ("telemetry.service_name", service_name.is_some()),
        ];
        return match unused.into_iter().find(|(_, is_there)| *is_there) {
            Some((key, _)) => Err((key, "it is of no use without telemetry.otlp_endpoint".to_owned())),
            None => Ok(None),
        };
    };
    let url = endpoint(&text).map_err(|mend| ("telemetry.otlp_endpoint", mend))?;
    if otlp_headers_file.is_some() && url.scheme() == "http" && !is_here(&url) {
        let mend = "headers may hold a token, which plain http would show to others on the way: use https";
        return Err(("telemetry.otlp_endpoint", mend.to_owned()));
    }
    if otlp_ca_file.is_some() && url.scheme() == "http" {
        let mend = "it is of no use where telemetry.otlp_endpoint is plain http";
        return Err(("telemetry.otlp_ca_file", mend.to_owned()));
    }
    let service_name = service_name.unwrap_or_else(|| SERVICE_NAME.to_owned());
    if service_name.is_empty() || service_name.len() > NAME_BYTES_MAX {
        return Err(("telemetry.service_name", format!("it must have 1 to {NAME_BYTES_MAX} bytes")));
    }
    Ok(Some(Telemetry {
        url,
        headers_file: otlp_headers_file.map(|file| base.join(file)),
        ca_file: otlp_ca_file.map(|file| base.join(file)),
        service_name,
    }))
}

/// The address of a collector, and below it that of traces, as
/// [the exporters' specification](https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp)
/// makes one of the other. Who gives the whole is understood as well.
fn endpoint(text: &str) -> Result<Url, String> {
    // What was written there is not told: it may hold a token.
    let wrong = || "it is not the address of a collector, such as \"http://localhost:4318\"".to_owned();
    let mut url = Url::parse(text).map_err(|_| wrong())?;
    let has_user = !url.username().is_empty() || url.password().is_some();
    if has_user {
        return Err(
            "it must not hold a user or password: they go into telemetry.otlp_headers_file".to_owned()
        );
    }
    let is_more = url.query().is_some() || url.fragment().is_some();
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || is_more {
        return Err(wrong());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&if path.ends_with(TRACES) { path } else { format!("{path}{TRACES}") });
    Ok(url)
}

/// Whether an address is this machine.
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let ip: Option<std::net::IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
    host == "localhost" || ip.is_some_and(|ip| ip.to_canonical().is_loopback())
}

const TRACES: &str = "/v1/traces";
const SERVICE_NAME: &str = "rotunda";
const NAME_BYTES_MAX: usize = 255;
