//! `auth/token/revoke…`. Revoking what is unknown is done already: 204.

use vault_core::identity::{Token, TokenError, TokenKind};

use super::named;
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::service::token::TokenServiceError;

pub(in crate::http::routes) async fn by_token(context: Context) -> Result<Answer, ApiError> {
    let token = named(&context)?;
    match context.app.tokens.look_up(token.expose(), context.now()) {
        Ok((digest, record)) => {
            check(&record)?;
            context.app.tokens.revoke(&digest).await?;
        }
        Err(TokenServiceError::Unknown) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(Answer::nothing())
}

pub(in crate::http::routes) async fn of_self(context: Context) -> Result<Answer, ApiError> {
    context.fields().ignore(&["token"]);
    check(&context.caller.token)?;
    context.app.tokens.revoke(context.caller.principal.token()).await?;
    Ok(Answer::nothing())
}

pub(in crate::http::routes) async fn by_accessor(context: Context) -> Result<Answer, ApiError> {
    let accessor = context.fields().required_text("accessor")?;
    match context.app.tokens.look_up_accessor(&accessor, context.now()) {
        Ok((digest, _)) => context.app.tokens.revoke(&digest).await?,
        Err(TokenServiceError::UnknownAccessor) => {
            return Ok(Answer::nothing().warn("No token found with this accessor"));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Answer::nothing())
}

pub(in crate::http::routes) async fn orphan(context: Context) -> Result<Answer, ApiError> {
    let token = named(&context)?;
    let found = context.app.tokens.look_up(token.expose(), context.now());
    let (digest, record) = found.map_err(|error| match error {
        TokenServiceError::Unknown => ApiError::invalid("token to revoke not found"),
        other => other.into(),
    })?;
    check(&record)?;
    context.app.tokens.revoke_orphan(&digest).await?;
    Ok(Answer::nothing())
}

/// There is no record of a batch token that could be taken away.
fn check(token: &Token) -> Result<(), ApiError> {
    match token.kind() {
        TokenKind::Service => Ok(()),
        TokenKind::Batch => Err(TokenServiceError::Rule(TokenError::BatchNotRevocable).into()),
    }
}
