//! What a browser is told of the pages that may talk to the vault: the server's side of the Fetch standard, as Vault
//! has it.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use vault_core::cors::Cors;

use super::answer::error_response;
use super::error::ApiError;

/// What the rule says of one request.
pub(super) enum Judged {
    /// The rule is off, or the request is no browser's.
    Unasked,
    /// The page may read the answer.
    Admitted {
        /// The page's origin, as the browser names it.
        origin: HeaderValue,
        rule: Arc<Cors>,
        preflight: Option<Preflight>,
    },
    /// The page may not.
    Refused,
}

/// A browser asks before it sends what the page wants.
pub(super) enum Preflight {
    /// The page may send it.
    Granted,
    /// The method is none of ours.
    OtherMethod,
}

impl Judged {
    pub(super) fn of(rule: &Arc<Cors>, method: &Method, headers: &HeaderMap) -> Self {
        let Some(origin) = headers.get(header::ORIGIN).filter(|origin| rule.is_on() && !origin.is_empty())
        else {
            return Self::Unasked;
        };
        if !origin.to_str().is_ok_and(|text| rule.admits(text)) {
            return Self::Refused;
        }
        let preflight = (method == Method::OPTIONS).then(|| {
            let wanted = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD);
            let is_known = wanted.is_some_and(|wanted| METHODS.iter().any(|method| wanted == method));
            if is_known { Preflight::Granted } else { Preflight::OtherMethod }
        });
        Self::Admitted { origin: origin.clone(), rule: Arc::clone(rule), preflight }
    }

    /// The answer, where the request goes no further.
    pub(super) fn outright(&self) -> Option<Response<Body>> {
        let (status, rule) = match self {
            Self::Refused => {
                return Some(error_response(&ApiError::Forbidden("origin not allowed".to_owned())));
            }
            Self::Unasked | Self::Admitted { preflight: None, .. } => return None,
            Self::Admitted { preflight: Some(Preflight::OtherMethod), .. } => {
                (StatusCode::METHOD_NOT_ALLOWED, None)
            }
            Self::Admitted { preflight: Some(Preflight::Granted), rule, .. } => (StatusCode::OK, Some(rule)),
        };
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        if let Some(rule) = rule {
            let allowed: Vec<&str> = rule.headers().collect();
            for (name, text) in [
                (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS.join(",")),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, allowed.join(",")),
                (header::ACCESS_CONTROL_MAX_AGE, "300".to_owned()),
            ] {
                // Names of headers were looked at when the rule was made.
                if let Ok(value) = HeaderValue::try_from(text) {
                    response.headers_mut().insert(name, value);
                }
            }
        }
        Some(response)
    }

    /// Tells the browser that the page may read the answer.
    pub(super) fn mark(self, headers: &mut HeaderMap) {
        let Self::Admitted { origin, rule, preflight: None | Some(Preflight::Granted) } = self else {
            return;
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        if rule.credentials() {
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
}

/// Vault's, and PATCH, which KV version 2 takes.
const METHODS: [&str; 7] = ["DELETE", "GET", "OPTIONS", "POST", "PUT", "LIST", "PATCH"];
