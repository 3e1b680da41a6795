//! Made-up accounts, and how each stands to its policy.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use vault_core::account::standing::{AgeCounts, Standing};
use vault_core::account::{Account, Settings, Subject, Version};
use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::id::RotationId;
use vault_core::path::{AccountPath, Name};
use vault_core::rotation::port::Rights;
use vault_core::rotation::run::{Cause, Run, Stage, Step};
use vault_core::schedule::{RotationPolicy, RotationPolicySpec};

use super::history::Dice;

/// The accounts of a store at some moment.
pub(crate) struct Present {
    now: Timestamp,
    accounts: Vec<Account>,
}

impl Present {
    /// Up to some dozens of accounts.
    pub(crate) fn random(seed: u64) -> Self {
        let mut dice = Dice(seed ^ 0x57A4D);
        // Up to four years on, so that months are of each length.
        let now = Timestamp::from_secs(1_767_225_600).plus(millis(&mut dice, 4 * 365));
        let count = dice.roll(40);
        Self { now, accounts: (0..count).map(|place| account(&mut dice, now, place)).collect() }
    }

    /// As the program is asked.
    pub(crate) fn asked(&self) -> Value {
        let policies: BTreeMap<&str, Value> = POLICIES
            .into_iter()
            .map(|(name, period, schedule)| match schedule {
                "" => (name, json!({ "period": period * 1000 })),
                _ => (name, json!({ "schedule": schedule })),
            })
            .collect();
        let accounts: Vec<Value> = self.accounts.iter().map(exported).collect();
        json!({ "present": { "now": self.now.as_millis(), "policies": policies, "accounts": accounts } })
    }

    /// What the vault says of each and of all, in the words of the program.
    pub(crate) fn told(&self) -> Value {
        let mut counts = AgeCounts::default();
        let each: Vec<Value> = self
            .accounts
            .iter()
            .map(|account| {
                let policy = account.settings.rotation_policy.as_ref().and_then(|name| policy(name.as_str()));
                let standing = Standing::of(account, policy.as_ref(), self.now);
                counts.add(&standing);
                told(&standing)
            })
            .collect();
        let counts = json!({
            "accounts": counts.accounts, "without_policy": counts.without_policy,
            "without_credential": counts.without_credential, "never_rotated": counts.never_rotated,
            "buckets": counts.buckets,
        });
        json!({ "each": each, "counts": counts })
    }
}

/// What a look shows.
fn told(standing: &Standing) -> Value {
    let lasted = |lasted: Option<Duration>| lasted.map(|lasted| u64::try_from(lasted.as_millis()).unwrap());
    let time = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
    json!({
        "age": lasted(standing.age), "period": lasted(standing.period), "ratio": standing.ratio(),
        "never_rotated": standing.never_rotated, "due_at": time(standing.due_at),
        "held_until": time(standing.held_until), "overdue": lasted(standing.overdue),
        "is_parked": standing.is_parked,
    })
}

/// A record as the program reads it.
fn exported(account: &Account) -> Value {
    let time = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
    let run = account.stage.run().map(|run| {
        json!({
            "due_at": run.due_at.as_millis(),
            "promoted": account.stage.step() == Some(Step::Retire),
            "active": matches!(account.stage, Stage::Active { .. }),
        })
    });
    json!({
        "account": account.subject.to_string(), "target": account.target, "state": account.stage.word(),
        "created_at": time(account.versions.current.map(|current| current.created_at)),
        "last_rotation": time(account.last_rotation), "next_rotation": time(account.next_rotation),
        "held_until": time(account.held_until), "run": run, "policy": account.settings.rotation_policy,
        "incident": null,
    })
}

fn policy(name: &str) -> Option<RotationPolicy> {
    let (_, period, schedule) = POLICIES.into_iter().find(|(policy, ..)| *policy == name)?;
    let spec = match schedule {
        "" => RotationPolicySpec {
            rotation_period: Some(Duration::from_secs(period)),
            ..RotationPolicySpec::default()
        },
        _ => RotationPolicySpec {
            rotation_schedule: Some(schedule.to_owned()),
            ..RotationPolicySpec::default()
        },
    };
    Some(RotationPolicy::try_new(spec).unwrap())
}

fn account(dice: &mut Dice, now: Timestamp, place: u64) -> Account {
    let subject = match dice.roll(8) {
        0 => Subject::Management(Name::parse("t").unwrap()),
        _ => Subject::Account(AccountPath::parse(&format!("app-{place}")).unwrap()),
    };
    let rotation_policy = POLICIES.get(dice.choice(6)).map(|(name, ..)| Name::parse(name).unwrap());
    let settings = Settings { rotation_policy, ..Settings::default() };
    let mut account = Account::new(subject, Name::parse("t").unwrap(), "app".to_owned(), settings, now);
    account.versions.current = maybe(dice, |dice| Version::new(1, around(dice, now, 60)));
    account.last_rotation = maybe(dice, |dice| around(dice, now, 60));
    account.next_rotation = maybe(dice, |dice| around(dice, now, 3));
    account.held_until = maybe(dice, |dice| around(dice, now, 2)).filter(|_| dice.roll(2) == 0);
    account.stage = stage(dice, now);
    account
}

fn stage(dice: &mut Dice, now: Timestamp) -> Stage {
    let run = Run {
        id: RotationId::generate(now, &SeededEntropy::new(dice.roll(1000))),
        cause: Cause::Schedule,
        due_at: around(dice, now, 3),
        started_at: now,
        attempts: 1,
        refusals: 0,
        rights: Rights::default(),
        reverting: false,
        overlaps: false,
        mints: false,
        doubtful: false,
        fault: None,
        grace: None,
        held: None,
        refused: Vec::new(),
        parked: 0,
    };
    let step =
        [Step::Prepare, Step::Apply, Step::Verify, Step::Probe, Step::Revert, Step::Retire][dice.choice(6)];
    match dice.roll(8) {
        0 | 1 => Stage::Active { run, step },
        2 => Stage::Waiting { run, step, at: around(dice, now, 1) },
        3 => Stage::Parked { run, step },
        _ => Stage::Idle,
    }
}

fn maybe<T>(dice: &mut Dice, one: impl FnOnce(&mut Dice) -> T) -> Option<T> {
    if dice.roll(5) == 0 { None } else { Some(one(dice)) }
}

/// Up to so many days before or, less often, after: the clock may have stepped back. Now and then this very moment.
fn around(dice: &mut Dice, now: Timestamp, days: u64) -> Timestamp {
    match dice.roll(10) {
        0 => now,
        1..=3 => now.plus(millis(dice, days)),
        _ => now.minus(millis(dice, days)),
    }
}

fn millis(dice: &mut Dice, days: u64) -> Duration {
    Duration::from_millis(dice.roll(days * 86_400_000))
}

/// By name, with a period in seconds or a schedule.
const POLICIES: [(&str, u64, &str); 5] = [
    ("daily", 86_400, ""),
    ("monthly", 30 * 86_400, ""),
    ("nightly", 0, "30 4 * * *"),
    ("mondays", 0, "0 3 * * 1"),
    ("firsts", 0, "0 0 1 * *"),
];
