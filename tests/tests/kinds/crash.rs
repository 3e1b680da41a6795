//! kill -9 of the program at moments spread evenly over a rotation; afterwards exactly what is served opens the target.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use vault_tests::vault::Vault;

use crate::server::Server;
use crate::story::{adopted, served, until_at_rest};

/// Rotates, kills and looks, again and again; prints at which step the program died how often.
pub(crate) async fn play(server: &impl Server) {
    let mut vault = Vault::start().await.unwrap();
    server.prepare(&vault).await.unwrap();
    adopted(&vault, server, "app", "app").await;
    let whole = one_rotation(&vault).await;
    let kills = kills();
    let mut steps: BTreeMap<&'static str, u32> = BTreeMap::new();
    for kill in 0..kills {
        let before = served(&vault, "app").await;
        let lines_before = history(&vault).await.len();
        let caller = vault.caller();
        let asked = tokio::spawn(async move {
            // Nobody is left to answer.
            let _ = caller
                .call(reqwest::Method::POST, "accounts/rotate/app", Some(json!({})), vault_tests::vault::ROOT)
                .await;
        });
        tokio::time::sleep(whole * kill / kills).await;
        vault.kill().unwrap();
        asked.await.unwrap();
        vault.start_again().await.unwrap();
        let after = until_at_rest(&vault, "app").await;
        assert!(
            server.accepts(&after.username, &after.password).await.unwrap(),
            "kill {kill}: what is served is refused"
        );
        if after.version != before.version {
            assert!(
                !server.accepts(&before.username, &before.password).await.unwrap(),
                "kill {kill}: the old one works"
            );
        }
        assert_eq!(server.strangers("app").await.unwrap(), 0, "kill {kill}: credentials that nobody knows");
        *steps.entry(step(history(&vault).await.get(lines_before..).unwrap_or_default())).or_default() += 1;
    }
    let kind = server.target().unwrap()["rotator"].clone();
    let turns = if server.alternate("app").is_some() { ", taking turns" } else { "" };
    println!("{kind}{turns}: {kills} kills in a rotation of {whole:?}, at {steps:?}; credentials lost: 0");
    assert!(
        steps.keys().any(|step| *step != NOT_BEGUN && *step != ENDED),
        "no kill met a rotation: {steps:?}"
    );
}

/// How long a rotation takes here.
async fn one_rotation(vault: &Vault) -> Duration {
    let began = Instant::now();
    let answer = vault.post("accounts/rotate/app", json!({})).await.unwrap();
    assert!(answer.is_success(), "{}", answer.errors());
    began.elapsed()
}

async fn history(vault: &Vault) -> Vec<String> {
    let answer = vault.get("accounts/history/app").await.unwrap();
    let events = answer.data().unwrap()["events"].as_array().unwrap().clone();
    events.iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}

/// What was in flight when the program died: the line before the recovery tells what had been committed.
fn step(lines: &[String]) -> &'static str {
    let Some(at) = lines.iter().position(|line| line == "recovered") else {
        return if lines.is_empty() { NOT_BEGUN } else { ENDED };
    };
    match at.checked_sub(1).map(|before| lines[before].as_str()) {
        Some("started") => "prepare",
        Some("staged") => "apply",
        Some("applied") => "verify",
        Some("promoted") => "retire",
        Some("probed") => "probe",
        _ => "another step",
    }
}

fn kills() -> u32 {
    std::env::var("ROTUNDA_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

const NOT_BEGUN: &str = "not begun";
const ENDED: &str = "ended";
