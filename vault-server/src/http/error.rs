//! What a request can end in besides an answer: the only file that knows status codes and Vault's texts.
//!
//! Services return their own errors; the `From` impls in `error/from.rs` translate them. Nothing here ever holds a secret: the texts are shown to the caller and audited.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use vault_core::rotation::fault::Fault;

/// Why a request was not answered with success.
///
/// The texts marked *Vault* are matched by clients; do not change them.
#[derive(Debug)]
#[non_exhaustive]
pub enum ApiError {
    /// 400: the caller's input; the sentence says what to mend.
    Invalid(String),
    /// 403 *Vault*: no token, an unknown, expired or revoked token.
    InvalidToken,
    /// 403 *Vault*: the policies of the token do not allow it, whether or not the thing exists.
    PermissionDenied,
    /// 403 with a text of its own (`bad token`, …).
    Forbidden(String),
    /// 404 *Vault*: nothing there; the list of errors is empty.
    NotFound,
    /// 404 with data and warnings instead of errors.
    NotFoundWith {
        /// The `data` of the envelope.
        data: Value,
        /// The warnings beside it.
        warnings: Vec<String>,
    },
    /// 404 *Vault*: the namespace header names one that does not exist.
    UnknownNamespace,
    /// 404 *Vault*: no mount at this path.
    NoRoute(String),
    /// 404 *Vault*: the mount has no such path.
    UnsupportedPath,
    /// 405 *Vault*: the path knows this operation not.
    UnsupportedOperation,
    /// 405 *Vault*: a raw `sys` path knows this method not; the list of errors is empty.
    MethodNotAllowed,
    /// 409: the state of the thing forbids it now (held by another, already exists, …).
    Conflict {
        /// The sentence.
        message: String,
        /// What a program needs to go on: holder, expiry, place in line; `null` for nothing.
        data: Value,
    },
    /// 412: a precondition given by the caller does not hold.
    PreconditionFailed(String),
    /// 413: the body is larger than the limit, in bytes.
    TooLarge(usize),
    /// 415: a PATCH without its content type.
    UnsupportedMediaType,
    /// 429: the caller's rate limit; seconds until it is worth trying again.
    TooManyRequests(u64),
    /// 429: as many of something are open as may be; the sentence says what to do.
    TooMany(String),
    /// 500 *Vault* in status: no audit sink accepted the entry, so nothing is revealed or done.
    AuditFailed,
    /// 500: a fault of ours; the log has the details under the request id.
    Internal,
    /// 500: a record that the request needs cannot be read; the sentence says which, and what to do.
    Damaged(String),
    /// 502: the target refused or did not answer; the vault is well.
    Target {
        /// What went wrong, as data.
        fault: Fault,
        /// Further facts: rotation, incident, next attempt; `null` for nothing.
        data: Value,
    },
    /// 503 *Vault*: sealed.
    Sealed,
    /// 503: not now; the sentence says why (deadline, shutting down, store out of order).
    Unavailable(String),
}

impl ApiError {
    /// 400 with a sentence that says what to mend.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }

