//! Those who rotate: one for each account, and one for the management credential.

use anyhow::Result;
use serde_json::json;

use crate::worker::Worker;

/// Rotates, reads and verifies one account until the vault is dead.
pub(crate) async fn work(worker: Worker, path: String) {
    while step(&worker, &path).await.is_ok() {}
}

async fn step(worker: &Worker, path: &str) -> Result<()> {
    worker.chance.pause(1, 120).await;
    match worker.chance.below(6) {
        0 | 1 => read(worker, path).await,
        2 => {
            let answer = worker.post(&format!("accounts/verify/{path}"), json!({})).await?;
            let version = answer.body["data"]["version"].as_u64().unwrap_or(0);
            worker.facts.note().account(path).saw(version);
            Ok(())
        }
        3 if worker.chance.once_in(3) => {
            // Takes it from whoever holds it.
            let mark = |forcing| {
                let mut noted = worker.facts.note();
                let account = noted.account(path);
                account.ending(None);
                account.forcing = forcing;
            };
            mark(true);
            rotate(worker, path, true).await?;
            mark(false);
            Ok(())
        }
        _ => rotate(worker, path, false).await,
    }
}

async fn read(worker: &Worker, path: &str) -> Result<()> {
    let before = worker.facts.note().account(path).version;
    let answer = worker.get(&format!("accounts/creds/{path}")).await?;
    if !answer.is_success() {
        return Ok(());
    }
    let version = answer.body["data"]["version"].as_u64().unwrap_or(0);
    let mut noted = worker.facts.note();
    noted.count.reads += 1;
    noted.account(path).learnt(version, answer.text("/data/password"));
    if version < before {
        noted.violations.push(format!("{path}: version {version} was read after {before} was acknowledged"));
    }
    Ok(())
}

async fn rotate(worker: &Worker, path: &str, force: bool) -> Result<()> {
    let answer = worker.post(&format!("accounts/rotate/{path}"), json!({ "force": force })).await?;
    if answer.status != 200 {
        return Ok(());
    }
    let version = answer.body["data"]["version"].as_u64().unwrap_or(0);
    let old = {
        let mut noted = worker.facts.note();
        noted.count.rotations += 1;
        let account = noted.account(path);
        account.saw(version);
        if force {
            account.forced = account.forced.max(version);
        }
        let old = account.passwords.range(..version).next_back().map(|(_, password)| password.clone());
        old.map(|password| (account.username.clone(), password))
    };
    let Some((username, password)) = old else { return Ok(()) };
    let accepted = worker.accepts(&username, &password).await?;
    let mut noted = worker.facts.note();
    noted.count.refused_logins += 1;
    if accepted {
        noted.violations.push(format!("{path}: rotated to {version}, and an older password still works"));
    }
    Ok(())
}

/// Rotates the management credential now and then until the vault is dead.
pub(crate) async fn manage(worker: Worker) {
    while management(&worker).await.is_ok() {}
}

async fn management(worker: &Worker) -> Result<()> {
    worker.chance.pause(50, 700).await;
    let answer = worker.post("targets/rotate/pg", json!({})).await?;
    if answer.status == 200 {
        let version = answer.body["data"]["version"].as_u64().unwrap_or(0);
        let mut noted = worker.facts.note();
        noted.count.management_rotations += 1;
        noted.management = noted.management.max(version);
    }
    Ok(())
}
