//! Fills a vault through the server's own records.

use std::time::Duration;

use tokio::task::JoinSet;
use vault_core::account::plan::RunEnd;
use vault_core::account::wake::wake;
use vault_core::account::{Account, Health, Settings, Subject, Version};
use vault_core::clock::Timestamp;
use vault_core::id::{IncidentId, RotationId};
use vault_core::incident::Incident;
use vault_core::incident::ledger::{FaultReport, LedgerEvent, record};
use vault_core::path::{AccountPath, Name};
use vault_core::rotation::attempt::Attempt;
use vault_core::rotation::fault::{FaultClass, Scope};
use vault_core::rotation::port::TargetSpec;
use vault_core::rotation::run::Step;
use vault_core::store::batch::{BATCH_WRITES_MAX, Require};
use vault_core::store::due;
use vault_core::store::key::Table;
use vault_core::target::Target;
use vault_server::app::App;
use vault_server::barrier::Transaction;
use vault_server::engine::record::{DUE_ACCOUNT, attempt_name, line_name, log_name};

/// Targets that the accounts are spread over.
const TARGETS: usize = 50;
const DAY: u64 = 24 * 60 * 60;
/// Of accounts' own trouble: each is an incident of its own.
const CLASSES: [FaultClass; 5] = [
    FaultClass::Drift,
    FaultClass::PolicyRejected,
    FaultClass::AccountLocked,
    FaultClass::PermissionDenied,
    FaultClass::OldStillValid,
];

struct Filler<'a> {
    app: &'a App,
    batch: Transaction,
    commits: JoinSet<()>,
}

pub(crate) async fn fill(app: &App, accounts: usize, incidents: usize, open: usize) {
    let mut filler = Filler { app, batch: app.barrier.transaction().unwrap(), commits: JoinSet::new() };
    for number in 0..TARGETS {
        filler.target(number).await;
    }
    for number in 0..incidents {
        filler.incident(number, accounts, number < open).await;
    }
    for number in 0..accounts {
        filler.rotated(number, accounts).await;
        if number >= open.min(incidents) {
            filler.account(account(app, number, accounts)).await;
        }
    }
    filler.commit().await;
    while filler.commits.join_next().await.is_some() {}
}

