//! Dynamic leases under random schedules of faults and crashes.
//!
//! The world is a store with records, a target with users, and processes that die before and after each
//! effect. After every step: no user without a lease, no active lease without its user, no closed lease whose
//! user may still come in, and whatever failed has an open incident. Once the queue is drained nothing is left.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::id::{IncidentId, MountId, RotationId};
use vault_core::incident::ledger::record;
use vault_core::incident::{Incident, IncidentState};
use vault_core::lease::dynamic::removal::Removal;
use vault_core::lease::dynamic::step::{self, Due, Plan};
use vault_core::lease::dynamic::trouble::Trouble;
use vault_core::lease::dynamic::{Dynamic, Stage};
use vault_core::lease::{Borrower, EndCause};
use vault_core::path::Name;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::Outcome;
use vault_core::rotation::provisioner::Statements;

/// How the target answers a creation.
#[derive(Clone, Copy, Debug)]
enum Creation {
    Done,
    Refused,
    ReplyLost,
    RequestLost,
    Late,
}

/// How the target answers a removal.
#[derive(Clone, Copy, Debug)]
enum Removing {
    Done,
    Fails(FaultClass),
    ReplyLost,
    Lies,
}

/// Where the process dies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Crash {
    Never,
    BeforeEffect,
    AfterEffect,
}

#[derive(Clone, Debug)]
enum Op {
    Issue {
        how: Creation,
        crash: Crash,
        ends_meanwhile: bool,
    },
    End {
        which: usize,
        by_person: bool,
    },
    Renew {
        which: usize,
        seconds: u64,
        crash: Crash,
    },
    /// Time passes and the scheduler looks.
    Tick {
        seconds: u64,
        how: Removing,
        crash: Crash,
    },
    /// What was late arrives.
    Deliver,
}

struct World {
    now: Timestamp,
    entropy: SeededEntropy,
    store: BTreeMap<Vec<u8>, Dynamic>,
    users: BTreeSet<String>,
    late: BTreeSet<String>,
    trouble: Trouble,
    incidents: BTreeMap<IncidentId, Incident>,
    made: u64,
}

impl World {
    fn new() -> Self {
        Self {
            now: Timestamp::from_secs(1_790_000_000),
            entropy: SeededEntropy::new(5),
            store: BTreeMap::new(),
            users: BTreeSet::new(),
            late: BTreeSet::new(),
            trouble: Trouble::default(),
            incidents: BTreeMap::new(),
            made: 0,
        }
    }

    fn fresh(&mut self) -> Dynamic {
        self.made += 1;
        let (now, made) = (self.now, self.made);
        Dynamic {
            mount: MountId::from_stored([7; 16]),
            mount_path: "database".to_owned(),
            role: "app".to_owned(),
            suffix: format!("s{made}"),
            target: Name::parse("pg").unwrap(),
            place: None,
            username: format!("v-{made}"),
            job: RotationId::generate(now, &self.entropy),
            borrower: Borrower {
                id: "acc".to_owned(),
                name: "ann".to_owned(),
                token: "00".to_owned(),
                accessor: String::new(),
            },
            reason: None,
            issued_at: now,
            expires_at: now.plus(Duration::from_secs(60)),
            max_expires_at: now.plus(Duration::from_secs(600)),
            ttl: Duration::from_secs(60),
            renewed_at: None,
            statements: Statements::default(),
            stage: Stage::Requested,
            undo: false,
            ending: None,
            closing: None,
            failures: 0,
            refusals: 0,
            fault: None,
            troubled: false,
            armed: None,
        }
    }

    /// One commit, as the server makes it.
    fn commit(&mut self, plan: &Plan) {
        if let Some(report) = &plan.report {
            let fresh = IncidentId::generate(self.now, &self.entropy);
            for event in self.trouble.hear(&plan.lease, report, fresh, self.now) {
                let id = event.incident();
                let folded = record(self.incidents.remove(&id), &event).expect("an incident to write to");
                self.incidents.insert(id, folded);
            }
        }
        let key = plan.lease.key();
        if plan.lease.stage == Stage::Closed {
            self.store.remove(&key);
        } else {
            self.store.insert(key, plan.lease.clone());
        }
    }

