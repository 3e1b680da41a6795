//! `rotation-policies/<name>` and `password-policies/<name>`, which Vault has at `sys/policies/password/<name>`.

use serde_json::json;
use vault_core::schedule::{RotationPolicy, RotationPolicySpec};
use vault_core::store::key::Table;

use crate::engine::record::StoredPasswordPolicy;
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

pub(super) async fn write_rotation(context: Context) -> Result<Answer, ApiError> {
    let fields = context.fields();
    let text = |name: &str| -> Result<Option<String>, ApiError> {
        Ok(fields.text(name)?.filter(|text| !text.is_empty()))
    };
    let retries = fields.count("retries")?;
    let spec = RotationPolicySpec {
        rotation_period: fields.duration("rotation_period")?,
        rotation_schedule: text("rotation_schedule")?,
        time_zone: text("time_zone")?,
        rotation_window: fields.duration("rotation_window")?,
        jitter: fields.duration("jitter")?,
        retries: retries.map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
        retry_base: fields.duration("retry_base")?,
        retry_cap: fields.duration("retry_cap")?,
        grace: fields.duration("grace")?,
        early_after: fields.duration("early_after")?,
        hold: fields.duration("hold")?,
    };
    let policy = RotationPolicy::try_new(spec).map_err(|error| ApiError::invalid(chain(&error)))?;
    context.app.rules.write_rotation(&context.request.name("name")?, &policy).await?;
    Ok(Answer::nothing())
}

pub(super) async fn read_rotation(context: Context) -> Result<Answer, ApiError> {
    let policy = context.app.rules.rotation(&context.request.name("name")?)?.ok_or(ApiError::NotFound)?;
    let spec = RotationPolicySpec::from(policy);
    let seconds = |span: Option<std::time::Duration>| span.map(|span| span.as_secs());
    Ok(Answer::data(json!({
        "rotation_period": seconds(spec.rotation_period),
        "rotation_schedule": spec.rotation_schedule,
        "time_zone": spec.time_zone,
        "rotation_window": seconds(spec.rotation_window),
        "jitter": seconds(spec.jitter),
        "retries": spec.retries,
        "retry_base": seconds(spec.retry_base),
        "retry_cap": seconds(spec.retry_cap),
        "grace": seconds(spec.grace),
        "early_after": seconds(spec.early_after),
        "hold": seconds(spec.hold),
    })))
}

pub(super) async fn list_rotation(context: Context) -> Result<Answer, ApiError> {
    Answer::keys(context.app.rules.names(Table::RotationPolicy)?)
}

pub(super) async fn delete_rotation(context: Context) -> Result<Answer, ApiError> {
    let name = context.request.name("name")?;
    context
        .app
        .rules
        .remove::<RotationPolicy>(
            &name,
            |account| account.settings.rotation_policy.as_ref(),
            |_| None,
            |_| None,
        )
        .await?;
    Ok(Answer::nothing())
}

pub(super) async fn write_password(context: Context) -> Result<Answer, ApiError> {
    let text = super::policy::plain(context.fields().required_text("policy")?);
    // Randomness is the operating system's.
    context.fields().ignore(&["entropy_source"]);
    context.app.rules.write_password(&context.request.name("name")?, text).await?;
    Ok(Answer::nothing())
}

pub(super) async fn read_password(context: Context) -> Result<Answer, ApiError> {
    let text = context.app.rules.password(&context.request.name("name")?)?.ok_or(ApiError::NotFound)?;
    Ok(Answer::data(json!({ "policy": text })))
}

pub(super) async fn generate_password(context: Context) -> Result<Answer, ApiError> {
    let password = context.app.rules.generate(&context.request.name("name")?)?.ok_or(ApiError::NotFound)?;
    Ok(Answer::data(json!({ "password": password.expose() })))
}

pub(super) async fn list_password(context: Context) -> Result<Answer, ApiError> {
    Answer::keys(context.app.rules.names(Table::PasswordPolicy)?)
}

pub(super) async fn delete_password(context: Context) -> Result<Answer, ApiError> {
    let name = context.request.name("name")?;
    context
        .app
        .rules
        .remove::<StoredPasswordPolicy>(
            &name,
            |account| account.settings.password_policy.as_ref(),
            |target| target.password_policy.as_ref(),
            |role| role.password_policy.as_ref(),
        )
        .await?;
    Ok(Answer::nothing())
}

/// An error with its causes in one sentence.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
