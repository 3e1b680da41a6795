//! `auth/…/users/…`.

use serde_json::{Map, Value, json};
use vault_core::userpass::{PasswordHash, User};

use crate::app::App;
use crate::http::answer::Answer;
use crate::http::context::{Context, Request};
use crate::http::error::ApiError;
use crate::http::routes::parameters::{self, Given};

/// The user's name in lower case, as it is kept.
fn name(request: &Request) -> Result<String, ApiError> {
    Ok(request.part("name")?.to_lowercase())
}

pub(super) fn exists(app: &App, request: &Request) -> Result<bool, ApiError> {
    Ok(app.userpass.user(request.mount()?, &name(request)?)?.is_some())
}

pub(super) async fn list(context: Context) -> Result<Answer, ApiError> {
    Answer::keys(context.app.userpass.users(context.request.mount()?)?)
}

pub(super) async fn read(context: Context) -> Result<Answer, ApiError> {
    let request = &context.request;
    let user = context.app.userpass.user(request.mount()?, &name(request)?)?;
    Ok(Answer::data(Value::Object(show(&user.ok_or(ApiError::NotFound)?))))
}

pub(super) async fn write(context: Context) -> Result<Answer, ApiError> {
    let given = Given::all(context.fields());
    let mut warnings = Vec::new();
    parameters::apply(&given, &mut parameters::fresh(), &mut warnings)?;
    let password = new_password(&context).await?;
    let decide = |there: Option<&User>| {
        let mut user = match (there, &password) {
            (Some(there), None) => there.clone(),
            (Some(there), Some(password)) => User { password: password.clone(), ..there.clone() },
            (None, Some(password)) => User {
                password: password.clone(),
                parameters: parameters::fresh(),
                old_names: vault_core::userpass::OldNames::default(),
            },
            (None, None) => return Err(ApiError::invalid("missing password")),
        };
        apply(&given, &mut user)?;
        Ok(user)
    };
    let request = &context.request;
    context.app.userpass.write_user(request.mount()?, &name(request)?, decide).await?;
    Ok(warnings.into_iter().fold(Answer::nothing(), Answer::warn))
}

pub(super) async fn write_password(context: Context) -> Result<Answer, ApiError> {
    let password = new_password(&context).await?;
    let password = password.ok_or_else(|| ApiError::invalid("missing password"))?;
    let decide = |there: Option<&User>| {
        let there = there.ok_or_else(|| ApiError::invalid("username does not exist"))?;
        Ok::<_, ApiError>(User { password: password.clone(), ..there.clone() })
    };
    let request = &context.request;
    context.app.userpass.write_user(request.mount()?, &name(request)?, decide).await?;
    Ok(Answer::nothing())
}

pub(super) async fn write_policies(context: Context) -> Result<Answer, ApiError> {
    let given = Given::only(context.fields(), &["token_policies", "policies"]);
    if !given.has("token_policies") && !given.has("policies") {
        return Err(ApiError::invalid("missing token_policies"));
    }
    let decide = |there: Option<&User>| {
        let mut user = there.ok_or_else(|| ApiError::invalid("username does not exist"))?.clone();
        apply(&given, &mut user)?;
        Ok::<_, ApiError>(user)
    };
    let request = &context.request;
    context.app.userpass.write_user(request.mount()?, &name(request)?, decide).await?;
    Ok(Answer::nothing())
}

pub(super) async fn delete(context: Context) -> Result<Answer, ApiError> {
    let request = &context.request;
    context.app.userpass.remove_user(request.mount()?, &name(request)?).await?;
    Ok(Answer::nothing())
}

async fn new_password(context: &Context) -> Result<Option<PasswordHash>, ApiError> {
    match context.fields().secret("password")? {
        Some(password) if !password.expose().is_empty() => {
            Ok(Some(context.app.userpass.hash(password.expose()).await?))
        }
        Some(_) | None => Ok(None),
    }
}

/// Puts what was given in the place of what was. A new name goes before an old one of the same setting.
fn apply(given: &Given<'_>, user: &mut User) -> Result<(), ApiError> {
    let (parameters, old) = (&mut user.parameters, &mut user.old_names);
    parameters::apply(given, parameters, &mut Vec::new())?;
    if given.has("token_policies") {
        old.policies = given.has("policies");
    } else if let Some(policies) = given.old_policies("policies")? {
        (parameters.policies, old.policies) = (policies, true);
    }
    if given.has("token_ttl") {
        old.ttl = given.has("ttl");
    } else if let Some(ttl) = given.span("ttl")? {
        (parameters.ttl, old.ttl) = (ttl, true);
    }
    if given.has("token_max_ttl") {
        old.max_ttl = given.has("max_ttl");
    } else if let Some(max_ttl) = given.span("max_ttl")? {
        (parameters.max_ttl, old.max_ttl) = (max_ttl, true);
    }
    if given.has("token_bound_cidrs") {
        old.bound_cidrs = given.has("bound_cidrs");
    } else if let Some(blocks) = given.blocks("bound_cidrs")? {
        (parameters.bound_cidrs, old.bound_cidrs) = (blocks, true);
    }
    parameters.check().map_err(|error| ApiError::invalid(error.to_string()))
}

/// The settings as Vault shows them; nothing of the password.
fn show(user: &User) -> Map<String, Value> {
    let (parameters, old) = (&user.parameters, user.old_names);
    let mut shown = parameters::show(parameters);
    let secs = |span: Option<std::time::Duration>| span.map(|span| json!(span.as_secs()));
    let blocks = shown.get("token_bound_cidrs").cloned();
    for (name, value) in [
        (
            "policies",
            Some(json!(parameters.policies)).filter(|_| old.policies && !parameters.policies.is_empty()),
        ),
        ("ttl", secs(parameters.ttl).filter(|_| old.ttl)),
        ("max_ttl", secs(parameters.max_ttl).filter(|_| old.max_ttl)),
        ("bound_cidrs", blocks.filter(|_| old.bound_cidrs && !parameters.bound_cidrs.is_empty())),
    ] {
        value.into_iter().for_each(|value| {
            shown.insert(name.to_owned(), value);
        });
    }
    shown
}
