//! `static-roles/<name>`, `static-creds/<name>`, `rotate-role/<name>`.

use serde_json::{Map, Value, json};
use vault_core::clock::Timestamp;
use vault_core::database::cadence::Asked;
use vault_core::database::statement;
use vault_core::path::Name;
use vault_core::schedule::{RotationPolicy, RotationPolicySpec};

use super::config::rotated;
use crate::app::App;
use crate::http::answer::Answer;
use crate::http::context::{Context, Request};
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::service::database::{StaticRoleRequest, StaticRoleView};

pub(super) fn exists(app: &App, request: &Request) -> Result<bool, ApiError> {
    Ok(app.databases.static_role_exists(request.mount()?, &request.name("name")?)?)
}

pub(super) async fn list(context: Context) -> Result<Answer, ApiError> {
    Answer::keys(context.app.databases.static_roles(context.request.mount()?)?)
}

pub(super) async fn read(context: Context) -> Result<Answer, ApiError> {
    let name = context.request.name("name")?;
    let view = context.app.databases.static_role(context.request.mount()?, &name)?;
    Ok(Answer::data(Value::Object(shown(&view.ok_or(ApiError::NotFound)?))))
}

pub(super) async fn write(context: Context) -> Result<Answer, ApiError> {
    let (request, name) = (&context.request, context.request.name("name")?);
    let asked = asked(context.fields())?;
    let principal = &context.caller.principal;
    Ok(rotated(&context.app.databases.write_static_role(request.mount()?, &name, asked, principal).await?))
}

pub(super) async fn delete(context: Context) -> Result<Answer, ApiError> {
    let (request, name) = (&context.request, context.request.name("name")?);
    let principal = context.caller.principal.display_name();
    context.app.databases.remove_static_role(request.mount()?, &name, principal).await?;
    Ok(Answer::nothing())
}

pub(super) async fn rotate(context: Context) -> Result<Answer, ApiError> {
    let (request, name) = (&context.request, context.request.name("name")?);
    let principal = context.caller.principal.display_name();
    Ok(rotated(&context.app.databases.rotate_role(request.mount()?, &name, principal).await?))
}

pub(super) async fn credential(context: Context) -> Result<Answer, ApiError> {
    let (request, name) = (&context.request, context.request.name("name")?);
    let reader = &context.caller.principal;
    let found = context.app.databases.static_credential(request.mount()?, &name, reader).await?;
    let ttl = found.next_rotation.map_or(0, |next| next.since(context.now()).as_secs());
    let mut data = Map::new();
    data.insert("username".to_owned(), json!(found.username));
    data.insert("password".to_owned(), json!(found.password.expose()));
    data.insert("ttl".to_owned(), json!(ttl));
    cadence(&mut data, found.own_rotation, found.last_rotation);
    Ok(found.warnings.into_iter().fold(Answer::data(Value::Object(data)), Answer::warn))
}

fn asked(fields: &Fields) -> Result<StaticRoleRequest, ApiError> {
    match fields.text("credential_type")?.as_deref() {
        None | Some("" | "password") => {}
        Some(other) => return Err(ApiError::invalid(format!("unsupported credential_type: {other:?}"))),
    }
    if fields.text("self_managed_password")?.is_some_and(|text| !text.is_empty()) {
        return Err(ApiError::invalid(
            "'self_managed_password' is not supported: the management credential of the config rotates the user",
        ));
    }
    let name = |text: Option<String>| -> Result<Option<Name>, ApiError> {
        Ok(text.filter(|text| !text.is_empty()).map(|text| Name::parse(&text)).transpose()?)
    };
    let config = fields.text_map("credential_config")?;
    let password_policy = match config.and_then(|mut config| config.remove("password_policy")) {
        None => None,
        text => Some(name(text)?),
    };
    Ok(StaticRoleRequest {
        db_name: name(fields.text("db_name")?)?,
        username: fields.text("username")?.filter(|name| !name.is_empty()),
        rotation: Asked {
            period: fields.duration("rotation_period")?,
            schedule: fields.text("rotation_schedule")?.filter(|text| !text.is_empty()),
            window: fields.duration("rotation_window")?,
        },
        rotation_statements: fields.list("rotation_statements")?.map(statement::read),
        password_policy,
        skip_import_rotation: fields.flag("skip_import_rotation")?.unwrap_or(false),
        password: fields.secret("password")?.filter(|password| !password.expose().is_empty()),
    })
}

fn shown(view: &StaticRoleView) -> Map<String, Value> {
    let (role, account) = (&view.role, &view.account);
    let mut data = Map::new();
    for (name, value) in [
        ("account", json!(role.account)),
        ("credential_type", json!("password")),
        ("db_name", json!(role.config)),
        ("rotation_statements", json!(role.rotation_statements)),
        ("username", json!(account.username)),
    ] {
        data.insert(name.to_owned(), value);
    }
    if let Some(policy) = &account.settings.password_policy {
        data.insert("credential_config".to_owned(), json!({ "password_policy": policy }));
    }
    if role.skip_import_rotation {
        data.insert("skip_import_rotation".to_owned(), json!(true));
    }
    cadence(&mut data, account.settings.own_rotation.clone(), account.last_rotation);
    data
}

/// When it rotates and has rotated, as Vault tells it.
fn cadence(data: &mut Map<String, Value>, rotation: Option<RotationPolicy>, last: Option<Timestamp>) {
    let spec = rotation.map(RotationPolicySpec::from).unwrap_or_default();
    if let Some(schedule) = spec.rotation_schedule {
        let window = spec.rotation_window.map_or(0, |window| window.as_secs());
        data.insert("rotation_schedule".to_owned(), json!(schedule));
        data.insert("rotation_window".to_owned(), json!(window));
    } else {
        let period = spec.rotation_period.map_or(0, |period| period.as_secs());
        data.insert("rotation_period".to_owned(), json!(period));
    }
    let last = last.map_or_else(|| NEVER.to_owned(), Timestamp::to_rfc3339);
    data.insert("last_vault_rotation".to_owned(), json!(last));
}

/// As Vault spells a time that has not been.
const NEVER: &str = "0001-01-01T00:00:00Z";
