//! Whose something is, and what it costs, in tables and in what is asked for.

use super::*;

async fn table(answer: &Value, words: &[&str]) -> (String, String) {
    let (outcome, asked) = against(data(answer), words).await;
    assert_eq!(outcome.err, "", "{words:?}");
    (outcome.out, asked.line)
}

#[tokio::test]
async fn a_list_says_who_has_an_incident_or_else_whose_it_is() {
    let one = |owner: Value, team: Value| {
        json!({
            "id": "i-7", "subject": "db/app", "target": "pg", "class": "drift", "phase": "check", "state": "open",
            "severity": "critical", "opened_at": "t3", "attempts": 1, "owner": owner, "team": team,
        })
    };
    let all = [
        one(json!("eve"), json!("payments")),
        one(Value::Null, json!("payments")),
        one(Value::Null, Value::Null),
    ];
    let (out, asked) = table(&json!({ "incidents": all }), &["incident", "list", "--team", "payments"]).await;
    let owners: Vec<&str> = out.lines().map(|line| line.split("  ").last().unwrap().trim()).collect();
    assert_eq!(owners, ["OWNER", "eve", "team payments", "-"], "{out}");
    assert_eq!(asked, "GET /v1/incidents/?state=open&team=payments");
    let (out, _) = table(&all[1], &["incident", "show", "i-7"]).await;
    assert!(out.contains("owner         -\nteam          payments\nacknowledged"), "{out}");
}

#[tokio::test]
async fn accounts_are_listed_by_team_and_a_status_says_whose_it_is() {
    let status =
        json!({ "target": "pg", "username": "app", "state": "idle", "version": 1, "team": "payments" });
    let (out, asked) = table(&status, &["account", "status", "db/app"]).await;
    assert!(out.contains("team") && out.contains("payments"), "{out}");
    assert!(asked.contains("accounts/status/db/app"), "{asked}");
    let listing = json!({ "keys": ["db/app"], "key_info": { "db/app": status } });
    let words = ["account", "status", "--state", "idle", "--team", "payments"];
    let (_, asked) = table(&listing, &words).await;
    assert!(asked.contains("state=idle") && asked.contains("team=payments"), "{asked}");
}

#[tokio::test]
async fn what_each_part_cost_is_a_table_of_its_own() {
    let part = |name: &str, minutes: u64, cost: Value| {
        let work = json!({ "reviewed": 2, "unreviewed": 1, "staff_minutes": minutes, "cost": cost });
        json!({ "name": name, "work": work })
    };
    let report = |parts: Value| json!({ "currency": "EUR", "left_out": 3, "groups": parts });
    let words = ["report", "rotation", "--by", "account", "--limit", "2"];
    let dear = report(json!([part("db/app", 90, json!(127.5)), part("db/b", 0, json!(0.0))]));
    let (out, asked) = table(&dear, &words).await;
    let want = "\
PART    REVIEWED  NOT REVIEWED  STAFF TIME  COST
db/app  2         1             1h30m       127.50 EUR
db/b    2         1             0s          0.00 EUR

3 more are left out: --limit
";
    assert!(out.ends_with(want), "{out}");
    assert_eq!(asked, "GET /v1/reports/rotation?by=account&limit=2");
    let (out, _) = table(&report(json!([part("db/b", 0, Value::Null)])), &words).await;
    assert!(!out.contains("STAFF TIME") && out.ends_with("3 more are left out: --limit\n"), "{out}");
}
