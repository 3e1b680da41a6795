//! Requests to IAM and STS, and what became of each. All I/O is here.
//!
//! A request is a form that is signed by the key in whose name it is asked; a key's secret never travels. Nothing
//! is followed or cached, and nothing is repeated but a request that was refused because the key's id is not known:
//! AWS says so of a key that is new, on some of its servers, for a while. Every wait has its limit.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::header::{CONTENT_TYPE, DATE};
use reqwest::{Client, Response};
use tokio::time::sleep;
use vault_core::clock::{Clock, SystemClock};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::Login;
use vault_core::secret::SecretBytes;

use super::command::{Ask, Service, check_key};
use super::config::{Config, Endpoint};
use super::reply;
use crate::network::web;

/// Both services, asked by whatever key.
pub(super) struct Api<'a> {
    client: Client,
    pub(super) config: &'a Config,
}

/// Why a request has not succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It was never sent.
    Unsent(Fault),
    /// The service refused it.
    Said(Refusal),
    /// It was sent, or part of it, and no answer came that could be used.
    Silent,
}

/// What the service answered instead of success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The status.
    pub(super) status: u16,
    /// The service's own word.
    pub(super) code: String,
    /// The service's time, where the two clocks are too far apart.
    pub(super) clock: Option<String>,
}

impl Failure {
    /// Whether the service does not know the key's id: it is new, inactive or deleted.
    pub(super) fn is_unknown_key(&self) -> bool {
        matches!(self, Self::Said(refusal) if UNKNOWN_KEY.contains(&refusal.code.as_str()))
    }

    /// Whether the service knows the key's id, and the secret is another.
    pub(super) fn is_wrong_secret(&self) -> bool {
        matches!(self, Self::Said(Refusal { code, clock: None, .. }) if code == WRONG_SECRET)
    }

    /// Whether there is no such user, or no such key.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Said(refusal) if refusal.code == "NoSuchEntity")
    }
}

impl<'a> Api<'a> {
    /// Gets ready; sends nothing yet.
    ///
    /// # Errors
    /// `tls` when the settings of it cannot be used.
    pub(super) async fn new(config: &'a Config) -> Result<Self, Fault> {
        Ok(Self { client: web::client(&config.reach, &config.iam).await?, config })
    }

    /// Where requests to this service go.
    pub(super) fn endpoint(&self, service: Service) -> &'a Endpoint {
        match service {
            Service::Iam => &self.config.iam,
            Service::Sts => &self.config.sts,
        }
    }

    /// Asks as `login`; believes that its id is not known when that is said twice, with a pause between.
    pub(super) async fn ask<T>(
        &self,
        login: &Login,
        ask: &Ask<'_>,
        read: fn(&[u8]) -> Option<T>,
    ) -> Result<T, Failure> {
        match self.ask_once(login, ask, read).await {
            Err(failure) if failure.is_unknown_key() => {
                sleep(SECOND_LOOK).await;
                self.ask_once(login, ask, read).await
            }
            answer => answer,
        }
    }

    /// Asks as `login`.
    pub(super) async fn ask_once<T>(
        &self,
        login: &Login,
        ask: &Ask<'_>,
        read: fn(&[u8]) -> Option<T>,
    ) -> Result<T, Failure> {
        let body = self.send(login, ask).await?;
        read(body.expose()).ok_or(Failure::Silent)
    }

    async fn send(&self, login: &Login, ask: &Ask<'_>) -> Result<SecretBytes, Failure> {
        let endpoint = self.endpoint(ask.service);
        let body = ask.form();
        let headers = signature(login, endpoint, ask.service, &body, now()).map_err(|what| {
            Failure::Unsent(Fault::new(FaultClass::Preflight, format!("{endpoint}: {what}")))
        })?;
        let mut request = self.client.post(endpoint.address()).header(CONTENT_TYPE, FORM);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = request.body(body).send().await.map_err(|error| {
            web::unsent(&error, "the service", endpoint).map_or(Failure::Silent, Failure::Unsent)
        })?;
        let (status, date) = (response.status(), date(&response));
        let body = web::body(response, ANSWER_BYTES_MAX).await.ok_or(Failure::Silent)?;
        if status.is_success() {
            return Ok(body);
        }
        // Whatever else answers in between, its word is not the service's.
        let refused = reply::refused(body.expose()).ok_or(Failure::Silent)?;
        let clock = is_about_time(&refused).then(|| date.unwrap_or_else(|| "an unknown time".to_owned()));
        Err(Failure::Said(Refusal { status: status.as_u16(), code: refused.code, clock }))
    }
}

