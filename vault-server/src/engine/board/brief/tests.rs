//! What accounts are counted and found by.

use vault_core::account::{Settings, Subject};
use vault_core::id::IncidentId;
use vault_core::path::AccountPath;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn account(path: &str) -> Account {
    let path = AccountPath::parse(path).unwrap();
    let target = Name::parse("pg-main").unwrap();
    Account::new(Subject::Account(path), target, "App_Shop".to_owned(), Settings::default(), NOW)
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn due(ago: u64) -> Account {
    Account { next_rotation: Some(NOW.minus(seconds(ago))), ..account("db/app") }
}

fn fits(account: &Account, text: &str, word: &str) -> bool {
    Find::new(text, word).unwrap().fits(account.subject.key().as_bytes(), &Brief::of(account), NOW)
}

#[test]
fn overdue_is_what_nothing_keeps_back() {
    assert!(fits(&due(60), "", "overdue"));
    assert!(!fits(&due(59), "", "overdue"));
    assert!(!fits(&account("db/app"), "", "overdue"));
    let later = Account { next_rotation: Some(NOW.plus(seconds(600))), ..account("db/app") };
    assert!(!fits(&later, "", "overdue"));
    let held = Account { held_until: Some(NOW.plus(seconds(1))), ..due(600) };
    assert!(!fits(&held, "", "overdue") && fits(&held, "", "held"));
    let was_held = Account { held_until: Some(NOW), ..due(600) };
    assert!(fits(&was_held, "", "overdue") && !fits(&was_held, "", "held"));
}

#[test]
fn a_state_holds_back_what_is_under_way_or_parked() {
    for state in AccountState::ALL {
        let may_begin = ["idle", "due", "backoff"].contains(&state.word());
        let brief = Brief { state, ..Brief::of(&due(600)) };
        assert_eq!(brief.is_overdue(NOW), may_begin, "{state:?}");
        assert!(Find::new("", state.word()).unwrap().fits(b"a/db/app", &brief, NOW));
    }
    let lent = Brief { lent: Some((NOW, true)), ..Brief::of(&due(600)) };
    assert!(!lent.is_overdue(NOW));
    let is_lent = |brief: &Brief| Find::new("", "lent").unwrap().fits(b"a/db/app", brief, NOW);
    assert!(is_lent(&lent) && !is_lent(&Brief::of(&due(600))));
}

#[test]
fn text_is_looked_for_in_path_target_and_name() {
    let account = account("db/Billing");
    for text in ["", "bill", "DB/b", "PG-M", "app_shop", "_SHOP"] {
        assert!(fits(&account, text, ""), "{text}");
    }
    // The key's own first letter is no part of the path.
    for text in ["a/db", "mysql", "db/billings"] {
        assert!(!fits(&account, text, ""), "{text}");
    }
    assert!(fits(&account, "bill", "never") && !fits(&account, "bill", "failing"));
    assert_eq!(Find::new("", "asleep"), None);
}

#[test]
fn the_team_is_the_accounts_own_or_that_of_its_target() {
    let team = |name: &str| Team::parse(name).unwrap();
    let settings = Settings { team: Some(team("payments")), ..Settings::default() };
    let own = Account { settings, ..account("db/app") };
    let teams = BTreeMap::from([(Name::parse("pg-main").unwrap(), team("platform"))]);
    let is = |account: &Account, asked: &str, teams: &BTreeMap<Name, Team>| {
        let find = Find::new("", "").unwrap().of(Whose::parse(asked).unwrap(), teams.clone());
        find.fits(account.subject.key().as_bytes(), &Brief::of(account), NOW)
    };
    let (other, nobodys) = (account("db/other"), BTreeMap::new());
    for (account, asked, teams, want) in [
        (&own, "payments", &teams, true),
        (&own, "platform", &teams, false),
        (&other, "platform", &teams, true),
        (&other, "payments", &teams, false),
        (&other, "", &teams, true),
        (&other, "(none)", &teams, false),
        (&other, "(none)", &nobodys, true),
        (&own, "(none)", &nobodys, false),
    ] {
        assert_eq!(is(account, asked, teams), want, "{asked} {:?}", account.subject);
    }
}

#[test]
fn a_tally_counts_each_account_in_what_it_is() {
    let incident = Some(IncidentId::from_stored([7; 16]));
    let soon = Account { next_rotation: Some(NOW.plus(seconds(3_599))), ..account("db/soon") };
    let later = Account { next_rotation: Some(NOW.plus(seconds(3_600))), ..account("db/later") };
    let rotated = Account { last_rotation: Some(NOW), incident, ..due(0) };
    let lent = |until, is_ending| Brief { lent: Some((until, is_ending)), ..Brief::of(&rotated) };
    let lent = [lent(NOW, false), lent(NOW.plus(seconds(1)), true)];
    let mut tally = Tally::default();
    let briefs = [due(600), soon, later, rotated.clone()].map(|account| Brief::of(&account));
    for brief in briefs.into_iter().chain(lent) {
        tally.add(&brief, NOW, seconds(3_600));
    }
    let want = Tally {
        accounts: 6,
        failing: 3,
        overdue: 1,
        soon: 4,
        never: 3,
        held: 0,
        lent: 2,
        lent_late: 1,
        revoking: 1,
        by_state: BTreeMap::from([(AccountState::Idle, 6)]),
    };
    assert_eq!(tally, want);
}

#[test]
fn those_that_are_named_are_found_whatever_their_state() {
    let keys = Arc::new(BTreeSet::from([account("db/app").subject.key().into_bytes()]));
    let found = |path: &str, text: &str| {
        let account = account(path);
        let key = account.subject.key();
        Find::among(text, Arc::clone(&keys)).fits(key.as_bytes(), &Brief::of(&account), NOW)
    };
    assert!(found("db/app", "") && found("db/app", "APP"));
    assert!(!found("db/apps", "") && !found("db/app", "billing"));
}

#[test]
fn a_pattern_is_of_the_whole_path() {
    let is_found = |path: &str, pattern: &str| {
        let account = account(path);
        Find::fitting(pattern).fits(account.subject.key().as_bytes(), &Brief::of(&account), NOW)
    };
    for (pattern, want) in
        [("db/app", true), ("db/*", true), ("*app", true), ("db", false), ("pg-main", false), ("DB/*", false)]
    {
        assert_eq!(is_found("db/app", pattern), want, "{pattern}");
    }
}
