//! Whose accounts and targets are, as people say it in between, and when each record was seen first.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{ACCOUNTS, Dice, TARGETS, incidents, log};
use crate::bench::Bench;

/// What was said and seen so far.
#[derive(Default)]
pub(super) struct Seen {
    /// Of which team something is from which step on.
    pub(super) said: Vec<Value>,
    /// At which step a record was seen first.
    steps: BTreeMap<String, u64>,
}

impl Seen {
    /// Now and then an account or a target comes into other hands, or into nobody's.
    pub(super) async fn hand_over(&mut self, bench: &Bench, dice: &mut Dice, step: u64) {
        if dice.roll(4) > 0 {
            return;
        }
        let (of, name) = if dice.roll(4) == 0 {
            ("targets", *dice.one(&TARGETS).unwrap())
        } else {
            ("accounts", *dice.one(&ACCOUNTS).unwrap())
        };
        let team = *dice.one(&["payments", "platform", "-ops", ""]).unwrap();
        let username = if name == "t" { "manager" } else { "keeper" };
        let body = match of {
            "targets" => json!({
                "rotator": "fake", "connection_url": format!("fake://{name}"), "username": username, "team": team,
            }),
            _ => json!({ "team": team }),
        };
        let path = format!("{of}/config/{name}");
        let said = bench.post(&path, body).await;
        assert!(said.status < 300, "{path}: {}", said.text);
        bench.rest().await;
        let team = Some(team).filter(|team| !team.is_empty());
        self.said
            .push(json!({ "kind": "team", "step": step, "data": { "of": of, "name": name, "team": team } }));
    }

    /// Looks at all that there is.
    pub(super) async fn look(&mut self, bench: &Bench, step: u64) {
        let ids = incidents(bench).await.into_iter().map(|id| json!({ "id": id }));
        let (ended, tried) = (log(bench, "rotation", PAGE).await, log(bench, "attempt", PAGE).await);
        for record in ids.chain(ended).chain(tried) {
            self.steps.entry(name(&record)).or_insert(step);
        }
    }

    /// When a record was seen first.
    pub(super) fn step(&self, record: &Value) -> u64 {
        self.steps[&name(record)]
    }

    /// How many incidents are about an account that is of another team by now.
    pub(super) async fn handed_over(&self, bench: &Bench) -> usize {
        let mut count = 0;
        for id in incidents(bench).await {
            let incident = bench.get(&format!("incidents/{id}")).await.at("/data");
            let Some(account) = ACCOUNTS.iter().find(|name| incident["subject"] == **name) else { continue };
            let account = bench.get(&format!("accounts/status/{account}")).await;
            account.expect_status(200);
            count += usize::from(account.json()["data"]["team"] != incident["team"]);
        }
        count
    }
}

/// What tells a record from all others.
fn name(record: &Value) -> String {
    ["id", "rotation", "number", "ended_at", "at"].map(|key| record[key].to_string()).join(" ")
}

/// All that is in a log of a test.
const PAGE: u32 = 1000;
