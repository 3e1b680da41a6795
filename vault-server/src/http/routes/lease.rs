//! `sys/leases/…`, as Vault has them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use vault_core::lease::{EndCause, Lease, LeaseState};
use vault_core::schedule::span;

use crate::http::answer::{Answer, Renewable};
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::service::lease::Ending;

pub(super) async fn lookup(context: Context) -> Result<Answer, ApiError> {
    let id = lease_id(&context)?;
    Answer::of(&context.app.leases.lookup(&id)?)
}

pub(super) async fn list(context: Context) -> Result<Answer, ApiError> {
    let base = context
        .request
        .captures
        .get("prefix")
        .map_or_else(String::new, |prefix| format!("{}/", prefix.trim_end_matches('/')));
    let mut keys = BTreeSet::new();
    for id in context.app.leases.ids(&base)? {
        let Some(rest) = id.strip_prefix(base.as_str()) else { continue };
        let key = match rest.split_once('/') {
            Some((folder, _)) => format!("{folder}/"),
            None => rest.to_owned(),
        };
        keys.insert(key);
    }
    Answer::keys(keys.into_iter().collect())
}

pub(super) async fn renew(context: Context) -> Result<Answer, ApiError> {
    let id = lease_id(&context)?;
    let increment = context.fields().duration("increment")?;
    let lease = context.app.leases.renew(&id, increment).await?;
    let (now, most) = (context.now(), lease.max_expires_at.since(context.now()));
    let duration = lease.expires_at.since(now);
    let answer = Answer::data(Value::Null).with_lease(lease.id, duration, Renewable::Yes);
    Ok(match increment.filter(|increment| *increment > most) {
        // Vault's sentence; its clients' tests look for the beginning.
        Some(increment) => answer.warn(format!(
            "TTL of \"{}\" exceeded the effective max_ttl of \"{}\"; TTL value is capped accordingly",
            span::format(increment),
            span::format(Duration::from_secs(most.as_secs())),
        )),
        None => answer,
    })
}

pub(super) async fn revoke(context: Context) -> Result<Answer, ApiError> {
    let id = lease_id(&context)?;
    context.fields().ignore(&["sync"]);
    let lease = context.app.leases.revoke(&id, forced(&context)).await?;
    Ok(done(lease.as_slice()))
}

pub(super) async fn revoke_prefix(context: Context) -> Result<Answer, ApiError> {
    context.fields().ignore(&["sync"]);
    let prefix = context.request.part("prefix")?.to_owned();
    let open = context.app.leases.revoke_prefix(&prefix, forced(&context)).await?;
    Ok(done(&open))
}

/// Ends what can be ended, whatever fails; what is not proven dead stays open, visibly.
pub(super) async fn revoke_force(context: Context) -> Result<Answer, ApiError> {
    let prefix = context.request.part("prefix")?.to_owned();
    let open = context.app.leases.revoke_force(&prefix, forced(&context)).await?;
    Ok(open.into_iter().fold(Answer::nothing(), |answer, (lease, failed)| {
        let why = failed.map_or_else(String::new, |error| format!(" ({error})"));
        answer.warn(format!("{}{why}", still_open(&lease)))
    }))
}

/// `sys/leases/count?type=irrevocable`.
pub(super) async fn count(context: Context) -> Result<Answer, ApiError> {
    let Some(Ending { leases: ending, damaged }) = irrevocable(&context)? else {
        return Ok(Answer::nothing());
    };
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for lease in &ending {
        *counts.entry(mount_of(&context, lease)).or_default() += 1;
    }
    let answer = Answer::data(json!({ "lease_count": ending.len(), "counts": counts }));
    Ok(warned_of(&damaged, answer))
}

