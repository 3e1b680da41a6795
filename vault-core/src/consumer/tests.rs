//! Who has which version, and what of that is stored.

use super::*;
use crate::account::{Settings, Subject, Version};
use crate::entropy::SeededEntropy;
use crate::id::MountId;
use crate::path::{AccountPath, Name};

const NOW: Timestamp = Timestamp::from_secs(10_000_000);

fn account() -> Account {
    let subject = Subject::Account(AccountPath::parse("db/app").unwrap());
    let target = Name::parse("t").unwrap();
    let mut account = Account::new(subject, target, "app".to_owned(), Settings::default(), NOW);
    account.versions.last = 3;
    account.versions.current = Some(Version::new(3, NOW));
    account
}

#[test]
fn a_consumer_is_behind_by_the_version_it_uses() {
    let versions = account().versions;
    let mut has = receipt(Who::Token, 1, NOW);
    assert_eq!(versions_behind(&has, &versions), 2);
    has.version = 3;
    assert_eq!(versions_behind(&has, &versions), 0);
    // What it has fetched and does not use yet counts for nothing.
    has.confirmed = Some(Confirmed { version: 2, at: NOW });
    assert_eq!(versions_behind(&has, &versions), 1);
    assert_eq!(versions_behind(&has, &Versions::default()), 0);
}

fn login(name: &str) -> Who {
    let mount = MountId::generate(Timestamp::EPOCH, &SeededEntropy::new(1));
    Who::Login(Origin { mount, principal: name.to_owned() })
}

fn receipt(who: Who, version: u64, last_at: Timestamp) -> Receipt {
    Receipt {
        accessor: "a".to_owned(),
        token: TokenDigest::from_slice(&[1; 32]).unwrap(),
        token_ends: None,
        who,
        name: "token-app".to_owned(),
        account: NOW,
        version,
        lent: None,
        since: last_at,
        first_at: last_at,
        last_at,
        confirmed: None,
    }
}

#[test]
fn who_lives_has_the_current_version_or_lags_and_who_ended_is_gone() {
    let (at, ago) = (|seconds| NOW.minus(Duration::from_secs(seconds)), KEPT.as_secs());
    for (who, version, seen, lives, want) in [
        (Who::Token, 3, 0, true, Standing::Current),
        (Who::Token, 2, 0, true, Standing::Lagging),
        (Who::Token, 2, 0, false, Standing::Gone),
        (Who::Token, 2, ago - 1, true, Standing::Lagging),
        (Who::Token, 2, ago, true, Standing::Gone),
        // A service whose token has ended may go on with the password that it has.
        (login("web"), 2, 60, false, Standing::Lagging),
        (login("web"), 3, 60, false, Standing::Current),
        (Who::Entity("e".to_owned()), 2, 60, false, Standing::Lagging),
        (login("web"), 2, ago, false, Standing::Gone),
    ] {
        let looked = [Looked { receipt: receipt(who.clone(), version, at(seen)), lives }];
        assert_eq!(judge(&account(), &looked, NOW), [want], "{who:?} {version} {seen} {lives}");
    }
}

#[test]
fn an_instance_that_ended_was_followed_by_what_its_login_fetched_later() {
    let at = |seconds| NOW.minus(Duration::from_secs(seconds));
    let looked = [
        Looked { receipt: receipt(login("web"), 2, at(60)), lives: false },
        Looked { receipt: receipt(login("web"), 3, at(30)), lives: false },
        // Another instance that lives, and still has the old one.
        Looked { receipt: receipt(login("web"), 2, at(90)), lives: true },
        // Another login.
        Looked { receipt: receipt(login("batch"), 2, at(60)), lives: false },
    ];
    let want = [Standing::Gone, Standing::Current, Standing::Lagging, Standing::Lagging];
    assert_eq!(judge(&account(), &looked, NOW), want);
}

#[test]
fn a_receipt_of_a_deleted_account_of_the_same_path_says_nothing() {
    let old = Receipt { account: NOW.minus(Duration::from_secs(1)), ..receipt(login("web"), 3, NOW) };
    let fresh = receipt(login("web"), 2, NOW.minus(Duration::from_secs(5)));
    let looked =
        [Looked { receipt: old.clone(), lives: true }, Looked { receipt: fresh.clone(), lives: false }];
    assert_eq!(judge(&account(), &looked, NOW), [Standing::Gone, Standing::Lagging]);
    assert!(!is_kept(&old, Standing::Gone, NOW, &account().versions));
    assert_eq!(fresh.after(Some(&old)), Some(fresh.clone()));
}

#[test]
fn only_the_first_fetch_of_a_version_is_stored_and_now_and_then_a_sign_of_life() {
    let mut held = receipt(Who::Token, 2, NOW);
    let later = |seconds| NOW.plus(Duration::from_secs(seconds));
    for (version, at, want) in [
        (2, 1, false),
        (2, 3599, false),
        (2, 3600, true),
        (2, 3700, false),
        (3, 3701, true),
        (3, 3702, false),
    ] {
        assert_eq!(
            held.fetched(Fetched { version, lent: None }, later(at)),
            want,
            "version {version} at {at}"
        );
    }
    assert_eq!((held.since, held.first_at, held.last_at), (NOW, later(3701), later(3701)));
}

