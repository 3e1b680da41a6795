//! `pools/…`: accounts that are lent from a common stock. `library.rs` answers for the same in Vault's dialect.

use std::sync::Arc;

use serde_json::json;
use vault_api::checkout::LeaseEnd;
use vault_api::pool::{PoolAccount, PoolCheckIn, PoolCheckIns, PoolCheckOut, PoolStatus};
use vault_core::lease::{Lease, LeaseState};
use vault_core::mount::{Kind, Mount};
use vault_core::path::{AccountPath, Name};
use vault_core::policy::Capability;
use vault_core::pool::{Availability, Pool, PoolId};

use super::account::{asked, handed_out, shown};
use crate::app::App;
use crate::http::answer::{Answer, Renewable};
use crate::http::context::{Context, Request};
use crate::http::error::ApiError;
use crate::service::pool::{Ask, Authority, Lent, PoolError, Return, Standing, Stock};

pub(super) fn exists(app: &App, request: &Request) -> Result<bool, ApiError> {
    Ok(app.pools.find(&id(app, request)?)?.is_some())
}

pub(super) async fn list(context: Context) -> Result<Answer, ApiError> {
    Answer::keys(context.app.pools.names(&*built_in(&context.app)?)?)
}

pub(super) async fn read(context: Context) -> Result<Answer, ApiError> {
    let id = id(&context.app, &context.request)?;
    let pool = context.app.pools.find(&id)?.ok_or(ApiError::NotFound)?;
    let accounts: Vec<&str> = pool.accounts.iter().map(AccountPath::as_str).collect();
    Ok(Answer::data(json!({
        "accounts": accounts,
        "ttl": pool.ttl.map(|ttl| ttl.as_secs()),
        "max_ttl": pool.max_ttl.map(|ttl| ttl.as_secs()),
        "disable_check_in_enforcement": pool.disable_check_in_enforcement,
    })))
}

pub(super) async fn write(context: Context) -> Result<Answer, ApiError> {
    let id = id(&context.app, &context.request)?;
    let fresh = Pool {
        accounts: Vec::new(),
        ttl: None,
        max_ttl: None,
        disable_check_in_enforcement: false,
        created_at: context.now(),
    };
    put(&context, &*built_in(&context.app)?, &id, "accounts", &fresh).await?;
    Ok(Answer::nothing())
}

/// Makes or changes a pool: what is not given stays as it is, or as it is in `fresh`.
pub(super) async fn put(
    context: &Context,
    mount: &Mount,
    id: &PoolId,
    names: &str,
    fresh: &Pool,
) -> Result<(), ApiError> {
    let fields = context.fields();
    let given = |field: &str| fields.value(field).is_some();
    let accounts = fields.comma_list(names)?.map(|names| paths(&names)).transpose()?;
    let (ttl, max_ttl) = (fields.duration("ttl")?, fields.duration("max_ttl")?);
    let open = fields.flag("disable_check_in_enforcement")?;
    let acl = context.app.policies.acl(context.caller.token.policies())?;
    // Who puts an account into a pool decides who gets it: that is for those who may configure it.
    let may_lend = |path: &AccountPath| {
        let may = acl.capabilities(&format!("accounts/config/{path}"));
        let may_check_out = acl.capabilities(&format!("accounts/check-out/{path}"));
        [may, may_check_out]
            .iter()
            .all(|each| each.iter().any(|may| matches!(may, Capability::Root | Capability::Update)))
    };
    let decide = |there: Option<&Pool>| {
        let mut pool = there.unwrap_or(fresh).clone();
        if let Some(accounts) = &accounts {
            if accounts.iter().any(|path| !pool.accounts.contains(path) && !may_lend(path)) {
                return Err(ApiError::PermissionDenied);
            }
            pool.accounts.clone_from(accounts);
        }
        if given("ttl") {
            pool.ttl = ttl.or(fresh.ttl);
        }
        if given("max_ttl") {
            pool.max_ttl = max_ttl.or(fresh.max_ttl);
        }
        pool.disable_check_in_enforcement = open.unwrap_or(pool.disable_check_in_enforcement);
        Ok(pool)
    };
    context.app.pools.write(mount, id, decide).await
}

pub(super) async fn delete(context: Context) -> Result<Answer, ApiError> {
    context.app.pools.remove(&id(&context.app, &context.request)?).await?;
    Ok(Answer::nothing())
}

pub(super) async fn check_out(context: Context) -> Result<Answer, ApiError> {
    let (mount, id) = (built_in(&context.app)?, id(&context.app, &context.request)?);
    let ask = Ask {
        request: asked(&context)?,
        lease_prefix: format!("pools/check-out/{}", id.name),
        longest: context.app.tokens.limits_of(&mount).max_ttl,
    };
    let lent = context.app.pools.check_out(&id, &ask, &context.caller.principal).await.map_err(ours)?;
    let data = PoolCheckOut { account: lent.path.to_string(), out: handed_out(&lent.out) };
    Ok(leased(Answer::of(&data)?, &lent, &ask))
}

