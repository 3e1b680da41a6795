//! The figures of the first screen: at hand whenever somebody looks, added up anew behind the answers and by the clock.
//!
//! ```text
//!   look ──► at hand, with its time ──► older than half a minute? one of those who look has it added up behind
//!   clock, while unsealed ──► every quarter of an hour
//! ```
//!
//! So nobody waits for a walk over the records, however long nobody has looked; and what is shown is never older than a
//! quarter of an hour and a walk. Where there are few records nothing is kept: they are added up at each look.

use std::sync::Arc;
use std::time::Duration;

use vault_api::report::RotationReport;
use vault_core::clock::Timestamp;
use vault_core::incident::report::{By, Window};

use super::recent::{AtHand, Kept, Reports};
use super::{ReportService, Terms};
use crate::barrier::LoadError;
use crate::shutdown::Shutdown;

/// A report that is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lately {
    /// The last thirty days as a whole.
    ThirtyDays,
    /// This month and the one before, by month.
    TwoMonths,
    /// The last thirty days by target.
    Targets,
    /// The last thirty days by kind of rotator.
    Rotators,
}

impl Lately {
    /// All, each at its own place.
    const ALL: [Self; 4] = [Self::ThirtyDays, Self::TwoMonths, Self::Targets, Self::Rotators];

    /// The one in such parts; `None` where that is not at hand.
    #[must_use]
    pub const fn by(by: By) -> Option<Self> {
        match by {
            By::Whole => Some(Self::ThirtyDays),
            By::Month => Some(Self::TwoMonths),
            By::Target => Some(Self::Targets),
            By::Rotator => Some(Self::Rotators),
            By::Class | By::Team | By::Account => None,
        }
    }

    fn asks(self, now: Timestamp) -> (Window, By) {
        match self {
            Self::ThirtyDays => (Window::until_now(now), By::Whole),
            Self::TwoMonths => (Window::this_month_and_last(now), By::Month),
            Self::Targets => (Window::until_now(now), By::Target),
            Self::Rotators => (Window::until_now(now), By::Rotator),
        }
    }

    pub(super) const fn of(self, reports: &Reports) -> &RotationReport {
        let [thirty_days, two_months, targets, rotators] = reports;
        match self {
            Self::ThirtyDays => thirty_days,
            Self::TwoMonths => two_months,
            Self::Targets => targets,
            Self::Rotators => rotators,
        }
    }
}

