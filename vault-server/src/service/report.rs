//! Reports: what the records of rotations, attempts, incidents and accounts come to.
//!
//! Each report is one walk over the records, a page at a time, and several that are asked for together are one as well. Kept meanwhile are counts and durations, never the records.
//! The time line of an incident is read only where something was written to it after the time that is asked about.

mod costly;
mod lately;
mod log;
mod recent;
pub mod sheet;
mod shown;
mod standing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use vault_api::report::{AgeReport, ConsumersStanding, DueReport, RotationReport, StandingReport};
use vault_core::account::plan::RunEnd;
use vault_core::account::standing::Standing;
use vault_core::account::{Account, Subject};
use vault_core::clock::Timestamp;
use vault_core::incident::Incident;
use vault_core::incident::budget::Objective;
use vault_core::incident::entry::Entry;
use vault_core::incident::report::{By, Report, Reporter, Window};
use vault_core::rotation::attempt::{Attempt, KEPT};
use vault_core::store::key::Table;
use vault_core::target::Target;

pub use self::lately::Lately;
pub use self::log::{Part, Place};
use self::recent::Recent;
pub use self::shown::keep_worst;
use self::standing::{Ages, Dues, ages_standing, leases_standing};
use crate::barrier::{CommitError, LoadError, Record};
use crate::config::Reports;
use crate::engine::Engine;
use crate::engine::commit::PlanError;
use crate::service::consumer::ConsumerService;
use crate::shutdown::Shutdown;

/// What figures are held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// What share of rotations shall succeed.
    pub objective: Objective,
    /// What an hour of staff costs, in hundredths of whatever it is counted in; without one, as the vault was told.
    pub hourly_cost: Option<u64>,
    /// Whether single times to repair are told of each part.
    pub durations: bool,
}

/// A report that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What it is about.
    pub window: Window,
    /// What it is divided by.
    pub by: By,
    /// What its figures are held against.
    pub terms: Terms,
}

/// The reports. Cheap to clone.
#[derive(Clone)]
pub struct ReportService {
    engine: Engine,
    consumers: ConsumerService,
    recent: Arc<Recent>,
    price: Arc<Reports>,
}

impl ReportService {
    /// The reports on what is behind `engine`, and on `consumers`.
    #[must_use]
    pub fn new(engine: Engine, consumers: ConsumerService) -> Self {
        Self { engine, consumers, recent: Arc::default(), price: Arc::default() }
    }

    /// The same, where an hour of staff has this price unless a request names another.
    #[must_use]
    pub fn priced(self, price: &Reports) -> Self {
        Self { price: Arc::new(price.clone()), ..self }
    }

