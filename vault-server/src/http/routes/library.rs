//! Mounts of type `ldap`: `library/…`, check-out sets in the shape of Vault's LDAP engine, over accounts of any target.

use std::time::Duration;

use serde_json::{Map, Value, json};
use vault_core::path::{AccountPath, Name};
use vault_core::pool::{Pool, PoolId};

use super::super::route::{Route, delete, list, read, write};
use super::account::asked;
use super::pool::{is_free, leased, paths, put, with_open};
use crate::app::App;
use crate::http::answer::Answer;
use crate::http::context::{Context, Request};
use crate::http::error::ApiError;
use crate::service::pool::{Ask, Authority, Return};

/// The table, relative to the mount.
#[must_use]
pub fn all() -> Vec<Route> {
    const SETTINGS: &[&str] = &["service_account_names"];
    const LENT: &[&str] = &["reason", "ticket", "service_account_name", "username"];
    const RETURNED: &[&str] = &["service_account_names", "check_ins"];
    vec![
        list("library", names),
        read("library/<name>", show).folding().readable(SETTINGS),
        write("library/<name>", configure).creating(exists).folding().readable(SETTINGS),
        delete("library/<name>", remove).folding(),
        write("library/<name>/check-out", check_out).folding().readable(LENT).waiting(),
        write("library/<name>/check-in", check_in).folding().readable(RETURNED),
        write("library/manage/<name>/check-in", manage_check_in).folding().readable(RETURNED),
        read("library/<name>/status", status).folding(),
    ]
}

fn exists(app: &App, request: &Request) -> Result<bool, ApiError> {
    Ok(app.pools.find(&id(request)?)?.is_some())
}

async fn names(context: Context) -> Result<Answer, ApiError> {
    Answer::keys(context.app.pools.names(context.request.mount()?)?)
}

async fn show(context: Context) -> Result<Answer, ApiError> {
    let set = context.app.pools.find(&id(&context.request)?)?.ok_or(ApiError::NotFound)?;
    let names: Vec<&str> = set.accounts.iter().map(AccountPath::as_str).collect();
    let seconds = |ttl: Option<Duration>| ttl.unwrap_or(TTL_DEFAULT).as_secs();
    Ok(Answer::data(json!({
        "service_account_names": names,
        "ttl": seconds(set.ttl),
        "max_ttl": seconds(set.max_ttl),
        "disable_check_in_enforcement": set.disable_check_in_enforcement,
    })))
}

async fn configure(context: Context) -> Result<Answer, ApiError> {
    let id = id(&context.request)?;
    let fresh = Pool {
        accounts: Vec::new(),
        ttl: Some(TTL_DEFAULT),
        max_ttl: Some(TTL_DEFAULT),
        disable_check_in_enforcement: false,
        created_at: context.now(),
    };
    let named = context.fields().value("service_account_names").is_some();
    if !named && context.app.pools.find(&id)?.is_none() {
        return Err(ApiError::invalid("\"service_account_names\" must be provided"));
    }
    put(&context, context.request.mount()?, &id, "service_account_names", &fresh).await?;
    Ok(Answer::nothing())
}

async fn remove(context: Context) -> Result<Answer, ApiError> {
    context.app.pools.remove(&id(&context.request)?).await?;
    Ok(Answer::nothing())
}

async fn check_out(context: Context) -> Result<Answer, ApiError> {
    let (mount, id) = (context.request.mount()?, id(&context.request)?);
    let mut request = asked(&context)?;
    // As in Vault, a request can ask for less than the set's TTL, not for more.
    let ttl = context.app.pools.find(&id)?.and_then(|set| set.ttl);
    request.ttl = request.ttl.map(|asked| asked.min(ttl.unwrap_or(asked)));
    let ask = Ask {
        request,
        lease_prefix: format!("{}/library/{}/check-out", mount.path.as_str(), id.name),
        longest: context.app.tokens.limits_of(mount).max_ttl,
    };
    let lent = context.app.pools.check_out(&id, &ask, &context.caller.principal).await?;
    let data = json!({
        "service_account_name": lent.path.as_str(),
        "password": lent.out.login.password.expose(),
        "username": lent.out.login.username,
    });
    Ok(leased(Answer::data(data), &lent, &ask))
}

async fn check_in(context: Context) -> Result<Answer, ApiError> {
    end(&context, Authority::Own).await
}

async fn manage_check_in(context: Context) -> Result<Answer, ApiError> {
    end(&context, Authority::Anybody).await
}

async fn end(context: &Context, authority: Authority) -> Result<Answer, ApiError> {
    let named = paths(&context.fields().comma_list("service_account_names")?.unwrap_or_default())?;
    let asked = Return { named: &named, lease_id: None, authority };
    let ended = context.app.pools.check_in(&id(&context.request)?, asked, &context.caller.principal).await?;
    let names: Vec<&str> = ended.iter().map(|(path, _)| path.as_str()).collect();
    Ok(with_open(Answer::data(json!({ "check_ins": names })), &ended))
}

async fn status(context: Context) -> Result<Answer, ApiError> {
    let mut shown = Map::new();
    for standing in context.app.pools.status(&id(&context.request)?)? {
        let mut entry = Map::new();
        entry.insert("available".to_owned(), Value::from(is_free(&standing)));
        if let Some(borrower) = &standing.borrower {
            // Vault shows what stands for the token in its plugin; an accessor is as good, and opens nothing.
            if !borrower.accessor.is_empty() {
                entry.insert("borrower_client_token".to_owned(), Value::from(borrower.accessor.as_str()));
            }
            if borrower.id != borrower.accessor {
                entry.insert("borrower_entity_id".to_owned(), Value::from(borrower.id.as_str()));
            }
        } else if !is_free(&standing) {
            entry.insert("state".to_owned(), Value::from(standing.availability.word()));
        }
        shown.insert(standing.path.to_string(), Value::Object(entry));
    }
    Ok(Answer::data(Value::Object(shown)))
}

/// The set, whose name counts in any case of letters.
fn id(request: &Request) -> Result<PoolId, ApiError> {
    let name = Name::parse(&request.part("name")?.to_lowercase())?;
    Ok(PoolId { mount: request.mount()?.id, name })
}

/// As in Vault: the length of a check-out, and the longest, where nothing is said.
const TTL_DEFAULT: Duration = Duration::from_secs(24 * 60 * 60);
