//! After a restart: waits until every account is at rest, and compares what is there with what was
//! acknowledged. What was sent without an answer may have happened or not, as a whole.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fact::{AccountFacts, Facts, LeaseFact, LeaseState, TokenFact};
use crate::round::{Game, millis};
use crate::worker::Worker;

/// Compares everything; what is wrong is noted as a violation.
pub(crate) async fn everything(game: &Game) {
    let worker = game.root("check");
    rest(&worker).await.unwrap();
    let paths: Vec<String> = worker.facts.note().accounts.keys().cloned().collect();
    for path in paths {
        account(&worker, &path).await.unwrap();
    }
    target(&worker).await.unwrap();
    writes(&worker).await.unwrap();
    tokens(&worker).await.unwrap();
    incidents(&worker).await.unwrap();
    let integrity = worker.post("sys/integrity/verify", json!({})).await.unwrap();
    if integrity.body["data"]["ok"] != json!(true) {
        worker.facts.violation(format!("sys/integrity/verify: {}", integrity.body));
    }
    audit(game);
}

/// The program has said nothing about a panic or a lost line.
pub(crate) fn log_is_calm(game: &Game) {
    let log = game.vault.log();
    for word in ["a panic", "lines were lost", "is missing from the audit trail", "does not hold"] {
        assert!(!log.contains(word), "the program said: {log}");
    }
}

