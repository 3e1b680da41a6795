//! The head of a request: path, operation, token, and the headers with rules of their own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use percent_encoding::percent_decode_str;
use vault_core::audit::{AuditedHeader, AuditedHeaders};
use vault_core::schedule::span;
use vault_core::secret::SecretString;
use vault_core::trace::Caller;
use zeroize::Zeroizing;

use super::context::EventsAsked;
use super::error::ApiError;
use super::fields::{Fields, parse_flag};
use super::path::{RequestPath, RequestPathError};
use super::route::Operation;

/// What the head says. Nothing was decided yet.
pub(super) struct Head {
    pub(super) path: RequestPath,
    /// `None` for a method that is no operation (HEAD, OPTIONS, …).
    pub(super) operation: Option<Operation>,
    pub(super) is_head: bool,
    /// The body is said to be a form; one that begins with `{` is JSON all the same.
    pub(super) is_form: bool,
    pub(super) query: BTreeMap<String, String>,
    pub(super) token: Option<SecretString>,
    /// Whether a text about the path is wanted, in place of what is there.
    pub(super) wants_help: bool,
    /// How long the answer is to be wrapped; `None` for a bare one.
    pub(super) wrap_ttl: Option<Duration>,
    /// Whether the answer is to be a stream of events, where there is one.
    pub(super) events: Option<EventsAsked>,
    pub(super) takes_open_metrics: bool,
    /// The caller's span, where it tells one.
    pub(super) caller: Option<Caller>,
    /// Those headers that get into the audit trail.
    pub(super) audited: Option<Arc<[AuditedHeader]>>,
}

impl Head {
    /// Reads the head.
    ///
    /// # Errors
    /// [`ApiError`] for a path outside `/v1/`, a foreign namespace, a header that makes no sense.
    pub(super) fn parse(parts: &Parts, audited: &AuditedHeaders) -> Result<Self, ApiError> {
        let path = RequestPath::parse(parts.uri.path()).map_err(|error| match error {
            RequestPathError::NotApi => ApiError::NotFound,
            RequestPathError::NotText => ApiError::invalid(error.to_string()),
        })?;
        check_namespace(&parts.headers)?;
        let wrap_ttl = wrap_ttl(&parts.headers)?;
        let mut query = query(parts.uri.query().unwrap_or(""))?;
        let lists = query.remove("list").is_some_and(|text| parse_flag(&text).unwrap_or(false));
        let wants_help = query.remove("help").is_some() && parts.method == Method::GET;
        let is_head = parts.method == Method::HEAD;
        let operation = match operation(&parts.method) {
            Some(Operation::Read) if lists => Some(Operation::List),
            other => other,
        };
        if operation == Some(Operation::Patch) {
            check_patch(&parts.headers)?;
        }
        let is_form = content_type(&parts.headers)
            .is_some_and(|essence| essence.eq_ignore_ascii_case("application/x-www-form-urlencoded"));
        let token = token(&parts.headers)?;
        let events = events(&parts.headers);
        let takes_open_metrics = accepts(&parts.headers, "application/openmetrics-text");
        let audited = audited_of(&parts.headers, audited);
        let caller = caller(&parts.headers);
        Ok(Self {
            path,
            operation,
            is_head,
            is_form,
            query,
            token,
            wants_help,
            wrap_ttl,
            events,
            takes_open_metrics,
            caller,
            audited,
        })
    }
}

/// The span of the caller. Of several none is meant, as with what is none.
fn caller(headers: &HeaderMap) -> Option<Caller> {
    let mut told = headers.get_all("traceparent").iter();
    let one = told.next().filter(|_| told.next().is_none())?;
    Caller::parse(one.to_str().ok()?)
}

fn operation(method: &Method) -> Option<Operation> {
    match method.as_str() {
        // HEAD is GET without a body; whether a path knows it is the dispatcher's matter.
        "GET" | "HEAD" => Some(Operation::Read),
        "LIST" => Some(Operation::List),
        "POST" | "PUT" => Some(Operation::Write),
        "PATCH" => Some(Operation::Patch),
        "DELETE" => Some(Operation::Delete),
        _ => None,
    }
}

