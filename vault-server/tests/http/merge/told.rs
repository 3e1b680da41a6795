//! What is told of merged incidents: no message is lost, however many one commit comes to.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use vault_core::incident::merge::BENEATH_MAX;
use vault_core::webhook::WEBHOOKS_MAX;

use super::{fail, merge};
use crate::bench::Bench;
use crate::webhook::deliver;

/// A webhook that nobody answers.
pub(super) async fn hook(bench: &Bench, name: &str, more: Value) {
    let mut body = json!({ "url": "http://127.0.0.1:9/", "rate_limit": 0, "retry_base": "1h" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    bench.post(&format!("sys/webhooks/{name}"), body).await.expect_status(200);
}

/// The ids of the messages of a kind that a webhook has.
async fn messages(bench: &Bench, hook: &str, kind: &str) -> BTreeSet<String> {
    let all = bench.get(&format!("sys/webhooks/{hook}/deliveries")).await.at("/data/deliveries");
    let of_kind = all.as_array().unwrap().iter().filter(|one| one["type"] == kind);
    of_kind.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

pub(super) async fn told(bench: &Bench, hook: &str, kind: &str) -> usize {
    messages(bench, hook, kind).await.len()
}

#[tokio::test]
async fn who_takes_an_incident_with_many_beneath_it_has_every_receiver_told_of_each_also_after_a_crash() {
    let (mut bench, mut ids) = (Bench::new().await, Vec::new());
    for number in 0..=BENEATH_MAX {
        let name = format!("a{number:02}");
        bench.account(&name, "p-1").await;
        ids.push(fail(&bench, &name).await);
    }
    let (survivor, others) = ids.split_first().unwrap();
    for one in others {
        merge(&bench, one, survivor).await.expect_status(200);
    }
    let hooks: Vec<String> = (0..WEBHOOKS_MAX).map(|number| format!("w{number:02}")).collect();
    for name in &hooks {
        hook(&bench, name, json!({ "events": "incident.acknowledged" })).await;
    }
    bench.post(&format!("incidents/{survivor}/ack"), json!({})).await.expect_status(200);
    bench.restart().await;
    deliver(&bench);
    for name in &hooks {
        let mut count = 0;
        for _ in 0..500 {
            count = told(&bench, name, "incident.acknowledged").await;
            if count == ids.len() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(count, ids.len(), "{name}: the one that stands for all, and each beneath it");
    }
}
