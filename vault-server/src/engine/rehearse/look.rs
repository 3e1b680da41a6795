//! What is found out without changing anything: the target, the account, its settings.

use std::sync::Arc;

use vault_core::account::plan::Effect;
use vault_core::account::{Readable, Versions};
use vault_core::rehearsal::Finding;
use vault_core::rehearsal::judge::{self, Code, Moment, Seen};
use vault_core::rotation::execute::StoredVersion;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::lockout::of_probe;
use vault_core::rotation::port::{Handles, Job, Login, Probe, Rotator};
use vault_core::rotation::run::Stage;
use vault_core::schedule::RotationPolicy;
use vault_core::target::Target;
use vault_core::target::lockout;

use super::{RehearseError, Rehearsing};
use crate::barrier::LoadError;
use crate::engine::Engine;
use crate::engine::bench::NoTools;
use crate::engine::dynamic::drive::within;

/// What a call on a target needs.
pub(super) struct Hands {
    pub(super) rotator: Arc<dyn Rotator>,
    pub(super) management: Login,
    /// The version of the management credential.
    pub(super) managed_by: Option<u64>,
}

impl Engine {
    /// The plugin of a target and the credential by which the vault acts there, with its version.
    pub(super) fn hands_of(&self, target: &Target) -> Result<Hands, NoTools> {
        let missing = |what: String| NoTools::Fault(Fault::new(FaultClass::Preflight, what));
        let rotator = self
            .rotator(&target.rotator)?
            .ok_or_else(|| missing(format!("no rotator serves the kind {}", target.rotator)))?;
        let (management, managed_by) = self.management_of(&target.name)?;
        let management = management.into_iter().next();
        let management =
            management.ok_or_else(|| missing("the target has no management credential".to_owned()))?;
        Ok(Hands { rotator, management, managed_by })
    }

    /// What the use of the management credential has shown. One that was refused is not tried again by anybody before
    /// it is mended.
    pub(super) async fn noted_management(
        &self,
        target: &Target,
        version: Option<u64>,
        fault: Option<&Fault>,
    ) {
        let refused = fault.is_some_and(|fault| fault.class == FaultClass::ManagementAuthRefused);
        // Of other failures it is not known whether they came after the login.
        if refused || fault.is_none() {
            self.inner.gates.note(target, !refused);
            self.note_management_login(target, refused).await;
        }
        if let Some(version) = version.filter(|_| refused) {
            self.note_refused_management(&target.name, version).await;
        }
    }
}

/// The management credential was refused before, or is being changed: it is not tried.
pub(super) fn untried(fault: &Fault) -> Finding {
    judge::fault(Moment::Check, fault)
}

pub(super) fn not_audited() -> Finding {
    let what = "the audit trail did not accept the act";
    Seen::told(Code::Fails(FaultClass::StoreFailed), what).finding()
}

