//! The measures of incidents: against an independent program that knows their definitions only, and against an example
//! that was worked out by hand.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails shall stop")]

#[path = "oracle/export.rs"]
mod export;
#[path = "measures/history.rs"]
mod history;
#[path = "measures/merged.rs"]
mod merged;
#[path = "measures/present.rs"]
mod present;
#[path = "oracle/program.rs"]
mod program;
#[path = "measures/whose.rs"]
mod whose;

use std::collections::{BTreeMap, BTreeSet};

use export::Terms;
use history::{Clock, Dice, History};
use present::Present;
use serde_json::{Value, json};
use vault_core::clock::Timestamp;
use vault_core::incident::budget::{Budget, Objective};
use vault_core::incident::entry::Entry;
use vault_core::incident::measure::{Lasted, Rank, Samples, Spread};
use vault_core::incident::report::{By, Reporter, Window};

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// As the store has them.
fn in_order(sides: u64) -> u64 {
    sides - 1
}

/// A store: most have some dozens of incidents at most, now and then none, and the last few are large.
fn store(seed: u64) -> History {
    let mut dice = Dice(seed ^ 0x51_2E);
    let count = match seed {
        SMALL.. => 700,
        _ => usize::try_from(dice.roll(40)).unwrap(),
    };
    let clock = if seed.is_multiple_of(3) { Clock::Honest } else { Clock::Steps };
    History::random(seed, count, clock)
}

/// All of its time, and some other windows; each on terms of its own.
fn asked(history: &History, dice: &mut Dice) -> Vec<Terms> {
    let whole = Window { from: at("2026-01-01T00:00:00Z"), to: history.now, now: history.now };
    let windows = std::iter::once(whole).chain((0..2).map(|_| history.window(dice))).collect::<Vec<_>>();
    let mut terms = |window| Terms {
        window,
        objective: Objective::from_millionths([995_000, 999_999, 900_001, 1][dice.choice(4)]).unwrap(),
        hourly_cost: [None, Some(8_550), Some(1), Some(100_000_000)][dice.choice(4)],
    };
    windows.into_iter().map(&mut terms).collect()
}

/// Fails with the first place where they differ.
fn same(told: &Value, computed: &Value, place: &str) {
    match (told, computed) {
        (Value::Object(told), Value::Object(computed)) => {
            let names: BTreeSet<&String> = told.keys().chain(computed.keys()).collect();
            for name in names {
                let (told, computed) = (told.get(name), computed.get(name));
                assert!(
                    told.is_some() && computed.is_some(),
                    "{place}: {name}: {told:?}, computed {computed:?}"
                );
                same(told.unwrap(), computed.unwrap(), &format!("{place}: {name}"));
            }
        }
        _ => assert_eq!(told, computed, "{place}: told on the left"),
    }
}

#[test]
fn a_thousand_stores_measure_the_same_by_an_independent_program() {
    let mut compared = 0;
    let stores = (0..SMALL + LARGE).map(|seed| {
        let (history, mut dice) = (store(seed), Dice(seed ^ 0xACE));
        let (records, asked) = (history.records(), asked(&history, &mut dice));
        let told: Vec<Value> =
            asked.iter().map(|terms| records.measured(terms, |sides| dice.roll(sides))).collect();
        assert_eq!(told[0], records.measured(&asked[0], in_order), "seed {seed}: the order matters");
        let asks: Vec<Value> = asked.iter().map(Terms::asked).collect();
        let events = program::disordered(records.exported(), |sides| dice.roll(sides));
        ((seed, asked, told), json!({ "asks": asks, "events": events }))
    });
    program::each(stores, |(seed, asked, told), computed| {
        assert_eq!(told.len(), computed.len());
        for ((terms, told), computed) in asked.iter().zip(told).zip(computed) {
            same(&told, &computed, &format!("seed {seed} {terms:?}"));
            compared += 1;
        }
    });
    assert_eq!(compared, 3 * (SMALL + LARGE));
}

