//! What the first screen shows below what is broken, and what the vault did last by itself.

use rotators::fake::{Mishap, Verb};
use serde_json::json;
use vault_core::rotation::fault::FaultClass;

use super::Browser;
use super::safety::failing;
use crate::bench::Bench;
use crate::vault::seconds;

/// The part of a page with that id.
pub(super) fn part(page: &str, id: &str) -> String {
    let begun = page.split("<section ").find(|rest| rest.contains(&format!("id=\"{id}\" data-live")));
    begun.and_then(|rest| rest.split("</section>").next()).unwrap_or_default().to_owned()
}

pub(super) async fn overview(bench: &Bench) -> String {
    Browser::with_token(&bench.vault, &bench.vault.root).await.get("/ui/").await.text
}

#[tokio::test]
async fn each_open_incident_tells_what_the_vault_did_last_by_itself() {
    let (bench, id) = failing().await;
    bench.account("other", "p-1").await;
    let act = async || {
        let listed = bench.get("incidents").await.at("/data/incidents/0/last_act");
        assert_eq!(bench.get(&format!("incidents/{id}")).await.at("/data/last_act"), listed);
        listed
    };
    let first = act().await;
    assert_eq!(first["at"], bench.disk.clock_text(), "{first}");
    let said = |act: &serde_json::Value| format!("last the vault {}", act["text"].as_str().unwrap());
    assert!(part(&overview(&bench).await, "incidents").contains(&said(&first)), "{first}");
    // What people do is no act of the vault's; what is tried once more is, though the target's incident gets no line of it.
    bench.disk.clock.advance(seconds(60));
    bench.post(&format!("incidents/{id}/ack"), json!({})).await.expect_status(200);
    assert_eq!(act().await, first);
    bench.disk.clock.advance(seconds(3600));
    let lines = bench.get(&format!("incidents/{id}")).await.at("/data/events_total");
    bench.tick().await;
    let again = act().await;
    assert_eq!(again["at"], bench.disk.clock_text(), "{again}");
    let told = bench.get(&format!("incidents/{id}")).await.at("/data/events_total");
    assert_eq!(told, lines, "the failure has a line of its own: this tests nothing");
    bench.target.heal();
    bench.disk.clock.advance(seconds(3600));
    bench.tick().await;
    let closed = bench.get(&format!("incidents/{id}")).await;
    assert!(closed.at("/data/state") == "closed" && !closed.text.contains("last_act"), "{}", closed.text);
}

#[tokio::test]
async fn what_waits_for_a_person_was_stopped_by_the_vault() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.target.break_down(FaultClass::PermissionDenied);
    assert!(bench.post("accounts/rotate/app", json!({})).await.status >= 400);
    bench.rest().await;
    let act = bench.get("incidents").await.at("/data/incidents/0/last_act/kind");
    assert_eq!(act, "park");
    let row = part(&overview(&bench).await, "incidents");
    assert!(row.contains("none: it waits for a person"), "{row}");
    assert!(row.contains("last the vault stopped, so as to make nothing worse"), "{row}");
}

#[tokio::test]
async fn success_is_told_by_target_and_kind_of_target_with_the_error_budget() {
    let bench = Bench::new().await;
    for name in ["app", "bad"] {
        bench.account(name, "p-1").await;
    }
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    bench.target.break_down(FaultClass::PermissionDenied);
    assert!(bench.post("accounts/rotate/bad", json!({})).await.status >= 400);
    bench.rest().await;
    let report = bench.get("reports/rotation").await.at("/data/rotations");
    assert_eq!(report["failed"], 1, "{report}");
    let shown = part(&overview(&bench).await, "shares");
    let share = 100.0 * (1.0 - report["failure_share"].as_f64().unwrap());
    for text in [
        "99.5 % shall succeed",
        &format!("<dt>succeeded</dt><dd>{share:.1} %</dd>"),
        "<dt>budget of rotations spent</dt>",
        "overdrawn",
        "<h3 id=\"by-target\">By target, the worst first</h3>",
        "<th scope=\"row\">t</th>",
        "<th scope=\"row\">fake</th>",
    ] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    // Only so many parts, and only where that means something.
    let worst = |query: &'static str| bench.get(query);
    let none = worst("reports/rotation?by=target&worst=0").await;
    assert_eq!(none.at("/data/groups"), json!([]));
    assert_eq!(worst("reports/rotation?by=target&worst=1").await.at("/data/groups/0/name"), "t");
    for refused in ["by=month&worst=1", "worst=1", "by=target&worst=few", "by=class&max_age=1h"] {
        assert_eq!(bench.get(&format!("reports/rotation?{refused}")).await.status, 400, "{refused}");
    }
    for by in ["target", "rotator"] {
        let recent = bench.get(&format!("reports/rotation?by={by}&max_age=1h")).await;
        let asked = bench.get(&format!("reports/rotation?by={by}")).await;
        assert_eq!(recent.at("/data/groups"), asked.at("/data/groups"), "{by}");
    }
}

