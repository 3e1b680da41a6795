//! The vault over HTTP: one request, one answer, and sentences that say what to mend.

mod address;
mod answer;
mod refusal;
mod tls;
pub(crate) mod token_store;

use std::{error::Error as _, path::Path, time::Duration};

use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Serialize;
use serde_json::Value;
use vault_api::Sensitive;

use self::address::Address;
pub(crate) use self::answer::Answer;
use crate::{
    args::connection::ConnectionArgs,
    failure::{Exit, Failure},
};

/// A connection to one server as one principal.
pub(crate) struct Client {
    http: reqwest::Client,
    address: Address,
    token: Option<Sensitive<String>>,
    namespace: Option<String>,
    chosen_timeout: Option<Duration>,
}

/// One request, before it is sent.
#[derive(Debug)]
pub(crate) struct Request {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    body: Option<Value>,
    patience: Duration,
    /// Not less than this, whatever the user chose.
    patience_min: Duration,
    /// Whether the answer is text, not JSON.
    is_for_text: bool,
}

impl Request {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// Sent as GET with `list=true`, which every proxy lets through, as Vault's command line does.
    pub(crate) fn list(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path).with("list", "true")
    }

    pub(crate) fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    pub(crate) fn put(path: impl Into<String>) -> Self {
        Self::new(Method::PUT, path)
    }

    /// Sent as a JSON merge patch.
    pub(crate) fn patch(path: impl Into<String>) -> Self {
        Self::new(Method::PATCH, path)
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            body: None,
            patience: PATIENCE,
            patience_min: Duration::ZERO,
            is_for_text: false,
        }
    }

    pub(crate) fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.query.push((key.to_owned(), value.into()));
        self
    }

    /// The answer is text in this form, as the body of the answer.
    pub(crate) fn reading_text(mut self, format: &str) -> Self {
        self.is_for_text = true;
        self.with("format", format)
    }

    /// # Errors
    /// The body cannot be written as JSON, which no wire type brings about.
    pub(crate) fn sending(mut self, body: &impl Serialize) -> Result<Self, Failure> {
        let body = serde_json::to_value(body)
            .map_err(|error| Failure::usage(format!("cannot write the request as JSON: {error}")))?;
        self.body = Some(body);
        Ok(self)
    }

    /// The server is asked to answer after so long at the latest, if nothing happens.
    pub(crate) fn polling(mut self, wait: Duration) -> Self {
        self.patience_min = wait.saturating_add(CONNECT_PATIENCE);
        self.with("wait", format!("{}s", wait.as_secs()))
    }

    /// The server will talk to a target, and perhaps wait in line, before it answers.
    pub(crate) fn touching_a_target(mut self, waiting_in_line: Duration) -> Self {
        self.patience = TARGET_PATIENCE.saturating_add(waiting_in_line);
        self
    }
}