    fn issue(&mut self, how: Creation, crash: Crash, ends_meanwhile: bool) {
        let plan = step::requested(self.fresh());
        self.commit(&plan);
        let (key, user) = (plan.lease.key(), plan.lease.username.clone());
        if crash == Crash::BeforeEffect {
            return;
        }
        let fault = Fault::new(FaultClass::Ambiguous, "no answer");
        let outcome = match how {
            Creation::Done => Outcome::Applied,
            Creation::Refused => Outcome::NotApplied(Fault::new(FaultClass::Preflight, "no")),
            Creation::ReplyLost | Creation::RequestLost | Creation::Late => Outcome::Unknown(fault),
        };
        match how {
            Creation::Done | Creation::ReplyLost => drop(self.users.insert(user)),
            Creation::Late => drop(self.late.insert(user)),
            Creation::Refused | Creation::RequestLost => {}
        }
        if ends_meanwhile {
            let lease = self.store[&key].clone();
            self.commit(&step::end(lease, EndCause::TokenGone, self.now).unwrap());
        }
        if crash == Crash::AfterEffect {
            return;
        }
        let plan = step::created(self.store[&key].clone(), outcome, self.now).unwrap();
        self.commit(&plan);
    }

    fn end(&mut self, which: usize, by_person: bool) {
        let cause =
            if by_person { EndCause::Forced { principal: "bob".to_owned() } } else { EndCause::TokenGone };
        let Some(lease) = self.nth(which) else { return };
        if let Some(plan) = step::end(lease, cause, self.now) {
            self.commit(&plan);
        }
    }

    fn renew(&mut self, which: usize, seconds: u64, crash: Crash) {
        let Some(lease) = self.nth(which) else { return };
        let increment = Some(Duration::from_secs(seconds));
        let Ok(until) = step::renewal(&lease, increment, self.now) else { return };
        assert!(until <= lease.max_expires_at, "never beyond the maximum");
        if crash == Crash::Never {
            self.commit(&step::renewed(lease, until, self.now).unwrap());
        }
    }

    fn nth(&self, which: usize) -> Option<Dynamic> {
        let count = self.store.len().max(1);
        self.store.values().nth(which % count).cloned()
    }

    /// The scheduler's look at everything that is due.
    fn tick(&mut self, how: Removing, crash: Crash) {
        let due = |lease: &Dynamic| lease.wake().is_some_and(|at| at <= self.now);
        let keys: Vec<_> =
            self.store.iter().filter(|(_, lease)| due(lease)).map(|(key, _)| key.clone()).collect();
        for key in keys {
            let lease = self.store[&key].clone();
            let removes = match (&lease.stage, step::tick(lease.clone(), self.now)) {
                (Stage::Requested, _) => {
                    let plan = step::recover(lease, self.now).unwrap();
                    self.commit(&plan);
                    plan.removes
                }
                (_, Some(Due::Ends(plan))) => {
                    self.commit(&plan);
                    plan.removes
                }
                (_, Some(Due::Remove)) => true,
                (_, None) => false,
            };
            if removes && crash != Crash::BeforeEffect {
                self.remove(&key, how, crash);
            }
        }
    }