impl Rehearsing<'_> {
    /// Logs in by the management credential, once, and looks at the server and its clock.
    pub(super) async fn look_at_target(&mut self) {
        if !self.begins("RehearseCheck") {
            return;
        }
        let checked = within(self.rotator.check(&self.target.spec, &self.management)).await.flatten();
        self.engine.noted_management(&self.target, self.managed_by, checked.as_ref().err()).await;
        match checked {
            Ok(report) => {
                self.passed(format!("the management credential works on {}", report.server));
                self.passed.extend(report.passed);
                for warning in report.warnings {
                    self.found(Seen::told(Code::TargetWarning, warning).finding());
                }
            }
            Err(fault) => return self.found(judge::fault(Moment::Check, &unanswered(fault))),
        }
        let before = self.engine.now();
        let clock = within(self.rotator.clock(&self.target.spec, &self.management)).await.flatten();
        let after = self.engine.now();
        // A clock that cannot be read is no reason to doubt anything.
        self.target_time = clock.ok().flatten();
        match self.target_time.map(|theirs| judge::clock(theirs, before, after)) {
            Some(Some(skew)) => self.found(skew),
            Some(None) => self.passed("the clocks agree"),
            None => {}
        }
    }

    /// Looks at the account, as a rotation would before it changes anything, and at what is set for it.
    pub(super) async fn look_at_account(&mut self) -> Result<(), RehearseError> {
        if !self.is_red() && self.begins("RehearsePreflight") {
            self.preflight().await?;
        }
        if !self.is_red() {
            self.log_in().await?;
        }
        Ok(self.look_at_settings()?)
    }

    async fn preflight(&mut self) -> Result<(), LoadError> {
        // Of two names that take turns it is the one that the next rotation changes.
        let username = self.account.username_for(Effect::Prepare).to_owned();
        let Versions { current, previous, .. } = self.account.versions;
        let [current, previous] = [current, previous].map(|version| {
            version.map_or(Ok(None), |version| self.engine.stored(&self.account, version.number))
        });
        let (current, previous) = (current?, previous?);
        let handle =
            |stored: &Option<StoredVersion>| stored.as_ref().and_then(|stored| stored.handle.clone());
        let (current, previous) = (handle(&current), handle(&previous));
        let handles = Handles { pending: None, current: current.as_deref(), previous: previous.as_deref() };
        let is_adoption = self.account.versions.current.is_none();
        let job = Job { is_adoption, handles, ..self.job(&username) };
        match within(self.rotator.preflight(job)).await.flatten() {
            Ok(_) => self.passed("the account may be changed by the management credential"),
            Err(fault) => {
                self.engine.noted_management(&self.target, self.managed_by, Some(&fault)).await;
                self.found(judge::fault(Moment::Preflight, &unanswered(fault)));
            }
        }
        Ok(())
    }

    /// Logs in by what is served: a right password, once. One that is known to be refused is not tried.
    async fn log_in(&mut self) -> Result<(), RehearseError> {
        if self.account.stage != Stage::Idle {
            let detail = self.account.stage.run().and_then(|run| run.fault.as_ref());
            let finding = detail.map_or_else(
                || Seen::new(Code::RotationOpen),
                |fault| Seen::told(Code::RotationOpen, format!("a rotation has not ended: {}", fault.detail)),
            );
            self.found(finding.finding());
        }
        let version = match self.account.readable() {
            Readable::Yes(version) => version,
            Readable::Refused => {
                self.found(current_refused());
                return Ok(());
            }
            Readable::Doubtful(_) | Readable::Changing | Readable::NotYet => return Ok(()),
        };
        let Some(stored) = self.engine.stored(&self.account, version)? else { return Ok(()) };
        if !self.begins("RehearseLogin") {
            return Ok(());
        }
        let username = stored.login.username.clone();
        let login = async {
            let probe = within(self.rotator.probe(&self.target.spec, &stored.login)).await;
            let shown = probe.as_ref().map_or(Some(lockout::Login::Refused), of_probe);
            (probe, shown)
        };
        let probe = match self.engine.guarded_login(&self.target, &username, login).await? {
            Ok(probe) => probe,
            Err(held) => {
                let fault = Fault::new(FaultClass::Overdue, held.to_string());
                self.found(judge::fault(Moment::Login, &fault));
                return Ok(());
            }
        };
        match probe {
            Ok(Probe::Works) => self.passed("the credential that is served logs in"),
            Ok(Probe::Refused) => self.found(current_refused()),
            Ok(Probe::Blocked(fault) | Probe::Inconclusive(fault)) | Err(fault) => {
                self.found(judge::fault(Moment::Login, &unanswered(fault)));
            }
        }
        Ok(())
    }

    fn look_at_settings(&mut self) -> Result<(), LoadError> {
        let spec = &self.target.spec;
        let (overlaps, ends, late) =
            (self.rotator.overlaps(spec), self.rotator.ends_sessions(spec), self.rotator.late_requests(spec));
        let overlaps = overlaps || self.account.settings.alternate_username.is_some();
        let policy = self.engine.rotation_policy(&self.account)?;
        let grace = policy.as_ref().map(RotationPolicy::grace).unwrap_or_default();
        for (holds, code) in [
            (overlaps && grace.is_zero(), Code::NoGrace),
            (!ends, Code::SessionsStay),
            (late, Code::LateRequests),
        ] {
            if holds {
                self.seen(code);
            }
        }
        Ok(())
    }
}

/// A look that got no answer leaves nothing in doubt.
pub(super) fn unanswered(fault: Fault) -> Fault {
    match fault.class {
        FaultClass::Ambiguous => Fault { class: FaultClass::Unreachable, ..fault },
        _ => fault,
    }
}

fn current_refused() -> Finding {
    let what = "the target refuses the credential that is served: it was changed outside";
    Seen::told(Code::CurrentRefused, what).finding()
}
