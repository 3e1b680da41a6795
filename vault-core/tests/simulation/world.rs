//! The simulated vault: a store of records, one interpreter, and one target.
//!
//! A crash forgets everything but the store and the target. Every commit and every effect is a
//! numbered moment at which it may happen.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use vault_core::account::plan::{Context, Effect, Plan, SecretChange};
use vault_core::account::{Account, Readable, Subject};
use vault_core::clock::Timestamp;
use vault_core::consumer::Uptake;
use vault_core::entropy::{SeededEntropy, random_bytes};
use vault_core::id::{IncidentId, RotationId};
use vault_core::incident::Incident;
use vault_core::incident::entry::Entry;
use vault_core::incident::group::{Member, Outage};
use vault_core::lease::{Lease, Limits};
use vault_core::path::{AccountPath, Name};
use vault_core::rotation::execute::{Answer, Bench, StoredVersion, execute, failed, own_order};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::grace;
use vault_core::rotation::port::{Login, Minted, NO_RIGHTS, Probe, TargetSpec};
use vault_core::rotation::step::{self, Event};
use vault_core::secret::SecretString;

use crate::target::{Mood, SimTarget};

const GRACE: Duration = Duration::from_secs(600);
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
    spec: TargetSpec,
    // The store: survives a crash.
    pub accounts: BTreeMap<String, Account>,
    pub secrets: BTreeMap<(String, u64), String>,
    /// The names that they open.
    pub names: BTreeMap<(String, u64), String>,
    /// By which the target names those that it made.
    handles: BTreeMap<(String, u64), String>,
    pub leases: BTreeMap<String, Lease>,
    pub incidents: BTreeMap<IncidentId, Incident>,
    pub lines: BTreeMap<IncidentId, Vec<Entry>>,
    pub members: BTreeMap<(IncidentId, String), Member>,
    pub outage: Outage,
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
    acted_by: BTreeMap<String, (Effect, Option<u64>)>,
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
            in_flight: BTreeMap::new(),
            moments: 0,
            changed_outside: BTreeMap::new(),
            mistyped: BTreeSet::new(),
            adopted: BTreeSet::new(),
            window_open: true,
            reinstated: 0,
            no_consumers: false,
            acted_by: BTreeMap::new(),
            trace: VecDeque::new(),
        };
        let name = Name::parse("db").unwrap();
        world.configure(Subject::Management(name), "manager", true);
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
        }
    }

    fn managing_version(&self) -> Option<u64> {
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
            circuit: None,
            heartbeat: None,
            reconciles: false,
        }
    }

    /// Consumers as they may stand: nobody known, all current, or some that lag.
    fn uptake(&self) -> Uptake {
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
    fn commit_with(&mut self, plan: Plan, minted: Option<Minted>) {
        self.moments += 1;
        let key = plan.account.subject.key();
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

    /// Sends one call out, if one is waiting. Its answer is in memory afterwards.
    pub(crate) fn send(&mut self, key: &str, mood: Mood) {
        let Some(&InFlight::Effect(effect)) = self.in_flight.get(key) else { return };
        self.acted_by.insert(key.to_owned(), (effect, self.managing_version()));
        self.moments += 1;
        let answer = self.call(key, effect, mood);
        self.log(format!("{} {key} {effect:?} under {mood:?} gave {:?}", self.moments, answer.event));
        self.in_flight.insert(key.to_owned(), InFlight::Answer(answer));
    }

    fn call(&mut self, key: &str, effect: Effect, mood: Mood) -> Answer {
        let account = &self.accounts[key];
        let stored = |version: Option<vault_core::account::Version>| {
            let number = version?.number;
            let password = SecretString::new(self.secrets.get(&(key.to_owned(), number))?.clone());
            let login = Login { username: self.names[&(key.to_owned(), number)].clone(), password };
            let handle = self.handles.get(&(key.to_owned(), number)).cloned();
            Some(StoredVersion { number, login, handle })
        };
        let management = match &account.subject {
            Subject::Management(_) => self.logins(account, &own_order(effect, &account.versions)),
            Subject::Account(_) => {
                let manager = &self.accounts["m/db"];
                match manager.readable() {
                    Readable::Yes(version) => self.logins(manager, &[version]),
                    Readable::Refused => {
                        let detail = "the target refuses the management credential";
                        return failed(effect, Fault::new(FaultClass::ManagementAuthRefused, detail)).into();
                    }
                    _ => {
                        let detail = "the management credential is in doubt";
                        return failed(effect, Fault::new(FaultClass::Ambiguous, detail)).into();
                    }
                }
            }
        };
        let bench = Bench {
            spec: &self.spec,
            management: &management,
            username: account.username_for(effect),
            beside: account.username_beside(effect),
            is_management: matches!(account.subject, Subject::Management(_)),
            overlaps: account.stage.run().is_some_and(|run| run.overlaps),
            rotation: account.stage.run().map_or_else(|| self.context_of(key).rotation, |run| run.id),
            rights: account.stage.run().map_or(&NO_RIGHTS, |run| &run.rights),
            pending: stored(account.versions.pending),
            current: stored(account.versions.current),
            previous: stored(account.versions.previous),
            refused: &[],
            purse: Default::default(),
        };
        self.target.0.lock().unwrap().mood = Some(mood);
        let answer = block_on(execute(effect, &self.target, &bench));
        self.target.0.lock().unwrap().mood = None;
        answer
    }

    fn logins(&self, account: &Account, versions: &[u64]) -> Vec<Login> {
        let secret = |version: &u64| self.secrets.get(&(account.subject.key(), *version));
        let login = |secret: &String| Login {
            username: account.username.clone(),
            password: SecretString::new(secret.clone()),
        };
        versions.iter().filter_map(secret).map(login).collect()
    }

    /// A person looks at the target: refusals are counted afresh.
    pub(crate) fn person_acts(&mut self) {
        let mut state = self.target.0.lock().unwrap();
        state.management_refused = 0;
        state.management_bound = 0;
    }

    /// Commits an answer, if one is waiting.
    pub(crate) fn settle_answer(&mut self, key: &str) {
        if !matches!(self.in_flight.get(key), Some(InFlight::Answer(_))) {
            return;
        }
        let Some(InFlight::Answer(Answer { event, minted, .. })) = self.in_flight.remove(key) else { return };
        let refused = event.management_refused() && key != "m/db";
        let (effect, acted_by) = self.acted_by[key];
        if refused && !event.is_unknown() && acted_by != self.managing_version() {
            // A refusal of a management credential that is not the current one any more.
            self.in_flight.insert(key.to_owned(), InFlight::Effect(effect));
            return;
        }
        if let Some(plan) = step::advance(self.accounts[key].clone(), event, &self.context_of(key)) {
            self.commit_with(plan, minted);
        }
        // One refusal is enough for the whole target: nobody else tries until a person has looked.
        let manager = self.accounts["m/db"].clone();
        let noted = refused && acted_by == self.managing_version();
        if noted
            && let Some(plan) =
                step::advance(manager, Event::Checked(Probe::Refused), &self.context_of("m/db"))
        {
            self.commit(plan);
        }
    }

    /// The process dies and another one starts: memory is gone, unfinished work is picked up.
    pub(crate) fn crash(&mut self) {
        self.log("crash".to_owned());
        self.target.0.lock().unwrap().management_bound += u32::try_from(self.in_flight.len()).unwrap();
        self.in_flight.clear();
        let keys: Vec<String> = self.accounts.keys().cloned().collect();
        for key in keys {
            if let Some(plan) = step::recover(self.accounts[&key].clone(), &self.context_of(&key)) {
                self.commit(plan);
            }
        }
    }

    /// The scheduler looks at every account whose wake time has come.
    pub(crate) fn tick(&mut self) {
        let keys: Vec<String> = self.accounts.keys().cloned().collect();
        for key in keys {
            let account = &self.accounts[&key];
            let due = vault_core::account::wake::wake(account).is_some_and(|at| at <= self.now);
            if due && !self.in_flight.contains_key(&key) {
                let ctx = self.context_of(&key);
                let plan = match account.stage.is_active() {
                    true => step::recover(account.clone(), &ctx),
                    false => grace::look(account.clone(), &self.uptake(), &ctx),
                };
                if let Some(plan) = plan {
                    self.commit(plan);
                }
            }
        }
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

/// Polls a future that never waits.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let polled = future.as_mut().poll(&mut TaskContext::from_waker(Waker::noop()));
    let Poll::Ready(value) = polled else { panic!("a simulated call never waits") };
    value
}
