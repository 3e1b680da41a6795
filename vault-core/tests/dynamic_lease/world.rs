//! The world that the schedules run in: store, target, clock, and what must hold after every step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::id::{IncidentId, MountId, RotationId};
use vault_core::incident::entry::Entry;
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
pub(super) enum Creation {
    Done,
    Refused,
    ReplyLost,
    RequestLost,
    Late,
}

/// How the target answers a removal.
#[derive(Clone, Copy, Debug)]
pub(super) enum Removing {
    Done,
    Fails(FaultClass),
    ReplyLost,
    Lies,
}

/// Where the process dies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Crash {
    Never,
    BeforeEffect,
    AfterEffect,
}

#[derive(Clone, Debug)]
pub(super) enum Op {
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

pub(super) struct World {
    pub(super) now: Timestamp,
    entropy: SeededEntropy,
    pub(super) store: BTreeMap<Vec<u8>, Dynamic>,
    users: BTreeSet<String>,
    late: BTreeSet<String>,
    pub(super) trouble: Trouble,
    pub(super) incidents: BTreeMap<IncidentId, Incident>,
    /// Of all of them.
    pub(super) lines: Vec<Entry>,
    made: u64,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            now: Timestamp::from_secs(1_790_000_000),
            entropy: SeededEntropy::new(5),
            store: BTreeMap::new(),
            users: BTreeSet::new(),
            late: BTreeSet::new(),
            trouble: Trouble::default(),
            incidents: BTreeMap::new(),
            lines: Vec::new(),
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
            server: None,
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
                self.incidents.insert(id, folded.incident);
                self.lines.extend(folded.entry);
            }
        }
        let key = plan.lease.key();
        if plan.lease.stage == Stage::Closed {
            self.store.remove(&key);
        } else {
            self.store.insert(key, plan.lease.clone());
        }
    }

    pub(super) fn issue(&mut self, how: Creation, crash: Crash, ends_meanwhile: bool) {
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
        let plan = step::created(self.store[&key].clone(), outcome.into(), self.now).unwrap();
        self.commit(&plan);
    }

    pub(super) fn end(&mut self, which: usize, by_person: bool) {
        let cause =
            if by_person { EndCause::Forced { principal: "bob".to_owned() } } else { EndCause::TokenGone };
        let Some(lease) = self.nth(which) else { return };
        if let Some(plan) = step::end(lease, cause, self.now) {
            self.commit(&plan);
        }
    }

    pub(super) fn renew(&mut self, which: usize, seconds: u64, crash: Crash) {
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
    pub(super) fn tick(&mut self, how: Removing, crash: Crash) {
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

    pub(super) fn remove(&mut self, key: &[u8], how: Removing, crash: Crash) {
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

    pub(super) fn apply(&mut self, op: &Op) {
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

    pub(super) fn check(&self) {
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
    pub(super) fn drain(&mut self) {
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
