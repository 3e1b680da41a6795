//! Rehearsals: looks whether a rotation of an account would work, and tries it on a shadow account.
//!
//! ```text
//!   flight of the shadow ► flight of the account ► place at the target ► look ─┐ account's flight ends
//!     commit: shadow ► make ► cycle ► remove ► commit: gone ◄──────────────────┘ nothing red
//!   crash · refusal to remove ──► due index ──► attend_shadow: remove, again until it is gone
//! ```
//!
//! Every call goes within the deadline and is in the audit trail before it goes out. The account itself is logged in to
//! once, by what is served for it, and never changed.

mod cycle;
mod look;
mod shadow;

use std::time::Duration;

use tokio::time::{Instant, timeout};
use vault_core::account::{Account, Subject};
use vault_core::clock::Timestamp;
use vault_core::id::RotationId;
use vault_core::rehearsal::judge::{Code, Seen};
use vault_core::rehearsal::{Finding, Light, Rehearsal, Report, shadow_subject, worst};
use vault_core::rotation::port::{Job, Login, Rotator};
use vault_core::target::Target;

use super::act::audit_path;
use super::bench::NoTools;
use super::commit::PlanError;
use super::drive::Chain;
use super::{Engine, READ_WAIT};
use crate::barrier::{LoadError, Loaded};
use look::Hands;

/// Why nothing was rehearsed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RehearseError {
    /// There is no such account, or its target is gone.
    #[error("there is no such account")]
    NotFound,
    /// Somebody else is at it.
    #[error("{0}")]
    Busy(&'static str),
    /// The store or the seal.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl From<LoadError> for RehearseError {
    fn from(error: LoadError) -> Self {
        Self::Plan(error.into())
    }
}

/// A rehearsal under way.
struct Rehearsing<'a> {
    engine: &'a Engine,
    subject: &'a Subject,
    account: Account,
    target: Target,
    rotator: std::sync::Arc<dyn Rotator>,
    management: Login,
    /// The version of the management credential.
    managed_by: Option<u64>,
    job: RotationId,
    /// What time the target has, where it tells.
    target_time: Option<Timestamp>,
    began: Instant,
    passed: Vec<String>,
    findings: Vec<Finding>,
}

impl Rehearsing<'_> {
    /// The job of a call about this account of the target.
    fn job<'b>(&'b self, username: &'b str) -> Job<'b> {
        Job::new(&self.target.spec, &self.management, username, self.job)
    }

    fn found(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    fn seen(&mut self, code: Code) {
        self.found(Seen::new(code).finding());
    }

    fn passed(&mut self, what: impl Into<String>) {
        self.passed.push(what.into());
    }

    fn is_red(&self) -> bool {
        worst(&self.findings) == Light::Red
    }

    /// Whether there is time for further calls; that there is none is told once.
    fn in_time(&mut self) -> bool {
        let late = self.began.elapsed() > TIME_MAX;
        if late && self.findings.iter().all(|finding| finding.code != Code::TooSlow.as_str()) {
            self.seen(Code::TooSlow);
        }
        !late
    }

    /// Writes the call down before it goes out, and says whether it may: in time, and in the audit trail.
    fn begins(&mut self, step: &str) -> bool {
        if !self.in_time() {
            return false;
        }
        if self.engine.announce(self.subject, self.job, step) {
            return true;
        }
        self.found(look::not_audited());
        false
    }
}

impl Engine {
    /// Rehearses a rotation of `subject`. `known` is what others have found out about the account.
    ///
    /// # Errors
    /// [`RehearseError`] by cause. Whatever the target does is in the report instead.
    pub async fn rehearse(
        &self,
        subject: &Subject,
        known: Vec<Finding>,
        principal: &str,
    ) -> Result<Report, RehearseError> {
        let busy = RehearseError::Busy;
        let flights = &self.inner.flights;
        let _shadow = flights.try_take(&shadow_subject(subject)).ok_or(busy(
            "a rehearsal of the account is running, or its shadow is being removed; try again in a moment",
        ))?;
        // In the order in which a rotation takes them.
        let flight = flights.take(&subject.key(), READ_WAIT).await;
        let flight = flight.ok_or(busy("the account is being worked on; try again in a moment"))?;
        let Some(Loaded { value: account, .. }) = self.account(subject)? else {
            return Err(RehearseError::NotFound);
        };
        let Some(Loaded { value: target, .. }) = self.target(&account.target)? else {
            return Err(RehearseError::NotFound);
        };
        let place = timeout(READ_WAIT, self.place_at(&target)).await;
        let _place = place.map_err(|_| busy("the target is busy; try again in a moment"))?;
        let turn = self.inner.gates.turn_unless_proven(&target).await;
        let _seat = self.seat(&target).await?;
        let began_at = self.now();
        let (passed, findings) = match self.rehearsing(subject, account, target)? {
            Err(finding) => (Vec::new(), vec![finding]),
            Ok(mut rehearsing) => {
                rehearsing.look_at_target().await;
                drop(turn);
                rehearsing.look_at_account().await?;
                drop(flight);
                rehearsing.findings.extend(known);
                if !rehearsing.is_red() {
                    rehearsing.try_on_shadow().await?;
                }
                (rehearsing.passed, rehearsing.findings)
            }
        };
        let report = Report::new(began_at, self.now(), passed, findings);
        let noted = self.amend_rehearsal(subject, |rehearsal| rehearsal.last = Some(report.clone())).await?;
        if !noted {
            return Err(RehearseError::NotFound);
        }
        self.tell_rehearsed(subject, &report, principal);
        Ok(report)
    }

