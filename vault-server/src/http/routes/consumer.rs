//! `accounts/consumers/…`: who fetched which version of a credential; `accounts/confirm/…`: who uses it.

use serde_json::{Map, json};
use vault_api::consumer::{Confirmation, ConsumerInfo, ConsumerList, ConsumerSummary};
use vault_core::account::Account;
use vault_core::consumer::{Receipt, Standing, Who};
use vault_core::path::AccountPath;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::service::consumer::{ConfirmError, Consumer, Consumers};

pub(super) async fn read(context: Context) -> Result<Answer, ApiError> {
    let (account, found) = known(&context)?;
    Answer::of(&ConsumerList {
        version: account.versions.current.map_or(0, |version| version.number),
        summary: ConsumerSummary { laggards: Vec::new(), ..summed(&context, &found) },
        consumers: found.all.iter().map(|one| named(&context, one)).collect(),
    })
}

pub(super) async fn list(context: Context) -> Result<Answer, ApiError> {
    let (_, found) = known(&context)?;
    if found.all.is_empty() {
        return Err(ApiError::NotFound);
    }
    let keys: Vec<&str> = found.all.iter().map(|one| one.receipt.accessor.as_str()).collect();
    let mut info = Map::new();
    for one in &found.all {
        let entry = serde_json::to_value(shown(&context, one)).map_err(|_| ApiError::Internal)?;
        info.insert(one.receipt.accessor.clone(), entry);
    }
    Ok(Answer::data(json!({ "keys": keys, "key_info": info })))
}

/// How the consumers of an account stand, all in all; `None` when there is no such account.
pub(super) fn summary(context: &Context, path: &AccountPath) -> Result<Option<ConsumerSummary>, ApiError> {
    let Some(account) = context.app.accounts.config(path)? else { return Ok(None) };
    Ok(Some(summed(context, &context.app.consumers.of(&account)?)))
}

/// The caller says which version it uses.
pub(super) async fn confirm(context: Context) -> Result<Answer, ApiError> {
    let path = context.request.account_path("path")?;
    let version = context.fields().count("version")?.filter(|version| *version > 0);
    let version = version.ok_or_else(|| ApiError::invalid("missing 'version': the one that you use now"))?;
    let account = context.app.accounts.config(&path)?.ok_or(ApiError::NotFound)?;
    let consumers = &context.app.consumers;
    let receipt = consumers.confirm(&account, &context.caller.principal, version).await?;
    let current = account.versions.current.map_or(0, |version| version.number);
    Answer::of(&Confirmation { version, current: current == version, confirmed: stamp(&receipt) })
}

/// When what the receipt confirms was confirmed first.
fn stamp(receipt: &Receipt) -> String {
    receipt.confirmed.map_or(receipt.last_at, |confirmed| confirmed.at).to_rfc3339()
}

impl From<ConfirmError> for ApiError {
    fn from(error: ConfirmError) -> Self {
        match error {
            ConfirmError::Load(error) => error.into(),
            ConfirmError::Commit(error) => error.into(),
            ConfirmError::Full => Self::Unavailable(error.to_string()),
            ConfirmError::NothingFetched | ConfirmError::Fetched(_) => Self::conflict(error.to_string()),
        }
    }
}

fn known(context: &Context) -> Result<(Account, Consumers), ApiError> {
    let path = context.request.account_path("path")?;
    let account = context.app.accounts.config(&path)?.ok_or(ApiError::NotFound)?;
    let found = context.app.consumers.of(&account)?;
    Ok((account, found))
}

fn summed(context: &Context, found: &Consumers) -> ConsumerSummary {
    let (current, lagging) =
        (found.standing(Standing::Current).count(), found.standing(Standing::Lagging).count());
    let mut laggards: Vec<&Consumer> = found.standing(Standing::Lagging).collect();
    laggards.sort_by_key(|one| one.receipt.last_at);
    ConsumerSummary {
        live: (current + lagging) as u64,
        current: current as u64,
        lagging: lagging as u64,
        all_current: lagging == 0,
        laggards: laggards.into_iter().take(LAGGARDS_SHOWN).map(|one| shown(context, one)).collect(),
    }
}

fn named(context: &Context, one: &Consumer) -> ConsumerInfo {
    ConsumerInfo { accessor: Some(one.receipt.accessor.clone()), ..shown(context, one) }
}

fn shown(context: &Context, one: &Consumer) -> ConsumerInfo {
    let receipt = &one.receipt;
    let id = match &receipt.who {
        Who::Token => None,
        Who::Entity(entity) => Some(entity.clone()),
        Who::Login(origin) => {
            let mounts = context.app.mounts.table();
            let mount = mounts.with_id(origin.mount).map(|mount| mount.path.as_str().to_owned());
            Some(format!("{}/{}", mount.unwrap_or_else(|| origin.mount.to_string()), origin.principal))
        }
    };
    ConsumerInfo {
        principal: receipt.name.clone(),
        id,
        accessor: None,
        version: receipt.version,
        confirmed: receipt.confirmed.map(|confirmed| confirmed.version),
        standing: one.standing.word().to_owned(),
        since: receipt.since.to_rfc3339(),
        first_fetched: receipt.first_at.to_rfc3339(),
        last_seen: receipt.last_at.to_rfc3339(),
    }
}

/// Most laggards that a status names; `accounts/consumers` has them all.
const LAGGARDS_SHOWN: usize = 20;
