//! The measures of incidents: against an independent program that knows their definitions only, and against an example
//! that was worked out by hand.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails shall stop")]

#[path = "measures/history.rs"]
mod history;
#[path = "measures/merged.rs"]
mod merged;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use history::{Clock, Dice, History};
use serde_json::{Value, json};
use vault_core::clock::Timestamp;
use vault_core::incident::budget::{Budget, Objective};
use vault_core::incident::entry::Entry;
use vault_core::incident::measure::{Lasted, Rank, Samples, Spread};
use vault_core::incident::report::{By, Figures, Reporter, Window};

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// The report in the words of the oracle.
fn told(history: &History, window: Window, by: By) -> (Value, BTreeMap<String, Value>) {
    let mut reporter = Reporter::new(window, by, BTreeMap::new());
    history.tell(&mut reporter);
    history.runs.iter().for_each(|run| reporter.run(run));
    history.attempts.iter().for_each(|attempt| reporter.attempt(attempt));
    let report = reporter.finish();
    let groups = report.groups.iter().map(|part| (part.name.clone(), figures(&part.figures, part.window)));
    (figures(&report.total, window), groups.collect())
}

fn figures(figures: &Figures, window: Window) -> Value {
    let objective = Objective::default();
    json!({
        "succeeded": figures.succeeded,
        "failed": figures.failed,
        "attempts_of_ended": figures.attempts_of_ended,
        "attempts_succeeded": figures.attempts_succeeded,
        "attempts_failed": figures.attempts_failed,
        "rotation_budget": figures.rotation_budget(objective, window).map(budget),
        "attempt_budget": figures.attempt_budget(objective, window).map(budget),
        "opened": figures.opened,
        "resolved": figures.resolved,
        "open": figures.open,
        "oldest_open": figures.oldest_open.map(|age| u64::try_from(age.as_micros()).unwrap()),
        "never_acknowledged": figures.never_acknowledged,
        "never_notified": figures.never_notified,
        "withdrawn": figures.withdrawn,
        "reviewed": figures.reviewed,
        "staff_minutes": figures.staff_minutes,
        "unreviewed": figures.unreviewed,
        "by_class": figures.by_class,
        "ttd": spread(figures.ttd),
        "ttn": spread(figures.ttn),
        "tta": spread(figures.tta),
        "ttm": spread(figures.ttm),
        "ttr": spread(figures.ttr),
    })
}

fn budget(budget: Budget) -> Value {
    json!({ "share": budget.share, "burn": budget.burn, "spent": budget.spent })
}

fn spread(spread: Spread) -> Value {
    let rank = |rank: Option<Rank>| rank.map(|r| json!({ "micros": r.micros, "is_floor": r.is_floor }));
    json!({
        "n": spread.n,
        "completed": spread.completed,
        "censored": spread.censored,
        "suspect": spread.suspect,
        "mean": spread.mean,
        "p50": rank(spread.p50),
        "p90": rank(spread.p90),
        "max": rank(spread.max),
    })
}

