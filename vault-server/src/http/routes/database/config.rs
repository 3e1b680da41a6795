//! `config/<name>`, `rotate-root/<name>`, `reset/<name>`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use vault_core::database::statement;
use vault_core::path::Name;

use crate::app::App;
use crate::http::answer::Answer;
use crate::http::context::{Context, Request};
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::service::account::{AccountError, Rotated};
use crate::service::database::{ConfigRequest, ConfigView, DatabaseError};

pub(super) fn exists(app: &App, request: &Request) -> Result<bool, ApiError> {
    Ok(app.databases.config_exists(request.mount()?, &request.name("name")?)?)
}

pub(super) async fn list(context: Context) -> Result<Answer, ApiError> {
    Answer::keys(context.app.databases.configs(context.request.mount()?)?)
}

pub(super) async fn read(context: Context) -> Result<Answer, ApiError> {
    let name = context.request.name("name")?;
    let view = context.app.databases.config(context.request.mount()?, &name)?.ok_or(ApiError::NotFound)?;
    Ok(Answer::data(shown(&view)))
}

pub(super) async fn write(context: Context) -> Result<Answer, ApiError> {
    let (request, name) = (&context.request, context.request.name("name")?);
    let asked = asked(context.fields())?;
    let was_written =
        context.app.databases.configure(request.mount()?, &name, asked, &context.caller.principal).await?;
    let answer = Answer::nothing();
    Ok(if was_written { answer.warn(PASSWORD_IN_URL) } else { answer })
}

pub(super) async fn delete(context: Context) -> Result<Answer, ApiError> {
    let (request, name) = (&context.request, context.request.name("name")?);
    let principal = context.caller.principal.display_name();
    context.app.databases.remove_config(request.mount()?, &name, principal).await?;
    Ok(Answer::nothing())
}

pub(super) async fn rotate_root(context: Context) -> Result<Answer, ApiError> {
    let (request, name) = (&context.request, context.request.name("name")?);
    let principal = context.caller.principal.display_name();
    Ok(rotated(&context.app.databases.rotate_root(request.mount()?, &name, principal).await?))
}

/// A database that is down does not keep a reset from having been done.
pub(super) async fn reset(context: Context) -> Result<Answer, ApiError> {
    let (request, name) = (&context.request, context.request.name("name")?);
    match context.app.databases.reset(request.mount()?, &name).await {
        Ok(()) => Ok(Answer::nothing()),
        Err(DatabaseError::Account(AccountError::Target { fault, .. })) => {
            Ok(Answer::nothing().warn(format!("the connection does not work yet: {fault}")))
        }
        Err(error) => Err(error.into()),
    }
}

/// As Vault answers a rotation: nothing, when it has ended well.
pub(super) fn rotated(outcome: &Rotated) -> Answer {
    match outcome {
        Rotated::Done { .. } => Answer::nothing(),
        Rotated::Running => Answer::nothing().warn("the rotation goes on; its status tells how it ends"),
    }
}

fn asked(fields: &Fields) -> Result<ConfigRequest, ApiError> {
    refuse(fields)?;
    // What has no meaning here, since nothing is ever put into the address.
    fields.ignore(&["disable_escaping", "name"]);
    let policy = match fields.text("password_policy")? {
        None => None,
        Some(text) => {
            Some(Some(text).filter(|text| !text.is_empty()).map(|text| Name::parse(&text)).transpose()?)
        }
    };
    let statements = match fields.value("root_credentials_rotate_statements") {
        Some(_) => fields.list("root_credentials_rotate_statements")?,
        None => fields.list("root_rotation_statements")?,
    };
    Ok(ConfigRequest {
        plugin_name: fields.text("plugin_name")?.filter(|name| !name.is_empty()),
        connection_url: fields.secret("connection_url")?,
        username: fields.text("username")?.filter(|name| !name.is_empty()),
        password: fields.secret("password")?.filter(|password| !password.expose().is_empty()),
        verify: fields.flag("verify_connection")?.unwrap_or(true),
        settings: settings(fields)?,
        allowed_roles: fields.comma_list("allowed_roles")?,
        password_policy: policy,
        username_template: fields.bounded_text("username_template", TEMPLATE_BYTES_MAX)?,
        root_rotation_statements: statements.map(statement::read),
        max_open_connections: number(fields, "max_open_connections")?,
        max_idle_connections: number(fields, "max_idle_connections")?,
        max_connection_lifetime: fields.bounded_text("max_connection_lifetime", LIFETIME_BYTES_MAX)?,
    })
}

