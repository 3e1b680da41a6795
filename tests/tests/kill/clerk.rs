//! One who writes policies, rotation and password policies and account settings, and makes and ends tokens.

use anyhow::Result;
use serde_json::json;

use crate::fact::TokenFact;
use crate::worker::Worker;

/// Works until the vault is dead. Nobody else writes what this one writes.
pub(crate) async fn work(worker: Worker, account: String, username: String) {
    while step(&worker, &account, &username).await.is_ok() {}
}

async fn step(worker: &Worker, account: &str, username: &str) -> Result<()> {
    worker.chance.pause(1, 20).await;
    let (name, number) = (&worker.name, worker.chance.below(1_000_000));
    let slot = worker.chance.below(4);
    match worker.chance.below(8) {
        0 => worker.write(&format!("sys/policies/acl/{name}-{slot}"), None).await,
        1 | 2 => {
            let text = format!("path \"accounts/creds/{number}\" {{ capabilities = [\"read\"] }}");
            let body = json!({ "policy": text });
            worker.write(&format!("sys/policies/acl/{name}-{slot}"), Some(body)).await
        }
        3 => {
            let body = json!({ "rotation_period": 3600 + number, "retries": slot });
            worker.write(&format!("rotation-policies/{name}-{slot}"), Some(body)).await
        }
        4 => {
            let text = format!("length = {}\nrule \"charset\" {{ charset = \"abcdef{number}\" }}", 20 + slot);
            worker.write(&format!("password-policies/{name}-{slot}"), Some(json!({ "policy": text }))).await
        }
        5 => {
            let body = json!({ "target": "pg", "username": username, "max_ttl": 7200 + number });
            worker.write(&format!("accounts/config/{account}"), Some(body)).await
        }
        6 => make_token(worker).await,
        _ => revoke_token(worker).await,
    }
}

async fn make_token(worker: &Worker) -> Result<()> {
    let body = json!({ "policies": ["default"], "display_name": worker.name, "ttl": "2h" });
    let answer = worker.post("auth/token/create", body).await?;
    if answer.is_success() {
        let mut noted = worker.facts.note();
        noted.count.tokens += 1;
        noted.tokens.insert(answer.text("/auth/client_token").to_owned(), TokenFact::Live);
    }
    Ok(())
}

async fn revoke_token(worker: &Worker) -> Result<()> {
    let token = {
        let mut noted = worker.facts.note();
        let live = noted.tokens.iter_mut().find(|(_, fact)| **fact == TokenFact::Live);
        let Some((token, fact)) = live else { return Ok(()) };
        *fact = TokenFact::Ending;
        token.clone()
    };
    let answer = worker.post("auth/token/revoke", json!({ "token": token })).await?;
    if answer.is_success() {
        let mut noted = worker.facts.note();
        noted.count.tokens += 1;
        noted.tokens.insert(token, TokenFact::Revoked);
    }
    Ok(())
}
