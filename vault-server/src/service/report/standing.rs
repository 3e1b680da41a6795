//! Adds up how accounts stand to their rotation policies.

use std::cmp::Reverse;
use std::time::Duration;

use vault_api::report::{AgeBucket, AgeReport, AgedAccount, DueAccount, DueReport};
use vault_core::account::Account;
use vault_core::account::standing::Standing;
use vault_core::clock::Timestamp;

use super::shown::millionths;

/// Of what is added, the first few by a key, in bounded memory.
struct First<K, T> {
    limit: usize,
    kept: Vec<(K, T)>,
}

impl<K: Ord, T> First<K, T> {
    fn new(limit: usize) -> Self {
        Self { limit, kept: Vec::new() }
    }

    fn add(&mut self, key: K, item: impl FnOnce() -> T) {
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

    fn finish(mut self) -> Vec<T> {
        self.cut();
        self.kept.into_iter().map(|(_, item)| item).collect()
    }
}

pub(super) struct Ages {
    report: AgeReport,
    counts: [u64; BOUNDS.len()],
    oldest: First<Reverse<u64>, AgedAccount>,
}

impl Ages {
    pub(super) fn new(limit: usize) -> Self {
        Self { report: AgeReport::default(), counts: [0; BOUNDS.len()], oldest: First::new(limit) }
    }

    pub(super) fn add(&mut self, account: &Account, standing: &Standing) {
        let report = &mut self.report;
        report.accounts += 1;
        report.without_policy += u64::from(standing.period.is_none());
        report.without_credential += u64::from(standing.age.is_none());
        report.never_rotated += u64::from(standing.never_rotated);
        let (Some(ratio), Some(age), Some(period)) = (standing.ratio(), standing.age, standing.period) else {
            return;
        };
        let bucket = BOUNDS.iter().rposition(|bound| *bound <= ratio);
        if let Some(count) = bucket.and_then(|index| self.counts.get_mut(index)) {
            *count += 1;
        }
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
        let ends = BOUNDS.iter().skip(1).map(|bound| Some(millionths(*bound))).chain([None]);
        let buckets = BOUNDS.iter().zip(ends).zip(self.counts).map(|((from, to), accounts)| AgeBucket {
            from: millionths(*from),
            to,
            accounts,
        });
        AgeReport {
            as_of: now.to_rfc3339(),
            buckets: buckets.collect(),
            oldest: self.oldest.finish(),
            ..self.report
        }
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
        DueReport { listed: self.listed.finish(), ..self.report }
    }
}

/// Where the buckets of ages begin, in millionths of the period.
const BOUNDS: [u64; 7] = [0, 250_000, 500_000, 750_000, 1_000_000, 1_250_000, 2_000_000];
