//! `auth/token/lookup…`, `auth/token/accessors`.

use vault_api::token::TokenInfo;
use vault_core::clock::Timestamp;
use vault_core::identity::Token;
use vault_core::identity::cidr::CidrBlock;

use super::shown_accessor;
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

/// The token that the body or the query names, or the caller's own.
pub(in crate::http::routes) async fn by_token(context: Context) -> Result<Answer, ApiError> {
    match context.fields().secret("token")?.filter(|token| !token.expose().is_empty()) {
        Some(token) => look_up(&context, token.expose()),
        None => of_self(context).await,
    }
}

pub(in crate::http::routes) async fn of_self(context: Context) -> Result<Answer, ApiError> {
    context.fields().ignore(&["token"]);
    // Read again: the use of this very request was counted.
    look_up(&context, context.caller.plain.expose()).or_else(|error| match error {
        // Its last use: the record as it was is all there is.
        ApiError::Forbidden(_) => {
            Answer::of(&info(&context.caller.token, context.caller.plain.expose(), context.now()))
        }
        other => Err(other),
    })
}

pub(in crate::http::routes) async fn by_accessor(context: Context) -> Result<Answer, ApiError> {
    let accessor = context.fields().required_text("accessor")?;
    let (_, token) = context.app.tokens.look_up_accessor(&accessor, context.now())?;
    Answer::of(&info(&token, "", context.now()))
}

pub(in crate::http::routes) async fn accessors(context: Context) -> Result<Answer, ApiError> {
    let mut keys: Vec<String> = Vec::new();
    loop {
        let page = context.app.tokens.accessors(keys.last().map(String::as_str), PAGE)?;
        if page.is_empty() {
            return Answer::keys(keys);
        }
        keys.extend(page);
    }
}

fn look_up(context: &Context, text: &str) -> Result<Answer, ApiError> {
    let (_, token) = context.app.tokens.look_up(text, context.now())?;
    Answer::of(&info(&token, text, context.now()))
}

fn info(token: &Token, plain: &str, now: Timestamp) -> TokenInfo {
    let is_first_root = token.path() == INITIAL_ROOT_PATH;
    TokenInfo {
        accessor: shown_accessor(token),
        creation_time: token.created_at().as_secs(),
        creation_ttl: token.creation_ttl().as_secs(),
        display_name: token.display_name().to_owned(),
        entity_id: token.entity_id().to_owned(),
        expire_time: token.expires_at().map(Timestamp::to_rfc3339),
        explicit_max_ttl: token.explicit_max_ttl().map_or(0, |max| max.as_secs()),
        id: plain.to_owned().into(),
        issue_time: (!is_first_root).then(|| token.created_at().to_rfc3339()),
        meta: Some(token.meta().clone()).filter(|meta| !meta.is_empty()),
        num_uses: token.num_uses().into(),
        orphan: token.is_orphan(),
        path: token.path().to_owned(),
        policies: token.policies().to_vec(),
        renewable: (!is_first_root).then_some(token.is_renewable()),
        period: token.period().map(|period| period.as_secs()),
        bound_cidrs: token.bound_cidrs().iter().map(CidrBlock::to_string).collect(),
        role: token.role().map(str::to_owned),
        last_renewal: token.last_renewal().map(Timestamp::to_rfc3339),
        last_renewal_time: token.last_renewal().map(Timestamp::as_secs),
        ttl: token.remaining(now).map_or(0, |left| left.as_secs()),
        kind: token.kind().as_str().to_owned(),
    }
}

/// The path of the token that init makes: as in Vault it has no lease of its own.
const INITIAL_ROOT_PATH: &str = "auth/token/root";
const PAGE: usize = 1000;
