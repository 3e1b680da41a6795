//! Reports that are asked for together are those that are asked for one by one.

use serde_json::{Value, json};

use super::same;
use crate::bench::Bench;

/// Asks for the report by month with all others besides, which begin with it, before it and after it; then for each alone.
/// How many parts there were.
pub(super) async fn as_alone(bench: &Bench, (from, to): (i64, i64)) -> usize {
    let (before, after) = (from - 40 * 86_400, from + (to - from) / 2);
    let others =
        [("target", after), ("rotator", after), ("team", before), ("class", from), ("account", before)];
    let also =
        others.map(|(word, begin)| if begin == from { word.to_owned() } else { format!("{word}@{begin}") });
    let terms = format!("to={to}&limit=3&objective=99&hourly_cost=60");
    let report = async |query: String| {
        let report = bench.get(&format!("reports/rotation?{terms}&{query}")).await;
        report.expect_status(200);
        report.at("/data")
    };
    let mut whole = report(format!("from={from}&by=month&durations=true&also={}", also.join(","))).await;
    let told = whole.as_object_mut().unwrap().remove("also").unwrap();
    same(&whole, &report(format!("from={from}&by=month&durations=true")).await, "by month");
    assert_eq!(told.as_object().unwrap().len(), others.len());
    let mut parts = 0;
    for (word, begin) in others {
        let alone = report(format!("from={begin}&by={word}")).await;
        same(&told[word], &alone, word);
        parts += alone["groups"].as_array().unwrap().len();
    }
    parts
}

#[tokio::test]
async fn what_cannot_be_asked_for_together_is_refused() {
    let bench = Bench::new().await;
    for (query, sentence) in [
        ("also=nonsense", "also is a list of class"),
        ("also=team,", "also is a list of class"),
        ("also=team,month@soon", "the time in also must be a time"),
        ("also=team,team@7", "also names team twice"),
        ("to=1000&also=team@1000", "must begin before to"),
        ("also=month@1970-01-01T00:00:00Z&from=2026-01-01T00:00:00Z", "at most 120 months"),
        ("also=team&format=csv", "also is for format=json"),
        ("also=team&max_age=1h", "leave out also"),
    ] {
        let refused = bench.get(&format!("reports/rotation?{query}")).await;
        refused.expect_status(400);
        assert!(refused.text.contains(sentence), "{query}: {}", refused.text);
    }
    let none = bench.get("reports/rotation?also=").await;
    assert_eq!(none.json()["data"].get("also"), None::<&Value>, "{}", none.text);
    let both = bench.get("reports/rotation?also=team,class").await.at("/data/also");
    assert_eq!(both["team"]["groups"], json!([]), "{both}");
}
