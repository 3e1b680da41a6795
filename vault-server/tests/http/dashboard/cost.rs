//! Whose what is broken is, and what it costs, as pages show it.

use rotators::fake::{Mishap, Verb};
use serde_json::json;
use vault_core::rotation::fault::FaultClass;
use vault_server::config::Reports;

use super::Browser;
use crate::bench::Bench;
use crate::vault::Disk;

#[tokio::test]
async fn what_nobody_has_is_for_its_team() {
    let bench = Bench::new().await;
    bench.configure_target(json!({ "team": "platform" })).await.expect_status(204);
    bench.account("app", "p-1").await;
    bench.target.break_down(FaultClass::Unreachable);
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    bench.rest().await;
    let id = bench.get("incidents").await.at("/data/incidents/0/id").as_str().unwrap().to_owned();
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let row = async || {
        let page = browser.get("/ui/").await.text;
        page.split("data-name=\"Who has it\">").nth(1).unwrap().split("</td>").next().unwrap().to_owned()
    };
    assert!(row().await.contains("team platform"), "{}", row().await);
    for (page, text) in [
        (format!("/ui/incident/{id}"), "<dt>Team</dt><dd>platform</dd>"),
        ("/ui/targets/t".to_owned(), "<dt>Team</dt><dd>platform</dd>"),
        ("/ui/accounts".to_owned(), "app on t, team platform"),
    ] {
        let shown = browser.get(&page).await.text;
        assert!(shown.contains(text), "{page}: {shown}");
    }
    bench.post(&format!("incidents/{id}/assign"), json!({ "owner": "night shift" })).await.expect_status(200);
    let taken = row().await;
    assert!(taken.contains("night shift") && !taken.contains("platform"), "{taken}");
}

/// A vault with reviewed incidents of two accounts.
async fn costly() -> Bench {
    let mut disk = Disk::new();
    disk.config.reports = Reports { hourly_cost: Some(8_500), currency: Some("EUR".to_owned()) };
    let bench = Bench::on(disk).await;
    bench.configure_target(json!({ "team": "platform" })).await.expect_status(204);
    for (account, staff_minutes) in [("db/app", 90), ("db/batch", 30)] {
        bench.account(account, "p-1").await;
        bench.target.next(Verb::Preflight, Mishap::Fails(FaultClass::PermissionDenied));
        bench.post(&format!("accounts/rotate/{account}"), json!({})).await;
        bench.rest().await;
        let status = bench.get(&format!("accounts/status/{account}")).await;
        let id = status.at("/data/incident").as_str().unwrap().to_owned();
        bench.post(&format!("incidents/{id}/act/unpark"), json!({})).await.expect_status(200);
        bench.rest().await;
        let review = json!({ "cause": "permission", "text": "a grant", "staff_minutes": staff_minutes });
        bench.post(&format!("incidents/{id}/review"), review).await.expect_status(200);
    }
    bench
}

#[tokio::test]
async fn the_reports_show_hours_and_cost_by_month_and_the_costly_credentials() {
    let bench = costly().await;
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let page = browser.get("/ui/reports").await.text;
    assert_eq!(page.matches("<svg ").count(), page.matches("<details ").count(), "{page}");
    let month = bench.disk.clock_text().get(..7).unwrap().to_owned();
    for text in [
        &format!(
            r#"<tr><th scope="row">{month}</th><td>2.0</td><td>170.00 EUR</td><td>2</td><td>0</td></tr>"#
        ),
        r#"<tr><th scope="row" class="path">db/app</th><td>1.5</td><td>127.50 EUR</td><td>1</td><td>0</td></tr>"#,
        "db/app: 1.5 h, 127.50 EUR. db/batch: 0.5 h, 42.50 EUR",
        "<h3 id=\"by-team\">By team</h3>",
        "<tr><th scope=\"row\">platform</th>",
        "report=costly&#38;format=csv",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let file = browser.get("/ui/reports/download?report=costly&format=csv").await.text;
    assert!(file.contains("\r\npart,db/app,") && file.contains(",90,127.5,EUR,"), "{file}");

    // Whoever may read the report and one of the accounts sees that one.
    let policy = r#"path "reports/rotation" { capabilities = ["read"] } path "accounts/status/db/batch" { capabilities = ["read"] }"#;
    bench.vault.policy("some", policy).await;
    let token = bench.vault.token(r#"{"policies":["some"]}"#).await;
    let some = Browser::with_token(&bench.vault, &token).await;
    let page = some.get("/ui/reports").await.text;
    assert!(page.contains("db/batch") && !page.contains("db/app"), "{page}");
    assert!(page.contains("<td>2.0</td><td>170.00 EUR</td>"), "{page}");
}

#[tokio::test]
async fn the_page_says_how_many_credentials_it_leaves_out_and_asks_for_all_of_it_at_once() {
    let bench = costly().await;
    for account in 0..11 {
        bench.account(&format!("quiet/{account}"), "p-1").await;
        bench.post(&format!("accounts/rotate/quiet/{account}"), json!({})).await.expect_status(200);
        bench.rest().await;
    }
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let entries = || {
        let audit = std::fs::read_to_string(&bench.vault.app.config.audit_file).unwrap();
        audit.matches("\"reports/rotation\"").count()
    };
    let before = entries();
    bench.get("reports/rotation").await.expect_status(200);
    let each = entries() - before;
    let page = browser.get("/ui/reports").await.text;
    assert!(page.contains("3 more are not shown here."), "{page}");
    assert!(each > 0 && entries() == before + 2 * each, "{each} and {}", entries() - before);
    let file = browser.get("/ui/reports/download?report=costly&format=csv").await.text;
    assert_eq!(file.matches("\r\npart,").count(), 13, "{file}");
    assert!(!file.contains("left_out"), "{file}");
}

#[tokio::test]
async fn where_no_price_is_known_hours_are_told_and_how_to_set_one() {
    let bench = Bench::new().await;
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let page = browser.get("/ui/reports").await.text;
    assert!(page.contains("<code>reports.hourly_cost</code>"), "{page}");
    assert!(page.contains("None that you may read took any work that was written down."), "{page}");
    assert!(page.contains("<td>0.0</td><td>–</td><td>0</td><td>0</td>"), "{page}");
}
