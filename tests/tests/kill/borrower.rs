//! A principal who checks one account out, uses it, renews it and checks it in, against a rival.

use anyhow::Result;
use serde_json::json;

use crate::fact::{LeaseFact, LeaseState};
use crate::worker::Worker;

/// Works until the vault is dead.
pub(crate) async fn work(worker: Worker, path: String) {
    while step(&worker, &path).await.is_ok() {}
}

async fn step(worker: &Worker, path: &str) -> Result<()> {
    let open = worker.facts.note().account(path).lease_of(&worker.name);
    match open {
        None => ask(worker, path).await,
        // Asked to end it, and heard nothing: ask again, or find it over.
        Some((id, lease)) if lease.state == LeaseState::Ending => give_back(worker, path, &id, &lease).await,
        Some((id, lease)) => match worker.chance.below(4) {
            0 => renew(worker, &id).await,
            1 => {
                worker.chance.pause(1, 300).await;
                Ok(())
            }
            2 => log_in(worker, path, &id, &lease).await,
            _ => give_back(worker, path, &id, &lease).await,
        },
    }
}

async fn ask(worker: &Worker, path: &str) -> Result<()> {
    worker.chance.pause(1, 60).await;
    worker.facts.note().account(path).asking.insert(worker.name.clone());
    let body = json!({ "ttl": "1h", "reason": "to see whether it is kept" });
    let answer = worker.post(&format!("accounts/check-out/{path}"), body).await?;
    let mut noted = worker.facts.note();
    let account = noted.account(path);
    account.asking.remove(&worker.name);
    if !answer.is_success() {
        return Ok(());
    }
    let version = answer.body["data"]["version"].as_u64().unwrap_or(0);
    let lease = LeaseFact { principal: worker.name.clone(), version, state: LeaseState::Held };
    let wrong = account.handed_out(answer.text("/lease_id"), lease);
    account.learnt(version, answer.text("/data/password"));
    noted.count.check_outs += 1;
    if let Some(wrong) = wrong {
        noted.violations.push(format!("{path} was handed to {} {wrong}", worker.name));
    }
    Ok(())
}

async fn renew(worker: &Worker, id: &str) -> Result<()> {
    let answer = worker.post("sys/leases/renew", json!({ "lease_id": id, "increment": "2h" })).await?;
    if answer.is_success() {
        worker.facts.note().count.renewals += 1;
    }
    Ok(())
}

/// As long as a lease is held, what it handed out opens the target.
async fn log_in(worker: &Worker, path: &str, id: &str, lease: &LeaseFact) -> Result<()> {
    let (username, password) = {
        let mut noted = worker.facts.note();
        let account = noted.account(path);
        (account.username.clone(), account.passwords.get(&lease.version).cloned())
    };
    let Some(password) = password else { return Ok(()) };
    let accepted = worker.accepts(&username, &password).await?;
    let mut noted = worker.facts.note();
    noted.count.logins += 1;
    // An operator may have taken it away in the meantime.
    let held = noted.account(path).leases.get(id).is_some_and(|lease| lease.state == LeaseState::Held);
    if held && !accepted {
        noted.violations.push(format!("{path}: the password of the held lease {id} is refused"));
    }
    Ok(())
}

/// Once a lease is closed, what it handed out is dead.
async fn give_back(worker: &Worker, path: &str, id: &str, lease: &LeaseFact) -> Result<()> {
    let closed = worker.check_in(path, id).await?;
    if !closed {
        // Either it still ends, or it is over: the lookup tells.
        let lookup = worker.post("sys/leases/lookup", json!({ "lease_id": id })).await?;
        if lookup.is_success() {
            worker.chance.pause(5, 50).await;
            return Ok(());
        }
    }
    let dead = {
        let mut noted = worker.facts.note();
        let account = noted.account(path);
        if let Some(lease) = account.leases.get_mut(id) {
            lease.state = LeaseState::Closed;
        }
        let login = (account.username.clone(), account.passwords.get(&lease.version).cloned());
        noted.count.check_ins += u64::from(closed);
        login
    };
    let (username, Some(password)) = dead else { return Ok(()) };
    let accepted = worker.accepts(&username, &password).await?;
    let mut noted = worker.facts.note();
    noted.count.refused_logins += 1;
    if accepted {
        noted.violations.push(format!("{path}: lease {id} is closed, and its password still works"));
    }
    Ok(())
}
