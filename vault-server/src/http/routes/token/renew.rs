//! `auth/token/renew…`.

use vault_core::identity::TokenDigest;

use super::{auth, named};
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

pub(in crate::http::routes) async fn by_token(context: Context) -> Result<Answer, ApiError> {
    let token = named(&context)?;
    let (digest, _) = context.app.tokens.look_up(token.expose(), context.now())?;
    renew(&context, &digest, token.expose()).await
}

pub(in crate::http::routes) async fn of_self(context: Context) -> Result<Answer, ApiError> {
    context.fields().ignore(&["token"]);
    renew(&context, context.caller.principal.token(), context.caller.plain.expose()).await
}

/// Whoever knows an accessor may not learn the token by it, so the answer leaves it empty.
pub(in crate::http::routes) async fn by_accessor(context: Context) -> Result<Answer, ApiError> {
    let accessor = context.fields().required_text("accessor")?;
    let (digest, _) = context.app.tokens.look_up_accessor(&accessor, context.now())?;
    renew(&context, &digest, "").await
}

async fn renew(context: &Context, digest: &TokenDigest, plain: &str) -> Result<Answer, ApiError> {
    let increment = context.fields().duration("increment")?;
    let now = context.now();
    let (token, warnings) = context.app.tokens.renew(digest, increment, now).await?;
    let answer = Answer::auth(auth(&token, plain, now)?);
    Ok(warnings.into_iter().fold(answer, Answer::warn))
}