impl Client {
    /// Reads certificates and the stored token; nothing is sent yet.
    ///
    /// # Errors
    /// The address, the certificates or the token file cannot be used.
    pub(crate) fn new(connection: &ConnectionArgs, home: Option<&Path>) -> Result<Self, Failure> {
        let address = Address::parse(&connection.address)?;
        let ca_cert = connection.ca_cert.as_deref().filter(|path| !path.is_empty());
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(&address, ca_cert)?)
            // A redirect would carry the token to a server that the caller did not name.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_PATIENCE)
            .user_agent(concat!("rotunda/", env!("CARGO_PKG_VERSION")));
        if address.is_loopback() {
            builder = builder.no_proxy();
        }
        let http = builder
            .build()
            .map_err(|error| Failure::usage(format!("cannot set up HTTP: {}", root_cause(&error))))?;
        let given = connection.token.clone().filter(|token| !token.expose().is_empty());
        let token = match (given, home) {
            (Some(token), _) => Some(token),
            (None, Some(home)) => token_store::read(home)?,
            (None, None) => None,
        };
        let namespace = connection.namespace.clone().filter(|namespace| !namespace.is_empty());
        Ok(Self { http, address, token, namespace, chosen_timeout: connection.chosen_timeout() })
    }

    /// The same server as another principal.
    pub(crate) fn acting_as(&self, token: Sensitive<String>) -> Self {
        Self { token: Some(token), ..self.acting_as_nobody() }
    }

    /// The same server without a token, for who is about to get one.
    pub(crate) fn acting_as_nobody(&self) -> Self {
        Self {
            http: self.http.clone(),
            address: self.address.clone(),
            token: None,
            namespace: self.namespace.clone(),
            chosen_timeout: self.chosen_timeout,
        }
    }

    pub(crate) const fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Why the way to the server is not safe, if it is not.
    pub(crate) fn warning(&self) -> Option<String> {
        self.address.warning()
    }

    /// Sends a request; any status that is no success is a failure.
    ///
    /// # Errors
    /// No server could be reached, or it refused.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, Failure> {
        let path = request.path.clone();
        let answer = self.send_any(request).await?;
        if answer.is_success() { Ok(answer) } else { Err(refusal::failure(&answer, &path, self.has_token())) }
    }

    /// Sends a request and gives the answer whatever its status, for `status` and `health`.
    ///
    /// # Errors
    /// No server could be reached.
    pub(crate) async fn send_any(&self, request: Request) -> Result<Answer, Failure> {
        let patience = self.chosen_timeout.unwrap_or(request.patience).max(request.patience_min);
        let (changes, is_for_text) = (request.method != Method::GET, request.is_for_text);
        let built = self.build(request)?.timeout(patience);
        let failed = |error: &reqwest::Error| self.unreachable(error, patience, changes);
        let response = built.send().await.map_err(|error| failed(&error))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(self.redirected(status));
        }
        let bytes = response.bytes().await.map_err(|error| failed(&error))?;
        let parse = if is_for_text { Answer::parse_text } else { Answer::parse };
        parse(status.as_u16(), &bytes)
    }

    fn build(&self, request: Request) -> Result<RequestBuilder, Failure> {
        let mut url = self.address.url(&request.path)?;
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        let is_patch = request.method == Method::PATCH;
        let mut built = self.http.request(request.method, url).header("X-Vault-Request", "true");
        if is_patch {
            built = built.header(reqwest::header::CONTENT_TYPE, "application/merge-patch+json");
        }
        if let Some(token) = &self.token {
            let mut value = reqwest::header::HeaderValue::from_str(token.expose())
                .map_err(|_| Failure::usage("the token holds characters that no token has"))?;
            value.set_sensitive(true);
            built = built.header("X-Vault-Token", value);
        }
        if let Some(namespace) = &self.namespace {
            built = built.header("X-Vault-Namespace", namespace);
        }
        Ok(match &request.body {
            Some(body) => built.json(body),
            None => built,
        })
    }

    fn redirected(&self, status: StatusCode) -> Failure {
        Failure::new(Exit::Usage, format!("{} answers with a redirect ({})", self.address, status.as_u16()))
            .with_hint("set --address (VAULT_ADDR) to the server itself")
    }

    fn unreachable(&self, error: &reqwest::Error, patience: Duration, changes: bool) -> Failure {
        let address = &self.address;
        if error.is_timeout() && !error.is_connect() {
            let failure =
                Failure::new(Exit::Usage, format!("no answer from {address} within {}s", patience.as_secs()));
            return if changes {
                failure.with_hint("the vault may still be at it: look at the status before you try again")
            } else {
                failure.with_hint("a longer --timeout (VAULT_CLIENT_TIMEOUT) may help")
            };
        }
        let failure = Failure::new(Exit::Usage, format!("cannot reach {address}: {}", root_cause(error)));
        failure.with_hint(tls::hint(error, address).unwrap_or_else(|| {
            "is the server running there? --address or VAULT_ADDR says where to look".to_owned()
        }))
    }
}

/// The innermost reason; the outer ones repeat the URL.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if error.source().is_none() { "the request could not be sent".to_owned() } else { cause.to_string() }
}

/// As Vault's command line.
const PATIENCE: Duration = Duration::from_secs(60);
/// A rotation with its probes may take this long before the server answers 202.
const TARGET_PATIENCE: Duration = Duration::from_secs(150);
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
