//! LIST `accounts/status`: many accounts at a time, found, counted, and where that is asked with their consumers.

use vault_api::account::{AccountState, StatusListing};
use vault_core::account::Subject;
use vault_core::path::AccountPath;
use vault_core::policy::Capability;

use super::shown;
use crate::engine::board::Find;
use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::http::routes::consumer;
use crate::http::routes::team::whose;

pub(in crate::http::routes) async fn list_status(context: Context) -> Result<Answer, ApiError> {
    let fields = context.fields();
    let (state, text) = (fields.text("state")?.unwrap_or_default(), fields.text("q")?.unwrap_or_default());
    let find = match state.as_str() {
        LAGGING => Some(Find::among(&text, context.app.consumers.tally().laggards)),
        state => Find::new(&text, state),
    };
    let find = find.ok_or_else(|| ApiError::invalid(format!("state must be one of {}", words())))?;
    let number = |count: Option<u64>| count.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    let skip = number(fields.count("offset")?).unwrap_or(0);
    let limit = number(fields.count("limit")?.filter(|limit| *limit > 0)).unwrap_or(usize::MAX);
    let with_consumers = fields.flag("consumers")?.unwrap_or(false);
    if with_consumers && limit > CONSUMERS_OF_MAX {
        let what =
            format!("consumers are told of at most {CONSUMERS_OF_MAX} accounts at a time: set a limit");
        return Err(ApiError::invalid(what));
    }
    let whose = whose(&context)?;
    // Each account is read, and each of its receipts.
    let listed = tokio::task::spawn_blocking(move || {
        let acl = context.app.policies.acl(context.caller.token.policies())?;
        let may = |subject: &Subject| !acl.forbids(&format!("accounts/status/{subject}"));
        let found =
            context.app.accounts.statuses(find, whose, acl.denies().then_some(&may), (skip, limit))?;
        let mut listing = StatusListing { total: found.total as u64, ..StatusListing::default() };
        for (path, mut status) in found.part {
            if with_consumers {
                status.consumers = summary(&context, &path)?;
            }
            listing.keys.push(path.clone());
            listing.key_info.insert(path, shown(&context, status)?);
        }
        Ok::<_, ApiError>(listing)
    });
    let listing = listed.await.map_err(|_| ApiError::Internal)??;
    if listing.total == 0 {
        return Err(ApiError::NotFound);
    }
    Answer::of(&listing)
}

/// What may be asked for as a state.
fn words() -> String {
    let derived = ["failing", "overdue", "held", "never", "lent", LAGGING];
    let states = AccountState::ALL.into_iter().map(AccountState::word);
    derived.into_iter().chain(states).collect::<Vec<_>>().join(", ")
}

/// How the consumers of an account stand. Their names are for who may read them at the account's own status.
fn summary(context: &Context, path: &str) -> Result<Option<vault_api::consumer::ConsumerSummary>, ApiError> {
    // It may have been removed since.
    let Ok(parsed) = AccountPath::parse(path) else { return Ok(None) };
    let Some(mut summary) = consumer::summary(context, &parsed)? else { return Ok(None) };
    let acl = context.app.policies.acl(context.caller.token.policies())?;
    let may = acl.capabilities(&format!("accounts/status/{path}"));
    if !may.iter().any(|may| matches!(may, Capability::Root | Capability::Read)) {
        summary.laggards = Vec::new();
    }
    Ok(Some(summary))
}

/// What is asked for like a state, and is none: accounts of which a consumer lagged when they were counted last.
const LAGGING: &str = "lagging";
/// Accounts of which the consumers are told at a time.
const CONSUMERS_OF_MAX: usize = 500;
