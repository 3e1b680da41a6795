//! `sys/policies/acl/<name>`, and the old `sys/policy/<name>` with its other field names.

use serde_json::json;
use vault_api::policy::PolicyRead;
use vault_core::policy::{Policy, policy_name};

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

pub(super) async fn list(context: Context) -> Result<Answer, ApiError> {
    let names = context.app.policies.names()?;
    Ok(Answer::data(json!({ "keys": names, "policies": names })))
}

pub(super) async fn list_old(context: Context) -> Result<Answer, ApiError> {
    Ok(list(context).await?.copied_to_top())
}

pub(super) async fn read(context: Context) -> Result<Answer, ApiError> {
    let policy = find(&context)?;
    Answer::of(&PolicyRead { name: policy.name().to_owned(), policy: policy.text().to_owned() })
}

pub(super) async fn read_old(context: Context) -> Result<Answer, ApiError> {
    let policy = find(&context)?;
    Ok(Answer::data(json!({ "name": policy.name(), "rules": policy.text() })).copied_to_top())
}

pub(super) async fn write(context: Context) -> Result<Answer, ApiError> {
    let fields = context.fields();
    let given = fields.text("policy")?.filter(|text| !text.is_empty());
    // The name of the field before Vault 0.9.
    let is_old = given.is_none() && fields.value("rules").is_some();
    let text = match given {
        Some(text) => text,
        None => fields.text("rules")?.unwrap_or_default(),
    };
    fields.ignore(&["rules", "name"]);
    context.app.policies.write(context.request.part("name")?, &plain(text)).await?;
    let answer = Answer::nothing();
    Ok(if is_old { answer.warn("'rules' is deprecated, please use 'policy' instead") } else { answer })
}

/// The text itself: some clients send it as base64, which no policy can look like.
pub(super) fn plain(text: String) -> String {
    let bytes = data_encoding::BASE64.decode(text.as_bytes()).ok();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or(text)
}

pub(super) async fn delete(context: Context) -> Result<Answer, ApiError> {
    context.app.policies.delete(context.request.part("name")?).await?;
    Ok(Answer::nothing())
}

fn find(context: &Context) -> Result<Policy, ApiError> {
    let name = context.request.part("name")?;
    // A name that cannot exist is not found, as any other.
    if policy_name(name).is_err() {
        return Err(ApiError::NotFound);
    }
    context.app.policies.policy(name)?.ok_or(ApiError::NotFound)
}
