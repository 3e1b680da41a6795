//! Names of teams, whose something is, and records of before there were teams.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::*;
use crate::account::plan::RunEnd;
use crate::account::{Account, Settings, Subject};
use crate::clock::Timestamp;
use crate::entropy::SeededEntropy;
use crate::id::{IncidentId, RotationId};
use crate::incident::Incident;
use crate::incident::ledger::{FaultReport, LedgerEvent, record};
use crate::path::{AccountPath, Name};
use crate::rotation::attempt::Attempt;
use crate::rotation::fault::FaultClass;
use crate::rotation::port::TargetSpec;
use crate::target::Target;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

#[test]
fn a_name_is_letters_digits_and_three_signs() {
    let longest = "x".repeat(TEAM_BYTES_MAX);
    let longer = "x".repeat(TEAM_BYTES_MAX + 1);
    for (text, want) in [
        ("payments", None),
        ("Data-Platform_2.eu", None),
        (longest.as_str(), None),
        (longer.as_str(), Some(TeamError::TooLong)),
        ("", Some(TeamError::Empty)),
        ("a b", Some(TeamError::Character)),
        ("a/b", Some(TeamError::Character)),
        ("équipe", Some(TeamError::Character)),
        ("=1", Some(TeamError::Character)),
        (NO_TEAM, Some(TeamError::Character)),
    ] {
        assert_eq!(Team::parse(text).err(), want, "{text:?}");
    }
}

#[test]
fn the_accounts_team_goes_before_its_targets() {
    let (one, other) = (Team::parse("one").unwrap(), Team::parse("other").unwrap());
    assert_eq!(Team::of(Some(&one), Some(&other)), Some(&one));
    assert_eq!(Team::of(None, Some(&other)), Some(&other));
    assert_eq!(Team::of(Some(&one), None), Some(&one));
    assert_eq!(Team::of(None, None), None);
}

#[test]
fn what_is_nobodys_can_be_looked_for() {
    let one = Team::parse("one").unwrap();
    for (text, of_one, of_none) in
        [("", true, true), ("one", true, false), ("One", false, false), (NO_TEAM, false, true)]
    {
        let whose = Whose::parse(text).unwrap();
        assert_eq!((whose.is(Some(&one)), whose.is(None)), (of_one, of_none), "{text:?}");
    }
    assert_eq!(Whose::parse("a b"), Err(TeamError::Character));
}

/// A record with a team is read back with it; one from before there were teams has the same fields without that one.
fn check<R>(record: &R, of: impl Fn(&R) -> Option<&Team>)
where
    R: Serialize + DeserializeOwned + PartialEq + fmt::Debug,
{
    // As it is stored.
    assert_eq!(&rmp_serde::from_slice::<R>(&rmp_serde::to_vec_named(record).unwrap()).unwrap(), record);
    let fields = |record: &R| serde_json::to_value(record).unwrap();
    let mut earlier = fields(record);
    assert_eq!(earlier.as_object_mut().unwrap().remove("team"), Some(Value::from("payments")), "{earlier}");
    let read: R = serde_json::from_value(earlier.clone()).unwrap();
    assert_eq!((of(&read), fields(&read)), (None, earlier), "what has none is stored as before");
}

fn payments() -> Option<Team> {
    Some(Team::parse("payments").unwrap())
}

#[test]
fn settings_of_before_teams_are_read() {
    check(&Settings { team: payments(), ..Settings::default() }, |settings| settings.team.as_ref());
    let target = Target {
        name: Name::parse("pg").unwrap(),
        rotator: "postgresql".to_owned(),
        spec: TargetSpec { connection_url: String::new(), settings: Default::default() },
        username: "admin".to_owned(),
        concurrency: 1,
        allowed_usernames: Vec::new(),
        password_policy: None,
        origin: None,
        created_at: NOW,
        heartbeats: Default::default(),
        on_drift: Default::default(),
        lockout: Default::default(),
        team: payments(),
    };
    check(&target, |target| target.team.as_ref());
    let (path, pg) = (AccountPath::parse("db/app").unwrap(), Name::parse("pg").unwrap());
    let settings = Settings { team: payments(), ..Settings::default() };
    let account = Account::new(Subject::Account(path), pg, "app".to_owned(), settings, NOW);
    let whole = rmp_serde::to_vec_named(&account).unwrap();
    assert_eq!(rmp_serde::from_slice::<Account>(&whole).unwrap(), account);
}

#[test]
fn records_of_before_teams_are_read() {
    let entropy = SeededEntropy::new(1);
    let rotation = RotationId::generate(NOW, &entropy);
    let end = RunEnd {
        rotation,
        subject: "a/db/app".to_owned(),
        target: "pg".to_owned(),
        due_at: NOW,
        started_at: NOW,
        ended_at: NOW,
        attempts: 1,
        failed: None,
        team: payments(),
    };
    check(&end, |end| end.team.as_ref());
    let attempt = Attempt {
        rotation,
        number: 1,
        subject: "a/db/app".to_owned(),
        target: "pg".to_owned(),
        at: NOW,
        succeeded: true,
        class: None,
        phase: None,
        team: payments(),
    };
    check(&attempt, |attempt| attempt.team.as_ref());
    let opened = LedgerEvent::Fault(FaultReport {
        incident: IncidentId::generate(NOW, &entropy),
        reopened: false,
        at: NOW,
        subject: "a/db/app".to_owned(),
        target: "pg".to_owned(),
        class: FaultClass::Drift,
        phase: None,
        detail: "words".to_owned(),
        due_at: NOW,
        started_at: NOW,
        attempts: 1,
        stays_parked: false,
        scope: Default::default(),
        moved_from: None,
    });
    let incident = record(None, &opened).unwrap().incident;
    check(&Incident { team: payments(), ..incident }, |incident| incident.team.as_ref());
}