/// The headers that sign a request.
fn signature(
    login: &Login,
    endpoint: &Endpoint,
    service: Service,
    body: &str,
    now: SystemTime,
) -> Result<Vec<(String, String)>, String> {
    check_key(login).map_err(|error| error.to_string())?;
    let cannot = |_| "the request cannot be signed".to_owned();
    let secret = login.password.expose();
    let identity = Credentials::new(&login.username, secret, None, None, "rotunda").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&endpoint.region)
        .name(service.name())
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| "the request cannot be signed".to_owned())?
        .into();
    let address = endpoint.address();
    let headers = [(CONTENT_TYPE.as_str(), FORM)];
    let request =
        SignableRequest::new("POST", address, headers.into_iter(), SignableBody::Bytes(body.as_bytes()))
            .map_err(cannot)?;
    let (instructions, _) = sign(request, &parameters).map_err(cannot)?.into_parts();
    Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn now() -> SystemTime {
    let since = Duration::from_millis(u64::try_from(SystemClock.now().as_millis()).unwrap_or_default());
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The service's time, if it is one: it goes into messages.
fn date(response: &Response) -> Option<String> {
    let text = response.headers().get(DATE)?.to_str().ok()?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b" ,:".contains(&byte);
    (text.len() <= DATE_BYTES_MAX && text.bytes().all(fits)).then(|| text.to_owned())
}

fn is_about_time(refused: &reply::Refused) -> bool {
    let skewed = ["RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"];
    let signed_at = ["Signature expired", "Signature not yet current"];
    skewed.contains(&refused.code.as_str())
        || refused.code == WRONG_SECRET && signed_at.iter().any(|words| refused.message.starts_with(words))
}

const WRONG_SECRET: &str = "SignatureDoesNotMatch";
const UNKNOWN_KEY: [&str; 3] = ["InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"];
/// So long until the second look at what AWS does not know everywhere at once.
pub(super) const SECOND_LOOK: Duration = Duration::from_millis(500);
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
/// The longest answer: a hundred policies or groups.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
const DATE_BYTES_MAX: usize = 40;

#[cfg(test)]
mod tests {
    use vault_core::secret::SecretString;

    use super::*;

    #[test]
    fn a_request_is_signed_for_its_service_and_region_and_the_secret_stays() {
        let login = Login {
            username: "AKIDEXAMPLE123456".to_owned(),
            password: SecretString::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned()),
        };
        let endpoint = Endpoint {
            host: "sts.eu-central-1.amazonaws.com".to_owned(),
            port: None,
            encrypted: true,
            region: "eu-central-1".to_owned(),
        };
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160);
        let form = Ask::identity().form();
        let headers = signature(&login, &endpoint, Service::Sts, &form, at).unwrap();
        let found = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).unwrap().1.clone();
        assert_eq!(found("x-amz-date"), "20150830T123600Z");
        // By botocore's SigV4Auth, for the same request.
        assert_eq!(
            found("authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE123456/20150830/eu-central-1/sts/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=02eb614c741be9dae6ff5149b7e794aaf28a8c539edecc8bc6157bff8063ae52"
        );
        assert!(!format!("{headers:?}").contains("wJalr"));
        let nobody = Login { username: "vault".to_owned(), password: SecretString::new("x".to_owned()) };
        assert!(signature(&nobody, &endpoint, Service::Sts, &form, at).unwrap_err().contains("access key"));
    }
}