    /// 409 with a sentence and nothing else.
    #[must_use]
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict { message: message.into(), data: Value::Null }
    }

    /// 502 with nothing but the fault.
    #[must_use]
    pub fn target(fault: Fault) -> Self {
        Self::Target { fault, data: Value::Null }
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::InvalidToken | Self::PermissionDenied | Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound
            | Self::NotFoundWith { .. }
            | Self::UnknownNamespace
            | Self::NoRoute(_)
            | Self::UnsupportedPath => StatusCode::NOT_FOUND,
            Self::UnsupportedOperation | Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::PreconditionFailed(_) => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyRequests(_) | Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::AuditFailed | Self::Internal | Self::Damaged(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Target { .. } => StatusCode::BAD_GATEWAY,
            Self::Sealed | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The sentences of the `errors` list; also what the audit entry says.
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        let text = match self {
            Self::Invalid(text)
            | Self::Forbidden(text)
            | Self::PreconditionFailed(text)
            | Self::Unavailable(text)
            | Self::TooMany(text)
            | Self::Damaged(text)
            | Self::Conflict { message: text, .. } => text.clone(),
            Self::InvalidToken => "permission denied".to_owned(),
            Self::PermissionDenied => one_error("permission denied"),
            Self::NotFound | Self::NotFoundWith { .. } | Self::MethodNotAllowed => return Vec::new(),
            Self::UnknownNamespace => "namespace not found".to_owned(),
            Self::NoRoute(path) => format!("no handler for route {path:?}. route entry not found."),
            Self::UnsupportedPath => one_error("unsupported path"),
            Self::UnsupportedOperation => one_error("unsupported operation"),
            Self::TooLarge(limit) => format!("the request body is larger than {limit} bytes"),
            Self::UnsupportedMediaType => {
                "PATCH requires Content-Type of application/merge-patch+json".to_owned()
            }
            Self::TooManyRequests(seconds) => {
                format!("request rate limit exceeded; try again in {seconds} s")
            }
            Self::AuditFailed => {
                "the request was not carried out, because no audit sink accepted its entry".to_owned()
            }
            Self::Internal => "internal error".to_owned(),
            Self::Target { fault, .. } => fault.to_string(),
            Self::Sealed => "Vault is sealed".to_owned(),
        };
        vec![text]
    }

    /// The facts that go with it, for its audit entry.
    pub(super) fn facts(&self) -> Option<Value> {
        self.body().get_mut("data").map(Value::take)
    }

    /// The whole JSON body.
    #[must_use]
    pub fn body(&self) -> Value {
        match self {
            Self::NotFoundWith { data, warnings } => json!({ "data": data, "warnings": warnings }),
            Self::Conflict { data, .. } if !data.is_null() => {
                json!({ "errors": self.messages(), "data": data })
            }
            Self::Target { fault, data } => {
                let mut facts = data.as_object().cloned().unwrap_or_else(Map::new);
                facts.insert("class".to_owned(), Value::from(fault.class.as_str()));
                facts.insert("detail".to_owned(), Value::from(fault.detail.clone()));
                json!({ "errors": self.messages(), "data": facts })
            }
            _ => json!({ "errors": self.messages() }),
        }
    }
}

/// How Vault prints a list of one error.
fn one_error(text: &str) -> String {
    format!("1 error occurred:\n\t* {text}\n\n")
}

mod from;

#[cfg(test)]
mod tests {
    use vault_core::rotation::fault::FaultClass;

    use super::*;

    #[test]
    fn statuses_and_texts_are_those_that_clients_match() {
        for (error, status, body) in [
            (ApiError::InvalidToken, 403, r#"{"errors":["permission denied"]}"#),
            (
                ApiError::PermissionDenied,
                403,
                r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#,
            ),
            (ApiError::NotFound, 404, r#"{"errors":[]}"#),
            (
                ApiError::NoRoute("x/y".into()),
                404,
                r#"{"errors":["no handler for route \"x/y\". route entry not found."]}"#,
            ),
            (ApiError::UnsupportedPath, 404, r#"{"errors":["1 error occurred:\n\t* unsupported path\n\n"]}"#),
            (ApiError::MethodNotAllowed, 405, r#"{"errors":[]}"#),
            (ApiError::Sealed, 503, r#"{"errors":["Vault is sealed"]}"#),
            (
                ApiError::target(Fault::new(FaultClass::Unreachable, "no route to host")),
                502,
                r#"{"data":{"class":"unreachable","detail":"no route to host"},"errors":["unreachable: no route to host"]}"#,
            ),
        ] {
            assert_eq!(error.status().as_u16(), status, "{error:?}");
            assert_eq!(error.body(), serde_json::from_str::<Value>(body).unwrap(), "{error:?}");
        }
    }
}
