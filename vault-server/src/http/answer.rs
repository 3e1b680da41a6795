//! What a handler answers with: Vault's envelope, or nothing, or a raw body.

mod wire;
mod wrap_info;

use std::time::Duration;

use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value, json};
use vault_core::id::RequestId;
use vault_core::secret::SecretString;

pub use self::wrap_info::WrapInfo;
use super::error::ApiError;

/// A successful answer. It may hold secrets, so its `Debug` shows no body.
pub struct Answer {
    body: AnswerBody,
    status: StatusCode,
    warnings: Vec<String>,
}

enum AnswerBody {
    Nothing,
    Envelope(Box<Envelope>),
    /// The whole envelope of an answer that was wrapped.
    Unwrapped(Value),
    Wrapped(Box<WrapInfo>),
    Raw(Value),
    Text {
        content_type: &'static str,
        text: String,
    },
    /// Written as things happen, long after the head.
    Stream {
        content_type: &'static str,
        body: Body,
    },
}

/// The parts of Vault's envelope that a handler decides.
#[derive(Default)]
struct Envelope {
    data: Value,
    auth: Value,
    lease_id: String,
    lease_duration: u64,
    renewable: bool,
    copied_to_top: bool,
}

impl Answer {
    /// 204, no body at all. A warning turns it into a 200 with `data: null`.
    #[must_use]
    pub fn nothing() -> Self {
        Self { body: AnswerBody::Nothing, status: StatusCode::NO_CONTENT, warnings: Vec::new() }
    }

    /// 200 with `data`.
    #[must_use]
    pub fn data(data: Value) -> Self {
        let envelope = Envelope { data, ..Envelope::default() };
        Self { body: AnswerBody::Envelope(Box::new(envelope)), status: StatusCode::OK, warnings: Vec::new() }
    }

    /// 200 with `data` from a wire type.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when the type cannot be written as JSON, which none of ours does.
    pub fn of(data: &impl Serialize) -> Result<Self, ApiError> {
        serde_json::to_value(data).map(Self::data).map_err(|_| ApiError::Internal)
    }

    /// 200 with `data: {"keys": …}`, or 404 when there are none, as Vault lists.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] for no keys.
    pub fn keys(keys: Vec<String>) -> Result<Self, ApiError> {
        if keys.is_empty() { Err(ApiError::NotFound) } else { Ok(Self::data(json!({ "keys": keys }))) }
    }

    /// 404 with a whole envelope all the same: facts about what is gone, or a hint where to look.
    #[must_use]
    pub(super) fn missing(data: Value, warnings: Vec<String>) -> Self {
        Self { warnings, ..Self::data(data).with_status(StatusCode::NOT_FOUND) }
    }

    /// 200 with `auth`, as a login answers.
    #[must_use]
    pub fn auth(auth: Value) -> Self {
        let envelope = Envelope { auth, ..Envelope::default() };
        Self { body: AnswerBody::Envelope(Box::new(envelope)), status: StatusCode::OK, warnings: Vec::new() }
    }

    /// 200 with nothing but where the answer was put.
    #[must_use]
    pub fn wrapped(info: WrapInfo) -> Self {
        Self { body: AnswerBody::Wrapped(Box::new(info)), status: StatusCode::OK, warnings: Vec::new() }
    }

    /// 200 with an envelope as it was wrapped; only `request_id` becomes that of the request that opened it.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when it is no JSON object, which nothing that was wrapped is.
    pub fn unwrapped(envelope: &SecretString) -> Result<Self, ApiError> {
        let envelope: Value = serde_json::from_str(envelope.expose()).map_err(|_| ApiError::Internal)?;
        if !envelope.is_object() {
            return Err(ApiError::Internal);
        }
        Ok(Self { body: AnswerBody::Unwrapped(envelope), status: StatusCode::OK, warnings: Vec::new() })
    }

    /// The envelope as text, for wrapping; `None` for an answer in which there is nothing to protect.
    pub(super) fn to_wrap(&self, id: RequestId) -> Option<SecretString> {
        let facts = self.facts();
        let is_bare = matches!(self.body, AnswerBody::Envelope(_) | AnswerBody::Unwrapped(_));
        if !is_bare || (facts.data.is_none() && facts.auth.is_none() && facts.lease_id.is_none()) {
            return None;
        }
        self.json(id).map(|value| SecretString::new(value.to_string()))
    }