    fn remove(&mut self, key: &[u8], how: Removing, crash: Crash) {
        let lease = self.store[key].clone();
        // As the rotators do: what a creation left under way ends first.
        let is_there = self.users.contains(&lease.username);
        let mut take = || {
            self.late.remove(&lease.username);
            self.users.remove(&lease.username);
        };
        let fails = |class| Removal::Failed(Fault::new(class, "no"));
        let removal = match how {
            Removing::Done => {
                take();
                Removal::Gone
            }
            Removing::Fails(class) => fails(class),
            Removing::ReplyLost => {
                take();
                fails(FaultClass::Ambiguous)
            }
            // The target says "done"; the look finds the user.
            Removing::Lies if is_there => fails(FaultClass::OldStillValid),
            Removing::Lies => {
                take();
                Removal::Gone
            }
        };
        if crash == Crash::AfterEffect {
            return;
        }
        let plan = step::removed(lease, removal, self.now, self.made).unwrap();
        self.commit(&plan);
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Issue { how, crash, ends_meanwhile } => self.issue(how, crash, ends_meanwhile),
            Op::End { which, by_person } => self.end(which, by_person),
            Op::Renew { which, seconds, crash } => self.renew(which, seconds, crash),
            Op::Tick { seconds, how, crash } => {
                self.now = self.now.plus(Duration::from_secs(seconds));
                self.tick(how, crash);
            }
            Op::Deliver => self.users.append(&mut self.late),
        }
    }

    fn check(&self) {
        let leases: Vec<&Dynamic> = self.store.values().collect();
        for user in self.users.iter().chain(&self.late) {
            assert!(
                leases.iter().any(|lease| lease.username == *user),
                "{user} is on the target without a lease"
            );
        }
        for lease in &leases {
            let is_active = lease.stage == Stage::Active;
            assert!(!is_active || self.users.contains(&lease.username), "an active lease without its user");
            assert!(!is_active || lease.ending.is_none(), "an end that was asked for was forgotten");
            let parked = lease.stage == Stage::Parked;
            assert!(!parked || lease.troubled, "parked without an incident");
            assert!(parked || lease.wake().is_some(), "nobody will look at {:?}", lease.stage);
        }
        let troubled = leases.iter().filter(|lease| lease.troubled).count() as u64;
        assert_eq!(self.trouble.failing, troubled);
        let parked = leases.iter().filter(|lease| lease.stage == Stage::Parked).count() as u64;
        assert_eq!(self.trouble.parked, parked);
        let open: Vec<_> = self.incidents.values().filter(|i| i.state == IncidentState::Open).collect();
        assert_eq!(open.len(), usize::from(troubled > 0), "one incident while something fails, else none");
        assert!(open.iter().all(|incident| incident.parked == (parked > 0)), "{parked} are parked");
    }

    /// The target is well again, everybody's time runs out, and a person asks for what is parked.
    fn drain(&mut self) {
        for _ in 0..3 {
            self.now = self.now.plus(Duration::from_secs(3600));
            let parked = |lease: &&Dynamic| lease.stage == Stage::Parked;
            for lease in self.store.values().filter(parked).cloned().collect::<Vec<_>>() {
                let cause = EndCause::Forced { principal: "bob".to_owned() };
                self.commit(&step::end(lease, cause, self.now).unwrap());
            }
            self.tick(Removing::Done, Crash::Never);
        }
        self.users.append(&mut self.late);
        assert!(self.store.is_empty() && self.users.is_empty(), "something is left: {:?}", self.users);
    }
}

fn crash() -> impl Strategy<Value = Crash> {
    prop_oneof![4 => Just(Crash::Never), 1 => Just(Crash::BeforeEffect), 1 => Just(Crash::AfterEffect)]
}