/// Without namespaces, only the root may be named; any other is never silently taken for it.
fn check_namespace(headers: &HeaderMap) -> Result<(), ApiError> {
    match headers.get("x-vault-namespace").map(|value| value.to_str().unwrap_or("?")) {
        None | Some("" | "/" | "root" | "root/" | "/root") => Ok(()),
        Some(_) => Err(ApiError::UnknownNamespace),
    }
}

/// Nonsense is refused: a caller that asks for a wrapped answer must not get a bare one.
fn wrap_ttl(headers: &HeaderMap) -> Result<Option<Duration>, ApiError> {
    let Some(value) = headers.get("x-vault-wrap-ttl") else { return Ok(None) };
    value
        .to_str()
        .ok()
        .and_then(|text| span::parse(text).ok())
        .ok_or_else(|| ApiError::invalid("X-Vault-Wrap-TTL must be a duration such as 60 or \"5m\""))
}

/// An id that none of our events has counts as none.
fn events(headers: &HeaderMap) -> Option<EventsAsked> {
    let last_id = || headers.get("last-event-id")?.to_str().ok()?.trim().parse().ok();
    accepts(headers, "text/event-stream").then(|| EventsAsked { last_id: last_id() })
}

/// Whether the client names this very type among those that it accepts.
fn accepts(headers: &HeaderMap, essence: &str) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let mut essences = accept.split(',').filter_map(|range| range.split(';').next());
    essences.any(|one| one.trim().eq_ignore_ascii_case(essence))
}

/// Those headers that are wanted in the trail. Bytes that are no text are told as far as they are.
fn audited_of(headers: &HeaderMap, wanted: &AuditedHeaders) -> Option<Arc<[AuditedHeader]>> {
    let text = |bytes: &[u8]| SecretString::new(String::from_utf8_lossy(bytes).into_owned());
    let found = wanted.iter().filter_map(|(name, is_digested)| {
        let values: Vec<_> = headers.get_all(name).iter().map(|value| text(value.as_bytes())).collect();
        (!values.is_empty()).then(|| AuditedHeader { name: name.to_owned(), values, is_digested })
    });
    let found: Vec<_> = found.collect();
    (!found.is_empty()).then(|| found.into())
}

/// The content type without its parameters.
fn content_type(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().unwrap_or("");
    text.split(';').next().map(str::trim)
}

fn check_patch(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(essence) = content_type(headers) else {
        return Err(ApiError::invalid("PATCH requires Content-Type of application/merge-patch+json"));
    };
    if essence.eq_ignore_ascii_case("application/merge-patch+json") {
        Ok(())
    } else {
        Err(ApiError::UnsupportedMediaType)
    }
}

/// `X-Vault-Token`, else `Authorization: Bearer`; the first wins.
fn token(headers: &HeaderMap) -> Result<Option<SecretString>, ApiError> {
    let text = match (headers.get("x-vault-token"), headers.get(header::AUTHORIZATION)) {
        (Some(value), _) => value.to_str().map(Some),
        (None, Some(value)) => value.to_str().map(|text| {
            let (scheme, token) = text.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token)
        }),
        (None, None) => Ok(None),
    };
    // Bytes that are no text are no token of ours.
    let text = text.map_err(|_| ApiError::InvalidToken)?;
    Ok(text.map(str::trim).filter(|text| !text.is_empty()).map(|text| SecretString::new(text.to_owned())))
}

