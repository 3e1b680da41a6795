//! The simulated vault: a store of records, one interpreter, and one target.
//!
//! A crash forgets everything but the store and the target. Every commit and every effect is a
//! numbered moment at which it may happen.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use vault_core::account::plan::{Context, Effect, Plan, SecretChange};
use vault_core::account::{Account, Subject};
use vault_core::clock::Timestamp;
use vault_core::consumer::Uptake;
use vault_core::entropy::{SeededEntropy, random_bytes};
use vault_core::id::{IncidentId, RotationId};
use vault_core::incident::Incident;
use vault_core::incident::entry::Entry;
use vault_core::incident::group::{Member, Outage};
use vault_core::lease::{Lease, Limits};
use vault_core::path::{AccountPath, Name};
use vault_core::rotation::execute::Answer;
use vault_core::rotation::heartbeat;
use vault_core::rotation::port::{Minted, TargetSpec};
use vault_core::rotation::step;

use crate::beat::Beats;
use crate::call::Owed;
use crate::guard::{Guard, MANAGER};
use crate::line::Line;
use crate::measured::Logs;
use crate::target::{Mood, SimTarget};

pub(crate) const GRACE: Duration = Duration::from_secs(600);
pub(crate) const PERIOD: Duration = Duration::from_secs(3600);
pub(crate) const LIMITS: Limits =
    Limits { ttl: Duration::from_secs(600), max_ttl: Duration::from_secs(1800) };

/// What a process holds in memory only.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there are a handful of them at a time")]
pub(crate) enum InFlight {
    /// Decided and committed; the call has not gone out.
    Effect(Effect),
    /// The call has answered; the answer is not committed.
    Answer(Answer),
}

pub(crate) struct World {
    pub entropy: SeededEntropy,
    pub now: Timestamp,
    pub target: SimTarget,
    pub spec: TargetSpec,
    // The store: survives a crash.
    pub accounts: BTreeMap<String, Account>,
    pub secrets: BTreeMap<(String, u64), String>,
    /// The names that they open.
    pub names: BTreeMap<(String, u64), String>,
    /// By which the target names those that it made.
    pub handles: BTreeMap<(String, u64), String>,
    pub leases: BTreeMap<String, Lease>,
    pub incidents: BTreeMap<IncidentId, Incident>,
    pub lines: BTreeMap<IncidentId, Vec<Entry>>,
    pub members: BTreeMap<(IncidentId, String), Member>,
    pub outage: Outage,
    pub logs: Logs,
    // The process: lost in a crash.
    pub in_flight: BTreeMap<String, InFlight>,
    /// Moments that have passed: commits and effects.
    pub moments: u64,
    /// Accounts whose password somebody else changed, until the vault sets it again.
    pub changed_outside: BTreeMap<String, String>,
    /// Passwords that a person told the vault and that never were right.
    pub mistyped: BTreeSet<String>,
    /// Accounts of which the vault has had a password that worked.
    pub adopted: BTreeSet<String>,
    /// Whether the rotation policy lets scheduled rotations begin.
    pub window_open: bool,
    /// How often the version before was served again.
    pub reinstated: u64,
    /// Whether nobody is known to have fetched anything: graces last their time.
    pub no_consumers: bool,
    /// What each account's last call was, and the version of the management credential that made it.
    pub acted_by: BTreeMap<String, (Effect, Option<u64>)>,
    /// What an answer that is not committed has cost, and told of the circuit.
    pub owed: BTreeMap<String, Owed>,
    /// Where the target says when it locks.
    pub guard: Option<Guard>,
    /// Where the target's circuit is kept.
    pub line: Option<Line>,
    /// Where there are heartbeats.
    pub beats: Option<Beats>,
    /// Whether a credential that was changed outside is replaced by itself.
    pub reconciles: bool,
    /// By how much the clock was stepped back.
    pub stepped_back: Duration,
    /// Calls that the guard held back, heartbeats, circuits that were opened, and effects that asked the target.
    pub held_back: u64,
    pub looked: u64,
    pub opened: u64,
    pub calls: u64,
    pub trace: VecDeque<String>,
}

