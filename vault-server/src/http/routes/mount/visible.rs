//! `sys/internal/ui/mounts…`: what command lines ask before they use a path.

use serde_json::{Map, Value};
use vault_core::mount::Class;

use super::{described, is_within_reach};
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

pub(in crate::http::routes) async fn list(context: Context) -> Result<Answer, ApiError> {
    let acl = context.app.policies.acl(context.caller.token.policies())?;
    let table = context.app.mounts.table();
    let of = |class| -> Map<String, Value> {
        let visible = table.of(class).filter(|mount| is_within_reach(&acl, mount));
        visible.map(|mount| (mount.path.listed(), described(mount))).collect()
    };
    Ok(Answer::data(serde_json::json!({ "secret": of(Class::Secret), "auth": of(Class::Auth) })))
}

/// 403 when the caller can do nothing below the path, so that nothing is told of what exists.
pub(in crate::http::routes) async fn read(context: Context) -> Result<Answer, ApiError> {
    let acl = context.app.policies.acl(context.caller.token.policies())?;
    let (mount, _) =
        context.app.mounts.find(context.request.part("path")?).ok_or(ApiError::PermissionDenied)?;
    if !is_within_reach(&acl, &mount) {
        return Err(ApiError::PermissionDenied);
    }
    let mut data = described(&mount);
    if let Some(map) = data.as_object_mut() {
        map.insert("path".to_owned(), Value::from(mount.path.to_string()));
    }
    Ok(Answer::data(data))
}
