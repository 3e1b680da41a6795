//! Wrapped answers on their way in and out of the pipeline.

use vault_core::audit::{self, entry::Token as AuditToken};
use vault_core::secret::SecretString;

use super::answer::{Answer, WrapInfo};
use super::context::Request;
use super::error::ApiError;
use crate::app::App;
use crate::service::token::{Caller, WrapError};

/// Puts the answer away and tells where, when the request asks for that and there is something to protect.
/// Errors, and answers without data, token or lease, go as they are.
pub(super) async fn wrapped(
    app: &App,
    request: &Request,
    result: Result<Answer, ApiError>,
) -> Result<Answer, ApiError> {
    let answer = result?;
    let Some((ttl, envelope)) = request.wrap_ttl.zip(answer.to_wrap(request.id)) else { return Ok(answer) };
    let inner = answer.facts().auth.and_then(|auth| auth.get("accessor")?.as_str().map(str::to_owned));
    let wrapped = app.tokens.wrap(&envelope, ttl, &request.path, app.clock.now()).await?;
    Ok(Answer::wrapped(WrapInfo::of(&wrapped, inner)))
}

/// The wrapping token that a request is about: the one in the body, else the caller's own.
pub(super) fn named(request: &Request) -> Result<Option<SecretString>, ApiError> {
    Ok(request.fields.secret("token")?.filter(|text| !text.expose().trim().is_empty()))
}

type Presented = (Option<SecretString>, Result<Option<Caller>, ApiError>);

/// Who asks to open something: told at once that the wrapping token is no good; and with no token but that
/// one, its holder.
pub(super) fn presenter(
    app: &App,
    request: &Request,
    token: Option<SecretString>,
    caller: Result<Option<Caller>, ApiError>,
) -> Presented {
    let named = match named(request) {
        Ok(named) => named,
        Err(error) => return (token, Err(error)),
    };
    let Some(text) = named.as_ref().or(token.as_ref()) else { return (token, caller) };
    if let Err(error) = app.tokens.wrapping_token(text.expose(), request.now) {
        return (token, Err(error.into()));
    }
    // To move an answer is for a token of one's own: the wrapping token itself would be used up by asking.
    if token.is_some() || request.path == REWRAP {
        return (token, caller);
    }
    let caller = app.tokens.authenticate(text.expose(), request.now).map(Some);
    (named, caller.map_err(|_| WrapError::Invalid.into()))
}

/// What a holder is told who was beaten to the one use of a wrapping token.
pub(super) fn lost(error: ApiError, caller: Option<&Caller>) -> ApiError {
    match error {
        ApiError::InvalidToken if caller.is_some_and(|caller| caller.token.is_wrapping()) => {
            WrapError::Invalid.into()
        }
        error => error,
    }
}

/// For the entry of an answer that was wrapped.
pub(super) fn audited(info: &WrapInfo) -> audit::WrapInfo<'_> {
    audit::WrapInfo {
        token: AuditToken(info.token.expose()),
        accessor: &info.accessor,
        ttl: info.ttl,
        creation_time: &info.creation_time,
        creation_path: &info.creation_path,
        wrapped_accessor: info.wrapped_accessor.as_deref(),
    }
}

const REWRAP: &str = "sys/wrapping/rewrap";
