//! Requests to an API, and what came back. All I/O over HTTP is here.

use reqwest::Client;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, LINK};
use serde_json::Value;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::Login;
use vault_core::secret::{SecretString, wipe};

use super::config::{Config, Place};
use super::link;
use super::service::{Ask, Body, Shown};
use super::template::{Values, percent_encoded};
use crate::network::web;

/// An API; nobody is logged in.
pub(super) struct Api<'a> {
    client: Client,
    pub(super) config: &'a Config,
}

/// What is shown with a request.
pub(super) enum Token<'a> {
    /// Nothing: the request itself holds it.
    None,
    /// User name and password.
    Basic(&'a Login),
    /// A header, whose value is marked as secret.
    Header(HeaderName, HeaderValue),
}

/// Why there is no answer.
pub(super) enum Failure {
    /// The request was never sent.
    Unsent(Fault),
    /// It was sent, or part of it, and no answer came that could be used.
    Silent,
}

/// An answer. What it holds may be a secret: it is wiped.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Null when it is no JSON.
    pub(super) body: Value,
    /// Where the next page is, as the answer says.
    pub(super) next: Option<String>,
}

impl Drop for Answer {
    fn drop(&mut self) {
        wipe(&mut self.body);
    }
}

impl<'a> Api<'a> {
    /// Gets ready; sends nothing yet.
    ///
    /// # Errors
    /// `tls` when the settings of it cannot be used.
    pub(super) async fn new(config: &'a Config) -> Result<Self, Fault> {
        Ok(Self { client: web::client(&config.reach, &config.place()).await?, config })
    }

    /// Where the API is, for messages.
    pub(super) fn place(&self) -> Place<'a> {
        self.config.place()
    }

    /// What `shown` makes of a credential, where that needs no request.
    ///
    /// # Errors
    /// `preflight` when it cannot be carried.
    pub(super) fn token<'l>(&self, shown: &Shown, login: &'l Login) -> Result<Token<'l>, Fault> {
        match shown {
            Shown::Session { .. } | Shown::Request => Ok(Token::None),
            Shown::Basic if login.username.contains(':') => {
                Err(self.unfit("a user name with a colon cannot be carried by basic authentication"))
            }
            Shown::Basic => Ok(Token::Basic(login)),
            Shown::Header(name, prefix) => self.header(name, prefix, &login.password),
        }
    }

    pub(super) fn header<'l>(
        &self,
        name: &HeaderName,
        prefix: &str,
        secret: &SecretString,
    ) -> Result<Token<'l>, Fault> {
        if !fits_header(secret) {
            return Err(self.unfit("the credential has signs that no header can carry"));
        }
        let text = SecretString::new(format!("{prefix}{}", secret.expose()));
        let mut value = HeaderValue::from_str(text.expose())
            .map_err(|_| self.unfit("the credential has signs that no header can carry"))?;
        value.set_sensitive(true);
        Ok(Token::Header(name.clone(), value))
    }

    /// The address of a request.
    ///
    /// # Errors
    /// `preflight` when a value of it is missing.
    pub(super) fn address(&self, ask: &Ask, values: &Values<'_>) -> Result<String, Fault> {
        let path = ask.address(values).ok_or_else(|| self.unfit(NO_VALUE))?;
        Ok(format!("{}{}{path}", self.config.origin(), self.config.prefix))
    }

    /// Sends a request, once.
    pub(super) async fn send(
        &self,
        ask: &Ask,
        token: &Token<'_>,
        values: &Values<'_>,
    ) -> Result<Answer, Failure> {
        let address = self.address(ask, values).map_err(Failure::Unsent)?;
        self.send_to(&address, ask, token, values).await
    }

    /// The same to another address of the same API.
    pub(super) async fn send_to(
        &self,
        address: &str,
        ask: &Ask,
        token: &Token<'_>,
        values: &Values<'_>,
    ) -> Result<Answer, Failure> {
        let unfit = |what: &str| Failure::Unsent(self.unfit(what));
        let url = link::url(address).ok_or_else(|| unfit(NO_ADDRESS))?;
        let mut request = self.client.request(ask.method.clone(), url).header(ACCEPT, "application/json");
        for (name, value) in &self.config.service.headers {
            request = request.header(name.clone(), value.clone());
        }
        request = match token {
            Token::None => request,
            Token::Basic(login) => request.basic_auth(&login.username, Some(login.password.expose())),
            Token::Header(name, value) => request.header(name.clone(), value.clone()),
        };
        if let Some((kind, body)) = body(ask, values).ok_or_else(|| unfit(NO_VALUE))? {
            request = request.header(CONTENT_TYPE, kind).body(body.expose().to_owned());
        }
        let response = request.send().await.map_err(|error| {
            web::unsent(&error, "the API", &self.place()).map_or(Failure::Silent, Failure::Unsent)
        })?;
        let status = response.status().as_u16();
        let links = response.headers().get_all(LINK).iter().filter_map(|value| value.to_str().ok());
        let next = links.filter_map(link::next).next().map(str::to_owned);
        let body = web::body(response, ANSWER_BYTES_MAX).await.ok_or(Failure::Silent)?;
        let body = serde_json::from_slice(body.expose()).unwrap_or(Value::Null);
        Ok(Answer { status, body, next })
    }

    fn unfit(&self, what: &str) -> Fault {
        Fault::new(FaultClass::Preflight, format!("{}: {what}", self.place()))
    }
}

/// Whether a header can carry it unchanged: visible ASCII, no blanks at its ends, where they are cut.
pub(super) fn fits_header(secret: &SecretString) -> bool {
    let text = secret.expose();
    text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') && text.trim() == text
}

/// What is sent, with its type. The outer `None` says that a value is missing.
fn body(ask: &Ask, values: &Values<'_>) -> Option<Option<(&'static str, SecretString)>> {
    Some(match ask.body() {
        Body::None => None,
        Body::Json(template) => {
            let mut filled = template.fill(values)?;
            let text = SecretString::new(filled.to_string());
            wipe(&mut filled);
            Some(("application/json", text))
        }
        Body::Form(fields) => {
            let mut text = String::new();
            for (name, template) in fields {
                let value = SecretString::new(template.text(values)?);
                let end = if text.is_empty() { "" } else { "&" };
                let pair = format!("{end}{}={}", percent_encoded(name), percent_encoded(value.expose()));
                text.push_str(SecretString::new(pair).expose());
            }
            Some(("application/x-www-form-urlencoded", SecretString::new(text)))
        }
    })
}

const NO_ADDRESS: &str = "the address of a request cannot be read, or would be that of something else, since a value in its path is '.' or '..'";
const NO_VALUE: &str = "a placeholder of a request has no value";
/// The longest answer: a page of a list.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