/// The pairs of a query; the last of a name wins.
pub(super) fn query(text: &str) -> Result<BTreeMap<String, String>, ApiError> {
    let decode = |text: &str| {
        let spaced = Zeroizing::new(text.replace('+', " "));
        percent_decode_str(&spaced)
            .decode_utf8()
            .map(|text| text.into_owned())
            .map_err(|_| ApiError::invalid("the query is not valid UTF-8 text"))
    };
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name)?;
            Fields::check_name(&name)?;
            Ok((name, decode(value)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> Result<Head, u16> {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Head::parse(&parts, &AuditedHeaders::default()).map_err(|error| error.status().as_u16())
    }

    #[test]
    fn methods_become_operations() {
        for (method, uri, want) in [
            ("GET", "/v1/x", Some(Operation::Read)),
            ("LIST", "/v1/x/", Some(Operation::List)),
            ("GET", "/v1/x?list=true", Some(Operation::List)),
            ("GET", "/v1/x?list=1", Some(Operation::List)),
            ("GET", "/v1/x?list=T", Some(Operation::List)),
            ("GET", "/v1/x?list=false", Some(Operation::Read)),
            ("GET", "/v1/x?list=", Some(Operation::Read)),
            ("POST", "/v1/x", Some(Operation::Write)),
            ("PUT", "/v1/x", Some(Operation::Write)),
            ("DELETE", "/v1/x", Some(Operation::Delete)),
            ("OPTIONS", "/v1/x", None),
        ] {
            assert_eq!(head(method, uri, &[]).ok().and_then(|head| head.operation), want, "{method} {uri}");
        }
    }

    #[test]
    fn the_token_comes_by_two_headers_and_the_first_wins() {
        for (headers, want) in [
            (&[("X-Vault-Token", "a")][..], Some("a")),
            (&[("authorization", "Bearer b")], Some("b")),
            (&[("authorization", "bearer b")], Some("b")),
            (&[("authorization", "Bearer b"), ("x-vault-token", "a")], Some("a")),
            (&[("authorization", "Basic b")], None),
            (&[("x-vault-token", "")], None),
            (&[], None),
        ] {
            let head = head("GET", "/v1/x", headers).ok().unwrap();
            assert_eq!(head.token.as_ref().map(SecretString::expose), want, "{headers:?}");
        }
    }

    #[test]
    fn headers_with_rules_are_never_silently_ignored() {
        for (method, headers, want) in [
            ("GET", &[("X-Vault-Namespace", "root")][..], None),
            ("GET", &[("X-Vault-Namespace", "")], None),
            ("GET", &[("X-Vault-Namespace", "/")], None),
            ("GET", &[("X-Vault-Namespace", "team")], Some(404)),
            ("GET", &[("X-Vault-Wrap-Ttl", "soon")], Some(400)),
            ("GET", &[("X-Vault-Wrap-Ttl", "-60")], Some(400)),
            ("GET", &[("X-Vault-Wrap-Ttl", "60")], None),
            ("GET", &[("X-Vault-Wrap-Ttl", "0")], None),
            ("PATCH", &[], Some(400)),
            ("PATCH", &[("Content-Type", "application/json")], Some(415)),
            ("PATCH", &[("Content-Type", "application/merge-patch+json; charset=utf-8")], None),
            ("POST", &[("Content-Type", "application/x-www-form-urlencoded")], None),
        ] {
            assert_eq!(head(method, "/v1/x", headers).err(), want, "{method} {headers:?}");
        }
    }

    #[test]
    fn the_time_of_a_wrapped_answer_is_read_in_each_spelling() {
        for (text, want) in
            [("60", Some(60)), ("5m", Some(300)), ("100s", Some(100)), ("0", None), ("", None)]
        {
            let head = head("GET", "/v1/x", &[("X-Vault-Wrap-Ttl", text)]).ok().unwrap();
            assert_eq!(head.wrap_ttl, want.map(Duration::from_secs), "{text:?}");
        }
    }

    #[test]
    fn queries_are_decoded() {
        let head = head("GET", "/v1/x?a=b%20c&d&a=e+f", &[]).ok().unwrap();
        let want = [("a".to_owned(), "e f".to_owned()), ("d".to_owned(), String::new())];
        assert_eq!(head.query.into_iter().collect::<Vec<_>>(), want);
    }
}
