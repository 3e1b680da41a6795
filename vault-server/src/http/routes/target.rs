//! `targets/…`: configure, check, rotate the management credential, look.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vault_core::path::Name;
use vault_core::rotation::port::TargetSpec;

use crate::app::App;
use crate::http::answer::Answer;
use crate::http::context::{Context, Request};
use crate::http::error::ApiError;
use crate::service::account::Rotated;
use crate::service::target::{Configure, Disposal};

pub(super) fn exists(app: &App, request: &Request) -> Result<bool, ApiError> {
    Ok(app.targets.exists(&request.name("name")?)?)
}

pub(super) async fn configure(context: Context) -> Result<Answer, ApiError> {
    let name = context.request.name("name")?;
    let fields = context.fields();
    let rotation_policy = fields.text("rotation_policy")?.filter(|text| !text.is_empty());
    let request = Configure {
        rotator: fields.required_text("rotator")?,
        username: fields.required_text("username")?,
        password: fields.secret("password")?.filter(|password| !password.expose().is_empty()),
        concurrency: fields.count("max_concurrency")?,
        rotation_policy: rotation_policy.map(|text| Name::parse(&text)).transpose()?,
        spec: TargetSpec {
            connection_url: fields.required_text("connection_url")?,
            settings: settings(&context)?,
        },
    };
    context.app.targets.configure(&name, request).await?;
    Ok(Answer::nothing())
}

/// Every parameter that is not one of ours belongs to the rotator, which refuses what it does not know.
fn settings(context: &Context) -> Result<BTreeMap<String, String>, ApiError> {
    let Some(object) = context.fields().object().as_object() else { return Ok(BTreeMap::new()) };
    let mut settings = BTreeMap::new();
    for name in object.keys().filter(|name| !OURS.contains(&name.as_str())) {
        if let Some(text) = context.fields().text(name)? {
            settings.insert(name.clone(), text);
        }
    }
    Ok(settings)
}

pub(super) async fn read(context: Context) -> Result<Answer, ApiError> {
    Answer::of(&context.app.targets.read(&context.request.name("name")?)?)
}

pub(super) async fn list(context: Context) -> Result<Answer, ApiError> {
    Answer::keys(context.app.targets.list()?)
}

pub(super) async fn delete(context: Context) -> Result<Answer, ApiError> {
    let name = context.request.name("name")?;
    let disposal = match context.fields().text("disposal")?.as_deref() {
        None | Some("") => None,
        Some("hand-over") => Some(Disposal::HandOver),
        Some("forget") => Some(Disposal::Forget),
        Some(_) => return Err(ApiError::invalid("disposal must be hand-over or forget")),
    };
    let principal = context.caller.principal.display_name();
    Ok(match context.app.targets.remove(&name, disposal, principal).await? {
        Some(login) => {
            Answer::data(json!({ "username": login.username, "password": login.password.expose() }))
        }
        None => Answer::nothing(),
    })
}

pub(super) async fn check(context: Context) -> Result<Answer, ApiError> {
    Answer::of(&context.app.targets.check(&context.request.name("name")?).await?)
}

pub(super) async fn rotate(context: Context) -> Result<Answer, ApiError> {
    let name = context.request.name("name")?;
    let outcome = context.app.targets.rotate(&name, context.caller.principal.display_name()).await?;
    let status = context.app.targets.status(&name)?;
    let running = outcome == Rotated::Running;
    let data: Value = json!({
        "outcome": if running { "running" } else { "rotated" },
        "version": status.version,
        "state": status.state,
    });
    let answer = Answer::data(data);
    Ok(if running { answer.with_status(axum::http::StatusCode::ACCEPTED) } else { answer })
}

pub(super) async fn status(context: Context) -> Result<Answer, ApiError> {
    Answer::of(&context.app.targets.status(&context.request.name("name")?)?)
}

const OURS: [&str; 7] =
    ["rotator", "connection_url", "username", "password", "max_concurrency", "rotation_policy", "name"];