    /// 200 with this JSON and no envelope (`sys/init`, `sys/health`, …).
    #[must_use]
    pub fn raw(body: Value) -> Self {
        Self { body: AnswerBody::Raw(body), status: StatusCode::OK, warnings: Vec::new() }
    }

    /// The same JSON as the `data` of an envelope.
    #[must_use]
    pub fn enveloped(mut self) -> Self {
        if let AnswerBody::Raw(data) = &mut self.body {
            let envelope = Envelope { data: data.take(), ..Envelope::default() };
            self.body = AnswerBody::Envelope(Box::new(envelope));
        }
        self
    }

    /// 200 with text of another content type (metrics).
    #[must_use]
    pub fn text(content_type: &'static str, text: String) -> Self {
        Self { body: AnswerBody::Text { content_type, text }, status: StatusCode::OK, warnings: Vec::new() }
    }

    /// 200 with a body that is written as things happen. It must reveal nothing that an audit entry is owed for.
    #[must_use]
    pub fn stream(content_type: &'static str, body: Body) -> Self {
        Self { body: AnswerBody::Stream { content_type, body }, status: StatusCode::OK, warnings: Vec::new() }
    }

    /// Another status than the usual one.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Names the lease at the top level.
    #[must_use]
    pub fn with_lease(
        mut self,
        lease_id: impl Into<String>,
        duration: Duration,
        renewable: Renewable,
    ) -> Self {
        if let AnswerBody::Envelope(envelope) = &mut self.body {
            envelope.lease_id = lease_id.into();
            envelope.lease_duration = duration.as_secs();
            envelope.renewable = renewable == Renewable::Yes;
        }
        self
    }

    /// Copies the keys of `data` beside the envelope, as some `sys` answers need it.
    #[must_use]
    pub fn copied_to_top(mut self) -> Self {
        if let AnswerBody::Envelope(envelope) = &mut self.body {
            envelope.copied_to_top = true;
        }
        self
    }

    /// Adds a warning; on a 204 it makes a 200 of it.
    #[must_use]
    pub fn warn(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        if matches!(self.body, AnswerBody::Nothing) {
            self.body = AnswerBody::Envelope(Box::default());
            self.status = StatusCode::OK;
        }
        self
    }

    /// Warns of parameters that no one asked for; silent where the answer is 204.
    #[must_use]
    pub(super) fn warn_of_ignored(self, names: &[String]) -> Self {
        if names.is_empty() || !matches!(self.body, AnswerBody::Envelope(_)) {
            return self;
        }
        self.warn(format!("Endpoint ignored these unrecognized parameters: [{}]", names.join(" ")))
    }

