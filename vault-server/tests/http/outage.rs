//! A target that is dead: one incident and one page for all accounts that fail because of it.

mod refused;

use rotators::fake::{Mishap, Verb};
use serde_json::{Value, json};
use vault_core::rotation::fault::FaultClass;

use super::bench::Bench;
use super::dashboard::Browser;
use super::vault::seconds;

const HOUR: u64 = 3600;

/// Accounts that are due in an hour, and a webhook for these accounts alone; its messages stay in their queue.
async fn bench(accounts: usize) -> Bench {
    let bench = Bench::new().await;
    bench.post("rotation-policies/hourly", json!({ "rotation_period": "1h" })).await.expect_status(204);
    for number in 0..accounts {
        let name = name(number);
        bench.target.create_account(&name, "p-1");
        let body = json!({ "target": "t", "username": name, "password": "p-1", "rotation_policy": "hourly" });
        bench.post(&format!("accounts/config/{name}"), body).await.expect_status(200);
    }
    let events = "incident.opened,incident.closed";
    for (hook, accounts) in [("all", ""), ("ours", "a0*"), ("others", "elsewhere/*")] {
        let body = json!({ "url": "http://127.0.0.1:9/", "events": events, "accounts": accounts });
        bench.post(&format!("sys/webhooks/{hook}"), body).await.expect_status(200);
    }
    // As they are when nothing is said.
    for format in ["standard", "slack"] {
        let body = json!({ "url": "http://127.0.0.1:9/", "format": format });
        bench.post(&format!("sys/webhooks/{format}"), body).await.expect_status(200);
    }
    bench
}

fn name(number: usize) -> String {
    format!("a{number:03}")
}

impl Bench {
    async fn after(&self, by: u64) {
        self.disk.clock.advance(seconds(by));
        self.tick().await;
    }

    /// What a webhook is told, in the order of the words.
    pub(crate) async fn told_to(&self, hook: &str) -> Vec<String> {
        let reply = self.get(&format!("sys/webhooks/{hook}/deliveries?state=pending")).await;
        let deliveries = reply.at("/data/deliveries");
        let mut kinds: Vec<String> = deliveries
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["type"].as_str().unwrap().to_owned())
            .collect();
        kinds.sort();
        kinds
    }

    async fn only_incident(&self) -> Value {
        let reply = self.get("incidents?state=all").await;
        assert_eq!(reply.at("/data/incidents").as_array().unwrap().len(), 1, "{}", reply.text);
        let id = reply.at("/data/incidents/0/id").as_str().unwrap().to_owned();
        self.get(&format!("incidents/{id}")).await.at("/data")
    }
}

#[tokio::test]
async fn five_hundred_accounts_on_a_dead_target_are_one_incident_and_one_page_and_all_heal_when_it_is_back() {
    const ALL: usize = 500;
    let mut bench = bench(ALL).await;
    bench.target.break_down(FaultClass::Unreachable);
    bench.after(HOUR * 2).await;
    // Those that found the target busy come in the next moments.
    for _ in 0..4 {
        bench.after(HOUR).await;
    }
    let open = bench.only_incident().await;
    let id = open["id"].as_str().unwrap().to_owned();
    assert_eq!((&open["kind"], &open["state"]), (&json!("target"), &json!("open")));
    assert_eq!((&open["class"], &open["subject"]), (&json!("unreachable"), &json!("target t")));
    assert_eq!((&open["accounts_open"], &open["accounts_total"]), (&json!(ALL), &json!(ALL)));
    is_one_row_of_the_dashboard(&bench, &id).await;
    assert_eq!(open["accounts"].as_array().unwrap().len(), 100, "the first of them");
    // Each is known to wait; few of them asked the target.
    assert!(open["attempts"].as_u64() >= Some(ALL as u64) && open["next_attempt"].is_string(), "{open}");
    assert_eq!(bench.told_to("all").await, ["incident.opened"]);
    assert_eq!(bench.told_to("ours").await, ["incident.opened"], "an account of theirs is there");
    assert_eq!(bench.told_to("others").await, [] as [&str; 0]);
    assert_eq!(bench.told_to("standard").await, ["incident.opened"], "no account tells of it by itself");
    assert_eq!(bench.told_to("slack").await, ["incident.opened"]);
    let status = bench.get("accounts/status/a150").await;
    assert_eq!((status.at("/data/incident"), status.at("/data/class")), (json!(id), json!("overdue")));

    // Page by page, each with its own attempts.
    let page = bench.get(&format!("incidents/{id}/accounts?limit=450")).await;
    assert_eq!(page.at("/data/accounts").as_array().unwrap().len(), 450);
    let next = page.at("/data/next").as_str().unwrap().to_owned();
    let rest = bench.get(&format!("incidents/{id}/accounts?after={next}")).await;
    assert_eq!(
        (rest.at("/data/accounts").as_array().unwrap().len(), rest.at("/data")["next"].clone()),
        (50, Value::Null)
    );
    let one = rest.at("/data/accounts/49");
    assert_eq!(
        (&one["account"], &one["state"], &one["class"]),
        (&json!("a499"), &json!("open"), &json!("overdue"))
    );
    assert!(one["failures"].as_array().unwrap().len() <= 2, "those alike are one: {one}");

    bench.restart().await;
    bench.target.heal();
    // As many at a time as the target takes.
    for _ in 0..100 {
        bench.after(300).await;
        if bench.get("incidents").await.at("/data/incidents") == json!([]) {
            break;
        }
    }
    let closed = bench.only_incident().await;
    assert_eq!((&closed["state"], &closed["accounts_open"]), (&json!("closed"), &json!(0)));
    assert!(closed["marks"]["t7"].is_string() && closed["marks"]["t6"].is_string(), "{closed}");
    assert_eq!(closed["attempts"].as_u64().map(|attempts| attempts >= ALL as u64), Some(true));
    assert_eq!(bench.told_to("all").await, ["incident.closed", "incident.opened"]);
    assert_eq!(bench.told_to("others").await, [] as [&str; 0]);
    for number in 0..ALL {
        assert_eq!(bench.record(&name(number)).incident, None);
    }
}

