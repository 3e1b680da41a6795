//! Shadow accounts, on which a rotation is rehearsed: let in by the same plugin and from the same hosts as the account
//! that they are made after, and granted nothing.

use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{BoxFuture, Job, Outcome};
use vault_core::rotation::shadow::{self, Model, PREFIX, ShadowMaker};
use vault_core::secret::SecretString;

use super::account::{Account, check_password};
use super::check::Server;
use super::command::{Change, Kind};
use super::{MysqlRotator, conclude, find, open_marked, parse, unfit};

impl ShadowMaker for MysqlRotator {
    fn name(&self, like: &str, mark: &str) -> String {
        let host = Account::parse(like).map_or_else(|_| "%".to_owned(), |account| account.host);
        format!("{PREFIX}{mark}@{host}")
    }

    fn create<'a>(&'a self, job: Job<'a>, model: Model<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { create(job, model).await.unwrap_or_else(Outcome::NotApplied) })
    }

    fn remove<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { remove(job).await.unwrap_or_else(Outcome::NotApplied) })
    }
}

async fn create(job: Job<'_>, model: Model<'_>) -> Result<Outcome, Fault> {
    shadow::check_name(job.username)?;
    let account = Account::parse(job.username).map_err(unfit)?;
    let like = Account::parse(model.like).map_err(unfit)?;
    check_password(model.password).map_err(unfit)?;
    let config = parse(job.spec)?;
    let mut session = open_marked(&config, &job).await?;
    let server = Server::look(&mut session).await?;
    let say = |class, what: String| Fault::new(class, format!("{}: {what}", config.place()));
    let identity = find(&mut session, &like)
        .await?
        .ok_or_else(|| say(FaultClass::AccountMissing, format!("there is no account {like}")))?;
    let plugin =
        identity.plugin().map_err(|how| say(FaultClass::Preflight, format!("the account {like} {how}")))?;
    let change = Change {
        flavour: server.flavour,
        account: &account,
        kind: Kind::New,
        plugin,
        hashed: server.wants_hash(config.hashing),
        retain: false,
    };
    Ok(conclude(session, change.statement(model.password).expose()).await)
}

async fn remove(job: Job<'_>) -> Result<Outcome, Fault> {
    shadow::check_name(job.username)?;
    let account = Account::parse(job.username).map_err(unfit)?;
    let config = parse(job.spec)?;
    let mut session = open_marked(&config, &job).await?;
    let server = Server::look(&mut session).await?;
    if server.is_read_only() {
        let what = format!("{}: this server is read-only, so that nothing it says is proof", config.place());
        return Err(Fault::new(FaultClass::Unreachable, what));
    }
    let statement = SecretString::new(format!("DROP USER IF EXISTS {}", account.quoted()));
    let done = session.run_template(&statement, "dropping the shadow").await;
    if done.is_ok() && find(&mut session, &account).await?.is_some() {
        let what = format!("{}: the shadow was dropped, and is still there", config.place());
        return Err(Fault::new(FaultClass::OldStillValid, what));
    }
    let is_broken = session.is_broken();
    session.close().await;
    Ok(match done {
        Ok(()) => Outcome::Applied,
        Err(fault) if is_broken => Outcome::Unknown(fault),
        Err(fault) => Outcome::NotApplied(fault),
    })
}