impl Filler<'_> {
    async fn target(&mut self, number: usize) {
        let target = Target {
            name: target(number),
            rotator: "fake".to_owned(),
            spec: TargetSpec { connection_url: "fake://".to_owned(), settings: Default::default() },
            username: "manager".to_owned(),
            concurrency: 4,
            allowed_usernames: Vec::new(),
            password_policy: None,
            origin: None,
            heartbeats: Default::default(),
            on_drift: Default::default(),
            lockout: Default::default(),
            team: None,
            created_at: self.app.clock.now(),
        };
        self.batch.put(target.name.as_str(), Require::Absent, &target);
        self.room(4).await;
    }

    async fn account(&mut self, mut account: Account) {
        account.armed = wake(&account);
        let key = account.subject.key();
        if let Some(at) = account.armed {
            self.batch.mark(Table::Due, due::encode(at, DUE_ACCOUNT, key.as_bytes()));
        }
        self.batch.put(key, Require::Absent, &account);
        self.room(4).await;
    }

    /// One that failed, was tried again, was taken by somebody, and repaired unless it is open.
    async fn incident(&mut self, number: usize, accounts: usize, is_open: bool) {
        let (now, entropy) = (self.app.clock.now(), &*self.app.entropy);
        let at = now.minus(Duration::from_secs(30 * DAY * (number as u64 + 1) / 5_000 % (30 * DAY) + 7_200));
        let incident = IncidentId::generate(at, entropy);
        let mut account = account(self.app, number, accounts);
        let later = |minutes: u64| at.plus(Duration::from_secs(60 * minutes));
        let fault = |minutes: u64, attempts| {
            LedgerEvent::Fault(FaultReport {
                incident,
                reopened: false,
                at: later(minutes),
                subject: account.subject.key(),
                target: account.target.to_string(),
                class: CLASSES[number % CLASSES.len()],
                phase: Some(Step::Apply),
                detail: "the target refuses it: SQLSTATE 42501".to_owned(),
                due_at: at,
                started_at: at,
                attempts,
                stays_parked: false,
                scope: Scope::Account,
                moved_from: None,
            })
        };
        let mut events =
            vec![fault(0, 1), LedgerEvent::NextAttempt { incident, at: Some(later(1)) }, fault(1, 2)];
        events.push(LedgerEvent::Acknowledged { incident, at: later(5), by: "ldap-ada".to_owned() });
        if !is_open {
            events.push(LedgerEvent::Mitigated { incident, at: later(20) });
            events.push(LedgerEvent::Remediated { incident, at: later(30) });
        }
        let mut folded: Option<Incident> = None;
        for event in &events {
            let recorded = record(folded.take(), event).unwrap();
            if let Some(entry) = recorded.entry {
                self.batch.put(line_name(incident, entry.seq), Require::Absent, &entry);
            }
            folded = Some(recorded.incident);
        }
        self.batch.put(*incident.as_bytes(), Require::Absent, &folded.unwrap());
        if is_open {
            self.batch.mark(Table::OpenIncident, *incident.as_bytes());
            account.incident = Some(incident);
            self.account(account).await;
        }
        self.room(16).await;
    }

    /// Its rotation of the last thirty days.
    async fn rotated(&mut self, number: usize, accounts: usize) {
        let account = account(self.app, number, accounts);
        let ended_at = account.last_rotation.unwrap();
        let end = RunEnd {
            rotation: RotationId::generate(ended_at, &*self.app.entropy),
            subject: account.subject.key(),
            target: account.target.to_string(),
            due_at: ended_at,
            started_at: ended_at,
            ended_at,
            attempts: 1,
            failed: None,
            team: None,
        };
        let attempt = Attempt {
            rotation: end.rotation,
            number: 1,
            subject: end.subject.clone(),
            target: end.target.clone(),
            at: ended_at,
            succeeded: true,
            class: None,
            phase: None,
            team: None,
        };
        self.batch.put(log_name(&end), Require::Absent, &end);
        self.batch.put(attempt_name(&attempt), Require::Absent, &attempt);
        self.room(4).await;
    }

    /// Makes room for so many lines more.
    async fn room(&mut self, lines: usize) {
        if self.batch.len() + lines + 16 > BATCH_WRITES_MAX {
            self.commit().await;
        }
    }

    async fn commit(&mut self) {
        let next = self.app.barrier.transaction().unwrap();
        let (barrier, batch) = (self.app.barrier.clone(), std::mem::replace(&mut self.batch, next));
        if self.commits.len() >= 64 {
            self.commits.join_next().await.unwrap().unwrap();
        }
        self.commits.spawn(async move { barrier.commit(batch).await.unwrap() });
    }
}

fn target(number: usize) -> Name {
    Name::parse(&format!("target-{:02}", number % TARGETS)).unwrap()
}

/// The account of that number, rotated once in the last thirty days.
fn account(app: &App, number: usize, accounts: usize) -> Account {
    let now = app.clock.now();
    let ago = Duration::from_secs(30 * DAY * (number as u64 + 1) / (accounts as u64 + 1));
    let rotated: Timestamp = now.minus(ago);
    let path = AccountPath::parse(&format!("team-{:03}/service-{number:05}", number % 200)).unwrap();
    let settings = Settings::default();
    let username = format!("service_{number:05}");
    let mut account = Account::new(Subject::Account(path), target(number), username, settings, rotated);
    account.versions.last = 2;
    account.versions.current = Some(Version::new(2, rotated));
    account.last_rotation = Some(rotated);
    account.next_rotation = Some(rotated.plus(Duration::from_secs(30 * DAY)));
    account.health = Health::Verified(rotated);
    account.history_next = 5;
    account
}
