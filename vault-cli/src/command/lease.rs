//! `rotunda lease …`.

use std::time::Duration;

use vault_api::{duration::Seconds, lease::LeaseRequest};

use super::{Session, trimmed};
use crate::{
    args::lease::{LeaseRenewArgs, LeaseRevokeArgs, LeaseWord},
    client::{Answer, Request},
    failure::{Exit, Failure},
    output,
};

pub(super) async fn run(word: LeaseWord, session: &mut Session) -> Result<Exit, Failure> {
    match word {
        LeaseWord::Lookup(args) => {
            let body = LeaseRequest { lease_id: args.id, ..LeaseRequest::default() };
            let answer = session
                .ask("looking up the lease", Request::put("sys/leases/lookup").sending(&body)?)
                .await?;
            session.show_record(&answer, &["id", "state", "ttl", "expire_time"], "no such lease")?;
            Ok(Exit::Done)
        }
        LeaseWord::Renew(args) => renew(&args, session).await,
        LeaseWord::Revoke(args) => revoke(args, session).await,
        LeaseWord::List(args) => {
            let prefix = args.prefix.as_deref().map(trimmed).filter(|prefix| !prefix.is_empty());
            let path = prefix.map_or_else(
                || "sys/leases/lookup".to_owned(),
                |prefix| format!("sys/leases/lookup/{prefix}"),
            );
            let answer = session.ask("listing", Request::list(path)).await?;
            session.show_names(&answer)?;
            Ok(Exit::Done)
        }
    }
}

async fn renew(args: &LeaseRenewArgs, session: &mut Session) -> Result<Exit, Failure> {
    let answer = session.ask("renewing the lease", renewal(&args.id, args.increment)?).await?;
    session.show(&answer, |answer, _| {
        Ok(output::record([
            ("lease", output::optional(answer.text("lease_id").or(Some(&args.id)))),
            ("lasts", Seconds(lasting(answer)).to_string()),
        ]))
    })?;
    Ok(Exit::Done)
}

async fn revoke(args: LeaseRevokeArgs, session: &mut Session) -> Result<Exit, Failure> {
    let request = if args.prefix {
        Request::put(format!("sys/leases/revoke-prefix/{}", trimmed(&args.id)))
    } else {
        Request::put("sys/leases/revoke")
            .sending(&LeaseRequest { lease_id: args.id, ..LeaseRequest::default() })?
    };
    let answer = session.ask("revoking", request.touching_a_target(Duration::ZERO)).await?;
    session.show_record(
        &answer,
        &["lease_id", "state"],
        "accepted: what was handed out dies on the target",
    )?;
    Ok(Exit::Done)
}

/// Asks for more time.
pub(super) fn renewal(lease_id: &str, increment: Option<Seconds>) -> Result<Request, Failure> {
    let body = LeaseRequest { lease_id: lease_id.to_owned(), increment, sync: None };
    Request::put("sys/leases/renew").sending(&body)
}

/// The seconds that a lease lasts from now on.
pub(super) fn lasting(answer: &Answer) -> u64 {
    answer.part("lease_duration").and_then(serde_json::Value::as_u64).unwrap_or(0)
}
