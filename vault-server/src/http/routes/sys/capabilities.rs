//! `sys/capabilities`, `sys/capabilities-self`, `sys/capabilities-accessor`.

use serde_json::{Map, Value};
use vault_core::identity::Token;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

pub(in crate::http::routes) async fn of_token(context: Context) -> Result<Answer, ApiError> {
    let token = context.fields().secret("token")?.ok_or_else(|| ApiError::invalid("missing token"))?;
    let (_, token) = context.app.tokens.look_up(token.expose(), context.now()).map_err(|error| {
        match ApiError::from(error) {
            // As Vault says it of a token that is none.
            ApiError::Forbidden(_) => ApiError::invalid("invalid token"),
            other => other,
        }
    })?;
    answer(&context, &token)
}

pub(in crate::http::routes) async fn of_self(context: Context) -> Result<Answer, ApiError> {
    context.fields().ignore(&["token"]);
    answer(&context, &context.caller.token)
}

pub(in crate::http::routes) async fn of_accessor(context: Context) -> Result<Answer, ApiError> {
    let accessor = context.fields().required_text("accessor")?;
    let (_, token) = context.app.tokens.look_up_accessor(&accessor, context.now())?;
    answer(&context, &token)
}

fn answer(context: &Context, token: &Token) -> Result<Answer, ApiError> {
    let fields = context.fields();
    let paths = match fields.comma_list("paths")? {
        Some(paths) if !paths.is_empty() => paths,
        _ => fields.comma_list("path")?.unwrap_or_default(),
    };
    if paths.is_empty() {
        return Err(ApiError::invalid("paths must be supplied"));
    }
    let acl = context.app.policies.acl(token.policies())?;
    let words = |path: &str| {
        Value::from(acl.capabilities(path).iter().map(|capability| capability.as_str()).collect::<Vec<_>>())
    };
    let mut data: Map<String, Value> = paths.iter().map(|path| (path.clone(), words(path))).collect();
    // With one path the old key is there too.
    if let [path] = paths.as_slice() {
        data.insert("capabilities".to_owned(), words(path));
    }
    Ok(Answer::data(Value::Object(data)).copied_to_top())
}
