//! What the vault has acknowledged, as the tasks note it, and what was under way when it died.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// Everything noted. Shared by all tasks.
#[derive(Default)]
pub(crate) struct Facts(Mutex<Noted>);

/// The notes.
#[derive(Default)]
pub(crate) struct Noted {
    /// By path.
    pub(crate) accounts: BTreeMap<String, AccountFacts>,
    /// Whatever is written under a path of the API and read back: policies, configurations.
    pub(crate) writes: BTreeMap<String, Written>,
    /// Tokens by their text.
    pub(crate) tokens: BTreeMap<String, TokenFact>,
    /// The highest version of the management credential that was acknowledged.
    pub(crate) management: u64,
    /// Ids of requests whose answer came: each must stand in the audit file.
    pub(crate) answered: Vec<String>,
    /// How much of the audit file was read.
    pub(crate) audit_read: u64,
    /// What has been counted.
    pub(crate) count: Count,
    /// What must never be.
    pub(crate) violations: Vec<String>,
}

/// One account.
#[derive(Default)]
pub(crate) struct AccountFacts {
    pub(crate) username: String,
    /// The highest version that any answer named as current.
    pub(crate) version: u64,
    /// Every password that any answer held, by version.
    pub(crate) passwords: BTreeMap<u64, String>,
    /// By lease id.
    pub(crate) leases: BTreeMap<String, LeaseFact>,
    /// Principals whose check-out was sent and not answered.
    pub(crate) asking: BTreeSet<String>,
    /// Whether a rotation that takes the account from its holder was sent and not answered.
    pub(crate) forcing: bool,
    /// The highest version that such a rotation has answered.
    pub(crate) forced: u64,
}

/// One lease.
#[derive(Clone, Debug)]
pub(crate) struct LeaseFact {
    pub(crate) principal: String,
    pub(crate) version: u64,
    pub(crate) state: LeaseState,
}

/// Where a lease stands, as far as answers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeaseState {
    /// Handed out, and nobody has asked to end it.
    Held,
    /// Its end was asked for, and no answer came that proves it.
    Ending,
    /// The vault has said that it is closed.
    Closed,
}

/// One record that is written and read back.
#[derive(Default)]
pub(crate) struct Written {
    /// What the last answer acknowledged; `None` is absence.
    pub(crate) value: Option<Value>,
    /// What was sent since then without an answer.
    pub(crate) sent: Option<Option<Value>>,
}

/// One token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenFact {
    Live,
    /// Its revocation was sent and not answered.
    Ending,
    Revoked,
}

/// What is printed in the end.
#[derive(Default)]
pub(crate) struct Count {
    pub(crate) kills: u64,
    pub(crate) kills_in_start: u64,
    pub(crate) rotations: u64,
    pub(crate) management_rotations: u64,
    pub(crate) check_outs: u64,
    pub(crate) check_ins: u64,
    pub(crate) renewals: u64,
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    pub(crate) tokens: u64,
    pub(crate) in_flight: u64,
    pub(crate) lent_over_kill: u64,
    pub(crate) logins: u64,
    pub(crate) refused_logins: u64,
    pub(crate) audited: u64,
    pub(crate) incidents: u64,
    /// Answers that were no success, by status.
    pub(crate) refusals: BTreeMap<u16, u64>,
    /// The slowest of the starts after a kill and of the ways to rest, in milliseconds.
    pub(crate) start_max: u64,
    pub(crate) rest_max: u64,
}

impl Facts {
    pub(crate) fn note(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn violation(&self, text: String) {
        self.note().violations.push(text);
    }
}

impl Noted {
    pub(crate) fn account(&mut self, path: &str) -> &mut AccountFacts {
        self.accounts.entry(path.to_owned()).or_default()
    }
}

impl AccountFacts {
    /// An answer named `version` as current.
    pub(crate) fn saw(&mut self, version: u64) {
        self.version = self.version.max(version);
    }

    /// An answer held this password.
    pub(crate) fn learnt(&mut self, version: u64, password: &str) {
        self.saw(version);
        self.passwords.insert(version, password.to_owned());
    }

    /// A check-out was acknowledged; says what is wrong with that, if anything is.
    pub(crate) fn handed_out(&mut self, id: &str, mut lease: LeaseFact) -> Option<String> {
        let held = self.leases.iter().find(|(_, other)| other.state == LeaseState::Held);
        let mut wrong = held.map(|(other, fact)| format!("while {} held {other}", fact.principal));
        if self.forcing || lease.version < self.forced {
            // It may have been taken away before this answer was read.
            lease.state = LeaseState::Ending;
        } else if lease.version < self.version {
            wrong = Some(format!("with version {}, although {} is current", lease.version, self.version));
        }
        self.leases.insert(id.to_owned(), lease);
        wrong
    }

    /// Somebody is about to ask for the end of whatever lease there is.
    pub(crate) fn ending(&mut self, id: Option<&str>) {
        for (other, lease) in &mut self.leases {
            if lease.state == LeaseState::Held && id.is_none_or(|id| id == other) {
                lease.state = LeaseState::Ending;
            }
        }
    }

    /// The open lease that `principal` knows of.
    pub(crate) fn lease_of(&self, principal: &str) -> Option<(String, LeaseFact)> {
        let mine = |lease: &LeaseFact| lease.principal == principal && lease.state != LeaseState::Closed;
        self.leases.iter().find(|(_, lease)| mine(lease)).map(|(id, lease)| (id.clone(), lease.clone()))
    }
}

impl Count {
    /// The table.
    pub(crate) fn table(&self, engine: &str) -> String {
        let refusals: Vec<String> =
            self.refusals.iter().map(|(status, count)| format!("{status}: {count}")).collect();
        let rows = [
            ("kills", self.kills),
            ("… of these during start-up", self.kills_in_start),
            ("accounts killed in the middle of a rotation", self.in_flight),
            ("leases held over a kill", self.lent_over_kill),
            ("rotations acknowledged", self.rotations),
            ("… of the management credential", self.management_rotations),
            ("check-outs acknowledged", self.check_outs),
            ("check-ins acknowledged", self.check_ins),
            ("renewals acknowledged", self.renewals),
            ("policies, configurations written", self.writes),
            ("tokens made or revoked", self.tokens),
            ("reads", self.reads),
            ("logins that had to work", self.logins),
            ("logins that had to be refused", self.refused_logins),
            ("answers found in the audit file", self.audited),
            ("incidents, all of them closed by themselves", self.incidents),
            ("slowest start after a kill, ms", self.start_max),
            ("slowest way to rest, ms", self.rest_max),
        ];
        let lines: Vec<String> = rows.iter().map(|(name, count)| format!("{count:>8}  {name}\n")).collect();
        format!("kill -9, {engine}\n{}refusals by status: {}\n", lines.concat(), refusals.join(", "))
    }
}