#[test]
fn who_gave_back_what_was_lent_lags_behind_nothing() {
    let mut account = account();
    let borrowed = Receipt { lent: Some(1), ..receipt(login("web"), 3, NOW) };
    let looked = [Looked { receipt: borrowed, lives: true }];
    let borrower = crate::lease::Borrower {
        id: "b".to_owned(),
        name: "bob".to_owned(),
        token: String::new(),
        accessor: "b".to_owned(),
    };
    let lease = |generation, state| crate::lease::Lease {
        id: "accounts/check-out/db/app/x".to_owned(),
        subject: "a/db/app".to_owned(),
        borrower: borrower.clone(),
        generation,
        version: 3,
        issued_at: NOW,
        expires_at: NOW,
        max_expires_at: NOW,
        ttl: None,
        pool: None,
        renewed_at: None,
        reason: None,
        ticket: None,
        state,
        ending: None,
        closing: None,
        closed_at: None,
    };
    for (holder, want) in [
        (Some(lease(1, LeaseState::Active)), Standing::Current),
        (Some(lease(1, LeaseState::Revoking)), Standing::Gone),
        (Some(lease(2, LeaseState::Active)), Standing::Gone),
        (None, Standing::Gone),
    ] {
        account.lending.holder = holder;
        assert_eq!(judge(&account, &looked, NOW), [want]);
    }
}

#[test]
fn what_is_stored_already_is_not_stored_again() {
    let later = |seconds| NOW.plus(Duration::from_secs(seconds));
    let there = receipt(Who::Token, 2, NOW);
    assert_eq!(receipt(Who::Token, 2, later(60)).after(Some(&there)), None);
    // Another process has forgotten when it first fetched that version: the store has not.
    let seen = receipt(Who::Token, 2, later(3600)).after(Some(&there)).unwrap();
    assert_eq!((seen.since, seen.first_at, seen.last_at), (NOW, NOW, later(3600)));
    let next = receipt(Who::Token, 3, later(60)).after(Some(&there)).unwrap();
    assert_eq!((next.since, next.first_at, next.version), (NOW, later(60), 3));
}

#[test]
fn a_receipt_is_kept_while_its_holder_lives_or_knows_a_password_that_may_open_something() {
    let mut versions = account().versions;
    versions.previous = Some(Version::new(2, NOW));
    for (version, standing, want) in [
        (1, Standing::Lagging, true),
        (1, Standing::Gone, false),
        (2, Standing::Gone, true),
        (3, Standing::Gone, true),
    ] {
        let receipt = receipt(Who::Token, version, NOW);
        assert_eq!(is_kept(&receipt, standing, NOW, &versions), want, "{version} {standing:?}");
    }
}

#[test]
fn who_is_gone_makes_room_before_who_lives() {
    let at = |seconds| NOW.minus(Duration::from_secs(seconds));
    let looked: Vec<Looked> = [90, 60, 30, 10]
        .map(|seconds| Looked { receipt: receipt(Who::Token, 3, at(seconds)), lives: true })
        .to_vec();
    let (live, gone) = (Standing::Current, Standing::Gone);
    assert_eq!(least(&looked, &[live, gone, gone, live]), Some(1));
    assert_eq!(least(&looked, &[live; 4]), Some(0));
    assert_eq!(least(&[], &[]), None);
}

#[test]
fn who_has_confirmed_once_is_taken_at_its_word() {
    let confirmed = |version| Some(Confirmed { version, at: NOW });
    let one = |who: Who, version, says| Looked {
        receipt: Receipt { confirmed: says, ..receipt(who, version, NOW) },
        lives: true,
    };
    let (current, lagging) = (Standing::Current, Standing::Lagging);
    for (looked, want) in [
        (vec![one(Who::Token, 3, confirmed(3))], vec![current]),
        // It has fetched the new one, and uses the old one still.
        (vec![one(Who::Token, 3, confirmed(2))], vec![lagging]),
        // What another token says is about another consumer …
        (vec![one(Who::Token, 3, confirmed(2)), one(Who::Token, 3, None)], vec![lagging, current]),
        // … unless both are of one login.
        (vec![one(login("web"), 3, confirmed(3)), one(login("web"), 3, None)], vec![current, lagging]),
        (vec![one(login("web"), 3, confirmed(3)), one(login("ci"), 3, None)], vec![current, current]),
    ] {
        assert_eq!(judge(&account(), &looked, NOW), want, "{looked:?}");
    }
}

#[test]
fn only_what_was_fetched_last_is_confirmed_and_again_changes_nothing() {
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    let mut receipt = receipt(Who::Token, 2, NOW);
    assert_eq!(receipt.confirm(3, at(1)), Err(Unconfirmed::Fetched(2)));
    assert_eq!(receipt.confirm(1, at(1)), Err(Unconfirmed::Fetched(2)));
    assert_eq!(receipt.confirmed, None);
    for seconds in [2, 3] {
        assert_eq!(receipt.confirm(2, at(seconds)), Ok(()));
        assert_eq!(receipt.confirmed, Some(Confirmed { version: 2, at: at(2) }));
    }
    receipt.fetched(Fetched { version: 3, lent: None }, at(4));
    assert_eq!(receipt.confirm(2, at(5)), Ok(()), "said again");
    assert_eq!(receipt.confirm(3, at(6)), Ok(()));
    // A version that was taken back is the last one again.
    receipt.fetched(Fetched { version: 2, lent: None }, at(7));
    assert_eq!(receipt.confirm(2, at(8)), Ok(()));
    assert_eq!(receipt.confirmed, Some(Confirmed { version: 2, at: at(8) }));
}

#[test]
fn a_restart_forgets_no_confirmation() {
    let there = Receipt { confirmed: Some(Confirmed { version: 2, at: NOW }), ..receipt(Who::Token, 2, NOW) };
    let fresh = receipt(Who::Token, 3, NOW.plus(Duration::from_secs(60)));
    assert_eq!(fresh.after(Some(&there)).unwrap().confirmed, there.confirmed);
    // A confirmation alone is worth storing.
    let bare = receipt(Who::Token, 2, NOW);
    assert_eq!(there.after(Some(&bare)).unwrap().confirmed, there.confirmed);
    assert_eq!(bare.after(Some(&there)), None);
}
