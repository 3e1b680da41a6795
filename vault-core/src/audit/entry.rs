//! What happened, ready to be written.
//!
//! An [`Entry`] is built from borrowed facts and holds no secret: tokens, accessors and the strings inside
//! data are digests from the moment it exists. Paths, names of fields, numbers, display names and policy
//! names stay readable, as in Vault.

use serde::Serialize;
use serde_json::Value;

use super::digest::{Digester, Redacted};
use super::header::{AuditedHeader, Shown};
use crate::clock::Timestamp;
use crate::id::RequestId;

/// Who asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Auth<'a> {
    /// The token as presented; only its digest is kept. Absent for requests without one.
    pub client_token: Option<Token<'a>>,
    /// The token's accessor; only its digest is kept.
    pub accessor: Option<&'a str>,
    /// The name that the login gave, such as `userpass-ada`.
    pub display_name: &'a str,
    /// The policies in force.
    pub policies: &'a [String],
    /// The principal, when the token belongs to one.
    pub entity_id: &'a str,
    /// `service`, `batch`, or empty without a token.
    pub token_type: &'a str,
}

/// A token on its way to becoming a digest; `Debug` shows nothing of it.
#[derive(Clone, Copy)]
pub struct Token<'a>(pub &'a str);

impl std::fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(redacted)")
    }
}

/// What a request wants to do, in Vault's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// A POST or PUT to something absent.
    Create,
    /// A GET.
    Read,
    /// A POST or PUT to something present, and every act such as a check-out.
    Update,
    /// A PATCH.
    Patch,
    /// A DELETE.
    Delete,
    /// A LIST, or a GET with `list=true`.
    List,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Ties the request's line to its response's line and to the logs.
    pub id: RequestId,
    /// What it wants to do.
    pub operation: Operation,
    /// Where, without `/v1/`. Stays readable, so a secret must not be put into it.
    pub path: &'a str,
    /// The body; its strings become digests. Absent without a body.
    pub data: Option<&'a Value>,
    /// Strings directly under these names of `data` stay readable, such as a check-out's `reason`.
    pub plain_keys: &'a [&'a str],
    /// Under these names of `data` numbers become digests as well; `*` for every name.
    pub hidden_keys: &'a [&'a str],
    /// Those headers that are wanted in the trail.
    pub headers: &'a [AuditedHeader],
    /// The caller's address; empty when unknown.
    pub remote_address: &'a str,
    /// The caller's port; 0 when unknown.
    pub remote_port: u16,
}

/// What is answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Response<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The `data` of the answer; its strings become digests.
    pub data: Option<&'a Value>,
    /// Strings directly under these names of `data` stay readable, such as `state`.
    pub plain_keys: &'a [&'a str],
    /// Under these names of `data` numbers become digests as well; `*` for every name.
    pub hidden_keys: &'a [&'a str],
    /// The lease that was granted, readable so that it can be followed.
    pub lease_id: Option<&'a str>,
    /// A token that was created for the caller, by login or by `token/create`.
    pub auth: Option<Auth<'a>>,
    /// Set when the answer was not shown but wrapped; then `data` and `auth` stay out of the entry.
    pub wrap_info: Option<WrapInfo<'a>>,
}

/// Where an answer was put instead of being shown.
#[derive(Clone, Copy, Debug)]
pub struct WrapInfo<'a> {
    /// The wrapping token; only its digest is kept.
    pub token: Token<'a>,
    /// Its accessor; only its digest is kept.
    pub accessor: &'a str,
    /// How long it can be opened, in seconds.
    pub ttl: u64,
    /// When it was made, as RFC 3339.
    pub creation_time: &'a str,
    /// The path that the answer came from.
    pub creation_path: &'a str,
    /// The accessor of a token inside; only its digest is kept.
    pub wrapped_accessor: Option<&'a str>,
}

/// What the vault did by itself: a scheduled rotation, an expiry, a seal.
#[derive(Clone, Copy, Debug)]
pub struct System<'a> {
    /// What happened, such as `rotation_promoted`.
    pub event: &'a str,
    /// What it happened to, such as `accounts/prod/db/app`; empty for the vault as a whole.
    pub path: &'a str,
    /// The particulars; strings become digests.
    pub data: Option<&'a Value>,
    /// Strings directly under these names of `data` stay readable, such as `class`.
    pub plain_keys: &'a [&'a str],
}

/// One entry, free of secrets, waiting for its place in the chain.
#[derive(Clone, Debug)]
pub struct Entry {
    kind: &'static str,
    /// The fields between `type` and `prev`, as JSON text without the outer braces.
    body: String,
}

impl Entry {
    /// A request, before it is carried out.
    #[must_use]
    pub fn request(digester: &Digester, auth: &Auth<'_>, request: &Request<'_>) -> Self {
        let auth = auth_fields(digester, auth);
        let request = Some(request_fields(digester, &auth, request));
        Self::new("request", &Body { request, auth: Some(&auth), ..Body::default() })
    }

