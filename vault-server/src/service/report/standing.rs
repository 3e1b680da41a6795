//! Adds up how accounts stand to their rotation policies.

use std::cmp::Reverse;
use std::time::Duration;

use vault_api::report::{
    AgeBucket, AgeReport, AgedAccount, AgesStanding, DueAccount, DueReport, LeaseCounts, LeasesStanding,
};
use vault_core::account::Account;
use vault_core::account::standing::{AGE_BOUNDS, AgeCounts, Standing};
use vault_core::clock::Timestamp;

use super::shown::millionths;
use crate::engine::standing::{Counted, Leases};

/// Of what is added, the first few by a key, in bounded memory.
struct First<K, T> {
    limit: usize,
    added: u64,
    kept: Vec<(K, T)>,
}

impl<K: Ord, T> First<K, T> {
    fn new(limit: usize) -> Self {
        Self { limit, added: 0, kept: Vec::new() }
    }

    fn add(&mut self, key: K, item: impl FnOnce() -> T) {
        self.added += 1;
        self.kept.push((key, item()));
        if self.kept.len() > 2 * self.limit {
            self.cut();
        }
    }

    fn cut(&mut self) {
        // Stable: those of the same key stay in the order of the records.
        self.kept.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.kept.truncate(self.limit);
    }

    /// Those, and how many there are beyond.
    fn finish(mut self) -> (Vec<T>, u64) {
        self.cut();
        let left_out = self.added.saturating_sub(self.kept.len() as u64);
        (self.kept.into_iter().map(|(_, item)| item).collect(), left_out)
    }
}

pub(super) struct Ages {
    counts: AgeCounts,
    oldest: First<Reverse<u64>, AgedAccount>,
}

impl Ages {
    pub(super) fn new(limit: usize) -> Self {
        Self { counts: AgeCounts::default(), oldest: First::new(limit) }
    }

    pub(super) fn add(&mut self, account: &Account, standing: &Standing) {
        self.counts.add(standing);
        let (Some(ratio), Some(age), Some(period)) = (standing.ratio(), standing.age, standing.period) else {
            return;
        };
        self.oldest.add(Reverse(ratio), || AgedAccount {
            account: account.subject.to_string(),
            target: account.target.to_string(),
            age_seconds: age.as_secs(),
            period_seconds: period.as_secs(),
            ratio: millionths(ratio),
            never_rotated: standing.never_rotated,
        });
    }

    pub(super) fn finish(self, now: Timestamp) -> AgeReport {
        let (oldest, left_out) = self.oldest.finish();
        AgeReport {
            as_of: now.to_rfc3339(),
            accounts: self.counts.accounts,
            without_policy: self.counts.without_policy,
            without_credential: self.counts.without_credential,
            never_rotated: self.counts.never_rotated,
            buckets: buckets(&self.counts),
            oldest,
            left_out,
        }
    }
}

fn buckets(counts: &AgeCounts) -> Vec<AgeBucket> {
    let ends = AGE_BOUNDS.iter().skip(1).map(|bound| Some(millionths(*bound))).chain([None]);
    let bucket = |((from, to), accounts)| AgeBucket { from: millionths(from), to, accounts };
    AGE_BOUNDS.into_iter().zip(ends).zip(counts.buckets).map(bucket).collect()
}

/// How old credentials were when they were counted last.
pub(super) fn ages_standing(counted: &Counted) -> AgesStanding {
    let Some(count) = counted.accounts else { return AgesStanding::default() };
    let (ages, _) = count.of;
    AgesStanding {
        as_of: Some(count.at.to_rfc3339()),
        accounts: ages.accounts,
        without_policy: ages.without_policy,
        without_credential: ages.without_credential,
        buckets: buckets(&ages),
    }
}

/// How leases stood when they were counted last: as of the earlier of the two counts.
pub(super) fn leases_standing(counted: &Counted) -> LeasesStanding {
    let (Some(accounts), Some(dynamic)) = (counted.accounts, counted.dynamic) else {
        return LeasesStanding::default();
    };
    let count = |count: i64| u64::try_from(count).unwrap_or(0);
    let counts = |of: Leases| LeaseCounts {
        live: count(of.active),
        overdue: count(of.overdue),
        stuck: count(of.stuck),
    };
    let (_, account) = accounts.of;
    LeasesStanding {
        as_of: Some(accounts.at.min(dynamic.at).to_rfc3339()),
        account: counts(account),
        dynamic: counts(dynamic.of),
    }
}

pub(super) struct Dues {
    now: Timestamp,
    soon: Timestamp,
    report: DueReport,
    listed: First<Timestamp, DueAccount>,
}

impl Dues {
    pub(super) fn new(now: Timestamp, within: Duration, limit: usize) -> Self {
        let report =
            DueReport { as_of: now.to_rfc3339(), within_seconds: within.as_secs(), ..DueReport::default() };
        Self { now, soon: now.plus(within), report, listed: First::new(limit) }
    }

    pub(super) fn add(&mut self, account: &Account, standing: &Standing) {
        let is_soon = standing.due_at.is_some_and(|due| self.now < due && due < self.soon);
        let report = &mut self.report;
        report.accounts += 1;
        report.overdue += u64::from(standing.overdue.is_some());
        report.soon += u64::from(is_soon);
        report.never_rotated += u64::from(standing.never_rotated);
        report.parked += u64::from(standing.is_parked);
        report.held += u64::from(standing.held_until.is_some());
        let is_asked = standing.overdue.is_some() || standing.is_parked || standing.held_until.is_some();
        if !(is_soon || is_asked) {
            return;
        }
        self.listed.add(standing.due_at.unwrap_or(self.now), || DueAccount {
            account: account.subject.to_string(),
            target: account.target.to_string(),
            state: account.stage.word().to_owned(),
            due_at: standing.due_at.map(Timestamp::to_rfc3339),
            overdue_seconds: standing.overdue.map(|late| late.as_secs()),
            held_until: standing.held_until.map(Timestamp::to_rfc3339),
            never_rotated: standing.never_rotated,
            incident: account.incident.map(|incident| incident.to_string()),
        });
    }

    pub(super) fn finish(self) -> DueReport {
        let (listed, left_out) = self.listed.finish();
        DueReport { listed, left_out, ..self.report }
    }
}
