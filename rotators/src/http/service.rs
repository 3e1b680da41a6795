//! A description that was looked through: every template taken apart, every pointer sound, every part that is needed
//! there. Pure: text in, meaning out.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use vault_core::rotation::fault::FaultClass;

use super::document::{self, Document, Page, Presented};
use super::pointer::Condition;
use super::template::{Hole, JsonTemplate, Template, TemplateError};

mod part;
mod sound;

use part::Reader;
pub(super) use sound::lifetime;

/// Why a description was refused; the text says what to mend, and repeats no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// Not of the form.
    #[error("the description is not of its form: {0}")]
    Form(String),
    /// Too much of it.
    #[error("the description is longer than {DOCUMENT_BYTES_MAX} bytes")]
    TooLong,
    /// A part of it.
    #[error("the description's {field}: {what}")]
    Part {
        /// Which.
        field: String,
        /// What is wrong there.
        what: String,
    },
    /// A parameter without a value.
    #[error("the description needs the setting {0}")]
    Parameter(String),
    /// Neither `set` nor `create`, or both.
    #[error(
        "the description must have exactly one of set (the vault brings the secret) and create (the API makes it)"
    )]
    Making,
    /// A secret that is made and whose answer is lost would be lost.
    #[error(
        "the description's create: an API that ends the old credential by making the new one is not supported, since with a lost answer no credential that works would be left; describe a way to bring the secret (set), or to keep several (credentials and delete)"
    )]
    Replaces,
}

/// What an API is like.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    pub(super) name: String,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) lifetime: Option<Duration>,
    pub(super) management: Shown,
    pub(super) check: Ask,
    pub(super) version: Option<String>,
    pub(super) account: Account,
    pub(super) rights: Vec<(Ask, Vec<String>)>,
    pub(super) making: Making,
    pub(super) login: Login,
    pub(super) sessions: Option<Sessions>,
}

/// A request, and which answers mean what.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    pub(super) method: Method,
    pub(super) path: Template,
    pub(super) body: Body,
    pub(super) ok: Vec<Condition>,
    pub(super) errors: Vec<(Condition, FaultClass)>,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Nothing.
    None,
    /// JSON.
    Json(JsonTemplate),
    /// Fields of a form.
    Form(Vec<(String, Template)>),
}

/// How a credential is shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shown {
    Basic,
    Header(HeaderName, String),
    Session { login: Box<Ask>, token: String, header: HeaderName, prefix: String },
    Request,
}

/// How an account is looked at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Account {
    pub(super) ask: Ask,
    /// Among which items, and where the name stands in one.
    pub(super) among: Option<(String, String)>,
    pub(super) id: Option<String>,
    pub(super) rights: Vec<String>,
    pub(super) locked: Vec<Condition>,
}

/// Who makes the secret.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Making {
    Vault(Box<Ask>),
    Target(Box<Keys>),
}

/// What a target needs that makes credentials.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Keys {
    pub(super) create: Ask,
    pub(super) handle: String,
    pub(super) secret: String,
    pub(super) username: Option<String>,
    pub(super) list: List,
    pub(super) delete: Ask,
    pub(super) gone: Vec<Condition>,
}

/// The list of credentials.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct List {
    pub(super) ask: Ask,
    pub(super) items: String,
    pub(super) handle: String,
    pub(super) label: String,
    pub(super) skip: Vec<Condition>,
    pub(super) page: Option<Page>,
}

/// How a credential is tried.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Login {
    pub(super) ask: Ask,
    pub(super) by: Shown,
    pub(super) refused: Vec<Condition>,
    pub(super) locked: Vec<Condition>,
    pub(super) account: Option<String>,
    pub(super) handle: Option<String>,
}

/// How sessions are ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sessions {
    pub(super) list: Ask,
    pub(super) items: String,
    pub(super) end: Ask,
}

impl Service {
    /// Reads a description. `given` are settings that are its parameters; what it does not know is left in `given`.
    ///
    /// # Errors
    /// [`ServiceError`] by cause.
    pub fn parse(text: &str, given: &mut BTreeMap<String, String>) -> Result<Self, ServiceError> {
        if text.len() > DOCUMENT_BYTES_MAX {
            return Err(ServiceError::TooLong);
        }
        let document: Document =
            serde_json::from_str(text).map_err(|error| ServiceError::Form(plain(&error)))?;
        let parameters = parameters(&document, given)?;
        Reader { parameters: &parameters, document: &document }.service()
    }

    /// Whether the API makes the credentials.
    #[must_use]
    pub fn mints(&self) -> bool {
        matches!(self.making, Making::Target(_))
    }

    /// The parts that are requests, with their names: what a reader of answers can be tried on.
    #[must_use]
    pub fn asks(&self) -> Vec<(&'static str, &Ask)> {
        let mut asks = vec![("check", &self.check), ("account", &self.account.ask)];
        asks.extend(self.rights.iter().map(|(ask, _)| ("rights", ask)));
        match &self.making {
            Making::Vault(ask) => asks.push(("set", ask)),
            Making::Target(keys) => asks.extend([
                ("create", &keys.create),
                ("credentials", &keys.list.ask),
                ("delete", &keys.delete),
            ]),
        }
        asks.push(("login", &self.login.ask));
        asks
    }
}

impl Ask {
    /// The path and query, with these values. `None` when one is missing.
    #[must_use]
    pub fn address(&self, values: &super::template::Values<'_>) -> Option<String> {
        self.path.address(values)
    }

    /// What is sent.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.body
    }

    fn has(&self, hole: Hole) -> bool {
        let in_body = match &self.body {
            Body::None => false,
            Body::Json(template) => template.has(hole),
            Body::Form(fields) => fields.iter().any(|(_, template)| template.has(hole)),
        };
        in_body || self.path.has(hole)
    }
}

/// What the parameters are, with the values of settings of their names.
fn parameters(
    document: &Document,
    given: &mut BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, ServiceError> {
    let mut parameters = BTreeMap::new();
    for (name, default) in &document.parameters {
        let sound = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if !sound || name.is_empty() || Hole::find(name).is_some() {
            let field = format!("parameters.{}", shown(name));
            let what = "a parameter has a name of small letters and _, and not that of a placeholder";
            return Err(ServiceError::Part { field, what: what.to_owned() });
        }
        let value = given.remove(name).or_else(|| default.clone());
        parameters.insert(name.clone(), value.ok_or_else(|| ServiceError::Parameter(name.clone()))?);
    }
    Ok(parameters)
}

/// What serde says, without the values that it quotes.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!("line {} column {}", error.line(), error.column());
    if !(text.starts_with("invalid type") || text.starts_with("invalid value")) {
        return text.chars().take(MESSAGE_CHARS_MAX).collect();
    }
    match text.rsplit_once(", expected ") {
        Some((_, wanted)) => format!("a value of the wrong kind, expected {wanted}"),
        None => format!("a value of the wrong kind at {place}"),
    }
}

/// So much of a name is repeated.
fn shown(name: &str) -> String {
    name.chars().take(NAME_CHARS_SHOWN).collect()
}

const DOCUMENT_BYTES_MAX: usize = 64 * 1024;
const MESSAGE_CHARS_MAX: usize = 400;
const NAME_CHARS_SHOWN: usize = 40;

#[cfg(test)]
mod tests;
