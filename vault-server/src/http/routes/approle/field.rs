//! `auth/…/role/NAME/FIELD`: one setting of a role.

use serde_json::{Map, Value};
use vault_core::approle::AppRole;
use vault_core::identity::TokenParameters;

use super::role;
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::http::routes::parameters::Given;

pub(super) async fn read(context: Context) -> Result<Answer, ApiError> {
    let names = names(context.request.part("field")?)?;
    let shown = role::show(&role::found(&context)?);
    let data: Map<String, Value> =
        names.iter().filter_map(|name| Some(((*name).to_owned(), shown.get(*name)?.clone()))).collect();
    Ok(Answer::data(Value::Object(data)))
}

pub(super) async fn write(context: Context) -> Result<Answer, ApiError> {
    let request = &context.request;
    let names = names(request.part("field")?)?;
    if names == LOCAL {
        return Err(ApiError::UnsupportedOperation);
    }
    let given = Given::only(context.fields(), names);
    if !names.iter().any(|name| given.has(name)) {
        let missing = names.first().copied().unwrap_or_default();
        return Err(ApiError::invalid(format!("missing {missing}")));
    }
    let decide = |there: Option<&AppRole>| {
        let mut changed = there.ok_or(ApiError::UnsupportedPath)?.clone();
        role::apply(&given, &mut changed, &mut Vec::new())?;
        Ok::<_, ApiError>(changed)
    };
    context.app.approle.write_role(request.mount()?, &role::name(request)?, decide).await?;
    Ok(Answer::nothing())
}

/// Sets it to what it is when nothing is said.
pub(super) async fn delete(context: Context) -> Result<Answer, ApiError> {
    let request = &context.request;
    let names = names(request.part("field")?)?;
    if names == LOCAL {
        return Err(ApiError::UnsupportedOperation);
    }
    let name = role::name(request)?;
    if context.app.approle.role(request.mount()?, &name)?.is_none() {
        return Ok(Answer::nothing());
    }
    let decide = |there: Option<&AppRole>| {
        let mut changed = there.ok_or(ApiError::UnsupportedPath)?.clone();
        names.iter().for_each(|name| reset(&mut changed, name));
        Ok::<_, ApiError>(changed)
    };
    context.app.approle.write_role(request.mount()?, &name, decide).await?;
    Ok(Answer::nothing())
}

fn reset(role: &mut AppRole, name: &str) {
    let fresh = TokenParameters::default();
    match name {
        "token_policies" => (role.parameters.policies, role.by_old_policies) = (fresh.policies, false),
        "token_period" => (role.parameters.period, role.by_old_period) = (fresh.period, false),
        "token_bound_cidrs" => role.parameters.bound_cidrs = fresh.bound_cidrs,
        "token_num_uses" => role.parameters.num_uses = fresh.num_uses,
        "token_ttl" => role.parameters.ttl = fresh.ttl,
        "token_max_ttl" => role.parameters.max_ttl = fresh.max_ttl,
        "secret_id_bound_cidrs" => role.secret_id_bound_cidrs = Vec::new(),
        "secret_id_num_uses" => role.secret_id_num_uses = 0,
        "secret_id_ttl" => role.secret_id_ttl = None,
        "bind_secret_id" => role.bind_secret_id = true,
        _ => {}
    }
}

/// The names that a setting has in requests and answers; the one to use first.
fn names(field: &str) -> Result<&'static [&'static str], ApiError> {
    Ok(match field {
        "policies" => &["token_policies", "policies"],
        "period" => &["token_period", "period"],
        "token-bound-cidrs" => &["token_bound_cidrs"],
        "token-num-uses" => &["token_num_uses"],
        "token-ttl" => &["token_ttl"],
        "token-max-ttl" => &["token_max_ttl"],
        "secret-id-bound-cidrs" | "bound-cidr-list" => &["secret_id_bound_cidrs", "bound_cidr_list"],
        "secret-id-num-uses" => &["secret_id_num_uses"],
        "secret-id-ttl" => &["secret_id_ttl"],
        "bind-secret-id" => &["bind_secret_id"],
        "local-secret-ids" => LOCAL,
        _ => return Err(ApiError::UnsupportedPath),
    })
}

/// Only shown.
const LOCAL: &[&str] = &["local_secret_ids"];
