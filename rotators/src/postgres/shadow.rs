//! Shadow roles, on which a rotation is rehearsed: made with the right to log in, for a quarter of an hour at most.

use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{BoxFuture, Job, Outcome};
use vault_core::rotation::provisioner::Provisioner;
use vault_core::rotation::shadow::{self, Model, ShadowMaker};

use super::{PostgresRotator, command, commit, open_management, parse, settle_earlier};

impl ShadowMaker for PostgresRotator {
    fn create<'a>(&'a self, job: Job<'a>, model: Model<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { create(job, model).await.unwrap_or_else(Outcome::NotApplied) })
    }

    fn remove<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match shadow::check_name(job.username) {
                // It owns nothing and was granted nothing: the server's own way will do.
                Ok(()) => Provisioner::remove(self, job, &[]).await,
                Err(fault) => Outcome::NotApplied(fault),
            }
        })
    }
}

/// Makes the role and sets its password, in one transaction, as [`super::change`] sets it: by the same statement, so
/// that the same rules judge it.
async fn create(job: Job<'_>, model: Model<'_>) -> Result<Outcome, Fault> {
    shadow::check_name(job.username)?;
    let refused = |error: command::LoginError| Fault::new(FaultClass::Preflight, error.to_string());
    command::check_name(job.username).map_err(refused)?;
    command::check_password(model.password).map_err(refused)?;
    let config = parse(job.spec)?;
    let make = command::create_shadow(job.username, &model.expiration.to_rfc3339());
    let set = command::alter_password(job.username, model.password, config.hashing);
    let session = open_management(&config, &job).await?;
    settle_earlier(&session, job.rotation).await?;
    let limits = command::transaction_limits(config.reach.request_timeout.as_millis());
    for step in [command::BEGIN, &limits, &make, set.expose()] {
        session.run(step).await.map_err(|failure| session.change_fault(failure))?;
    }
    Ok(commit(session).await)
}