/// `sys/leases?type=irrevocable`.
pub(super) async fn irrevocables(context: Context) -> Result<Answer, ApiError> {
    let most = match context.fields().text("limit")?.as_deref().map(str::trim) {
        None | Some("") => IRREVOCABLE_SHOWN,
        Some("none") => usize::MAX,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| *limit > 0)
            .ok_or_else(|| ApiError::invalid("'limit' must be a positive number or \"none\""))?,
    };
    let Some(Ending { leases: ending, damaged }) = irrevocable(&context)? else {
        return Ok(Answer::nothing());
    };
    let shown = ending.iter().take(most).map(
        |lease| json!({ "lease_id": lease.id, "mount_id": mount_of(&context, lease), "error": NOT_PROVEN }),
    );
    let answer = Answer::data(json!({ "lease_count": ending.len(), "leases": shown.collect::<Vec<_>>() }));
    let answer = warned_of(&damaged, answer);
    Ok(if ending.len() > most { answer.warn("more leases are ending than were asked for") } else { answer })
}

/// Ends at once what has ended: tokens whose time is over, with all that they hold.
pub(super) async fn tidy(context: Context) -> Result<Answer, ApiError> {
    let (app, now) = (Arc::clone(&context.app), context.now());
    context.app.shutdown.spawn(async move {
        match app.tokens.sweep(now).await {
            Ok(ended) => tracing::info!(ended, "tidied: tokens that had ended"),
            Err(error) => tracing::warn!(%error, "tidying was cut short"),
        }
    });
    let told = "Tidy operation successfully started. Any information from the operation will be printed to the server's log.";
    Ok(Answer::nothing().warn(told).with_status(StatusCode::ACCEPTED))
}

/// With the leases that could not be counted, because they cannot be read.
fn warned_of(damaged: &[String], answer: Answer) -> Answer {
    let warned =
        |answer: Answer, id: &String| answer.warn(format!("{id} cannot be read; it may be ending, too"));
    damaged.iter().take(DAMAGED_SHOWN).fold(answer, warned)
}

/// The leases that are ending, when the request asks for `type=irrevocable`: there is no other type.
fn irrevocable(context: &Context) -> Result<Option<Ending>, ApiError> {
    context.fields().ignore(&["include_child_namespaces"]);
    let asked = context.fields().text("type")?.is_some_and(|kind| kind.eq_ignore_ascii_case("irrevocable"));
    Ok(if asked { Some(context.app.leases.ending()?) } else { None })
}

/// The accessor of the mount that a lease came from.
fn mount_of(context: &Context, lease: &Lease) -> String {
    context.app.mounts.find(&lease.id).map_or_else(String::new, |(mount, _)| mount.accessor.clone())
}

fn lease_id(context: &Context) -> Result<String, ApiError> {
    let named = context.fields().text("lease_id")?.filter(|id| !id.is_empty());
    named
        .or_else(|| context.request.captures.get("id").cloned())
        .ok_or_else(|| ApiError::invalid("lease_id must be specified"))
}

fn forced(context: &Context) -> EndCause {
    EndCause::Forced { principal: context.caller.principal.display_name().to_owned() }
}

/// 204 when all is proven dead; otherwise a warning names what is not.
fn done(leases: &[Lease]) -> Answer {
    leases
        .iter()
        .filter(|lease| lease.state != LeaseState::Closed)
        .fold(Answer::nothing(), |answer, lease| answer.warn(still_open(lease)))
}

fn still_open(lease: &Lease) -> String {
    match lease.state {
        LeaseState::Active => format!("{} goes on: its end could not begin yet; try again", lease.id),
        LeaseState::Revoking | LeaseState::Closed => format!("{} is ending, but {NOT_PROVEN}", lease.id),
    }
}

const NOT_PROVEN: &str =
    "the target has not been seen to refuse its password yet; it is tried again, or waits for a person";
/// As many as Vault shows unless asked for more.
const IRREVOCABLE_SHOWN: usize = 10_000;
/// Leases that a warning names, when they cannot be read.
const DAMAGED_SHOWN: usize = 100;