/// The answer with the lease of what was lent.
pub(super) fn leased(answer: Answer, lent: &Lent, ask: &Ask) -> Answer {
    let lease = &lent.out.lease;
    let duration = lease.expires_at.since(lease.issued_at);
    let is_capped = ask.request.ttl.is_some_and(|ttl| ttl > duration);
    let answer = answer.with_lease(lease.id.clone(), duration, Renewable::Yes);
    if is_capped {
        answer.warn("the TTL was capped by the max_ttl of the pool or of the account")
    } else {
        answer
    }
}

pub(super) async fn check_in(context: Context) -> Result<Answer, ApiError> {
    let id = id(&context.app, &context.request)?;
    let fields = context.fields();
    let named = paths(&fields.comma_list("accounts")?.unwrap_or_default())?;
    let lease_id = fields.text("lease_id")?.filter(|id| !id.is_empty());
    let force = fields.flag("force")?.unwrap_or(false);
    if force && !context.app.policies.acl(context.caller.token.policies())?.is_sudo(&context.request.path) {
        return Err(ApiError::Forbidden("force=true needs the sudo capability on this path".to_owned()));
    }
    let authority = if force { Authority::Anybody } else { Authority::Own };
    let asked = Return { named: &named, lease_id: lease_id.as_deref(), authority };
    let ended = context.app.pools.check_in(&id, asked, &context.caller.principal).await.map_err(ours)?;
    let state = |lease: &Lease| match lease.state {
        LeaseState::Closed => LeaseEnd::Closed,
        LeaseState::Active | LeaseState::Revoking => LeaseEnd::Revoking,
    };
    let check_ins = ended
        .iter()
        .map(|(path, lease)| PoolCheckIn { account: path.to_string(), state: state(lease) })
        .collect();
    Ok(with_open(Answer::of(&PoolCheckIns { check_ins })?, &ended))
}

/// The answer with a warning for each password that is not proven dead.
pub(super) fn with_open(answer: Answer, ended: &[(AccountPath, Lease)]) -> Answer {
    let open = ended.iter().filter(|(_, lease)| lease.state != LeaseState::Closed);
    open.fold(answer, |answer, (path, _)| {
        answer.warn(format!(
            "the lease of {path} is ending, but the target has not been seen to refuse the password yet; its status tells whether it is tried again or waits for a person, and it is not lent before"
        ))
    })
}

pub(super) async fn status(context: Context) -> Result<Answer, ApiError> {
    let id = id(&context.app, &context.request)?;
    let standings = context.app.pools.status(&id).map_err(ours)?;
    let (total, free) = (standings.len(), standings.iter().filter(|standing| is_free(standing)).count());
    let mut status = PoolStatus { total: total as u64, available: free as u64, ..PoolStatus::default() };
    for standing in standings {
        let (available, state) = (is_free(&standing), standing.availability.word().to_owned());
        let last_lent = standing.lent_at.map(|at| at.to_rfc3339());
        let account = standing.status.map(|status| shown(&context, status)).transpose()?;
        let (holder, failure) =
            account.map_or_else(Default::default, |account| (account.holder, account.failure));
        let entry = PoolAccount { available, state, holder, last_lent, failure };
        status.accounts.insert(standing.path.to_string(), entry);
    }
    Answer::of(&status)
}

pub(super) fn is_free(standing: &Standing) -> bool {
    standing.availability == Availability::Free
}

/// The path that names a pool to people: where it is configured, without the verb.
pub(super) fn path_of(mount: &Mount, id: &PoolId) -> String {
    let between = if mount.kind == Kind::Ldap { "library/" } else { "" };
    format!("{}/{between}{}", mount.path.as_str(), id.name)
}

/// Account paths as a caller named them.
pub(super) fn paths(names: &[String]) -> Result<Vec<AccountPath>, ApiError> {
    names.iter().map(|name| AccountPath::parse(name).map_err(ApiError::from)).collect()
}

fn built_in(app: &App) -> Result<Arc<Mount>, ApiError> {
    app.mounts.find("pools").map(|(mount, _)| mount).ok_or(ApiError::Sealed)
}

fn id(app: &App, request: &Request) -> Result<PoolId, ApiError> {
    let name: Name = request.name("name")?;
    Ok(PoolId { mount: built_in(app)?.id, name })
}

/// In our own dialect what is not there is 404, and who gets nothing is told how the pool stands.
fn ours(error: PoolError) -> ApiError {
    match error {
        PoolError::Unknown(_) => ApiError::NotFound,
        PoolError::Stale => ApiError::conflict(error.to_string()),
        PoolError::NotBorrower(path) => ApiError::Forbidden(format!(
            "{path} was not checked out by you; force=true ends the check-out of another, and needs sudo on this path"
        )),
        PoolError::Several => ApiError::invalid(
            "you have several accounts of this pool checked out: say which in 'accounts', or name the 'lease_id'",
        ),
        PoolError::NoneFree(stock) => {
            let Stock { total, lent, busy, failing, ahead } = stock;
            let line = if ahead > 0 { format!("; {ahead} others wait in line") } else { String::new() };
            ApiError::invalid(format!(
                "No service accounts available for check-out: of {total} accounts {lent} are lent, {busy} are being rotated or promised, {failing} are not healthy{line}"
            ))
        }
        error => error.into(),
    }
}

impl From<PoolError> for ApiError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Account(error) => error.into(),
            PoolError::Load(error) => error.into(),
            PoolError::Commit(error) => error.into(),
            error => Self::invalid(error.to_string()),
        }
    }
}