impl World {
    pub(crate) fn new(seed: u64, accounts: usize) -> Self {
        let mut world = Self {
            entropy: SeededEntropy::new(seed),
            now: Timestamp::from_secs(1_800_000_000),
            target: SimTarget::default(),
            spec: TargetSpec { connection_url: String::new(), settings: BTreeMap::new() },
            accounts: BTreeMap::new(),
            secrets: BTreeMap::new(),
            names: BTreeMap::new(),
            handles: BTreeMap::new(),
            leases: BTreeMap::new(),
            incidents: BTreeMap::new(),
            lines: BTreeMap::new(),
            members: BTreeMap::new(),
            outage: Outage::default(),
            logs: Logs::default(),
            in_flight: BTreeMap::new(),
            moments: 0,
            changed_outside: BTreeMap::new(),
            mistyped: BTreeSet::new(),
            adopted: BTreeSet::new(),
            window_open: true,
            reinstated: 0,
            no_consumers: false,
            acted_by: BTreeMap::new(),
            owed: BTreeMap::new(),
            guard: None,
            line: None,
            beats: None,
            reconciles: false,
            stepped_back: Duration::ZERO,
            held_back: 0,
            looked: 0,
            opened: 0,
            calls: 0,
            trace: VecDeque::new(),
        };
        let name = Name::parse("db").unwrap();
        world.target.0.lock().unwrap().door.now = world.now;
        world.configure(Subject::Management(name), MANAGER, true);
        for index in 0..accounts {
            let path = AccountPath::parse(&format!("app/{index}")).unwrap();
            // Every other account is adopted without a password.
            world.configure(Subject::Account(path), &format!("user{index}"), index % 2 == 0);
        }
        world
    }

    fn configure(&mut self, subject: Subject, username: &str, known: bool) {
        let target = Name::parse("db").unwrap();
        let mut account =
            Account::new(subject.clone(), target, username.to_owned(), Default::default(), self.now);
        let initial = format!("initial-{username}");
        self.target.0.lock().unwrap().passwords.insert(username.to_owned(), initial.clone());
        if known {
            let adopted = account.adopt_known(self.now);
            self.store_secret(&account, adopted.number, initial);
        }
        account.next_rotation = Some(self.now.plus(PERIOD));
        if known {
            self.adopted.insert(subject.key());
        }
        self.accounts.insert(subject.key(), account);
    }

    fn overlaps(&self) -> bool {
        self.target.0.lock().unwrap().overlaps
    }

    /// What an account was doing is forgotten and the process lives on: the vault was sealed in the middle,
    /// or a commit failed.
    pub(crate) fn forget(&mut self, key: &str) {
        if self.in_flight.remove(key).is_some() {
            self.log(format!("{key} is cut short"));
            self.target.0.lock().unwrap().management_bound += 1;
            self.lose_answer(key);
            self.beat_over(key);
        }
    }

    pub(crate) fn managing_version(&self) -> Option<u64> {
        self.accounts["m/db"].versions.current.map(|current| current.number)
    }

    pub(crate) fn log(&mut self, line: String) {
        if self.trace.len() >= 400 {
            self.trace.pop_front();
        }
        self.trace.push_back(line);
    }

    /// What a decision about this account needs.
    pub(crate) fn context_of(&self, key: &str) -> Context {
        let takes_turns = self.accounts[key].settings.alternate_username.is_some();
        let overlaps = self.overlaps() || takes_turns;
        Context { overlaps, grace: if overlaps { GRACE } else { Duration::ZERO }, ..self.context() }
    }

    fn context(&self) -> Context {
        Context {
            now: self.now,
            next_due: Some(self.now.plus(PERIOD)),
            window_open: self.window_open,
            retries: 3,
            retry_base: Duration::from_secs(10),
            retry_cap: Duration::from_secs(300),
            grace: Duration::ZERO,
            early_after: Duration::ZERO,
            hold: GRACE,
            overlaps: false,
            mints: self.target.0.lock().unwrap().mints,
            draw: u64::from_le_bytes(random_bytes(&self.entropy)),
            rotation: RotationId::generate(self.now, &self.entropy),
            incident: IncidentId::generate(self.now, &self.entropy),
            group: self.outage,
            circuit: self.circuit().shut_until(),
            heartbeat: self.beats_every(),
            reconciles: self.reconciles,
        }
    }

    /// Consumers as they may stand: nobody known, all current, or some that lag.
    pub(crate) fn uptake(&self) -> Uptake {
        let most = if self.no_consumers { 1 } else { 4 };
        let live = u64::from(random_bytes::<1>(&self.entropy)[0] % most);
        let lagging = u64::from(random_bytes::<1>(&self.entropy)[0] % 4).min(live);
        let laggards = (0..lagging).map(|number| format!("consumer {number}")).collect();
        Uptake { live, lagging, laggards, newest: Some(self.now) }
    }

