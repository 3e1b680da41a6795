//! `sys/wrapping/…`.

use serde_json::{Value, json};
use vault_core::mount::Kind;
use vault_core::path::Name;
use vault_core::secret::SecretString;

use crate::http::answer::{Answer, WrapInfo};
use crate::http::context::{Context, TokenlessContext};
use crate::http::error::ApiError;
use crate::http::wrapping;
use crate::service::token::WrapError;

/// Answers with what it was given; the header makes a wrapped answer of that.
pub(in crate::http::routes) async fn wrap(context: Context) -> Result<Answer, ApiError> {
    if context.request.wrap_ttl.is_none() {
        return Err(ApiError::invalid("endpoint requires response wrapping to be used"));
    }
    Ok(Answer::data(context.fields().whole().clone()))
}

/// Needs no token: whoever holds a wrapping token may see whether it was tampered with before opening it.
pub(in crate::http::routes) async fn lookup(context: TokenlessContext) -> Result<Answer, ApiError> {
    let named = wrapping::named(&context.request)?;
    let text = named.or(context.token).ok_or_else(|| ApiError::from(WrapError::Invalid))?;
    let token = context.app.tokens.wrapping_token(text.expose(), context.request.now)?;
    Ok(Answer::data(json!({
        "creation_ttl": token.creation_ttl().as_secs(),
        "creation_time": token.created_at().to_rfc3339(),
        "creation_path": token.path(),
    })))
}

pub(in crate::http::routes) async fn unwrap(context: Context) -> Result<Answer, ApiError> {
    let envelope = match others(&context)? {
        Some(text) => {
            // First the note: if that fails, the token is still good.
            let (path, envelope) = context.app.tokens.peek(text.expose(), context.now())?;
            note_opened(&context, &path, &envelope).await?;
            context.app.tokens.unwrap(text.expose(), context.now()).await?
        }
        // The use of this very request was the token's one use.
        None => context.app.tokens.wrapped_in(context.caller.principal.token())?,
    };
    Answer::unwrapped(&envelope)
}

pub(in crate::http::routes) async fn rewrap(context: Context) -> Result<Answer, ApiError> {
    let text = others(&context)?.ok_or(ApiError::PermissionDenied)?;
    let wrapped = context.app.tokens.rewrap(text.expose(), context.now()).await?;
    Ok(Answer::wrapped(WrapInfo::of(&wrapped, None)))
}

/// Whoever opens the credential of an account knows it, as well as who had it put away.
async fn note_opened(context: &Context, path: &str, envelope: &SecretString) -> Result<(), ApiError> {
    let envelope: Value = serde_json::from_str(envelope.expose()).map_err(|_| ApiError::Internal)?;
    let app = &context.app;
    let mounts = app.mounts.table();
    let role = mounts.find(path).filter(|(mount, _)| mount.kind == Kind::Database);
    let role = role.and_then(|(mount, rest)| Some((mount, rest.strip_prefix("static-creds/")?)));
    let role = match role.and_then(|(mount, name)| Some((mount, Name::parse(name).ok()?))) {
        Some((mount, name)) => app.databases.static_role(mount, &name)?.map(|view| view.role.account),
        None => None,
    };
    Ok(app.accounts.opened(path, &envelope, role.as_ref(), &context.caller.principal).await?)
}

/// The wrapping token in the body, when it is not the caller itself.
fn others(context: &Context) -> Result<Option<SecretString>, ApiError> {
    let named = wrapping::named(&context.request)?;
    Ok(named.filter(|text| !text.ct_eq(context.caller.plain.expose())))
}
