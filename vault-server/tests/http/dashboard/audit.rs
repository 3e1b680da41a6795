//! Search in the audit trail: by the API and in the browser.

use serde_json::{Value, json};

use super::Browser;
use crate::bench::Bench;
use crate::vault::Reply;

async fn search(bench: &Bench, asked: Value) -> Reply {
    bench.post("sys/audit-search", asked).await
}

fn lines(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.status, 200, "{}", reply.text);
    let lines = reply.at("/data/lines");
    lines
        .as_array()
        .unwrap()
        .iter()
        .map(|line| serde_json::from_str(line.as_str().unwrap()).unwrap())
        .collect()
}

#[tokio::test]
async fn lines_are_found_by_what_they_say_the_newest_first() {
    let bench = Bench::new().await;
    bench.account("db/app", "p-1").await;
    bench.account("other", "p-2").await;
    let ada = bench.vault.token(r#"{"policies":["default"],"display_name":"ada"}"#).await;
    bench.vault.call("GET", "accounts/creds/db/app", &ada, "").await.expect_status(403);
    bench.get("accounts/creds/db/app").await.expect_status(200);

    let of = lines(&search(&bench, json!({ "path": "db/app", "type": "response" })).await);
    assert!(of.iter().all(|line| line["request"]["path"].as_str().unwrap().ends_with("/db/app")), "{of:?}");
    assert_eq!(of[0]["request"]["path"], "accounts/creds/db/app");
    let numbers: Vec<u64> = of.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted_by(|one, other| one > other) && numbers.len() >= 2, "{numbers:?}");
    let refused = lines(&search(&bench, json!({ "principal": "ADA", "outcome": "failed" })).await);
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0]["request"]["path"], "accounts/creds/db/app");
    let by_vault = lines(&search(&bench, json!({ "type": "system", "path": "other" })).await);
    assert!(by_vault.iter().all(|line| line["system"]["path"] == "accounts/other"), "{by_vault:?}");

    // A token is found by its digest, and is neither in the trail nor in the answer.
    let found = search(&bench, json!({ "value": ada })).await;
    assert!(!lines(&found).is_empty() && !found.text.contains(&ada), "{}", found.text);
    assert!(lines(&search(&bench, json!({ "value": "nobody's token" })).await).is_empty());
    let trail = std::fs::read_to_string(&bench.disk.config.audit_file).unwrap();
    assert!(!trail.contains(&ada) && trail.contains("\"principal\":\"ADA\""));
    let nothing = search(&bench, json!({ "to": "2001-01-01T00:00:00Z" })).await;
    assert_eq!((lines(&nothing).len(), nothing.at("/data/next")), (0, Value::Null));
    for odd in [
        json!({ "outcome": "odd" }),
        json!({ "type": "odd" }),
        json!({ "limit": 0 }),
        json!({ "limit": 201 }),
        json!({ "cursor": "odd" }),
        json!({ "from": "odd" }),
    ] {
        assert_eq!(search(&bench, odd.clone()).await.status, 400, "{odd}");
    }
}

#[tokio::test]
async fn a_search_goes_on_and_says_when_another_file_was_begun() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    let first = search(&bench, json!({ "limit": 3 })).await;
    let mut seen: Vec<u64> = lines(&first).iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    let mut next = first.at("/data/next");
    assert!(next.is_string(), "{}", first.text);
    let cursor = next.clone();
    while let Some(cursor) = next.as_str() {
        let reply = search(&bench, json!({ "limit": 3, "cursor": cursor })).await;
        seen.extend(lines(&reply).iter().map(|line| line["seq"].as_u64().unwrap()));
        next = reply.at("/data/next");
    }
    let want: Vec<u64> = (1..=seen[0]).rev().collect();
    assert_eq!(seen, want, "each line once");
    let moved = bench.disk.dir.path().join("moved.log");
    std::fs::rename(&bench.disk.config.audit_file, moved).unwrap();
    bench.vault.app.audit.reopen(vault_core::clock::Clock::now(&*bench.disk.clock)).unwrap();
    let reply = search(&bench, json!({ "limit": 3, "cursor": cursor })).await;
    assert_eq!(reply.status, 409, "{}", reply.text);
}

#[tokio::test]
async fn the_page_finds_what_its_form_asks_for_and_shows_no_value() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let page = browser.post("/ui/audit", &[("path", "app"), ("type", "response")]).await;
    assert_eq!(page.status, 200, "{}", page.text);
    for text in ["accounts/config/app", "Newest line", "rotunda audit verify", "value=\"app\""] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    let root = bench.vault.root.clone();
    let by_value = browser.post("/ui/audit", &[("value", &root)]).await;
    assert!(by_value.status == 200 && by_value.text.contains("hmac-sha256:"), "{}", by_value.text);
    assert!(!by_value.text.contains(&root));
    let older = browser.get("/ui/audit?type=response").await.text;
    assert!(older.contains("lines were looked at"), "{older}");
    let none = browser.get("/ui/audit?path=nowhere").await.text;
    assert!(none.contains("None of these fits"), "{none}");

    // The right is one of its own.
    bench.vault.policy("most", r#"path "sys/audit*" { capabilities = ["update", "read"] }"#).await;
    let token = bench.vault.token(r#"{"policies":["most"]}"#).await;
    let most = Browser::with_token(&bench.vault, &token).await;
    let page = most.get("/ui/audit").await;
    assert_eq!(page.status, 403);
    assert!(
        page.text.contains("Your token may not read this.") && !page.text.contains("Newest line"),
        "{}",
        page.text
    );
}
