//! `sys/internal/ui/mounts…`: what command lines ask before they use a path.

use serde_json::{Map, Value, json};

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

/// The mounts that exist, with their types. Ours are fixed.
const MOUNTS: [(&str, &str); 4] =
    [("accounts/", "accounts"), ("incidents/", "incidents"), ("sys/", "system"), ("targets/", "targets")];

pub(in crate::http::routes) async fn list(context: Context) -> Result<Answer, ApiError> {
    let acl = context.app.policies.acl(context.caller.token.policies())?;
    let visible = |path: &str| acl.capabilities(path).iter().any(|capability| capability.as_str() != "deny");
    let secret: Map<String, Value> = MOUNTS
        .iter()
        .filter(|(path, _)| visible(path))
        .map(|(path, kind)| ((*path).to_owned(), mount(kind)))
        .collect();
    let auth = Map::from_iter([("token/".to_owned(), mount("token"))]);
    Ok(Answer::data(json!({ "secret": secret, "auth": auth })))
}

/// 403 when the caller can do nothing below the path, so that nothing is told of what exists.
pub(in crate::http::routes) async fn read(context: Context) -> Result<Answer, ApiError> {
    let path = context.request.part("path")?;
    let acl = context.app.policies.acl(context.caller.token.policies())?;
    if acl.capabilities(path).iter().all(|capability| capability.as_str() == "deny") {
        return Err(ApiError::PermissionDenied);
    }
    let with_slash = format!("{path}/");
    let found = MOUNTS.iter().find(|(mount, _)| with_slash.starts_with(mount));
    let (mount_path, kind) = found.ok_or(ApiError::PermissionDenied)?;
    let mut data = mount(kind);
    if let Some(map) = data.as_object_mut() {
        map.insert("path".to_owned(), Value::from(*mount_path));
    }
    Ok(Answer::data(data))
}

fn mount(kind: &str) -> Value {
    json!({ "type": kind, "description": "", "options": Value::Null, "local": false, "seal_wrap": false })
}