#[test]
fn error_budgets_of_few_and_of_millions_are_what_an_independent_program_computes() {
    let mut dice = Dice(11);
    let mut some = |most: [u64; 4]| {
        let most = most[dice.choice(4)];
        dice.roll(most)
    };
    let asked: Vec<[u64; 4]> = (0..2000)
        .map(|_| {
            let ended = some([1, 3, 5_000, 4_000_000_000]);
            let failed = some([1, 3, 5_000, 4_000_000_000]).min(ended);
            let length = some([1, 60_000, 30 * 86_400_000, 4_000 * 86_400_000]);
            [failed, ended, length, 1 + some([1, 2, 999_999, 999_999])]
        })
        .collect();
    let told = asked.iter().map(|[failed, ended, length, objective]| {
        let objective = Objective::from_millionths(u32::try_from(*objective).unwrap()).unwrap();
        let budget = objective.budget(*failed, *ended, std::time::Duration::from_millis(*length));
        budget.map_or(Value::Null, |it| json!({ "share": it.share, "burn": it.burn, "spent": it.spent }))
    });
    let told: Vec<Value> = told.collect();
    program::each(std::iter::once((told, json!({ "budgets": asked }))), |told, computed| {
        assert_eq!(told.len(), computed.len());
        for ((asked, told), computed) in asked.iter().zip(&told).zip(&computed) {
            assert_eq!(told, computed, "{asked:?}");
        }
    });
}

#[test]
fn each_account_of_a_thousand_stores_stands_as_an_independent_program_says() {
    let stores = (0..SMALL).map(|seed| {
        let present = Present::random(seed);
        ((seed, present.told()), present.asked())
    });
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    program::each(stores, |(seed, told), computed| {
        same(&told, &computed[0], &format!("seed {seed}"));
        for account in told["each"].as_array().unwrap() {
            for name in ["overdue", "held_until", "due_at", "ratio", "period", "age"] {
                *seen.entry(name).or_default() += u64::from(!account[name].is_null());
            }
            for name in ["never_rotated", "is_parked"] {
                *seen.entry(name).or_default() += u64::from(account[name].as_bool().unwrap());
            }
        }
    });
    assert!(seen.len() == 8 && seen.values().all(|count| *count > 500), "hardly anything: {seen:?}");
}

#[test]
fn the_histories_hold_what_is_hard_to_measure() {
    let history = store(SMALL + 1);
    let whole = Window { from: at("2026-01-01T00:00:00Z"), to: history.now, now: history.now };
    let terms = Terms { window: whole, objective: Objective::default(), hourly_cost: Some(100) };
    let told = history.records().measured(&terms, in_order);
    let (whole, parts) = (&told["total"], &told["parts"]);
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
    assert!(parts["month"].as_object().unwrap().len() > 3);
    let names: Vec<&String> = parts["rotator"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["ldap", "postgresql", "unknown"]);
    let names: Vec<&String> = parts["team"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["(none)", "-ops", "payments", "platform"]);
    assert!(history.handed_over() > 10, "{}", history.handed_over());
    let names: BTreeSet<&str> = parts["account"].as_object().unwrap().keys().map(String::as_str).collect();
    assert!(names.len() == 20 && names.contains("m/t0") && names.contains("a/t3/app-1"), "{names:?}");
    let opened: u64 =
        parts["account"].as_object().unwrap().values().map(|part| part["opened"].as_u64().unwrap()).sum();
    let others = whole["opened"].as_u64().unwrap() - opened;
    assert!(others > 10, "{others} are about a target or its leases");
    let repairs = whole["repairs"].as_array().unwrap();
    assert!(repairs.len() == 200 && whole["ttr"]["n"].as_u64().unwrap() > 200, "some must be left out");
    let sizes: BTreeSet<usize> = (0..SMALL).map(|seed| store(seed).incidents.len()).collect();
    assert!(sizes.contains(&0) && sizes.len() > 30, "{sizes:?}");
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
        let terms = |window| Terms { window, objective: Objective::default(), hourly_cost: Some(8_550) };
        let later = terms(Window { now: history.now.max(window.to), ..window });
        let told = history.records().measured(&later, in_order);
        assert_eq!(told, then.records().measured(&terms(window), in_order), "{window:?}");
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

/// Stores of usual size.
const SMALL: u64 = 1000;
/// Stores with more in a part than is told one by one.
const LARGE: u64 = 2;
