//! The audit file, as one request sees it: its entry before it is carried out, its refusal, its answer.

use std::net::SocketAddr;

use serde_json::Value;
use vault_core::audit::digest::EVERY_KEY;
use vault_core::audit::{self, Auth, entry::Token as AuditToken};
use vault_core::policy::Operation as Asked;

use super::answer::Answer;
use super::context::Request;
use super::error::ApiError;
use super::route::Route;
use super::wrapping;
use crate::app::App;

/// The audit file, as one request sees it.
pub(super) struct Trail<'a> {
    app: &'a App,
    readable: &'static [&'static str],
    hidden: &'static [&'static str],
}

impl<'a> Trail<'a> {
    pub(super) fn of(app: &'a App, route: Option<&Route>) -> Self {
        // What was meant for another path may be a secret of any shape.
        let (readable, hidden) = route.map_or((&[] as _, EVERYTHING), |route| (route.readable, route.hidden));
        Self { app, readable, hidden }
    }
}

impl Trail<'_> {
    pub(super) fn request(
        &self,
        auth: &Auth<'_>,
        request: &Request,
        asked: Asked,
    ) -> Result<audit::AuditReceipt, ApiError> {
        let remote = Remote::of(request.remote);
        let entry = self.entry(request, audit_operation(asked), &remote);
        Ok(self.app.audit.request(auth, &entry, request.now)?)
    }

    pub(super) fn refusal(
        &self,
        auth: &Auth<'_>,
        request: &Request,
        asked: Asked,
        error: &ApiError,
    ) -> Result<(), ApiError> {
        let remote = Remote::of(request.remote);
        let entry = self.entry(request, audit_operation(asked), &remote);
        let reason = error.messages().join("; ");
        self.app.audit.refusal(auth, &entry, &reason, request.now).map(|_receipt| ())?;
        Ok(())
    }

    /// Records the answer; without a record it does not leave.
    pub(super) fn response(
        &self,
        auth: &Auth<'_>,
        request: &Request,
        asked: Asked,
        result: Result<Answer, ApiError>,
    ) -> Result<Answer, ApiError> {
        let remote = Remote::of(request.remote);
        let entry = self.entry(request, audit_operation(asked), &remote);
        let error_body;
        let (status, facts, reason) = match &result {
            Ok(answer) => (answer.status(), answer.facts(), None),
            Err(error) => {
                error_body = error.facts();
                let facts = super::answer::Facts { data: error_body.as_ref(), ..Default::default() };
                (error.status(), facts, Some(error.messages().join("; ")))
            }
        };
        let made = facts.auth.map(MadeToken::of);
        let response = audit::Response {
            status: status.as_u16(),
            data: facts.data,
            plain_keys: self.readable,
            hidden_keys: self.hidden,
            lease_id: facts.lease_id,
            auth: made.as_ref().map(MadeToken::as_auth),
            wrap_info: facts.wrap_info.map(wrapping::audited),
        };
        let now = self.app.clock.now();
        self.app.audit.response(auth, &entry, &response, reason.as_deref(), now).map(|_receipt| ())?;
        result
    }

    fn entry<'r>(
        &self,
        request: &'r Request,
        operation: audit::Operation,
        remote: &'r Remote,
    ) -> audit::Request<'r> {
        audit::Request {
            id: request.id,
            operation,
            path: &request.path,
            data: (!request.fields.is_empty()).then(|| request.fields.object()),
            plain_keys: self.readable,
            hidden_keys: self.hidden,
            headers: request.headers.as_deref().unwrap_or_default(),
            remote_address: &remote.address,
            remote_port: remote.port,
        }
    }
}

struct Remote {
    address: String,
    port: u16,
}

impl Remote {
    fn of(remote: SocketAddr) -> Self {
        Self { address: remote.ip().to_canonical().to_string(), port: remote.port() }
    }
}

/// A token in an answer, for the entry of its making.
struct MadeToken<'a> {
    auth: &'a Value,
    policies: Vec<String>,
}

impl<'a> MadeToken<'a> {
    fn of(auth: &'a Value) -> Self {
        let policies = auth.get("policies").and_then(Value::as_array);
        let policies = policies.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        Self { auth, policies }
    }

    fn as_auth(&self) -> Auth<'_> {
        let text = |name| self.auth.get(name).and_then(Value::as_str);
        Auth {
            client_token: text("client_token").map(AuditToken),
            accessor: text("accessor"),
            display_name: text("display_name").unwrap_or_default(),
            policies: &self.policies,
            entity_id: text("entity_id").unwrap_or_default(),
            token_type: text("token_type").unwrap_or_default(),
        }
    }
}

fn audit_operation(asked: Asked) -> audit::Operation {
    match asked {
        Asked::Create => audit::Operation::Create,
        Asked::Read => audit::Operation::Read,
        Asked::Update => audit::Operation::Update,
        Asked::Patch => audit::Operation::Patch,
        Asked::Delete => audit::Operation::Delete,
        Asked::List => audit::Operation::List,
    }
}

/// Nothing of the data is readable, numbers neither.
const EVERYTHING: &[&str] = &[EVERY_KEY];
