//! What the clock begins of what a target has refused, and what it leaves to people.

use std::time::Duration;

use super::*;
use crate::account::Settings;
use crate::clock::Timestamp;
use crate::entropy::SeededEntropy;
use crate::id::{IncidentId, RotationId};
use crate::path::{AccountPath, Name};
use crate::rotation::step::{new_run, request};

const NOW: Timestamp = Timestamp::from_secs(1_000_000);

fn context() -> Context {
    let entropy = SeededEntropy::new(1);
    Context {
        now: NOW,
        next_due: None,
        window_open: true,
        retries: 3,
        retry_base: Duration::from_secs(1),
        retry_cap: Duration::from_secs(60),
        grace: Duration::ZERO,
        early_after: Duration::ZERO,
        hold: Duration::ZERO,
        overlaps: false,
        mints: false,
        draw: 0,
        rotation: RotationId::generate(NOW, &entropy),
        incident: IncidentId::generate(NOW, &entropy),
        group: Default::default(),
        circuit: None,
        heartbeat: None,
        reconciles: false,
    }
}

/// One that is due, and that its target has refused.
fn refused(subject: Subject) -> Account {
    let target = Name::parse("pg").unwrap();
    let account = Account::new(subject, target, "user".to_owned(), Settings::default(), NOW);
    Account { health: Health::Refused(NOW), next_rotation: Some(NOW), ..account }
}

fn manager() -> Account {
    refused(Subject::Management(Name::parse("pg").unwrap()))
}

#[test]
fn a_refused_management_credential_waits_for_a_person_whether_its_rotation_begins_or_goes_on() {
    let waiting = |step| {
        let run = new_run(Cause::Schedule, NOW, &context());
        Account { stage: Stage::Waiting { run, step, at: NOW }, ..manager() }
    };
    for account in [manager(), waiting(Step::Prepare)] {
        let plan = tick(account, &context()).unwrap();
        assert_eq!(plan.effect, None);
        assert!(
            matches!(plan.account.stage, Stage::Parked { step: Step::Prepare, .. }),
            "{:?}",
            plan.account.stage
        );
        assert!(plan.account.incident.is_some(), "somebody is told");
    }
    // What has got to the target is brought to its end: there it may be another one that is tried.
    for step in [Step::Verify, Step::Probe, Step::Retire] {
        let plan = tick(waiting(step), &context()).unwrap();
        assert!(plan.effect.is_some() && plan.account.stage.step() == Some(step), "{step:?}");
        assert!(!plan.effect.is_some_and(|effect| plan.account.is_refused_to_the_clock(effect)), "{step:?}");
    }
}

#[test]
fn people_try_a_refused_management_credential_and_the_clock_an_account_that_is_refused() {
    let by = Cause::Demand { principal: "ada".to_owned() };
    let asked = request(manager(), by, &context()).unwrap();
    let path = AccountPath::parse("db/app").unwrap();
    // Its password is set by the management credential, which repairs it.
    let drifted = tick(refused(Subject::Account(path)), &context()).unwrap();
    for plan in [asked, drifted] {
        assert_eq!(plan.effect, Some(Effect::Prepare));
        assert!(!plan.account.is_refused_to_the_clock(Effect::Prepare));
    }
}