    /// What failed in each of these windows, and how long repair took, all in one walk over the records. By account it names
    /// the `most` that took most staff time of those of which `may` says that they may be told.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn rotation(
        &self,
        asked: &[Asked],
        most: usize,
        may: impl Fn(&Subject) -> bool,
    ) -> Result<Vec<RotationReport>, LoadError> {
        let windows: Vec<(Window, By)> = asked.iter().map(|asked| (asked.window, asked.by)).collect();
        let rotators = self.rotators(&windows)?;
        let mut reporters: Vec<Reporter> =
            windows.iter().map(|(window, by)| reporter(*window, *by, &rotators)).collect();
        self.walk(&windows, &mut reporters)?;
        let shown = asked.iter().zip(reporters).map(|(Asked { window, by, terms }, reporter)| {
            let report = reporter.finish();
            if *by == By::Account {
                self.costly(report, *window, *terms, (most, &may))
            } else {
                self.shown(&report, *window, *by, *terms)
            }
        });
        Ok(shown.collect())
    }

    /// The reports on these windows, all in one walk, and from how many records.
    fn added_up<const N: usize>(
        &self,
        asked: [(Window, By); N],
        terms: Terms,
    ) -> Result<([RotationReport; N], usize), LoadError> {
        let rotators = self.rotators(&asked)?;
        let mut reporters = asked.map(|(window, by)| reporter(window, by, &rotators));
        let records = self.walk(&asked, &mut reporters)?;
        let mut asked = asked.into_iter();
        let shown = reporters.map(|reporter| {
            let (window, by) = asked.next().unwrap_or((Window::until_now(self.engine.now()), By::Whole));
            self.shown(&reporter.finish(), window, by, terms)
        });
        Ok((shown, records))
    }

    /// The report in the words of the API.
    fn shown(&self, report: &Report, window: Window, by: By, terms: Terms) -> RotationReport {
        let hourly_cost = terms.hourly_cost.or(self.price.hourly_cost);
        let shown = shown::report(report, window, by, Terms { hourly_cost, ..terms });
        // The currency is that of the vault's own price: what a request counts in is not known here.
        let is_own = terms.hourly_cost.is_none() && hourly_cost.is_some();
        let currency = self.price.currency.clone().filter(|_| is_own);
        RotationReport { currency, ..shown }
    }

    /// The kind of rotator of each target, where anything is divided by that.
    fn rotators(&self, asked: &[(Window, By)]) -> Result<BTreeMap<String, String>, LoadError> {
        let mut rotators = BTreeMap::new();
        if asked.iter().any(|(_, by)| *by == By::Rotator) {
            self.each(&[], None, |target: Target| {
                rotators.insert(target.name.to_string(), target.rotator);
                Ok(true)
            })?;
        }
        Ok(rotators)
    }

    /// Adds all records to each of `reporters`, which are those of these windows, in one walk; from how many records.
    fn walk(&self, asked: &[(Window, By)], reporters: &mut [Reporter]) -> Result<usize, LoadError> {
        let mut records = 0;
        let from = asked.iter().map(|(window, _)| window.from).min().unwrap_or(Timestamp::EPOCH);
        let to = asked.iter().map(|(window, _)| window.to).max().unwrap_or(Timestamp::EPOCH);
        self.each(&[], None, |incident: Incident| {
            // Read once for all: each looks at those only that are before its own end.
            let is_needed = reporters.iter().any(|reporter| reporter.needs_lines(&incident));
            let lines = if is_needed { self.lines(&incident, to)? } else { Vec::new() };
            reporters.iter_mut().for_each(|reporter| reporter.incident(&incident, &lines));
            records += 1;
            Ok(true)
        })?;
        let first = before(from);
        self.each(&[], Some(first.clone()), |run: RunEnd| {
            reporters.iter_mut().for_each(|reporter| reporter.run(&run));
            records += 1;
            Ok(run.ended_at < to)
        })?;
        self.each(&[], Some(first), |attempt: Attempt| {
            reporters.iter_mut().for_each(|reporter| reporter.attempt(&attempt));
            records += 1;
            Ok(attempt.at < to)
        })?;
        Ok(records)
    }

    /// The lines of an incident before a time.
    fn lines(&self, incident: &Incident, until: Timestamp) -> Result<Vec<Entry>, LoadError> {
        let mut lines = Vec::new();
        self.each(incident.id.as_bytes(), None, |line: Entry| {
            let is_before = line.at < until;
            lines.extend(is_before.then_some(line));
            Ok(is_before)
        })?;
        Ok(lines)
    }

    /// How accounts stand now, and how many are due within `soon`.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn standing(&self, now: Timestamp, soon: Duration) -> Result<StandingReport, LoadError> {
        let (tally, consumers) = (self.engine.board().tally(now, soon)?, self.consumers.tally());
        let counted = self.engine.counted();
        let by_state = tally.by_state.into_iter().map(|(state, count)| (state.word().to_owned(), count));
        Ok(StandingReport {
            as_of: now.to_rfc3339(),
            within_seconds: soon.as_secs(),
            accounts: tally.accounts,
            failing: tally.failing,
            overdue: tally.overdue,
            soon: tally.soon,
            never_rotated: tally.never,
            held: tally.held,
            lent: tally.lent,
            lent_late: tally.lent_late,
            revoking: tally.revoking,
            by_state: by_state.collect(),
            consumers: ConsumersStanding {
                as_of: consumers.at.map(Timestamp::to_rfc3339),
                current: consumers.current,
                lagging: consumers.lagging,
                behind: consumers.behind.iter().map(|(by, count)| (by.to_string(), *count)).collect(),
            },
            ages: ages_standing(&counted),
            leases: leases_standing(&counted),
        })
    }

    /// How old credentials are now, by their policies; names the `limit` oldest.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn ages(&self, now: Timestamp, limit: usize) -> Result<AgeReport, LoadError> {
        let mut ages = Ages::new(limit);
        self.standings(now, |account, standing| ages.add(account, standing))?;
        Ok(ages.finish(now))
    }

    /// What is due now or will be `within` a time; names `limit` of them, the longest overdue first.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn due(&self, now: Timestamp, within: Duration, limit: usize) -> Result<DueReport, LoadError> {
        let mut dues = Dues::new(now, within, limit);
        self.standings(now, |account, standing| dues.add(account, standing))?;
        Ok(dues.finish())
    }

    fn standings(&self, now: Timestamp, mut look: impl FnMut(&Account, &Standing)) -> Result<(), LoadError> {
        let mut policies = BTreeMap::new();
        self.each(&[], None, |account: Account| {
            let policy = self.engine.policy_of(&account, &mut policies);
            look(&account, &Standing::of(&account, policy.as_ref(), now));
            Ok(true)
        })
    }

    /// Reads the records of a prefix after a name, a page at a time, until one says that it is enough.
    fn each<R: Record>(
        &self,
        prefix: &[u8],
        mut after: Option<Vec<u8>>,
        mut look: impl FnMut(R) -> Result<bool, LoadError>,
    ) -> Result<(), LoadError> {
        loop {
            let page = self.engine.barrier().list::<R>(prefix, after.as_deref(), PAGE)?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|(name, _)| name.clone());
            for (_, loaded) in page {
                if !look(loaded.value)? {
                    return Ok(());
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Forgets attempts that nobody asks for any more, until the shutdown.
    pub async fn tidy_until(self, shutdown: Shutdown) {
        let mut pulse = tokio::time::interval(TIDIED_EVERY);
        pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.begun() => return,
                _ = pulse.tick() => {}
            }
            match self.tidy(self.engine.now()).await {
                Ok(()) | Err(PlanError::Load(LoadError::Sealed)) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "old attempts are not forgotten yet");
                }
            }
        }
    }

    /// Forgets the attempts that were over [`KEPT`] before `now`.
    ///
    /// # Errors
    /// `PlanError` by cause; the rest waits for the next time.
    pub async fn tidy(&self, now: Timestamp) -> Result<(), PlanError> {
        let end = now.minus(KEPT).as_millis().max(0).to_be_bytes();
        let barrier = self.engine.barrier();
        loop {
            let page = barrier.revisions(Table::Attempt, &[], None, PAGE)?;
            let old: Vec<_> = page.into_iter().take_while(|(name, _)| name.as_slice() < &end[..]).collect();
            if old.is_empty() {
                return Ok(());
            }
            let mut batch = barrier.transaction().map_err(CommitError::from)?;
            for (name, revision) in old {
                batch.delete::<Attempt>(name, revision);
            }
            match barrier.commit(batch).await {
                // The re-wrap came between: they are read anew.
                Ok(()) | Err(CommitError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Adds up a report of which the kinds of rotators matter only where it is divided by them.
fn reporter(window: Window, by: By, rotators: &BTreeMap<String, String>) -> Reporter {
    let rotators = if by == By::Rotator { rotators.clone() } else { BTreeMap::new() };
    Reporter::new(window, by, rotators)
}

/// The name before any of that moment, of records that are named by their time.
fn before(at: Timestamp) -> Vec<u8> {
    at.as_millis().saturating_sub(1).max(0).to_be_bytes().to_vec()
}

/// Records read at a time: an incident may have some ten kilobytes.
const PAGE: usize = 200;
/// Between two looks for what can be forgotten.
const TIDIED_EVERY: Duration = Duration::from_secs(60 * 60);
