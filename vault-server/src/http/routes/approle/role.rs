//! `auth/…/role/…`: whole roles.

use serde_json::{Map, Value, json};
use vault_core::approle::AppRole;
use vault_core::identity::cidr::CidrBlock;

use crate::app::App;
use crate::http::answer::Answer;
use crate::http::context::{Context, Request};
use crate::http::error::ApiError;
use crate::http::routes::parameters::{self, Given};

/// The role's name in lower case, as it is kept.
pub(super) fn name(request: &Request) -> Result<String, ApiError> {
    Ok(request.part("name")?.to_lowercase())
}

pub(super) fn exists(app: &App, request: &Request) -> Result<bool, ApiError> {
    Ok(app.approle.role(request.mount()?, &name(request)?)?.is_some())
}

pub(super) async fn list(context: Context) -> Result<Answer, ApiError> {
    Answer::keys(context.app.approle.roles(context.request.mount()?)?)
}

pub(super) async fn read(context: Context) -> Result<Answer, ApiError> {
    Ok(Answer::data(Value::Object(show(&found(&context)?))))
}

/// The role that the path names.
pub(super) fn found(context: &Context) -> Result<AppRole, ApiError> {
    let role = context.app.approle.role(context.request.mount()?, &name(&context.request)?)?;
    role.ok_or(ApiError::NotFound)
}

pub(super) async fn write(context: Context) -> Result<Answer, ApiError> {
    let (request, app) = (&context.request, &context.app);
    let mount = request.mount()?;
    let fresh = app.approle.fresh_role(context.now());
    let given = Given::all(context.fields());
    let mut warnings = Vec::new();
    apply(&given, &mut fresh.clone(), &mut warnings)?;
    let longest = app.tokens.limits_of(mount).max_ttl;
    if given.span("token_max_ttl")?.flatten().is_some_and(|max| max > longest) {
        warnings.push(MAX_TTL_WARNING.to_owned());
    }
    app.approle
        .write_role(mount, &name(request)?, |there| {
            let mut role = there.unwrap_or(&fresh).clone();
            if let Some(local) = given.flag("local_secret_ids")? {
                if there.is_some_and(|there| there.local_secret_ids != local) {
                    return Err(ApiError::invalid(
                        "local_secret_ids can only be modified during role creation",
                    ));
                }
                role.local_secret_ids = local;
            }
            apply(&given, &mut role, &mut Vec::new())?;
            Ok(role)
        })
        .await?;
    Ok(warnings.into_iter().fold(Answer::nothing(), Answer::warn))
}

pub(super) async fn delete(context: Context) -> Result<Answer, ApiError> {
    let request = &context.request;
    context.app.approle.remove_role(request.mount()?, &name(request)?).await?;
    Ok(Answer::nothing())
}

pub(super) async fn read_role_id(context: Context) -> Result<Answer, ApiError> {
    Ok(Answer::data(json!({ "role_id": found(&context)?.role_id })))
}

pub(super) async fn write_role_id(context: Context) -> Result<Answer, ApiError> {
    let request = &context.request;
    let role_id = context.fields().text("role_id")?.filter(|role_id| !role_id.is_empty());
    let role_id = role_id.ok_or_else(|| ApiError::invalid("missing role_id"))?;
    let decide = |there: Option<&AppRole>| {
        let there = there.ok_or(ApiError::UnsupportedPath)?;
        Ok::<_, ApiError>(AppRole { role_id: role_id.clone(), ..there.clone() })
    };
    context.app.approle.write_role(request.mount()?, &name(request)?, decide).await?;
    Ok(Answer::nothing())
}

/// Puts what was given in the place of what was. A new name goes before an old one of the same setting.
pub(super) fn apply(
    given: &Given<'_>,
    role: &mut AppRole,
    warnings: &mut Vec<String>,
) -> Result<(), ApiError> {
    parameters::apply(given, &mut role.parameters, warnings)?;
    if given.has("token_policies") {
        role.by_old_policies = given.has("policies");
    } else if let Some(policies) = given.old_policies("policies")? {
        role.parameters.policies = policies;
        role.by_old_policies = true;
    }
    if given.has("token_period") {
        role.by_old_period = given.has("period");
    } else if let Some(period) = given.span("period")? {
        role.parameters.period = period;
        role.by_old_period = true;
    }
    given.text("role_id")?.into_iter().for_each(|role_id| role.role_id = role_id);
    given.flag("bind_secret_id")?.into_iter().for_each(|bind| role.bind_secret_id = bind);
    given.count("secret_id_num_uses")?.into_iter().for_each(|uses| role.secret_id_num_uses = uses);
    given.span("secret_id_ttl")?.into_iter().for_each(|ttl| role.secret_id_ttl = ttl);
    let blocks = match given.blocks("secret_id_bound_cidrs")? {
        None => given.blocks("bound_cidr_list")?,
        blocks => blocks,
    };
    blocks.into_iter().for_each(|blocks| role.secret_id_bound_cidrs = blocks);
    Ok(())
}

/// The settings as Vault shows them.
pub(super) fn show(role: &AppRole) -> Map<String, Value> {
    let mut shown = parameters::show(&role.parameters);
    let blocks: Vec<String> = role.secret_id_bound_cidrs.iter().map(CidrBlock::with_length).collect();
    for (name, value) in [
        ("bind_secret_id", json!(role.bind_secret_id)),
        ("secret_id_bound_cidrs", if blocks.is_empty() { Value::Null } else { json!(blocks) }),
        ("secret_id_num_uses", json!(role.secret_id_num_uses)),
        ("secret_id_ttl", json!(role.secret_id_ttl.map_or(0, |ttl| ttl.as_secs()))),
        ("local_secret_ids", json!(role.local_secret_ids)),
    ] {
        shown.insert(name.to_owned(), value);
    }
    if role.by_old_policies && !role.parameters.policies.is_empty() {
        shown.insert("policies".to_owned(), json!(role.parameters.policies));
    }
    if let Some(period) = role.parameters.period.filter(|_| role.by_old_period) {
        shown.insert("period".to_owned(), json!(period.as_secs()));
    }
    shown
}

const MAX_TTL_WARNING: &str = "token_max_ttl is greater than the backend mount's maximum TTL value; issued \
                               tokens' max TTL value will be truncated";
