//! Shadow users, on which a rotation is rehearsed: without tags and without permissions in any vhost.

use serde_json::Value;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{BoxFuture, Job, Outcome};
use vault_core::rotation::shadow::{self, Model, ShadowMaker};

use super::api::{Api, Failure, Refusal};
use super::command::path_piece;
use super::{RabbitRotator, User, classify, command, parse, say};

impl ShadowMaker for RabbitRotator {
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
    let api = Api::new(&config, job.management).await?;
    let no_tags = Value::String(String::new());
    let body = command::set_password(model.password, &no_tags, config.hashing).map_err(refused)?;
    Ok(match api.put(&format!("users/{}", path_piece(job.username)), &body).await {
        Ok(()) => Outcome::Applied,
        Err(failure) => classify::change(failure, config.hashing, config.place()),
    })
}

async fn remove(job: Job<'_>) -> Result<Outcome, Fault> {
    shadow::check_name(job.username)?;
    let config = parse(job.spec)?;
    let api = Api::new(&config, job.management).await?;
    match api.delete(&format!("users/{}", path_piece(job.username))).await {
        Ok(()) | Err(Failure::Said(Refusal { status: 404, .. })) => {}
        Err(failure) => return Err(classify::look(failure, "deleting the shadow user", config.place())),
    }
    if User::find(&api, job.username).await?.is_some() {
        let what = "the shadow user was deleted, and is still there";
        return Err(say(&config, FaultClass::OldStillValid, what));
    }
    Ok(Outcome::Applied)
}