    /// The JSON that will be sent, for the audit entry and the wire; `None` for a 204 and for text.
    pub(super) fn json(&self, id: RequestId) -> Option<Value> {
        match &self.body {
            AnswerBody::Nothing | AnswerBody::Text { .. } | AnswerBody::Stream { .. } => None,
            AnswerBody::Raw(value) => Some(value.clone()),
            AnswerBody::Envelope(envelope) => Some(envelope.json(id, &self.warnings, Value::Null)),
            AnswerBody::Wrapped(info) => Some(Envelope::default().json(id, &self.warnings, info.json())),
            AnswerBody::Unwrapped(envelope) => {
                let mut envelope = envelope.clone();
                if let Some(map) = envelope.as_object_mut() {
                    map.insert("request_id".to_owned(), Value::from(id.to_string()));
                }
                Some(envelope)
            }
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// What the audit entry tells of it.
    pub(super) fn facts(&self) -> Facts<'_> {
        match &self.body {
            AnswerBody::Nothing | AnswerBody::Text { .. } | AnswerBody::Stream { .. } => Facts::default(),
            AnswerBody::Raw(value) => Facts { data: Some(value), ..Facts::default() },
            AnswerBody::Wrapped(info) => Facts { wrap_info: Some(info), ..Facts::default() },
            AnswerBody::Unwrapped(envelope) => Facts {
                data: envelope.get("data").filter(|data| !data.is_null()),
                auth: envelope.get("auth").filter(|auth| !auth.is_null()),
                lease_id: envelope.get("lease_id").and_then(Value::as_str).filter(|id| !id.is_empty()),
                wrap_info: None,
            },
            AnswerBody::Envelope(envelope) => Facts {
                data: Some(&envelope.data).filter(|data| !data.is_null()),
                auth: Some(&envelope.auth).filter(|auth| !auth.is_null()),
                lease_id: Some(envelope.lease_id.as_str()).filter(|id| !id.is_empty()),
                wrap_info: None,
            },
        }
    }

    /// The finished response.
    pub(super) fn into_response(self, id: RequestId) -> Response<Body> {
        if let AnswerBody::Envelope(envelope) = &self.body
            && let Some(text) = envelope.text(id, &self.warnings)
        {
            return respond(self.status, JSON, Body::from(text));
        }
        match self.json(id) {
            Some(value) => json_response(self.status, &value),
            None => match self.body {
                AnswerBody::Text { content_type, text } => {
                    respond(self.status, content_type, Body::from(text))
                }
                AnswerBody::Stream { content_type, body } => respond(self.status, content_type, body),
                AnswerBody::Nothing
                | AnswerBody::Envelope(_)
                | AnswerBody::Unwrapped(_)
                | AnswerBody::Wrapped(_)
                | AnswerBody::Raw(_) => {
                    let mut response = Response::new(Body::empty());
                    *response.status_mut() = self.status;
                    response
                }
            },
        }
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Envelope {
    fn json(&self, id: RequestId, warnings: &[String], wrap_info: Value) -> Value {
        let mut out = match (&self.data, self.copied_to_top) {
            (Value::Object(data), true) => data.clone(),
            _ => Map::new(),
        };
        let warnings = if warnings.is_empty() { Value::Null } else { Value::from(warnings) };
        for (key, value) in [
            ("request_id", Value::from(id.to_string())),
            ("lease_id", Value::from(self.lease_id.clone())),
            ("renewable", Value::from(self.renewable)),
            ("lease_duration", Value::from(self.lease_duration)),
            ("data", self.data.clone()),
            ("wrap_info", wrap_info),
            ("warnings", warnings),
            ("auth", self.auth.clone()),
        ] {
            out.insert(key.to_owned(), value);
        }
        Value::Object(out)
    }
}

/// The parts of an answer that its audit entry tells.
#[derive(Default)]
pub(super) struct Facts<'a> {
    pub(super) data: Option<&'a Value>,
    pub(super) auth: Option<&'a Value>,
    pub(super) lease_id: Option<&'a str>,
    pub(super) wrap_info: Option<&'a WrapInfo>,
}

/// Whether a lease may be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewable {
    /// It may.
    Yes,
    /// It may not.
    No,
}

/// An error as a finished response.
pub(super) fn error_response(error: &ApiError) -> Response<Body> {
    let mut response = json_response(error.status(), &error.body());
    if let ApiError::TooManyRequests(seconds) = error {
        response.headers_mut().insert(header::RETRY_AFTER, (*seconds).into());
    }
    response
}

fn json_response(status: StatusCode, value: &Value) -> Response<Body> {
    respond(status, JSON, Body::from(value.to_string()))
}

/// Exactly this: hvac compares the whole value.
const JSON: &str = "application/json";

fn respond(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use vault_core::clock::Timestamp;
    use vault_core::entropy::SeededEntropy;

    use super::*;

    fn id() -> RequestId {
        RequestId::generate(Timestamp::from_secs(1), &SeededEntropy::new(1))
    }

    #[test]
    fn every_key_of_the_envelope_is_always_there() {
        let value = Answer::data(Value::Null).json(id()).unwrap();
        let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        let want = [
            "auth",
            "data",
            "lease_duration",
            "lease_id",
            "renewable",
            "request_id",
            "warnings",
            "wrap_info",
        ];
        assert_eq!(keys, want);
        assert_eq!(value["lease_id"], "");
    }

    #[test]
    fn nothing_is_204_until_there_is_a_warning() {
        assert!(Answer::nothing().json(id()).is_none());
        let warned = Answer::nothing().warn("capped");
        assert_eq!(warned.status, StatusCode::OK);
        assert_eq!(warned.json(id()).unwrap()["warnings"], json!(["capped"]));
        let quiet = Answer::nothing().warn_of_ignored(&["bogus".to_owned()]);
        assert_eq!(quiet.status, StatusCode::NO_CONTENT);
    }

    #[test]
    fn no_debug_output_shows_what_is_answered() {
        let secret = json!({ "password": "canary" });
        for answer in [Answer::data(secret.clone()), Answer::auth(secret.clone()), Answer::raw(secret)] {
            assert_eq!(format!("{answer:?}"), "Answer { status: 200, .. }");
        }
    }

    #[test]
    fn an_empty_list_is_not_found() {
        assert!(matches!(Answer::keys(Vec::new()), Err(ApiError::NotFound)));
    }
}
