//! When the old version goes, by who has the new one.

use super::*;
use crate::account::{Settings, Subject, Version};
use crate::entropy::SeededEntropy;
use crate::id::{IncidentId, RotationId};
use crate::path::{AccountPath, Name};
use crate::rotation::run::Cause;

const BEGAN: Timestamp = Timestamp::from_secs(1_000_000);

fn after(seconds: u64) -> Timestamp {
    BEGAN.plus(Duration::from_secs(seconds))
}

/// A grace of 100 s, early after 30 s, `hold` seconds.
fn context(now: Timestamp, hold: u64) -> Context {
    let entropy = SeededEntropy::new(1);
    Context {
        now,
        next_due: None,
        window_open: true,
        retries: 3,
        retry_base: Duration::from_secs(1),
        retry_cap: Duration::from_secs(60),
        grace: Duration::from_secs(100),
        early_after: Duration::from_secs(30),
        hold: Duration::from_secs(hold),
        overlaps: true,
        mints: false,
        draw: 0,
        rotation: RotationId::generate(now, &entropy),
        incident: IncidentId::generate(now, &entropy),
        group: Default::default(),
        circuit: None,
        heartbeat: None,
        reconciles: false,
    }
}

/// Promoted at `BEGAN`: version 2 serves, version 1 lives on.
fn account() -> Account {
    let subject = Subject::Account(AccountPath::parse("db/app").unwrap());
    let target = Name::parse("t").unwrap();
    let mut account = Account::new(subject, target, "app".to_owned(), Settings::default(), BEGAN);
    let version = |number| Some(Version { number, created_at: BEGAN, is_alternate: false });
    (account.versions.last, account.versions.previous, account.versions.current) =
        (2, version(1), version(2));
    let mut plan = step::start(account, Cause::Schedule, &context(BEGAN, 0));
    let Stage::Active { run, .. } = plan.account.stage.clone() else { panic!("nothing began") };
    plan.account.stage = begin(run, &context(BEGAN, 0));
    plan.account
}

fn uptake(live: u64, laggards: &[&str], newest: u64) -> Uptake {
    let laggards: Vec<String> = laggards.iter().map(|name| (*name).to_owned()).collect();
    Uptake { live, lagging: laggards.len() as u64, laggards, newest: Some(after(newest)) }
}

/// What the decision comes to, in a word.
fn word(plan: Option<&Plan>) -> String {
    let Some(plan) = plan else { return "nothing".to_owned() };
    let kinds: Vec<HistoryKind> = plan.history.iter().map(|entry| entry.kind).collect();
    match (&plan.account.stage, kinds.as_slice()) {
        (Stage::Active { step: Step::Retire, .. }, [HistoryKind::Started]) => "over".to_owned(),
        (Stage::Active { step: Step::Retire, .. }, [first, HistoryKind::Started]) => format!("{first:?}"),
        (Stage::Waiting { at, .. }, []) => format!("looks again after {} s", at.since(BEGAN).as_secs()),
        (Stage::Waiting { at, .. }, [HistoryKind::Held]) => {
            format!("held for {} s", at.since(BEGAN).as_secs())
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn the_old_version_goes_early_in_time_or_after_a_hold() {
    let nobody = Uptake::default();
    for (now, hold, consumers, want) in [
        // Of which nobody is known keeps its whole grace.
        (50, 0, nobody.clone(), "nothing"),
        (100, 600, nobody, "over"),
        // All have it: so long after the last of them got it.
        (20, 0, uptake(2, &[], 20), "looks again after 50 s"),
        (50, 0, uptake(2, &[], 20), "GraceEnded"),
        // Who had the new version before it was promoted waits from then on.
        (
            10,
            0,
            Uptake { newest: Some(BEGAN.minus(Duration::from_secs(99))), ..uptake(1, &[], 0) },
            "looks again after 30 s",
        ),
        (99, 0, uptake(2, &[], 90), "nothing"),
        (100, 0, uptake(2, &[], 90), "over"),
        // Somebody lags.
        (99, 0, uptake(2, &["web"], 5), "nothing"),
        (100, 0, uptake(2, &["web"], 5), "Cut"),
        (100, 600, uptake(2, &["web"], 5), "held for 700 s"),
    ] {
        let plan = look(account(), &consumers, &context(after(now), hold));
        assert_eq!(word(plan.as_ref()), want, "{now} {hold} {consumers:?}");
    }
}

#[test]
fn an_early_end_that_was_planned_is_taken_back_when_somebody_lags_again() {
    let planned = look(account(), &uptake(2, &[], 20), &context(after(20), 0)).unwrap().account;
    assert_eq!(word(look(planned.clone(), &uptake(2, &[], 20), &context(after(30), 0)).as_ref()), "nothing");
    let back = look(planned, &uptake(2, &["web"], 20), &context(after(50), 0));
    assert_eq!(word(back.as_ref()), "looks again after 100 s");
}

#[test]
fn a_hold_opens_an_incident_by_name_that_ends_when_nobody_lags_or_in_a_cut() {
    let held = look(account(), &uptake(3, &["web", "batch"], 5), &context(after(100), 600)).unwrap();
    let id = held.account.incident.unwrap();
    let LedgerEvent::Fault(report) = &held.ledger[0] else { panic!("{:?}", held.ledger) };
    assert_eq!((report.class, report.phase), (FaultClass::ConsumerLag, Some(Step::Retire)));
    assert_eq!(report.detail, "2 of 3 live consumers do not have version 2: web, batch");
    assert_eq!(held.ledger[1], LedgerEvent::NextAttempt { incident: id, at: Some(after(700)) });
    assert_eq!(held.history[0].class, Some(FaultClass::ConsumerLag));
    assert!(held.effect.is_none());
    let held = held.account;
    // Nobody lags any more: no need to wait for the end of the hold.
    let soon = look(held.clone(), &uptake(3, &[], 300), &context(after(330), 600));
    assert_eq!(word(soon.as_ref()), "GraceEnded");
    assert_eq!(
        word(look(held.clone(), &uptake(3, &["web"], 5), &context(after(699), 600)).as_ref()),
        "nothing"
    );
    let cut = look(held, &uptake(3, &["web"], 5), &context(after(700), 600)).unwrap();
    assert_eq!(word(Some(&cut)), "Cut");
    assert!(matches!(&cut.ledger[..], [LedgerEvent::Fault(report)] if report.incident == id));
    // What fails from here on is no grace.
    assert_eq!(cut.account.stage.run().unwrap().grace, None);
}

#[test]
fn a_cut_without_a_hold_names_who_lags_and_opens_no_incident() {
    let names: Vec<String> = (0..25).map(|number| format!("c{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let cut = look(account(), &uptake(30, &names, 5), &context(after(100), 0)).unwrap();
    let line = &cut.history[0];
    assert_eq!((line.class, line.version), (Some(FaultClass::ConsumerLag), Some(1)));
    let detail = line.detail.as_deref().unwrap();
    assert!(detail.contains("25 of 30 live consumers") && detail.ends_with("c19 and 5 more"), "{detail}");
    assert_eq!((cut.ledger.len(), cut.account.incident), (0, None));
}