/// Waits, bounded, until nothing is in motion; counts what was in motion at first.
async fn rest(worker: &Worker) -> Result<()> {
    let began = Instant::now();
    let mut first = true;
    loop {
        let statuses = worker.get("accounts/status").await?;
        let target = worker.get("targets/status/pg").await?;
        let info = statuses.body["data"]["key_info"].as_object().cloned().unwrap_or_default();
        let moving: Vec<(&String, &Value)> =
            info.iter().filter(|(_, status)| status["state"] != json!("idle")).collect();
        let management_moves = target.body["data"]["state"] != json!("idle");
        if std::mem::take(&mut first) {
            worker.facts.note().count.in_flight += moving.len() as u64 + u64::from(management_moves);
        }
        if moving.is_empty() && !management_moves {
            let mut noted = worker.facts.note();
            noted.count.rest_max = noted.count.rest_max.max(millis(began.elapsed()));
            return Ok(());
        }
        ensure!(
            began.elapsed() < REST_MAX,
            "not at rest after {REST_MAX:?}: {moving:?}, target: {}",
            target.body["data"]
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn account(worker: &Worker, path: &str) -> Result<()> {
    let status = worker.get(&format!("accounts/status/{path}")).await?;
    let credential = worker.get(&format!("accounts/creds/{path}")).await?;
    let (status, credential) = (status.data()?, credential.data()?);
    let version = credential["version"].as_u64().unwrap_or(0);
    let password = credential["password"].as_str().unwrap_or_default();
    let holder = &status["holder"];
    let (username, expected) = {
        let mut noted = worker.facts.note();
        let account = noted.account(path);
        account.forcing = false;
        (account.username.clone(), account.version)
    };
    if version < expected || status["version"] != json!(version) {
        let text = format!("{path}: {expected} was acknowledged, now there is {version}: {status}");
        worker.facts.violation(text);
    }
    if !worker.accepts(&username, password).await? {
        worker.facts.violation(format!("{path}: the stored credential {version} is refused: {status}"));
    }
    leases(worker, path, holder, version).await?;
    let older = {
        let mut noted = worker.facts.note();
        noted.count.logins += 1;
        let account = noted.account(path);
        account.asking.clear();
        account.learnt(version, password);
        // The newest few suffice: a password that was refused once stays refused.
        while account.passwords.len() > PASSWORDS_KEPT {
            account.passwords.pop_first();
        }
        account.passwords.clone()
    };
    for (old, password) in older.range(..version) {
        if worker.accepts(&username, password).await? {
            worker.facts.violation(format!("{path}: version {old} still works besides {version}"));
        }
    }
    worker.facts.note().count.refused_logins += older.range(..version).count() as u64;
    Ok(())
}

/// Compares who holds the account with who was told to.
async fn leases(worker: &Worker, path: &str, holder: &Value, version: u64) -> Result<()> {
    let open = holder["lease_id"].as_str().unwrap_or_default();
    let facts: Vec<(String, LeaseFact)> = {
        let mut noted = worker.facts.note();
        let account = noted.account(path);
        settle(account, open);
        account.leases.iter().map(|(id, lease)| (id.clone(), lease.clone())).collect()
    };
    for (id, lease) in &facts {
        let lookup = worker.vault.call(
            Method::POST,
            "sys/leases/lookup",
            Some(json!({ "lease_id": id })),
            &worker.token,
        );
        let found = lookup.await?;
        let active = found.is_success() && found.text("/data/state") == "active";
        match lease.state {
            LeaseState::Held if !active || id != open => {
                let text = format!("{path}: the held lease {id} is gone: {} {holder}", found.body);
                worker.facts.violation(text);
            }
            LeaseState::Held if lease.version != version => {
                worker.facts.violation(format!("{path}: {version} is current under the held lease {id}"));
            }
            LeaseState::Held => worker.facts.note().count.lent_over_kill += 1,
            LeaseState::Closed if found.is_success() => {
                worker.facts.violation(format!("{path}: the closed lease {id} is there: {}", found.body));
            }
            LeaseState::Ending | LeaseState::Closed => {}
        }
    }
    if !open.is_empty() && !facts.iter().any(|(id, _)| id == open) {
        adopt(&worker.facts, path, holder, version);
    }
    // Closed for good: need not be asked for again and again.
    let mut noted = worker.facts.note();
    noted.account(path).leases.retain(|_, lease| lease.state != LeaseState::Closed);
    Ok(())
}

/// At rest a lease whose end was asked for is either still held, as if nobody had asked, or closed.
fn settle(account: &mut AccountFacts, open: &str) {
    for (id, lease) in &mut account.leases {
        if lease.state == LeaseState::Ending {
            lease.state = if id == open { LeaseState::Held } else { LeaseState::Closed };
        }
    }
}

/// A lease that nobody was told of: right only for one whose check-out was under way.
fn adopt(facts: &Facts, path: &str, holder: &Value, version: u64) {
    let principal = holder["principal"].as_str().unwrap_or_default();
    let id = holder["lease_id"].as_str().unwrap_or_default().to_owned();
    let mut noted = facts.note();
    let account = noted.account(path);
    // A principal's name carries how it logged in.
    let asker = account.asking.iter().find(|name| principal.ends_with(name.as_str())).cloned();
    match asker {
        Some(principal) => {
            account.leases.insert(id, LeaseFact { principal, version, state: LeaseState::Held });
        }
        None => noted.violations.push(format!("{path} is held by somebody who did not ask: {holder}")),
    }
}

/// The management credential: not older than acknowledged, and it logs in and may do its work.
async fn target(worker: &Worker) -> Result<()> {
    let status = worker.get("targets/status/pg").await?;
    let version = status.data()?["version"].as_u64().unwrap_or(0);
    let expected = worker.facts.note().management;
    if version < expected {
        worker.facts.violation(format!("the management credential went back from {expected} to {version}"));
    }
    let checked = worker.post("targets/check/pg", json!({})).await?;
    if !checked.is_success() {
        worker.facts.violation(format!("the management credential does not work: {}", checked.body));
    }
    let mut noted = worker.facts.note();
    noted.count.logins += 1;
    noted.management = version;
    Ok(())
}

/// Each record is as acknowledged last, or as what was sent since then.
async fn writes(worker: &Worker) -> Result<()> {
    let paths: Vec<String> = worker.facts.note().writes.keys().cloned().collect();
    for path in paths {
        let found = worker.vault.call(Method::GET, &path, None, &worker.token).await?;
        ensure!(found.is_success() || found.status == 404, "{path}: {} {}", found.status, found.body);
        let found = found.is_success().then(|| found.body["data"].clone());
        let mut noted = worker.facts.note();
        let Some(written) = noted.writes.get_mut(&path) else { continue };
        let candidates = [Some(&written.value), written.sent.as_ref()];
        let matching = candidates.into_iter().flatten().find(|value| same(value.as_ref(), found.as_ref()));
        match matching.cloned() {
            Some(value) => (written.value, written.sent) = (value, None),
            None => {
                let text = format!("{path}: {:?} was acknowledged, {found:?} is there", written.value);
                noted.violations.push(text);
            }
        }
    }
    Ok(())
}

/// Whether what was read holds every field that was written.
fn same(written: Option<&Value>, read: Option<&Value>) -> bool {
    match (written.and_then(Value::as_object), read) {
        (None, None) => true,
        (Some(written), Some(read)) => written.iter().all(|(field, value)| read[field] == *value),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Tokens that were acknowledged live; those that were acknowledged revoked do not.
async fn tokens(worker: &Worker) -> Result<()> {
    let tokens: Vec<(String, TokenFact)> =
        worker.facts.note().tokens.iter().map(|(token, fact)| (token.clone(), *fact)).collect();
    for (token, fact) in tokens {
        let lives =
            worker.vault.call(Method::GET, "auth/token/lookup-self", None, &token).await?.is_success();
        let mut noted = worker.facts.note();
        match (fact, lives) {
            (TokenFact::Live, false) => noted.violations.push("a token that was made is gone".to_owned()),
            (TokenFact::Revoked, true) => noted.violations.push("a revoked token lives".to_owned()),
            (_, true) => {
                noted.tokens.insert(token, TokenFact::Live);
            }
            (_, false) => {
                noted.tokens.remove(&token);
            }
        }
    }
    Ok(())
}

/// The target was well all the time, so nothing may be left open.
async fn incidents(worker: &Worker) -> Result<()> {
    let all = worker.get("incidents?state=all").await?;
    let all = all.data()?["incidents"].as_array().cloned().unwrap_or_default();
    let mut noted = worker.facts.note();
    noted.count.incidents = all.len() as u64;
    for incident in all {
        if incident["state"] != json!("closed") {
            noted.violations.push(format!("an incident is open: {incident}"));
        }
    }
    Ok(())
}

/// The chain is whole, and every answer that came stands in it.
fn audit(game: &Game) {
    if !game.vault.audit_is_intact().unwrap() {
        game.facts.violation("the audit file does not verify".to_owned());
    }
    let mut noted = game.facts.note();
    let mut file = File::open(game.vault.audit_file()).unwrap();
    file.seek(SeekFrom::Start(noted.audit_read)).unwrap();
    let mut text = Vec::new();
    noted.audit_read += file.read_to_end(&mut text).unwrap() as u64;
    let mut responses = BTreeSet::new();
    // A line that a kill cut short is no JSON, and nobody got its answer.
    for line in text.split(|byte| *byte == b'\n') {
        let Ok(entry) = serde_json::from_slice::<Value>(line) else { continue };
        if entry["type"] == json!("response") {
            responses.insert(entry["request"]["id"].as_str().unwrap_or_default().to_owned());
        }
    }
    for id in std::mem::take(&mut noted.answered) {
        if responses.contains(&id) {
            noted.count.audited += 1;
        } else {
            noted.violations.push(format!("the answer to request {id} is not in the audit file"));
        }
    }
}

/// The longest that accounts may take to come to rest after a restart. A call that was cut off can hold the
/// server's side of a role for a moment; the retry then comes after a back-off.
const REST_MAX: Duration = Duration::from_secs(90);
/// How many passwords of an account are tried after a restart.
const PASSWORDS_KEPT: usize = 6;
