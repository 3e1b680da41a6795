//! `roles/<name>`, `creds/<name>`.

use serde_json::{Value, json};
use vault_core::database::statement;
use vault_core::identity::TokenKind;
use vault_core::lease::dynamic::role::DynamicRole;
use vault_core::path::Name;

use crate::app::App;
use crate::http::answer::{Answer, Renewable};
use crate::http::context::{Context, Request};
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::service::database::DynamicRoleRequest;

pub(super) fn exists(app: &App, request: &Request) -> Result<bool, ApiError> {
    Ok(app.databases.dynamic_role_exists(request.mount()?, &request.name("name")?)?)
}

pub(super) async fn list(context: Context) -> Result<Answer, ApiError> {
    Answer::keys(context.app.databases.dynamic_roles(context.request.mount()?)?)
}

pub(super) async fn read(context: Context) -> Result<Answer, ApiError> {
    let name = context.request.name("name")?;
    let role = context.app.databases.dynamic_role(context.request.mount()?, &name)?;
    Ok(Answer::data(shown(&role.ok_or(ApiError::NotFound)?)))
}

pub(super) async fn write(context: Context) -> Result<Answer, ApiError> {
    let (request, name) = (&context.request, context.request.name("name")?);
    let asked = asked(context.fields())?;
    context.app.databases.write_dynamic_role(request.mount()?, &name, asked).await?;
    Ok(Answer::nothing())
}

pub(super) async fn delete(context: Context) -> Result<Answer, ApiError> {
    let (request, name) = (&context.request, context.request.name("name")?);
    context.app.databases.remove_dynamic_role(request.mount()?, &name).await?;
    Ok(Answer::nothing())
}

pub(super) async fn credential(context: Context) -> Result<Answer, ApiError> {
    // Nothing is stored of a batch token by which its lease could end with it.
    if context.caller.token.kind() == TokenKind::Batch {
        return Err(ApiError::invalid("batch tokens cannot hold a lease: use a service token"));
    }
    let (app, request) = (&context.app, &context.request);
    let (mount, name) = (request.mount()?, request.name("name")?);
    let reason = context.fields().bounded_text("reason", REASON_BYTES_MAX)?;
    let limits = app.tokens.limits_of(mount);
    let principal = &context.caller.principal;
    let issued = app.databases.issue(mount, &name, principal, reason, limits, &request.hang_up()).await?;
    let lease = &issued.lease;
    let duration = lease.expires_at.since(lease.issued_at);
    let data = json!({ "username": lease.username, "password": issued.password.expose() });
    Ok(Answer::data(data).with_lease(lease.id(mount.path.as_str()), duration, Renewable::Yes))
}

fn asked(fields: &Fields) -> Result<DynamicRoleRequest, ApiError> {
    match fields.text("credential_type")?.as_deref() {
        None | Some("" | "password") => {}
        Some(other) => return Err(ApiError::invalid(format!("unsupported credential_type: {other:?}"))),
    }
    fields.ignore(&["name"]);
    let name = |text: Option<String>| -> Result<Option<Name>, ApiError> {
        Ok(text.filter(|text| !text.is_empty()).map(|text| Name::parse(&text)).transpose()?)
    };
    let list = |field: &str| Ok::<_, ApiError>(fields.list(field)?.map(statement::read));
    let span = |field: &str| match fields.value(field) {
        None => Ok::<_, ApiError>(None),
        Some(_) => Ok(Some(fields.duration(field)?)),
    };
    let config = fields.text_map("credential_config")?;
    let password_policy = match config.and_then(|mut config| config.remove("password_policy")) {
        None => None,
        text => Some(name(text)?),
    };
    Ok(DynamicRoleRequest {
        config: name(fields.text("db_name")?)?,
        creation: list("creation_statements")?,
        revocation: list("revocation_statements")?,
        rollback: list("rollback_statements")?,
        renew: list("renew_statements")?,
        default_ttl: span("default_ttl")?,
        max_ttl: span("max_ttl")?,
        password_policy,
    })
}

/// As Vault shows it.
fn shown(role: &DynamicRole) -> Value {
    let seconds = |span: Option<std::time::Duration>| span.map_or(0, |span| span.as_secs());
    let mut data = json!({
        "creation_statements": role.statements.creation,
        "credential_type": "password",
        "db_name": role.config,
        "default_ttl": seconds(role.default_ttl),
        "max_ttl": seconds(role.max_ttl),
        "renew_statements": role.statements.renew,
        "revocation_statements": role.statements.revocation,
        "rollback_statements": role.statements.rollback,
    });
    if let (Some(policy), Some(data)) = (&role.password_policy, data.as_object_mut()) {
        data.insert("credential_config".to_owned(), json!({ "password_policy": policy }));
    }
    data
}

/// Longest reason of a request.
const REASON_BYTES_MAX: usize = 1024;
