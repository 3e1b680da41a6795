//! `sys/leases/…`, as Vault has them.

use vault_core::lease::{EndCause, Lease, LeaseState};

use crate::http::answer::{Answer, Renewable};
use crate::http::context::Context;
use crate::http::error::ApiError;

pub(super) async fn lookup(context: Context) -> Result<Answer, ApiError> {
    let id = context.fields().required_text("lease_id")?;
    Answer::of(&context.app.leases.lookup(&id)?)
}

pub(super) async fn list(context: Context) -> Result<Answer, ApiError> {
    let base = context
        .request
        .captures
        .get("prefix")
        .map_or_else(String::new, |prefix| format!("{}/", prefix.trim_end_matches('/')));
    let mut keys: Vec<String> = Vec::new();
    for id in context.app.leases.ids(&base)? {
        let Some(rest) = id.strip_prefix(base.as_str()) else { continue };
        let key = match rest.split_once('/') {
            Some((folder, _)) => format!("{folder}/"),
            None => rest.to_owned(),
        };
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    Answer::keys(keys)
}

pub(super) async fn renew(context: Context) -> Result<Answer, ApiError> {
    let id = lease_id(&context)?;
    let increment = context.fields().duration("increment")?;
    let lease = context.app.leases.renew(&id, increment).await?;
    let duration = lease.expires_at.since(context.now());
    let answer = Answer::data(serde_json::Value::Null).with_lease(lease.id, duration, Renewable::Yes);
    let capped = increment.is_some_and(|increment| lease.max_expires_at < context.now().plus(increment));
    Ok(if capped {
        answer.warn(format!("TTL of the lease was capped: it may not live beyond {}", lease.max_expires_at))
    } else {
        answer
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

fn lease_id(context: &Context) -> Result<String, ApiError> {
    match context.request.captures.get("id") {
        Some(id) => Ok(id.clone()),
        None => context.fields().required_text("lease_id"),
    }
}

fn forced(context: &Context) -> EndCause {
    EndCause::Forced { principal: context.caller.principal.display_name().to_owned() }
}

/// 204 when all is proven dead; otherwise a warning names what is not.
fn done(leases: &[Lease]) -> Answer {
    leases.iter().filter(|lease| lease.state != LeaseState::Closed).fold(Answer::nothing(), |answer, lease| {
        answer.warn(format!(
            "{} is ending, but the target has not been seen to refuse its password yet; it is tried again until it is",
            lease.id
        ))
    })
}