#[tokio::test]
async fn who_retries_all_retries_those_that_may_be_and_names_one_for_the_rest() {
    let bench = bench(3).await;
    bench.target.break_down(FaultClass::Unreachable);
    bench.after(HOUR * 2).await;
    let id = bench.only_incident().await["id"].as_str().unwrap().to_owned();
    let actions = bench.get(&format!("incidents/{id}/actions")).await;
    assert_eq!(actions.at("/data/actions/0/action"), "retry");
    let act = |action: &str| format!("incidents/{id}/act/{action}");
    let one_by_one = actions.at("/data/accounts");
    let fits = json!([{ "action": "retry", "safe": true, "permitted": true }]);
    assert_eq!((&one_by_one[0]["account"], &one_by_one[0]["actions"]), (&json!("a000"), &fits));
    assert_eq!(one_by_one.as_array().map(Vec::len), Some(3));
    let dry = bench.post(&act("retry"), json!({ "dry_run": true })).await;
    dry.expect_status(200);
    assert_eq!((dry.at("/data/accounts"), dry.at("/data/left_alone")), (json!(3), json!(0)));
    bench.post(&act("use_previous"), json!({})).await.expect_status(400);
    bench.post(&act("retry"), json!({ "account": "elsewhere" })).await.expect_status(404);
    bench.post(&act("unpark"), json!({ "account": "a000" })).await.expect_status(409);

    bench.target.heal();
    bench.post(&act("retry"), json!({ "account": "a000" })).await.expect_status(200);
    let open = bench.only_incident().await;
    assert_eq!((&open["accounts_open"], &open["accounts_total"]), (&json!(2), &json!(3)), "{open}");
    let rest = bench.post(&act("retry"), json!({})).await;
    rest.expect_status(202);
    assert_eq!((rest.at("/data/accounts"), rest.at("/data/left_alone")), (json!(2), json!(0)));
    bench.rest().await;
    assert_eq!(bench.only_incident().await["state"], "closed");
    bench.post(&act("retry"), json!({})).await.expect_status(409);
    let lines = bench.get(&format!("incidents/{id}/events")).await.text;
    assert!(
        lines.contains("a000: pressed retry") && lines.contains("pressed retry for 2 accounts"),
        "{lines}"
    );
}

#[tokio::test]
async fn a_refused_management_credential_is_one_incident_that_ends_when_it_is_mended() {
    let bench = bench(5).await;
    bench.target.set_password("manager", "changed outside");
    for _ in 0..3 {
        bench.after(HOUR * 2).await;
    }
    let open = bench.only_incident().await;
    assert_eq!((&open["class"], &open["accounts_open"]), (&json!("management_auth_refused"), &json!(6)));
    assert_eq!(open["next_attempt"], Value::Null, "a person must tell the password");
    assert_eq!(bench.told_to("standard").await, ["incident.opened"]);
    assert_eq!(bench.target.failed_logins("manager"), 1, "the first refusal is that of all");
    bench.configure_target(json!({ "password": "changed outside" })).await.expect_status(204);
    bench.post("targets/check/t", json!({})).await.expect_status(200);
    bench.rest().await;
    for _ in 0..3 {
        bench.after(HOUR).await;
    }
    let closed = bench.only_incident().await;
    assert_eq!((&closed["state"], &closed["accounts_total"]), (&json!("closed"), &json!(6)));
}

