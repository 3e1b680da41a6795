//! Shadow users, on which a rotation is rehearsed: they may log in and run no command.

use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{BoxFuture, Job, Outcome};
use vault_core::rotation::shadow::{self, Model, ShadowMaker};

use super::change::Home;
use super::session::{Failure, Session};
use super::{RedisRotator, command, config::Config, open_management, parse};

impl ShadowMaker for RedisRotator {
    fn create<'a>(&'a self, job: Job<'a>, model: Model<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { create(job, model).await.unwrap_or_else(Outcome::NotApplied) })
    }

    fn remove<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { remove(job).await.unwrap_or_else(Outcome::NotApplied) })
    }
}

async fn create(job: Job<'_>, model: Model<'_>) -> Result<Outcome, Fault> {
    shadow::check_name(job.username)?;
    let refused = |error: command::LoginError| Fault::new(FaultClass::Preflight, error.to_string());
    command::check_name(job.username).map_err(refused)?;
    command::check_password(model.password).map_err(refused)?;
    let config = parse(job.spec)?;
    let (mut session, home) = begin(&config, &job).await?;
    // Nobody is there to be deleted. But who may not do this could not remove what it makes.
    delete(&mut session, job.username).await?;
    let stored = command::stored(model.password);
    let words = ["ACL", "SETUSER", job.username, "reset", "on", &format!("#{}", stored.expose())];
    Ok(match session.ask(&words).await {
        Ok(_) => kept(&mut session, home).await,
        Err(failure @ Failure::Said(_)) => Outcome::NotApplied(session.fault(failure, "ACL SETUSER")),
        Err(failure) => {
            Outcome::Unknown(Fault { class: FaultClass::Ambiguous, ..session.fault(failure, "ACL SETUSER") })
        }
    })
}

async fn remove(job: Job<'_>) -> Result<Outcome, Fault> {
    shadow::check_name(job.username)?;
    let config = parse(job.spec)?;
    let (mut session, home) = begin(&config, &job).await?;
    delete(&mut session, job.username).await?;
    Ok(kept(&mut session, home).await)
}

/// A session that bears the job's mark, and where the server keeps its users.
async fn begin<'a>(config: &'a Config, job: &Job<'_>) -> Result<(Session<'a>, Home), Fault> {
    let mut session = open_management(config, job).await?;
    session.end_marked(job.rotation).await?;
    session.mark(job.rotation).await?;
    let home = Home::find(&mut session, config).await?;
    Ok((session, home))
}

/// Ends the shadow's connections with it.
async fn delete(session: &mut Session<'_>, name: &str) -> Result<(), Fault> {
    session.look(&["ACL", "DELUSER", name], "ACL DELUSER").await.map(drop)
}

/// What was done counts once a restart of the server would not undo it.
async fn kept(session: &mut Session<'_>, home: Home) -> Outcome {
    match home.keep(session).await {
        Ok(()) => Outcome::Applied,
        Err(failure) => Outcome::Unknown(session.fault(failure, "saving the users")),
    }
}