impl ReportService {
    /// What failed lately. Where that is added up from many records it is as it was at most `max_age`
    /// ago; what is older than half a minute is then added up anew behind the answer, for the next who asks.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn recent(&self, lately: Lately, max_age: Duration) -> Result<RotationReport, LoadError> {
        let (closings, recent) = (self.engine.barrier().closings(), &self.recent);
        let at_hand = || recent.at_hand(closings, self.engine.now(), max_age);
        if let Some(AtHand { reports, is_due }) = at_hand() {
            if is_due {
                let service = self.clone();
                tokio::task::spawn_blocking(move || {
                    let _turn = service.recent.turn();
                    if let Err(error) = service.renew(closings) {
                        service.recent.give_up();
                        tracing::warn!(%error, "the reports that are at hand were not added up anew");
                    }
                });
            }
            return Ok(lately.of(&reports).clone());
        }
        let _turn = recent.turn();
        let reports = match at_hand() {
            Some(AtHand { reports, .. }) => reports,
            None => self.renew(closings)?,
        };
        Ok(lately.of(&reports).clone())
    }

    /// Has the figures of the first screen and the board ready for the first look after an unsealing, and the figures
    /// fresh enough for every later one, until the shutdown.
    pub async fn prepare_until(self, shutdown: Shutdown) {
        let mut prepared = None;
        loop {
            tokio::select! {
                () = shutdown.begun() => return,
                () = tokio::time::sleep(LOOKED_EVERY) => {}
            }
            let (closings, now) = (self.engine.barrier().closings(), self.engine.now());
            let is_first = prepared.is_none_or(|(of, _)| of != closings);
            if self.engine.barrier().is_sealed() || !is_due(prepared, closings, now) {
                continue;
            }
            let service = self.clone();
            let ready = tokio::task::spawn_blocking(move || service.prepare(closings, is_first)).await;
            match ready {
                Ok(Ok(())) => {
                    prepared = Some((closings, now));
                    continue;
                }
                Ok(Err(error)) => tracing::warn!(%error, "the first screen is not prepared"),
                Err(error) => tracing::error!(%error, "the first screen is not prepared"),
            }
            // A record that cannot be read will not be a second later.
            tokio::select! {
                () = shutdown.begun() => return,
                () = tokio::time::sleep(AGAIN_AFTER) => {}
            }
        }
    }

    /// Adds the figures up, whoever looks meanwhile, and of an unsealing the first time reads the board as well.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub(super) fn prepare(&self, closings: u64, is_first: bool) -> Result<(), LoadError> {
        if is_first {
            self.engine.board().tally(self.engine.now(), Duration::ZERO)?;
            self.engine.board().open_incidents(|_| ())?;
        }
        let _turn = self.recent.turn();
        self.renew(closings).map(drop)
    }

    /// Adds all of them up in one walk. The caller has the turn.
    fn renew(&self, closings: u64) -> Result<Arc<Reports>, LoadError> {
        let now = self.engine.now();
        let asked = Lately::ALL.map(|lately| lately.asks(now));
        let (reports, records): (Reports, usize) = self.added_up(asked, Terms::default())?;
        let reports = Arc::new(reports);
        self.recent.keep((records > FEW).then(|| Kept::new(closings, now, Arc::clone(&reports))));
        Ok(reports)
    }
}

/// Whether the figures that were prepared then, in that unsealing, are to be prepared anew.
fn is_due(prepared: Option<(u64, Timestamp)>, closings: u64, now: Timestamp) -> bool {
    // A clock that was stepped back says nothing of the age.
    let is_fresh = |of: u64, at: Timestamp| of == closings && at <= now && now.since(at) < PREPARED_EVERY;
    prepared.is_none_or(|(of, at)| !is_fresh(of, at))
}

/// Records that are added up in no time.
const FEW: usize = 2_000;
/// Between two looks whether something is to be prepared.
const LOOKED_EVERY: Duration = Duration::from_secs(1);
/// How long after an attempt that failed the next one is made.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// How often the figures are added up while nobody looks.
const PREPARED_EVERY: Duration = Duration::from_secs(15 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_prepared_at_each_unsealing_and_every_quarter_of_an_hour() {
        let at = Timestamp::from_secs(1_800_000_000);
        let later = |seconds| at.plus(Duration::from_secs(seconds));
        assert!(is_due(None, 1, at));
        assert!(!is_due(Some((1, at)), 1, at) && !is_due(Some((1, at)), 1, later(899)));
        assert!(is_due(Some((1, at)), 1, later(900)), "a quarter of an hour");
        assert!(is_due(Some((1, at)), 2, later(1)), "of another unsealing");
        assert!(is_due(Some((1, later(60))), 1, at), "the clock was stepped back");
    }

    #[test]
    fn each_report_is_found_at_its_own_place() {
        let now = Timestamp::from_secs(1_800_000_000);
        let named = Lately::ALL.map(|lately| {
            let (window, by) = lately.asks(now);
            let from = window.from.to_rfc3339();
            let name = format!("{by:?}");
            let groups = vec![vault_api::report::ReportGroup { name, ..Default::default() }];
            let window = vault_api::report::Window { from, ..Default::default() };
            RotationReport { groups, window, ..RotationReport::default() }
        });
        for (by, want) in
            [(By::Whole, "Whole"), (By::Month, "Month"), (By::Target, "Target"), (By::Rotator, "Rotator")]
        {
            let report = Lately::by(by).unwrap().of(&named);
            assert_eq!(report.groups.first().unwrap().name, want);
        }
        assert_eq!(Lately::by(By::Class), None);
    }
}