#[tokio::test]
async fn an_account_that_is_removed_leaves_and_the_last_one_to_leave_so_is_no_repair() {
    let bench = bench(2).await;
    bench.target.break_down(FaultClass::Unreachable);
    bench.after(HOUR * 2).await;
    bench.handed_over("accounts/config/a000").await;
    let open = bench.only_incident().await;
    assert_eq!((&open["state"], &open["accounts"]), (&json!("open"), &json!(["a001"])));
    bench.handed_over("accounts/config/a001").await;
    let closed = bench.only_incident().await;
    assert_eq!((&closed["state"], &closed["marks"]["t7"]), (&json!("closed"), &Value::Null));
    assert_eq!(closed["events"].as_array().unwrap().last().unwrap()["kind"], "dissolved");
}

#[tokio::test]
async fn silences_of_accounts_hold_the_page_of_a_target_while_they_cover_all_that_is_beneath_it() {
    let bench = bench(2).await;
    let silence = json!({ "accounts": "a000", "for": "10h", "reason": "r" });
    bench.post("silences", silence).await.expect_status(200);
    bench.target.break_down(FaultClass::Unreachable);
    bench.post("accounts/rotate/a000", json!({})).await.expect_status(502);
    assert_eq!(bench.told_to("all").await, [] as [&str; 0]);
    assert_eq!(bench.get("incidents").await.at("/data/incidents/0/silenced/reason"), "r");
    bench.post("accounts/rotate/a001", json!({})).await.expect_status(502);
    assert_eq!(bench.told_to("all").await, ["incident.opened"]);
    assert_eq!(bench.get("incidents").await.at("/data/incidents/0")["silenced"], Value::Null);
    bench.target.heal();
    for number in 0..2 {
        bench.post(&format!("accounts/rotate/{}", name(number)), json!({})).await.expect_status(200);
    }
    assert_eq!(bench.told_to("all").await, ["incident.closed", "incident.opened"]);
}

#[tokio::test]
async fn an_outage_after_all_were_served_again_is_another_page() {
    let bench = bench(2).await;
    bench.target.break_down(FaultClass::Unreachable);
    bench.post("accounts/rotate/a000", json!({})).await.expect_status(502);
    bench.rest().await;
    bench.target.heal();
    // Promoted; its old version cannot be retired yet.
    bench.target.always(Verb::Retire, Mishap::Fails(FaultClass::Unreachable));
    bench.post("accounts/rotate/a000", json!({})).await;
    bench.rest().await;
    let open = bench.only_incident().await;
    assert!(open["marks"]["t6"].is_string() && open["state"] == "open", "{open}");
    let id = open["id"].as_str().unwrap().to_owned();
    bench.post(&format!("incidents/{id}/ack"), json!({})).await.expect_status(200);
    assert_eq!(bench.told_to("all").await, ["incident.opened"]);
    bench.target.break_down(FaultClass::Unreachable);
    bench.post("accounts/rotate/a001", json!({})).await.expect_status(502);
    bench.rest().await;
    assert_eq!(bench.told_to("all").await, ["incident.opened", "incident.opened"]);
    let open = bench.only_incident().await;
    assert_eq!((&open["accounts_open"], &open["marks"]["t6"]), (&json!(2), &Value::Null));
    let metrics = bench.get("sys/metrics").await.text;
    let opened = r#"vault_rotation_incidents_opened_total{class="unreachable",severity="error"} 1"#;
    assert!(metrics.lines().any(|line| line == opened), "it was open all the time: {metrics}");
    let before = open["marks"]["t5"].clone();
    bench.post(&format!("incidents/{id}/ack"), json!({})).await.expect_status(200);
    let open = bench.only_incident().await;
    assert_eq!(open["marks"]["t5"], before, "the first who took it counts");
}

/// With the number of those beneath it, and the first of them by name.
async fn is_one_row_of_the_dashboard(bench: &Bench, id: &str) {
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let page = browser.get("/ui/").await.text;
    assert!(page.contains("500 accounts beneath it"), "{page}");
    let page = browser.get(&format!("/ui/incident/{id}")).await.text;
    for text in [r#"href="/ui/accounts?q=a049">a049</a>"#, "and 450 more", "<dd>500</dd>"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains(">a050<"), "{page}");
}
