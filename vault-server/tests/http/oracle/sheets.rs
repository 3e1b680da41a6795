//! The reports as CSV and Markdown say what their JSON does, cell by cell, as other programs read these forms.

use serde_json::{Value, json};
use vault_server::service::report::sheet;

use super::Dice;
use crate::bench::Bench;
use crate::made::{Maker, printed, right};
use crate::program;
use crate::vault::seconds;

/// A report in its two forms, to be held against the JSON.
fn both(of: &str, report: &impl serde::Serialize, sheet: &sheet::Sheet) -> [Value; 2] {
    [printed("csv", of, report, &sheet.csv()), printed("markdown", of, report, &sheet.markdown())]
}

#[test]
fn made_up_reports_are_read_back_from_their_sheets_as_they_were() {
    let mut dice = Dice(5);
    let mut maker = Maker(|sides| dice.roll(sides));
    let asked = (0..300).map(|seed| {
        let (rotation, standing) = (maker.rotation(), maker.standing());
        let (ages, due) = (maker.ages(), maker.due());
        let all = [
            both("rotation", &rotation, &sheet::rotation(&rotation)),
            both("standing", &standing, &sheet::standing(&standing)),
            both("ages", &ages, &sheet::ages(&ages)),
            both("due", &due, &sheet::due(&due)),
        ];
        (seed, json!({ "printed": all.concat() }))
    });
    let asked: Vec<(u64, Value)> = asked.collect();
    let mut cells = 0;
    program::each(asked.into_iter(), |seed, compared| {
        assert_eq!(compared.len(), 8);
        cells += compared.iter().map(|one| right(one, &format!("report {seed}"))).sum::<u64>();
    });
    assert!(cells > 100_000, "hardly anything was compared: {cells}");
}

/// Names that accounts may have.
const NAMES: [&str; 8] = ["=1+2", "+a,b", "-\"q\"", "@a|b", "'=a", "a\\|<b>*_`[&~#", " x", "ключ;ä"];

#[tokio::test]
async fn what_the_interface_answers_as_csv_and_markdown_is_its_json() {
    let bench = Bench::new().await;
    bench.post("rotation-policies/daily", json!({ "rotation_period": "24h" })).await.expect_status(204);
    for (place, name) in NAMES.iter().enumerate() {
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("accounts/config/{encoded}");
        let username = format!("user{place}");
        bench.target.create_account(&username, "p-1");
        let body = json!({
            "target": "t", "username": username, "password": "p-1", "rotation_policy": "daily", "team": "-ops",
        });
        bench.post(&path, body).await.expect_status(200);
        bench.post(&format!("accounts/rotate/{encoded}"), json!({})).await;
        bench.rest().await;
    }
    bench.disk.clock.advance(seconds(30 * 3600));
    let mut asked = Vec::new();
    for by in ["", "class", "target", "rotator", "team", "account", "month"] {
        asked.push(("rotation", format!("reports/rotation?by={by}&hourly_cost=85.50")));
    }
    asked.push(("standing", "reports/standing?within=24h".to_owned()));
    for limit in [100, 1] {
        asked.extend(["ages", "due"].map(|of| (of, format!("reports/{of}?limit={limit}"))));
    }
    let mut all = Vec::new();
    for (of, path) in &asked {
        let report = bench.get(path).await;
        report.expect_status(200);
        for form in ["csv", "markdown"] {
            let text = bench.get(&format!("{path}&format={form}")).await.text;
            all.push(printed(form, of, &report.at("/data"), &text));
        }
    }
    let named =
        |one: &Value| NAMES.iter().all(|name| one["report"].to_string().contains(&json!(name).to_string()));
    assert_eq!(all.iter().filter(|one| named(one)).count(), 6, "by account, by age and by when it is due");
    program::each(std::iter::once((asked, json!({ "printed": all }))), |asked, compared| {
        let compared = compared.iter().zip(asked.iter().flat_map(|one| [one, one]));
        let cells: u64 = compared.map(|(one, (_, path))| right(one, path)).sum();
        assert!(cells > 1000, "hardly anything was compared: {cells}");
    });
}