#[tokio::test]
async fn ages_and_leases_are_shown_as_they_were_counted() {
    let bench = Bench::new().await;
    let body = json!({ "rotation_period": "30d" });
    bench.post("rotation-policies/monthly", body).await;
    bench.account("app", "p-1").await;
    bench.post("accounts/config/app", json!({ "rotation_policy": "monthly" })).await.expect_status(200);
    bench.post("accounts/check-out/app", json!({ "reason": "r", "ttl": "1h" })).await.expect_status(200);
    let before = overview(&bench).await;
    assert!(!before.contains("id=\"aged\"") && !before.contains("id=\"leases\""), "nothing was counted");
    let engine = &bench.vault.app.engine;
    engine.count_accounts().await.unwrap();
    engine.count_dynamic().await.unwrap();
    let counted = bench.disk.clock_text();
    bench.disk.clock.advance(seconds(30));
    let standing = bench.get("reports/standing").await;
    assert_eq!(standing.at("/data/ages/as_of"), counted);
    assert_eq!(standing.at("/data/ages/buckets/0"), json!({ "from": 0.0, "to": 0.25, "accounts": 1 }));
    assert_eq!(standing.at("/data/leases/account"), json!({ "live": 1, "overdue": 0, "stuck": 0 }));
    assert_eq!(standing.at("/data/leases/dynamic"), json!({ "live": 0, "overdue": 0, "stuck": 0 }));
    let page = overview(&bench).await;
    let aged = part(&page, "aged");
    assert!(aged.contains("<svg ") && aged.contains("<summary>The same as a table</summary>"), "{aged}");
    assert!(aged.contains("<th scope=\"row\">0–0.25</th><td>1</td>") && aged.contains("30 s ago"), "{aged}");
    let without = "<dt>without a policy</dt><dd>1</dd>";
    assert!(aged.contains(without) && aged.contains("<dt>without a credential</dt><dd>0</dd>"), "{aged}");
    let accounts = part(&page, "accounts");
    assert!(accounts.contains("of accounts</th><td>1</td><td>0</td><td>0</td>"), "{accounts}");
    assert!(accounts.contains("dynamic: users made for a lease</th><td>0</td>"), "{accounts}");
    // Past its end, and nothing has begun to end it.
    bench.disk.clock.advance(seconds(3700));
    engine.count_accounts().await.unwrap();
    let late = part(&overview(&bench).await, "accounts");
    assert!(late.contains("<td>1</td><td>1 <strong>late</strong></td>"), "{late}");
    // What was counted before a seal says nothing of what is there after it.
    bench.vault.root("PUT", "sys/seal", "").await;
    bench.unseal().await;
    let none = bench.get("reports/standing").await;
    assert_eq!(none.at("/data/leases").get("as_of"), None, "{}", none.text);
    assert_eq!(none.at("/data/ages/buckets"), json!([]), "{}", none.text);
}