    /// A response, before it leaves; the request is repeated so that each line stands alone.
    #[must_use]
    pub fn response(
        digester: &Digester,
        auth: &Auth<'_>,
        request: &Request<'_>,
        response: &Response<'_>,
    ) -> Self {
        let auth = auth_fields(digester, auth);
        let request = Some(request_fields(digester, &auth, request));
        let (plain_keys, hidden_keys) = (response.plain_keys, response.hidden_keys);
        let response = Some(ResponseFields {
            status: response.status,
            data: response.data.map(|data| Redacted { data, plain_keys, hidden_keys, digester }),
            secret: response.lease_id.map(|lease_id| SecretFields { lease_id }),
            auth: response.auth.as_ref().map(|auth| auth_fields(digester, auth)),
            wrap_info: response.wrap_info.as_ref().map(|info| wrap_fields(digester, info)),
        });
        Self::new("response", &Body { request, response, auth: Some(&auth), ..Body::default() })
    }

    /// An act of the vault itself.
    #[must_use]
    pub fn system(digester: &Digester, system: &System<'_>) -> Self {
        Self::new(
            "system",
            &Body {
                system: Some(SystemFields {
                    event: system.event,
                    path: system.path,
                    data: system.data.map(|data| Redacted {
                        data,
                        plain_keys: system.plain_keys,
                        hidden_keys: &[],
                        digester,
                    }),
                }),
                ..Body::default()
            },
        )
    }

    /// Adds why it failed. The text stays readable, so it must come from an error type, never from a target.
    #[must_use]
    pub fn with_error(mut self, error: &str) -> Self {
        self.body.push_str(",\"error\":");
        self.body.push_str(&Value::from(error).to_string());
        self
    }

    /// The entry as one line of JSON without a place in the chain, as Vault's own devices write it.
    #[must_use]
    pub fn to_plain_line(&self, now: Timestamp) -> String {
        format!("{{\"time\":\"{}\",\"type\":\"{}\",{}}}\n", now.to_rfc3339(), self.kind, self.body)
    }

    pub(super) fn kind(&self) -> &'static str {
        self.kind
    }

    pub(super) fn body(&self) -> &str {
        &self.body
    }

    fn new(kind: &'static str, body: &Body<'_>) -> Self {
        // Structs with string keys always serialise.
        let mut text = serde_json::to_string(body).unwrap_or_default();
        // Without the outer braces.
        text.pop();
        if !text.is_empty() {
            text.remove(0);
        }
        Self { kind, body: text }
    }
}

#[derive(Default, Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<&'a AuthFields<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestFields<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<ResponseFields<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<SystemFields<'a>>,
}

#[derive(Serialize)]
struct AuthFields<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    client_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accessor: Option<String>,
    display_name: &'a str,
    policies: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    entity_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    token_type: &'a str,
}

#[derive(Serialize)]
struct RequestFields<'a> {
    id: String,
    operation: Operation,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_token_accessor: Option<&'a str>,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Redacted<'a>>,
    remote_address: &'a str,
    remote_port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Shown<'a>>,
}

#[derive(Serialize)]
struct ResponseFields<'a> {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Redacted<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<SecretFields<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<AuthFields<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrap_info: Option<WrapFields<'a>>,
}

#[derive(Serialize)]
struct WrapFields<'a> {
    token: String,
    accessor: String,
    ttl: u64,
    creation_time: &'a str,
    creation_path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrapped_accessor: Option<String>,
}

#[derive(Serialize)]
struct SecretFields<'a> {
    lease_id: &'a str,
}

#[derive(Serialize)]
struct SystemFields<'a> {
    event: &'a str,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Redacted<'a>>,
}

fn auth_fields<'a>(digester: &Digester, auth: &Auth<'a>) -> AuthFields<'a> {
    AuthFields {
        client_token: auth.client_token.map(|token| digester.digest(token.0)),
        accessor: auth.accessor.map(|accessor| digester.digest(accessor)),
        display_name: auth.display_name,
        policies: auth.policies,
        entity_id: auth.entity_id,
        token_type: auth.token_type,
    }
}

fn wrap_fields<'a>(digester: &Digester, info: &WrapInfo<'a>) -> WrapFields<'a> {
    WrapFields {
        token: digester.digest(info.token.0),
        accessor: digester.digest(info.accessor),
        ttl: info.ttl,
        creation_time: info.creation_time,
        creation_path: info.creation_path,
        wrapped_accessor: info.wrapped_accessor.map(|accessor| digester.digest(accessor)),
    }
}

fn request_fields<'a>(
    digester: &'a Digester,
    auth: &'a AuthFields<'_>,
    request: &Request<'a>,
) -> RequestFields<'a> {
    let (plain_keys, hidden_keys) = (request.plain_keys, request.hidden_keys);
    RequestFields {
        id: request.id.to_string(),
        operation: request.operation,
        client_token: auth.client_token.as_deref(),
        client_token_accessor: auth.accessor.as_deref(),
        path: request.path,
        data: request.data.map(|data| Redacted { data, plain_keys, hidden_keys, digester }),
        remote_address: request.remote_address,
        remote_port: request.remote_port,
        headers: (!request.headers.is_empty()).then_some(Shown { headers: request.headers, digester }),
    }
}

#[cfg(test)]
mod tests;