fn oracle(history: &History, windows: &[Window]) -> Vec<Value> {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/oracle/measures.py");
    let mut child = Command::new("python3")
        .args(["-I", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let windows: Vec<Value> = windows
        .iter()
        .map(|w| json!({ "from": w.from.as_millis(), "to": w.to.as_millis(), "now": w.now.as_millis() }))
        .collect();
    let mut lines = vec![json!({ "windows": windows, "objective": 995_000 })];
    lines.extend(history.lines.iter().cloned());
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    // The program reads all of it before it writes.
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn same(told: &BTreeMap<String, Value>, computed: &Value, window: Window, what: &str) {
    let nothing = figures(&Figures::default(), window);
    let computed = computed.as_object().unwrap();
    let names: BTreeSet<&str> = told.keys().chain(computed.keys()).map(String::as_str).collect();
    for name in names {
        let (here, there) = (told.get(name).unwrap_or(&nothing), computed.get(name).unwrap_or(&Value::Null));
        assert_eq!(here, there, "{what} {name}");
    }
}

#[test]
fn a_thousand_histories_measure_the_same_by_an_independent_program() {
    // Ten stores of a hundred histories each, so that the parts of a report have something in them.
    for seed in 1..=10 {
        let clock = if seed % 3 == 0 { Clock::Honest } else { Clock::Steps };
        let history = History::random(seed, 100, clock);
        let mut dice = Dice(seed ^ 0xACE);
        let mut windows =
            vec![Window { from: at("2026-01-01T00:00:00Z"), to: history.now, now: history.now }];
        windows.extend((0..6).map(|_| history.window(&mut dice)));
        for (window, computed) in windows.iter().zip(oracle(&history, &windows)) {
            let (whole, by_month) = told(&history, *window, By::Month);
            assert_eq!(whole, computed["total"], "seed {seed} {window:?}");
            same(&by_month, &computed["month"], *window, &format!("seed {seed} {window:?} month"));
            for (by, word) in [(By::Target, "target"), (By::Class, "class")] {
                let (again, parts) = told(&history, *window, by);
                assert_eq!(again, whole);
                same(&parts, &computed[word], *window, &format!("seed {seed} {window:?} {word}"));
            }
        }
    }
}

#[test]
fn the_histories_hold_what_is_hard_to_measure() {
    let history = History::random(1, 1000, Clock::Steps);
    let window = Window { from: at("2026-01-01T00:00:00Z"), to: history.now, now: history.now };
    let (whole, months) = told(&history, window, By::Month);
    for name in [
        "open",
        "never_acknowledged",
        "never_notified",
        "withdrawn",
        "reviewed",
        "unreviewed",
        "failed",
        "attempts_failed",
    ] {
        assert!(whole[name].as_u64().unwrap() > 10, "{name}: {whole}");
    }
    assert!(history.incidents.iter().filter(|(incident, _)| incident.reopened > 0).count() > 10);
    let has = |word: &str| {
        let told = |lines: &[Entry]| lines.iter().any(|line| line.word() == word);
        history.incidents.iter().filter(|(_, lines)| told(lines)).count()
    };
    for word in ["merged", "unmerged", "own_proven", "merged_proven", "merged_failed"] {
        assert!(has(word) > 10, "{word}: {}", has(word));
    }
    assert!(whole["staff_minutes"].as_u64().unwrap() > 1000, "{whole}");
    for measure in ["ttn", "tta", "ttm", "ttr"] {
        for name in ["completed", "censored", "suspect"] {
            assert!(whole[measure][name].as_u64().unwrap() > 3, "{measure} {name}: {whole}");
        }
    }
    assert!(months.len() > 3);
}

#[test]
fn of_many_durations_a_few_are_told_the_shortest_and_the_longest_among_them() {
    let start = Timestamp::from_secs(0);
    for (count, most, want) in [
        (0, 5, vec![]),
        (3, 5, vec![1, 2, 3]),
        (5, 5, vec![1, 2, 3, 4, 5]),
        (100, 4, vec![1, 34, 67, 100]),
        (100, 1, vec![1]),
    ] {
        let mut samples = Samples::default();
        for seconds in (1..=count).rev() {
            samples.add(Lasted { start, end: Timestamp::from_secs(seconds), is_open: seconds == 100 });
        }
        let few = samples.few(most);
        let seconds: Vec<u64> = few.iter().map(|single| single.micros / 1_000_000).collect();
        assert_eq!(seconds, want, "{count} {most}");
        assert!(few.iter().all(|single| single.is_open == (single.micros == 100_000_000)));
    }
}

#[test]
fn a_past_window_says_the_same_whatever_happens_later() {
    let history = History::random(7, 300, Clock::Honest);
    let mut dice = Dice(7);
    for _ in 0..50 {
        let window = history.window(&mut dice);
        let window = Window { now: window.to, ..window };
        // As the records were when the window ended.
        let then = history.cut(window.to);
        let (later, earlier) = (Window { now: history.now.max(window.to), ..window }, window);
        for by in [By::Month, By::Target, By::Class] {
            assert_eq!(told(&history, later, by), told(&then, earlier, by), "{window:?}");
        }
    }
}

/// Seconds from one distribution as they stand in a row of the page.
fn row(name: &str, spread: Spread) -> String {
    let rank = |rank: Option<Rank>| {
        let rank = rank.unwrap();
        format!("{}{}", if rank.is_floor { "> " } else { "" }, rank.micros / 1_000_000)
    };
    format!(
        "| {name} | {} | {} | {} | {} | {} | {} | {} | {} |",
        spread.n,
        spread.completed,
        spread.censored,
        spread.suspect,
        spread.mean.unwrap() / 1_000_000,
        rank(spread.p50),
        rank(spread.p90),
        rank(spread.max)
    )
}

#[test]
fn the_example_of_the_definitions_comes_to_what_the_page_says() {
    let page = include_str!("../../docs/incidents.md");
    let example = page.split("## An example").nth(1).unwrap();
    let incidents = history::of_page(example);
    assert_eq!(incidents.len(), 3);
    let to = at("2026-11-09T18:00:00Z");
    let window = Window { from: at("2026-11-09T00:00:00Z"), to, now: to };
    let mut reporter = Reporter::new(window, By::Whole, BTreeMap::new());
    incidents.iter().for_each(|(incident, lines)| reporter.incident(incident, lines));
    let figures = reporter.finish().total;
    for (name, spread) in
        [("TTD", figures.ttd), ("TTA", figures.tta), ("TTM", figures.ttm), ("TTR", figures.ttr)]
    {
        assert!(example.contains(&row(name, spread)), "{}", row(name, spread));
    }
    assert_eq!([figures.opened, figures.resolved, figures.open], [3, 2, 1]);
}

#[test]
fn the_example_that_was_worked_out_by_hand_comes_to_what_the_page_says() {
    let page = include_str!("../../docs/measures.md");
    let example = page.split("## An example").nth(1).unwrap();
    let incidents = history::of_page(example);
    assert_eq!(incidents.len(), 6);
    let november = |now| Window { from: at("2026-11-01T00:00:00Z"), to: at("2026-12-01T00:00:00Z"), now };
    let window = november(at("2027-03-01T00:00:00Z"));
    let mut reporter = Reporter::new(window, By::Whole, BTreeMap::new());
    incidents.iter().for_each(|(incident, lines)| reporter.incident(incident, lines));
    let figures = reporter.finish().total;
    for (name, spread) in [
        ("TTD", figures.ttd),
        ("TTN", figures.ttn),
        ("TTA", figures.tta),
        ("TTM", figures.ttm),
        ("TTR", figures.ttr),
    ] {
        assert!(example.contains(&row(name, spread)), "{}", row(name, spread));
    }
    let counts =
        [figures.opened, figures.resolved, figures.open, figures.never_acknowledged, figures.withdrawn];
    assert_eq!((counts, figures.never_notified), ([5, 4, 1, 1, 1], 1));
    assert_eq!((figures.reviewed, figures.staff_minutes, figures.unreviewed), (2, 150, 2));
    assert_eq!(figures.oldest_open.map(|age| age.as_secs()), Some(907_200));
    let budget = |failed, ended| Objective::default().budget(failed, ended, window.length());
    assert_eq!(budget(2, 40), Some(Budget { share: 50_000, burn: 10_000_000, spent: 10_000_000 }));
    assert_eq!(budget(15, 60), Some(Budget { share: 250_000, burn: 50_000_000, spent: 50_000_000 }));
}