#[tokio::test]
async fn how_the_audit_trail_fares_is_for_who_may_read_it() {
    let (bench, _) = failing().await;
    let shown = part(&overview(&bench).await, "audit");
    let newest = bench.get("sys/audit").await;
    let line = newest.at("/data/chain~1/health/newest_line").as_u64().unwrap();
    assert!(shown.contains("chain <span class=\"sub\">file</span>"), "{shown}");
    assert!(shown.contains("data-name=\"Takes lines\">yes</td>") && shown.contains("just now"), "{shown}");
    let told = shown.split("data-name=\"Newest line\">").nth(1).and_then(|rest| rest.split(',').next());
    let told: u64 = told.unwrap().parse().unwrap();
    assert!(told > 0 && told < line, "{told} {line}");
    // Who may look at the rest is told that this is not for them, and leaves no refusal in the trail.
    let rules = r#"
        path "incidents" { capabilities = ["read"] }
        path "reports/standing" { capabilities = ["read"] }
        path "sys/audit" { capabilities = ["read"] }
    "#;
    bench.vault.policy("looks", rules).await;
    let token = bench.vault.token(r#"{"policies":["looks", "default"]}"#).await;
    let page = Browser::with_token(&bench.vault, &token).await.get("/ui/").await.text;
    let shown = part(&page, "audit");
    assert!(shown.contains("Your token may not read this.") && !shown.contains("chain"), "{shown}");
    let trail = std::fs::read_to_string(&bench.vault.app.config.audit_file).unwrap();
    let asked = trail.lines().filter(|line| line.contains("\"path\":\"sys/audit\"")).count();
    assert!(asked >= 2, "the owner's looks are in the trail: {asked}");
    let refused = |line: &&str| line.contains("\"path\":\"sys/audit\"") && line.contains("permission denied");
    assert_eq!(trail.lines().filter(refused).count(), 0);
}

/// The cells of the row of a time.
fn cells(page: &str, time: &str) -> Vec<String> {
    let row = page.split(&format!("<tr><th scope=\"row\">{time} ")).nth(1).unwrap_or_default();
    let cells = row.split("</tr>").next().unwrap_or_default().split("<td>").skip(1);
    cells.filter_map(|cell| cell.split("</td>").next()).map(str::to_owned).collect()
}

#[tokio::test]
async fn how_long_repair_takes_is_told_as_it_is_measured_and_what_is_not_over_is_marked() {
    let (bench, id) = failing().await;
    bench.disk.clock.advance(seconds(120));
    bench.post(&format!("incidents/{id}/ack"), json!({})).await.expect_status(200);
    bench.disk.clock.advance(seconds(480));
    // Consumers are served again; the old version cannot be retired yet.
    bench.target.heal();
    bench.target.always(Verb::Retire, Mishap::Fails(FaultClass::Unreachable));
    bench.post("accounts/rotate/app", json!({})).await;
    bench.rest().await;
    bench.disk.clock.advance(seconds(1200));
    let page = overview(&bench).await;
    let shown = part(&page, "report");
    // How many, of which not over; then the mean, the middle, the ninth of ten, and the longest.
    for (time, n, open, middle) in
        [("MTTA", "1", "0", "2 min"), ("MTTM", "1", "0", "10 min"), ("MTTR", "1", "1", "&#62; 30 min")]
    {
        let cells = cells(&shown, time);
        let [told_n, told_open, _, p50, p90, max] = cells.as_slice() else { panic!("{time}: {shown}") };
        assert_eq!((told_n.as_str(), told_open.as_str()), (n, open), "{time}");
        assert_eq!([p50, p90, max], [middle; 3], "{time}");
    }
    assert!(shown.contains("<dt>oldest open incident</dt><dd>30 min</dd>"), "{shown}");
    // The present month comes first.
    let report = bench.get("reports/rotation?by=month&max_age=0").await.at("/data/groups");
    let names: Vec<&str> = report.as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
    let [.., last, this] = names.as_slice() else { panic!("{names:?}") };
    let months = part(&page, "months");
    let at = |name: &str| months.find(&format!("<th scope=\"row\">{name}</th>"));
    assert!(at(this).is_some() && at(this) < at(last), "{months}");
}

#[tokio::test]
async fn buttons_are_for_what_nobody_has_and_only_those_that_need_no_thought() {
    let (bench, _) = failing().await;
    let shown = part(&overview(&bench).await, "incidents");
    assert!(shown.contains("/act/retry\">") && !shown.contains("/act/maintenance"), "{shown}");
    assert!(shown.contains(" that need a thought</a>"), "{shown}");
    bench.target.heal();
    for number in 0..6 {
        let name = format!("a{number}");
        bench.account(&name, "p-1").await;
        bench.target.next(Verb::Preflight, Mishap::Fails(FaultClass::PermissionDenied));
        bench.post(&format!("accounts/rotate/{name}"), json!({})).await.expect_status(502);
        bench.rest().await;
    }
    let listed = bench.get("incidents?state=open&order=exposure").await.at("/data/incidents");
    let ids: Vec<&str> = listed.as_array().unwrap().iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids.len(), 7);
    let row = async |id: &str| {
        let page = part(&overview(&bench).await, "incidents");
        let row = page.split("<tr role=\"row\">").find(|row| row.contains(&format!("/ui/incident/{id}\"")));
        row.unwrap_or_default().to_owned()
    };
    let is_looked_up = |row: &str| !row.contains("#do\">look</a>");
    let (last, first) = (ids[6], ids[0]);
    assert!(is_looked_up(&row(first).await) && !is_looked_up(&row(last).await), "those that press most");
    for id in &ids[..5] {
        bench.post(&format!("incidents/{id}/ack"), json!({})).await.expect_status(200);
    }
    assert!(is_looked_up(&row(last).await), "{}", row(last).await);
    let taken = row(ids[4]).await;
    assert!(!is_looked_up(&taken) && !taken.contains("not acknowledged"), "{taken}");
}

#[tokio::test]
async fn an_audit_device_that_takes_no_lines_is_marked() {
    let (bench, _) = failing().await;
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let options = json!({ "address": socket, "socket_type": "unix" });
    let device = json!({ "type": "socket", "options": options });
    bench.vault.root("PUT", "sys/audit/copy", &device.to_string()).await.expect_status(204);
    let shown = part(&overview(&bench).await, "audit");
    assert!(!shown.contains("<span class=\"badge bad\">no</span>"), "{shown}");
    drop(listener);
    std::fs::remove_file(&socket).unwrap();
    bench.get("sys/key-status").await.expect_status(200);
    let shown = part(&overview(&bench).await, "audit");
    assert_eq!(shown.matches("<span class=\"badge bad\">no</span>").count(), 1, "{shown}");
}