    /// What a rehearsal works with; or why the management credential is not even tried.
    fn rehearsing<'a>(
        &'a self,
        subject: &'a Subject,
        account: Account,
        target: Target,
    ) -> Result<Result<Rehearsing<'a>, Finding>, LoadError> {
        let Hands { rotator, management, managed_by } = match self.hands_of(&target) {
            Ok(hands) => hands,
            Err(NoTools::Load(error)) => return Err(error),
            Err(NoTools::Fault(fault)) => return Ok(Err(look::untried(&fault))),
        };
        Ok(Ok(Rehearsing {
            engine: self,
            subject,
            account,
            target,
            rotator,
            management,
            managed_by,
            job: RotationId::generate(self.now(), self.entropy()),
            target_time: None,
            began: Instant::now(),
            passed: Vec::new(),
            findings: Vec::new(),
        }))
    }

    /// The last report about an account, and the shadow that may be on its target.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn rehearsal(&self, subject: &Subject) -> Result<Option<Rehearsal>, LoadError> {
        Ok(self.inner.barrier.load::<Rehearsal>(subject.key())?.map(|loaded| loaded.value))
    }

    /// Writes a call on the target down. `false`: the audit trail did not take it, so it must not go out.
    fn announce(&self, subject: &Subject, job: RotationId, step: &str) -> bool {
        let data = serde_json::json!({ "step": step, "rotation_id": job.to_string() });
        let announced = self.audited("target_call", &audit_path(subject), &data);
        if let Err(error) = &announced {
            tracing::error!(%error, "nothing is done on a target that cannot be audited");
        }
        announced.is_ok()
    }

    fn tell_rehearsed(&self, subject: &Subject, report: &Report, principal: &str) {
        self.inner.meter.rehearsed(report.light());
        let codes: Vec<&str> = report.findings.iter().map(|finding| finding.code.as_str()).collect();
        let data = serde_json::json!({
            "detail": format!("{}: {}", report.light().as_str(), codes.join(", ")),
            "principal": principal,
        });
        if let Err(error) = self.audited("account_rehearsed", &audit_path(subject), &data) {
            tracing::error!(%error, "a rehearsal is missing from the audit trail");
        }
    }

    /// Counts accounts by the light of their last rehearsal, and shadows that may still be on a target.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub async fn count_rehearsals(&self) -> Result<(), LoadError> {
        let mut lights = Light::ALL.map(|light| (light, 0));
        let mut shadows = 0;
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.inner.barrier.list_each::<Rehearsal>(b"", after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (name, rehearsal) in &page {
                let Ok(Loaded { value: rehearsal, .. }) = rehearsal else {
                    let name = String::from_utf8_lossy(name);
                    tracing::error!(subject = %name, "the record of a rehearsal cannot be read");
                    continue;
                };
                shadows += i64::from(rehearsal.shadow.is_some());
                let light = rehearsal.last.as_ref().map(Report::light);
                lights.iter_mut().filter(|(one, _)| Some(*one) == light).for_each(|(_, count)| *count += 1);
            }
            tokio::task::yield_now().await;
        }
        self.inner.meter.counted_rehearsals(&lights, shadows);
        Ok(())
    }

    /// Removes the shadow of a rehearsal that did not, unless somebody is at it or the target is busy. Beside whoever
    /// asks.
    pub(super) fn attend_shadow(&self, subject: Subject, now: Timestamp) {
        let Some(flight) = self.inner.flights.try_take(&shadow_subject(&subject)) else { return };
        let engine = self.clone();
        self.spawn(async move {
            if let Err(error) = engine.remove_left(&subject, now).await {
                // It stays in the due index.
                tracing::warn!(%subject, error = %Chain(&error), "the removal of a shadow account stopped");
            }
            drop(flight);
        });
    }
}

/// The longest that a rehearsal begins further calls; whoever asked is told in time.
const TIME_MAX: Duration = Duration::from_secs(40);
/// Records read at a time.
const PAGE: usize = 500;