/// What is done differently is refused, with a sentence that says how.
fn refuse(fields: &Fields) -> Result<(), ApiError> {
    for (names, why) in REFUSED {
        for name in *names {
            if fields.text(name)?.is_some_and(|text| !matches!(text.as_str(), "" | "0" | "0s" | "false")) {
                return Err(ApiError::invalid(format!("'{name}' is not supported: {why}")));
            }
        }
    }
    Ok(())
}

fn settings(fields: &Fields) -> Result<BTreeMap<String, String>, ApiError> {
    let mut settings = BTreeMap::new();
    for name in SETTINGS {
        if let Some(text) = fields.text(name)? {
            settings.insert((*name).to_owned(), text);
        }
    }
    match fields.text("password_authentication")?.as_deref() {
        None | Some("") => {}
        Some("scram-sha-256") => {
            settings.insert("password_hashing".to_owned(), "scram-sha-256".to_owned());
        }
        Some("password") => {
            settings.insert("password_hashing".to_owned(), "server".to_owned());
        }
        Some(_) => return Err(ApiError::invalid("'password_authentication' is scram-sha-256 or password")),
    }
    Ok(settings)
}

fn number(fields: &Fields, name: &str) -> Result<Option<i64>, ApiError> {
    let Some(text) = fields.text(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
    let number = text.parse().map_err(|_| ApiError::invalid(format!("'{name}' must be a whole number")))?;
    Ok(Some(number))
}

/// As Vault shows it. The password is nowhere in what is stored here.
fn shown(view: &ConfigView) -> Value {
    let (config, target) = (&view.config, &view.target);
    let mut details = Map::new();
    let mut tell = |name: &str, value: Value| {
        if !value.is_null() && value != "" {
            details.insert(name.to_owned(), value);
        }
    };
    tell("connection_url", json!(target.spec.connection_url));
    tell("username", json!(target.username));
    tell("username_template", json!(config.username_template));
    tell("max_open_connections", json!(config.max_open_connections));
    tell("max_idle_connections", json!(config.max_idle_connections));
    tell("max_connection_lifetime", json!(config.max_connection_lifetime));
    for (name, value) in &target.spec.settings {
        tell(name, json!(value));
    }
    json!({
        "allowed_roles": config.allowed_roles,
        "connection_details": details,
        "password_policy": target.password_policy.as_ref().map_or("", Name::as_str),
        "plugin_name": config.plugin_name,
        "plugin_version": "",
        "root_credentials_rotate_statements": config.root_rotation_statements,
        "target": target.name,
    })
}

/// Settings of the rotator.
const SETTINGS: &[&str] =
    &["sslmode", "sslrootcert", "tls_ca", "connect_timeout", "statement_timeout", "password_hashing"];
const REFUSED: &[(&[&str], &str)] = &[
    (&["tls_certificate", "private_key"], "the management credential logs in by its password"),
    (&["auth_type", "service_account_json", "use_private_ip", "use_psc"], "no cloud identity is used"),
    (&["self_managed"], "the vault acts by a management credential"),
    (&["plugin_version"], "rotators are built in"),
    (
        &["rotation_period", "rotation_schedule", "rotation_window", "rotation_policy"],
        "give targets/config/<target> a rotation_policy, which rotates the management credential",
    ),
];
const PASSWORD_IN_URL: &str = "Password found in connection_url: it was taken out and is kept as the management \
                               credential; use a templated url with the fields username and password";
/// Longest template of user names.
const TEMPLATE_BYTES_MAX: usize = 4096;
/// Longest text of a duration.
const LIFETIME_BYTES_MAX: usize = 64;
