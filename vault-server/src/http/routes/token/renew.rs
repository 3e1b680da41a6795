//! `auth/token/renew…`.

use vault_core::identity::{Token, TokenDigest};

use super::{auth, named};
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::service::login::renewal;
use crate::service::token::TokenServiceError;

pub(in crate::http::routes) async fn by_token(context: Context) -> Result<Answer, ApiError> {
    let token = named(&context)?;
    let found = context.app.tokens.look_up(token.expose(), context.now());
    let (digest, record) = found.map_err(|error| match error {
        TokenServiceError::Unknown => ApiError::invalid("token not found"),
        other => other.into(),
    })?;
    renew(&context, &digest, &record, token.expose()).await
}

pub(in crate::http::routes) async fn of_self(context: Context) -> Result<Answer, ApiError> {
    context.fields().ignore(&["token"]);
    let caller = &context.caller;
    renew(&context, caller.principal.token(), &caller.token, caller.plain.expose()).await
}

/// Whoever knows an accessor may not learn the token by it, so the answer leaves it empty.
pub(in crate::http::routes) async fn by_accessor(context: Context) -> Result<Answer, ApiError> {
    let accessor = context.fields().required_text("accessor")?;
    let (digest, record) = context.app.tokens.look_up_accessor(&accessor, context.now())?;
    renew(&context, &digest, &record, "").await
}

async fn renew(
    context: &Context,
    digest: &TokenDigest,
    record: &Token,
    plain: &str,
) -> Result<Answer, ApiError> {
    let increment = context.fields().duration("increment")?;
    let now = context.now();
    let (terms, limits) = renewal::terms_of(&context.app, record)?;
    let (token, warnings) = context.app.tokens.renew(digest, increment, (&terms, limits), now).await?;
    let answer = Answer::auth(auth(&token, plain, now)?);
    Ok(warnings.into_iter().fold(answer, Answer::warn))
}
