//! `auth/token/create`, `auth/token/create-orphan`.

use vault_core::identity::{CreateToken, Route, TokenKind};

use super::auth;
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::service::token::Privilege;

pub(in crate::http::routes) async fn child(context: Context) -> Result<Answer, ApiError> {
    create(context, Route::Create).await
}

pub(in crate::http::routes) async fn orphan(context: Context) -> Result<Answer, ApiError> {
    create(context, Route::CreateOrphan).await
}

pub(in crate::http::routes) async fn by_role(context: Context) -> Result<Answer, ApiError> {
    let name = context.request.part("role")?;
    let role = context.app.tokens.role(name)?;
    let role = role.ok_or_else(|| ApiError::invalid(format!("unknown role {name}")))?;
    let request = CreateToken { role: Some(role), ..request(context.fields(), Route::Create)? };
    answer(&context, request).await
}

async fn create(context: Context, route: Route) -> Result<Answer, ApiError> {
    let request = request(context.fields(), route)?;
    answer(&context, request).await
}

async fn answer(context: &Context, request: CreateToken) -> Result<Answer, ApiError> {
    let privilege = if context.authorized.has_sudo() { Privilege::Sudo } else { Privilege::Ordinary };
    let now = context.now();
    let issued = context.app.tokens.create(request, &context.caller, privilege, now).await?;
    let answer = Answer::auth(auth(&issued.token, issued.plain.expose(), now)?);
    let unknown = unknown_policies(context, issued.token.policies())?;
    Ok(issued.warnings.into_iter().chain(unknown).fold(answer, Answer::warn))
}

/// A policy may be written later, so that it is not there yet is no more than worth a word.
fn unknown_policies(context: &Context, names: &[String]) -> Result<Vec<String>, ApiError> {
    let mut warnings = Vec::new();
    for name in names {
        let is_there =
            vault_core::policy::policy_name(name).is_ok() && context.app.policies.policy(name)?.is_some();
        if !is_there {
            warnings.push(format!("Policy {name:?} does not exist"));
        }
    }
    Ok(warnings)
}

fn request(fields: &Fields, route: Route) -> Result<CreateToken, ApiError> {
    let kind = match fields.text("type")?.as_deref() {
        None | Some("") => None,
        Some("service") => Some(TokenKind::Service),
        Some("batch") => Some(TokenKind::Batch),
        Some(_) => return Err(ApiError::invalid("invalid 'token_type' value")),
    };
    if fields.text("entity_alias")?.is_some_and(|alias| !alias.is_empty()) {
        return Err(ApiError::invalid("'entity_alias' is only allowed in combination with token role"));
    }
    // The old name of `ttl`.
    let ttl = match fields.duration("ttl")? {
        Some(ttl) => Some(ttl),
        None => fields.duration("lease")?,
    };
    fields.ignore(&["lease"]);
    let num_uses = fields.count("num_uses")?.unwrap_or(0);
    Ok(CreateToken {
        id: fields.secret("id")?.filter(|id| !id.expose().is_empty()),
        policies: fields.list("policies")?.unwrap_or_default(),
        meta: meta(fields)?,
        ttl,
        explicit_max_ttl: fields.duration("explicit_max_ttl")?,
        period: fields.duration("period")?,
        num_uses: u32::try_from(num_uses).map_err(|_| ApiError::invalid("'num_uses' is too large"))?,
        no_parent: fields.flag("no_parent")?.unwrap_or(false),
        no_default_policy: fields.flag("no_default_policy")?.unwrap_or(false),
        display_name: fields.text("display_name")?.unwrap_or_default(),
        renewable: fields.flag("renewable")?.unwrap_or(true),
        kind,
        role: None,
        route,
    })
}

/// Vault also takes `metadata`, which newer command lines send.
fn meta(fields: &Fields) -> Result<std::collections::BTreeMap<String, String>, ApiError> {
    fields.ignore(&["metadata"]);
    match fields.text_map("meta")? {
        Some(meta) => Ok(meta),
        None => Ok(fields.text_map("metadata")?.unwrap_or_default()),
    }
}