    /// Commits a plan as one batch; its effect is then in flight.
    pub(crate) fn commit(&mut self, plan: Plan) {
        self.commit_with(plan, None);
    }

    /// The same, with a credential that the target has just made.
    pub(crate) fn commit_with(&mut self, mut plan: Plan, minted: Option<Minted>) {
        self.moments += 1;
        let key = plan.account.subject.key();
        if self.beats.is_some() {
            heartbeat::arm(&self.accounts[&key], &mut plan, &self.context_of(&key));
        }
        for change in &plan.secrets {
            match change {
                SecretChange::Make { version, .. } => {
                    let secret = format!("secret-{:016x}", u64::from_le_bytes(random_bytes(&self.entropy)));
                    self.store_secret(&plan.account, *version, secret);
                }
                SecretChange::Keep(version) => {
                    let minted = minted.as_ref().unwrap();
                    self.store_secret(&plan.account, *version, minted.password.expose().to_owned());
                    self.handles.insert((key.clone(), *version), minted.handle.clone());
                }
                SecretChange::Drop(version) => {
                    self.secrets.remove(&(key.clone(), *version));
                }
            }
        }
        if let Some(lease) = &plan.lease {
            self.leases.insert(lease.id.clone(), lease.clone());
        }
        self.write_down(&key, &plan.ledger);
        self.write_ends_down(&key, &plan);
        self.log(format!(
            "{} commit {key} {:?} effect {:?}",
            self.moments,
            plan.account.stage.word(),
            plan.effect
        ));
        if plan.account.last_rotation.is_some() {
            self.adopted.insert(key.clone());
        }
        self.accounts.insert(key.clone(), plan.account);
        match plan.effect {
            Some(effect) => self.in_flight.insert(key, InFlight::Effect(effect)),
            None => self.in_flight.remove(&key),
        };
    }

    /// A person looks at the target: refusals are counted afresh.
    pub(crate) fn person_acts(&mut self) {
        let mut state = self.target.0.lock().unwrap();
        state.management_refused = 0;
        state.management_bound = 0;
    }

    /// The process dies and another one starts: memory is gone, unfinished work is picked up.
    pub(crate) fn crash(&mut self) {
        self.log("crash".to_owned());
        self.target.0.lock().unwrap().management_bound += u32::try_from(self.in_flight.len()).unwrap();
        let keys: Vec<String> = self.accounts.keys().cloned().collect();
        keys.iter().for_each(|key| self.lose_answer(key));
        self.in_flight.clear();
        self.forget_line();
        self.forget_beats();
        self.clear_seats();
        for key in keys {
            if let Some(plan) = step::recover(self.accounts[&key].clone(), &self.context_of(&key)) {
                self.commit(plan);
                self.begins_by_clock(&key);
            }
        }
    }

    /// The scheduler looks at every account whose wake time has come, at those that wait, and at the heartbeats.
    pub(crate) fn tick(&mut self) {
        let keys: Vec<String> = self.accounts.keys().cloned().collect();
        for key in keys {
            if !self.accounts[&key].waits || self.accounts[&key].lending.expired(self.now) {
                self.attend(&key);
            }
        }
        self.look_at_circuit();
        self.look_at_beats();
    }

    /// Time passes, for everybody.
    pub(crate) fn pass(&mut self, span: Duration) {
        self.now = self.now.plus(span);
        let mut state = self.target.0.lock().unwrap();
        state.door.now = state.door.now.plus(span);
    }

    /// The vault's clock is stepped back.
    pub(crate) fn step_back(&mut self, step: Duration) {
        self.now = self.now.minus(step);
        self.stepped_back += step;
        self.log(format!("-{} s", step.as_secs()));
    }

    /// A promise was broken in the middle of something: it is told at the next look.
    pub(crate) fn violate(&mut self, what: String) {
        self.target.0.lock().unwrap().violation.get_or_insert(what);
    }

    /// Lets everything that is in flight come to rest under a well-behaved target.
    pub(crate) fn run_to_rest(&mut self) {
        for _ in 0..200 {
            let keys: Vec<String> = self.in_flight.keys().cloned().collect();
            if keys.is_empty() {
                return;
            }
            for key in keys {
                self.send(&key, Mood::Well);
                self.settle_answer(&key);
            }
        }
        panic!("the engine does not come to rest");
    }
}
