//! `auth/…/role/NAME/secret-id…`.

use serde_json::{Value, json};
use vault_core::approle::{NewSecretId, SECRET_ID_BYTES_MAX, SecretId};
use vault_core::clock::Timestamp;
use vault_core::identity::cidr::CidrBlock;
use vault_core::secret::SecretString;

use super::role::name;
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::http::routes::parameters::Given;
use crate::service::approle::ApproleError;

pub(super) async fn list(context: Context) -> Result<Answer, ApiError> {
    let request = &context.request;
    Answer::keys(context.app.approle.accessors(request.mount()?, &name(request)?, context.now())?)
}

pub(super) async fn issue(context: Context) -> Result<Answer, ApiError> {
    make(&context, None).await
}

pub(super) async fn issue_chosen(context: Context) -> Result<Answer, ApiError> {
    let chosen = shown(&context)?;
    if chosen.expose().len() > SECRET_ID_BYTES_MAX {
        return Err(ApiError::invalid(format!("'secret_id' is longer than {SECRET_ID_BYTES_MAX} bytes")));
    }
    make(&context, Some(chosen)).await
}

async fn make(context: &Context, chosen: Option<SecretString>) -> Result<Answer, ApiError> {
    let (request, given) = (&context.request, Given::all(context.fields()));
    let new = NewSecretId {
        metadata: context.fields().text_map("metadata")?.unwrap_or_default(),
        cidr_list: given.blocks("cidr_list")?.unwrap_or_default(),
        token_bound_cidrs: given.blocks("token_bound_cidrs")?.unwrap_or_default(),
        num_uses: given.count("num_uses")?,
        ttl: given.span("ttl")?,
    };
    let (mount, role) = (request.mount()?, name(request)?);
    let issued = context.app.approle.issue_secret_id(mount, &role, chosen, new, context.now()).await;
    let issued = issued.map_err(|error| match error {
        ApproleError::UnknownRole(_) => ApiError::UnsupportedPath,
        other => other.into(),
    })?;
    Ok(Answer::data(json!({
        "secret_id": issued.plain.expose(),
        "secret_id_accessor": issued.record.accessor,
        "secret_id_num_uses": issued.record.num_uses,
        "secret_id_ttl": issued.record.ttl.map_or(0, |ttl| ttl.as_secs()),
    })))
}

/// An unknown secret id is 204, as in Vault.
pub(super) async fn look_up(context: Context) -> Result<Answer, ApiError> {
    let (request, shown) = (&context.request, shown(&context)?);
    let (mount, role) = (request.mount()?, name(request)?);
    let found = context.app.approle.secret_id(mount, &role, shown.expose(), context.now())?;
    Ok(found.map_or_else(Answer::nothing, |found| Answer::data(show(&found))))
}

pub(super) async fn look_up_accessor(context: Context) -> Result<Answer, ApiError> {
    let (request, accessor) = (&context.request, accessor(&context)?);
    let (mount, role) = (request.mount()?, name(request)?);
    let found = context.app.approle.secret_id_of(mount, &role, &accessor, context.now())?;
    Ok(Answer::data(show(&found)))
}

pub(super) async fn destroy(context: Context) -> Result<Answer, ApiError> {
    let (request, shown) = (&context.request, shown(&context)?);
    context.app.approle.destroy(request.mount()?, &name(request)?, shown.expose()).await?;
    Ok(Answer::nothing())
}

pub(super) async fn destroy_accessor(context: Context) -> Result<Answer, ApiError> {
    let (request, accessor) = (&context.request, accessor(&context)?);
    context.app.approle.destroy_of(request.mount()?, &name(request)?, &accessor).await?;
    Ok(Answer::nothing())
}

fn shown(context: &Context) -> Result<SecretString, ApiError> {
    let shown = context.fields().secret("secret_id")?;
    let shown = shown.map(|text| SecretString::new(text.expose().trim().to_owned()));
    let missing = || ApiError::invalid("missing secret_id");
    shown.filter(|text| !text.expose().is_empty()).ok_or_else(missing)
}

fn accessor(context: &Context) -> Result<String, ApiError> {
    let accessor = context.fields().text("secret_id_accessor")?.filter(|text| !text.is_empty());
    accessor.ok_or_else(|| ApiError::invalid("missing secret_id_accessor"))
}

fn show(secret_id: &SecretId) -> Value {
    let cidrs: Vec<String> = secret_id.cidr_list.iter().map(CidrBlock::with_length).collect();
    let token_cidrs: Vec<String> = secret_id.token_bound_cidrs.iter().map(CidrBlock::with_length).collect();
    json!({
        "secret_id_accessor": secret_id.accessor,
        "secret_id_num_uses": secret_id.num_uses,
        "secret_id_ttl": secret_id.ttl.map_or(0, |ttl| ttl.as_secs()),
        "creation_time": secret_id.created_at.to_rfc3339(),
        "expiration_time": secret_id.expires_at.map_or_else(|| NEVER.to_owned(), Timestamp::to_rfc3339),
        "last_updated_time": secret_id.updated_at.to_rfc3339(),
        "metadata": secret_id.metadata,
        "cidr_list": cidrs,
        "token_bound_cidrs": token_cidrs,
    })
}

/// Vault's word for a secret id without end.
const NEVER: &str = "0001-01-01T00:00:00Z";