fn op() -> impl Strategy<Value = Op> {
    let creation = prop_oneof![
        4 => Just(Creation::Done),
        1 => Just(Creation::Refused),
        1 => Just(Creation::ReplyLost),
        1 => Just(Creation::RequestLost),
        1 => Just(Creation::Late),
    ];
    let removing = prop_oneof![
        3 => Just(Removing::Done),
        2 => Just(Removing::Fails(FaultClass::Unreachable)),
        2 => Just(Removing::Fails(FaultClass::PermissionDenied)),
        1 => Just(Removing::Fails(FaultClass::ManagementAuthRefused)),
        1 => Just(Removing::ReplyLost),
        1 => Just(Removing::Lies),
    ];
    prop_oneof![
        3 => (creation, crash(), prop::bool::weighted(0.2))
            .prop_map(|(how, crash, ends_meanwhile)| Op::Issue { how, crash, ends_meanwhile }),
        2 => (0..8usize, any::<bool>()).prop_map(|(which, by_person)| Op::End { which, by_person }),
        1 => (0..8usize, 0..2000u64, crash())
            .prop_map(|(which, seconds, crash)| Op::Renew { which, seconds, crash }),
        4 => (0..400u64, removing, crash()).prop_map(|(seconds, how, crash)| Op::Tick { seconds, how, crash }),
        1 => Just(Op::Deliver),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_fails_and_dies_no_user_is_lost_and_no_lease_ends_before_its_user(
        ops in prop::collection::vec(op(), 1..60)
    ) {
        let mut world = World::new();
        for op in &ops {
            world.apply(op);
            world.check();
        }
        world.drain();
        world.check();
    }
}

fn revoking(world: &mut World) -> Vec<u8> {
    world.issue(Creation::Done, Crash::Never, false);
    world.end(0, true);
    world.store.keys().next().unwrap().clone()
}

#[test]
fn what_may_heal_is_tried_without_end_and_what_may_not_waits_for_a_person() {
    for (class, parks) in [
        (FaultClass::Unreachable, false),
        (FaultClass::ManagementAuthRefused, false),
        (FaultClass::OldStillValid, false),
        (FaultClass::Ambiguous, false),
        (FaultClass::PermissionDenied, true),
        (FaultClass::Preflight, true),
    ] {
        let mut world = World::new();
        let key = revoking(&mut world);
        for attempt in 1..=20 {
            world.now = world.now.plus(step::RETRY_CAP);
            world.tick(Removing::Fails(class), Crash::Never);
            world.check();
            let lease = &world.store[&key];
            assert_eq!(
                lease.stage == Stage::Parked,
                parks && attempt >= step::FAILURES_MAX,
                "{class} {attempt}"
            );
        }
        // Neither the end of its token nor of its time wakes what is parked; a person does.
        world.end(0, false);
        assert_eq!(world.store[&key].stage == Stage::Parked, parks);
        world.end(0, true);
        world.tick(Removing::Done, Crash::Never);
        assert!(world.store.is_empty());
        world.check();
    }
}

#[test]
fn a_target_that_fails_many_leases_has_one_incident_until_the_last_is_over() {
    let mut world = World::new();
    for _ in 0..3 {
        revoking(&mut world);
    }
    for which in 0..3 {
        world.end(which, true);
    }
    world.tick(Removing::Fails(FaultClass::Unreachable), Crash::Never);
    assert_eq!((world.trouble.failing, world.incidents.len()), (3, 1));
    let keys: Vec<_> = world.store.keys().cloned().collect();
    for (at, key) in keys.iter().enumerate() {
        assert!(world.trouble.incident.is_some(), "closed after {at} of 3");
        world.remove(key, Removing::Done, Crash::Never);
    }
    assert!(world.trouble.incident.is_none());
    // What fails again soon is the same incident.
    revoking(&mut world);
    world.tick(Removing::Fails(FaultClass::Unreachable), Crash::Never);
    let incident = world.incidents.values().next().unwrap();
    assert_eq!((world.incidents.len(), incident.reopened), (1, 1));
}

#[test]
fn what_may_heal_uses_up_no_attempt_and_a_person_gives_new_ones() {
    let mut world = World::new();
    let key = revoking(&mut world);
    let fail = |world: &mut World, class, times| {
        for _ in 0..times {
            world.now = world.now.plus(step::RETRY_CAP);
            world.tick(Removing::Fails(class), Crash::Never);
            world.check();
        }
        world.store[&key].stage == Stage::Parked
    };
    assert!(!fail(&mut world, FaultClass::Unreachable, 20));
    assert!(!fail(&mut world, FaultClass::Preflight, step::FAILURES_MAX - 1));
    assert!(!fail(&mut world, FaultClass::Unreachable, 3));
    assert!(fail(&mut world, FaultClass::Preflight, 1));
    world.end(0, true);
    world.check();
    assert!(!fail(&mut world, FaultClass::Preflight, step::FAILURES_MAX - 1));
    assert!(fail(&mut world, FaultClass::Preflight, 1));
}

#[test]
fn an_incident_stays_parked_while_one_of_its_leases_is() {
    let mut world = World::new();
    revoking(&mut world);
    for _ in 0..step::FAILURES_MAX {
        world.now = world.now.plus(step::RETRY_CAP);
        world.tick(Removing::Fails(FaultClass::Preflight), Crash::Never);
    }
    let parked = |world: &World| world.incidents.values().next().unwrap().parked;
    assert!(parked(&world));
    world.issue(Creation::Done, Crash::Never, false);
    for which in 0..2 {
        world.end(which, false);
    }
    world.tick(Removing::Fails(FaultClass::Unreachable), Crash::Never);
    assert!(parked(&world), "another lease's failure hides it");
    world.now = world.now.plus(step::RETRY_CAP);
    world.tick(Removing::Done, Crash::Never);
    assert!(parked(&world) && world.store.len() == 1);
    world.check();
}
