//! `sys/internal/ui/mounts…`: what command lines ask before they use a path.
//!
//! No policy is asked about these paths themselves: a token sees what its policies reach. Without a token
//! there are the mounts that are meant to be seen by anybody.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use vault_core::mount::{Class, Mount};
use vault_core::policy::Acl;

use super::{described, is_within_reach};
use crate::http::answer::Answer;
use crate::http::context::TokenlessContext;
use crate::http::error::ApiError;
use crate::service::token::TokenServiceError;

pub(in crate::http::routes) async fn list(context: TokenlessContext) -> Result<Answer, ApiError> {
    let acl = acl(&context).await.ok();
    let table = context.app.mounts.table();
    let of = |class| -> Map<String, Value> {
        let shown = |mount: &Arc<Mount>| match &acl {
            Some(acl) if is_for_anybody(mount) || is_within_reach(acl, mount) => Some(described(mount)),
            None if is_for_anybody(mount) => Some(outlined(mount)),
            Some(_) | None => None,
        };
        table.of(class).filter_map(|mount| Some((mount.path.listed(), shown(mount)?))).collect()
    };
    Ok(Answer::data(json!({ "secret": of(Class::Secret), "auth": of(Class::Auth) })))
}

/// 403 when the caller can do nothing below the path, so that nothing is told of what exists.
pub(in crate::http::routes) async fn read(context: TokenlessContext) -> Result<Answer, ApiError> {
    let acl = acl(&context).await?;
    let path = context.request.part("path")?;
    let reached = context.app.mounts.find(path).filter(|(mount, _)| is_within_reach(&acl, mount));
    let (mount, _) = reached.ok_or_else(|| {
        ApiError::Forbidden(format!(
            "preflight capability check returned 403, please ensure client's policies grant access to path \"{path}/\""
        ))
    })?;
    let mut data = described(&mount);
    if let Some(map) = data.as_object_mut() {
        map.insert("path".to_owned(), Value::from(mount.path.to_string()));
    }
    Ok(Answer::data(data))
}

/// What the policies of the token allow together.
pub(in crate::http::routes) async fn acl(context: &TokenlessContext) -> Result<Arc<Acl>, ApiError> {
    let token = context.token.as_ref().ok_or(ApiError::InvalidToken)?;
    let caller = context.app.tokens.authenticate(token.expose(), context.request.now).map_err(dead)?;
    if !caller.token.may_come_from(context.request.remote.ip()) {
        return Err(ApiError::InvalidToken);
    }
    let _last_use = context.app.tokens.count_use(&caller, context.request.now).await.map_err(dead)?;
    Ok(context.app.policies.acl(caller.token.policies())?)
}

/// An unknown token and one that ended look the same.
fn dead(error: TokenServiceError) -> ApiError {
    match ApiError::from(error) {
        ApiError::Forbidden(_) => ApiError::InvalidToken,
        other => other,
    }
}

fn is_for_anybody(mount: &Mount) -> bool {
    mount.tuning.listing_visibility == "unauth"
}

fn outlined(mount: &Mount) -> Value {
    let options = if mount.options.is_empty() { Value::Null } else { json!(mount.options) };
    json!({ "description": mount.description, "options": options, "type": mount.kind.as_str() })
}
