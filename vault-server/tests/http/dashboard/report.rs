//! The reports in the browser: plots, the tables behind them, and files to take along.

use serde_json::json;

use super::Browser;
use super::safety::failing;
use crate::bench::Bench;
use crate::vault::seconds;

#[tokio::test]
async fn the_reports_are_drawn_with_a_table_behind_each_plot() {
    let (bench, _) = failing().await;
    bench.disk.clock.advance(seconds(3600));
    bench.target.heal();
    bench.tick().await;
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let page = browser.get("/ui/reports").await;
    assert_eq!(page.status, 200, "{}", page.text);
    let page = page.text;
    assert_eq!(page.matches("<svg ").count(), page.matches("<details ").count(), "{page}");
    assert!(page.matches("<svg ").count() >= 4, "{page}");
    assert_eq!(page.matches("<svg ").count(), page.matches("role=\"img\" aria-labelledby=").count());
    for text in [
        "Time to repair, month by month",
        "class=\"dot\"",
        "Incidents by class of failure",
        "unreachable: 1",
        "Credentials by age",
        "Rotations that come due, day by day",
        "<h3 id=\"burn\">Error budget</h3>",
        "the last 30 days",
        "<th scope=\"row\">t</th>",
        "<th scope=\"row\">fake</th>",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    // A month of its own, one that nothing happened in, and what is no window.
    let month = bench.disk.clock_text().get(..7).unwrap().to_owned();
    let this = browser.get(&format!("/ui/reports?window={month}")).await.text;
    assert!(this.contains(&format!("<option value=\"{month}\" selected>")), "{this}");
    let past = browser.get("/ui/reports?window=2001-01").await.text;
    assert!(past.contains("No incident in this time.") && past.contains("so nothing was spent"), "{past}");
    let odd = browser.get("/ui/reports?window=%3Cb%3E").await;
    assert!(odd.status == 200 && !odd.text.contains("<b>"), "{}", odd.text);
}

#[tokio::test]
async fn what_an_open_incident_may_still_raise_is_marked_as_a_floor() {
    let (bench, _) = failing().await;
    bench.disk.clock.advance(seconds(3600));
    let rows =
        [("/ui/", "MTTR <", 3), ("/ui/", "MTTA <", 3), (REPORTS, ">t</th>", 1), (REPORTS, ">fake</th>", 1)];
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    for (uri, name, marked) in rows {
        let row = row(&browser.get(uri).await.text, name);
        assert_eq!(row.matches("<td>&#62; 1 h</td>").count(), marked, "{uri}: {row}");
    }
    bench.target.heal();
    bench.tick().await;
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    for (uri, name, _) in rows {
        let row = row(&browser.get(uri).await.text, name);
        let is_repaired = name != "MTTA <";
        assert!(!row.contains("&#62;") && row.contains("<td>1 h</td>") == is_repaired, "{uri}: {row}");
    }
}

/// The first row of a table with that in it.
fn row(page: &str, name: &str) -> String {
    let mut rows = page.split("<tr>").filter_map(|rest| rest.split("</tr>").next());
    rows.find(|row| row.contains(name)).unwrap_or_default().to_owned()
}

const REPORTS: &str = "/ui/reports";

#[tokio::test]
async fn a_report_is_taken_along_in_the_form_that_is_asked_for() {
    let (bench, _) = failing().await;
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let page = browser.get("/ui/reports?window=90d").await.text;
    let links: Vec<String> = page
        .split("href=\"")
        .filter_map(|rest| rest.split('"').next())
        .filter(|link| link.starts_with("/ui/reports/download"))
        .map(|link| link.replace("&#38;", "&"))
        .collect();
    assert_eq!(links.len(), 15, "{page}");
    for link in links {
        let reply = browser.get(&link).await;
        assert_eq!(reply.status, 200, "{link}: {}", reply.text);
        let header = |name: &str| reply.headers.get(name).unwrap().to_str().unwrap().to_owned();
        let (form, ending) = [("csv", "csv"), ("json", "json"), ("markdown", "md")]
            .into_iter()
            .find(|(form, _)| link.contains(&format!("format={form}")))
            .unwrap();
        assert!(header("content-type").contains(form), "{link}");
        assert_eq!(header("cache-control"), "no-store", "{link}");
        let name = header("content-disposition");
        assert!(
            name.starts_with("attachment; filename=\"rotunda-") && name.ends_with(&format!(".{ending}\""))
        );
        assert!(!reply.text.is_empty(), "{link}");
    }
    for link in ["report=rotation&format=exe", "report=secrets&format=csv", ""] {
        assert_eq!(browser.get(&format!("/ui/reports/download?{link}")).await.status, 404, "{link}");
    }
    let token = bench.vault.token(r#"{"policies":["default"]}"#).await;
    let nobody = Browser::with_token(&bench.vault, &token).await;
    let page = nobody.get("/ui/reports").await.text;
    assert_eq!(page.matches("Your token may not read this.").count(), 5, "{page}");
    assert!(!page.contains("<svg") && !page.contains("unreachable"), "{page}");
    let refused = nobody.get("/ui/reports/download?report=rotation&format=csv").await;
    assert!(
        refused.status == 403 && refused.text.contains("Your token may not read this."),
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn single_times_to_repair_are_told_where_they_are_asked_for() {
    let (bench, _) = failing().await;
    bench.disk.clock.advance(seconds(600));
    let path = "reports/rotation?by=month";
    let plain = bench.get(path).await;
    assert!(!plain.text.contains("repairs"), "{}", plain.text);
    let told = bench.get(&format!("{path}&durations=true")).await;
    let groups = told.at("/data/groups");
    let last = groups.as_array().unwrap().last().unwrap();
    assert_eq!(last["repairs"], json!([{ "seconds": last["ttr"]["max"], "open": true }]), "{}", told.text);
}

#[tokio::test]
async fn an_empty_vault_has_a_page_of_reports() {
    let bench = Bench::new().await;
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let page = browser.get("/ui/reports").await;
    assert!(page.status == 200 && page.text.contains("Nothing comes due."), "{}", page.text);
}
