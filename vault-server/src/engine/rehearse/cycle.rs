//! The cycle on the shadow: two rotations, by the verbs that a rotation uses and in their order.

use vault_core::entropy::random_bytes;
use vault_core::rehearsal::judge::{self, Code, Moment, Seen};
use vault_core::rehearsal::{SHADOW_LIFE, Shadow};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Login, Outcome, Probe, Rights, Verification};
use vault_core::rotation::shadow::Model;
use vault_core::secret::SecretString;

use super::look::unanswered;
use super::{RehearseError, Rehearsing};
use crate::barrier::LoadError;
use crate::engine::dynamic::drive::within;

/// How a password is brought to the shadow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The shadow is made with it.
    Make,
    /// It is changed to it.
    Change,
}

/// The cycle ends early; why is in the findings.
struct Ended;

/// What the cycle knows of the shadow.
struct Cycle {
    name: String,
    /// Whether the target has refused a candidate, and took a stricter one.
    stricter: bool,
    /// Whether it is not known what a call has done: what may still be under way is to be ended first.
    doubtful: bool,
}

impl Rehearsing<'_> {
    /// Makes a shadow, rotates it twice and removes it. Its passwords are made as those of the account.
    pub(super) async fn try_on_shadow(&mut self) -> Result<(), RehearseError> {
        if self.rotator.mints(&self.target.spec) {
            // The target makes the credentials: there is no policy of ours to try.
            self.seen(Code::NoShadow);
            return Ok(());
        }
        let [first, second, third] = self.candidates()?;
        if self.is_red() {
            return Ok(());
        }
        let spec = &self.target.spec;
        let mark = data_encoding::HEXLOWER.encode(&random_bytes::<MARK_BYTES>(self.engine.entropy()));
        let Some(name) = self.rotator.shadows(spec).map(|maker| maker.name(&self.account.username, &mark))
        else {
            self.seen(Code::NoShadow);
            return Ok(());
        };
        if !self.remove_earlier().await? || !self.in_time() {
            return Ok(());
        }
        let shadow = Shadow::new(name.clone(), self.target.name.clone(), self.job, self.engine.now());
        if !self.engine.begin_shadow(self.subject, &shadow).await? {
            return Err(RehearseError::NotFound);
        }
        let mut cycle = Cycle { name, stricter: false, doubtful: false };
        // Why it ended early is in the findings.
        let _ = self.rotate_twice(&mut cycle, [first, second, third]).await?;
        self.remove_own(&cycle).await
    }

    /// Three passwords, as three rotations would make them.
    fn candidates(&mut self) -> Result<[SecretString; 3], LoadError> {
        let make = || self.engine.candidate(&self.account, false);
        let made = [make()?, make()?, make()?];
        let username = &self.account.username;
        let unfit = made.iter().find_map(|password| {
            let login = Login { username: username.clone(), password: password.duplicate() };
            self.rotator.validate_login(&login).err()
        });
        if let Some(why) = unfit {
            self.found(Seen::told(Code::CandidateUnfit, why).finding());
        }
        let [a, b, c] = &made;
        if a.ct_eq(b.expose()) || b.ct_eq(c.expose()) || a.ct_eq(c.expose()) {
            self.seen(Code::CandidatesRepeat);
        }
        Ok(made)
    }

    async fn rotate_twice(
        &mut self,
        cycle: &mut Cycle,
        [first, second, third]: [SecretString; 3],
    ) -> Result<Result<(), Ended>, LoadError> {
        let Ok(mut current) = self.bring(cycle, Way::Make, first).await? else { return Ok(Err(Ended)) };
        self.passed("a shadow account was made");
        let Ok(rights) = self.look_at_shadow(cycle).await else { return Ok(Err(Ended)) };
        if self.verify(cycle, &current, &rights).await.is_err() {
            return Ok(Err(Ended));
        }
        for candidate in [second, third] {
            let Ok(new) = self.bring(cycle, Way::Change, candidate).await? else { return Ok(Err(Ended)) };
            if self.verify(cycle, &new, &rights).await.is_err() || self.retire(cycle, &current).await.is_err()
            {
                return Ok(Err(Ended));
            }
            current = new;
        }
        self.passed("the shadow was rotated twice: each new password logged in, each old one was refused");
        Ok(self.end_sessions(cycle).await)
    }

    /// Brings a candidate to the shadow; gives back the password that it has then. A candidate that the target's rules
    /// refuse is followed by one stricter one, as in a rotation.
    async fn bring(
        &mut self,
        cycle: &mut Cycle,
        way: Way,
        candidate: SecretString,
    ) -> Result<Result<SecretString, Ended>, LoadError> {
        let candidate = if cycle.stricter { self.engine.candidate(&self.account, true)? } else { candidate };
        let refusal = match self.set(cycle, way, &candidate).await {
            Ok(()) => return Ok(Ok(candidate)),
            Err(fault) if fault.class == FaultClass::PolicyRejected => fault,
            Err(fault) => {
                self.not_set(way, &fault);
                return Ok(Err(Ended));
            }
        };
        if cycle.stricter {
            self.found(judge::policy(&refusal, Some(&refusal)));
            return Ok(Err(Ended));
        }
        cycle.stricter = true;
        let candidate = self.engine.candidate(&self.account, true)?;
        match self.set(cycle, way, &candidate).await {
            Ok(()) => {
                self.found(judge::policy(&refusal, None));
                Ok(Ok(candidate))
            }
            Err(again) if again.class == FaultClass::PolicyRejected => {
                self.found(judge::policy(&refusal, Some(&again)));
                Ok(Err(Ended))
            }
            Err(fault) => {
                self.not_set(way, &fault);
                Ok(Err(Ended))
            }
        }
    }

    fn not_set(&mut self, way: Way, fault: &Fault) {
        let moment = if way == Way::Make { Moment::Make } else { Moment::Change };
        // Where the call was not even begun, that was told.
        if fault.class != FaultClass::Overdue {
            self.found(judge::fault(moment, fault));
        }
    }

    async fn set(&mut self, cycle: &mut Cycle, way: Way, password: &SecretString) -> Result<(), Fault> {
        if !self.begins(if way == Way::Make { "RehearseMake" } else { "RehearseApply" }) {
            return Err(Fault::new(FaultClass::Overdue, "not begun"));
        }
        let job = self.job(&cycle.name);
        let outcome = match (way, self.rotator.shadows(&self.target.spec)) {
            (Way::Change, _) => within(self.rotator.apply(job, password)).await,
            (Way::Make, Some(maker)) => {
                let like = &self.account.username;
                let expiration = self.expiration();
                within(maker.create(job, Model { like, password, expiration })).await
            }
            (Way::Make, None) => Ok(Outcome::NotApplied(Fault::new(FaultClass::Preflight, "no shadow here"))),
        };
        match outcome.unwrap_or_else(Outcome::Unknown) {
            Outcome::Applied => Ok(()),
            Outcome::NotApplied(fault) => Err(fault),
            Outcome::Unknown(fault) => {
                cycle.doubtful = true;
                Err(fault)
            }
        }
    }

    /// By the target's clock, where that is ahead: a shadow that has expired at once would prove nothing.
    fn expiration(&self) -> vault_core::clock::Timestamp {
        let now = self.engine.now();
        self.target_time.map_or(now, |theirs| theirs.max(now)).plus(SHADOW_LIFE)
    }

    async fn look_at_shadow(&mut self, cycle: &Cycle) -> Result<Rights, Ended> {
        if !self.begins("RehearsePreflight") {
            return Err(Ended);
        }
        within(self.rotator.preflight(self.job(&cycle.name))).await.flatten().map_err(|fault| {
            self.found(judge::fault(Moment::ShadowPreflight, &unanswered(fault)));
            Ended
        })
    }

    async fn verify(&mut self, cycle: &Cycle, password: &SecretString, rights: &Rights) -> Result<(), Ended> {
        if !self.begins("RehearseVerify") {
            return Err(Ended);
        }
        let login = Login { username: cycle.name.clone(), password: password.duplicate() };
        let verified = within(self.rotator.verify(self.job(&cycle.name), &login, rights)).await;
        let fault = match verified {
            Ok(Verification::Verified) => return Ok(()),
            Ok(Verification::RightsLost(lost)) => Fault::new(
                FaultClass::RightsLost,
                format!("the change of its password took rights from the shadow: {}", lost.join(", ")),
            ),
            Ok(Verification::Refused(fault) | Verification::Inconclusive(fault)) | Err(fault) => {
                unanswered(fault)
            }
        };
        self.found(judge::fault(Moment::Verify, &fault));
        Err(Ended)
    }

    /// Takes the old password away and looks whether it is refused.
    async fn retire(&mut self, cycle: &mut Cycle, old: &SecretString) -> Result<(), Ended> {
        if !self.begins("RehearseRetire") {
            return Err(Ended);
        }
        let login = Login { username: cycle.name.clone(), password: old.duplicate() };
        let retired = within(self.rotator.retire(self.job(&cycle.name), &login)).await;
        let fault = match retired.unwrap_or_else(Outcome::Unknown) {
            Outcome::Applied => match within(self.rotator.probe(&self.target.spec, &login)).await {
                Ok(Probe::Refused) => return Ok(()),
                Ok(Probe::Works) => Fault::new(
                    FaultClass::OldStillValid,
                    "the old password still opens the shadow after it was changed",
                ),
                Ok(Probe::Blocked(fault) | Probe::Inconclusive(fault)) | Err(fault) => unanswered(fault),
            },
            Outcome::NotApplied(fault) => fault,
            Outcome::Unknown(fault) => {
                cycle.doubtful = true;
                fault
            }
        };
        self.found(judge::fault(Moment::Retire, &fault));
        Err(Ended)
    }

    async fn end_sessions(&mut self, cycle: &Cycle) -> Result<(), Ended> {
        if !self.rotator.ends_sessions(&self.target.spec) {
            // Told as a setting of the target.
            return Ok(());
        }
        if !self.begins("RehearseEndSessions") {
            return Err(Ended);
        }
        match within(self.rotator.end_sessions(self.job(&cycle.name))).await.flatten() {
            Ok(_) => {
                self.passed("nothing hinders the management credential to end sessions, as far as an account without any shows it");
                Ok(())
            }
            Err(fault) => {
                self.found(judge::fault(Moment::EndSessions, &unanswered(fault)));
                Err(Ended)
            }
        }
    }

    /// Removes what an earlier rehearsal has left. Without that no other shadow is made.
    async fn remove_earlier(&mut self) -> Result<bool, RehearseError> {
        let left = self.engine.rehearsal(self.subject)?.and_then(|rehearsal| rehearsal.shadow);
        let Some(left) = left else { return Ok(true) };
        let removed = self
            .engine
            .remove_shadow(self.subject, &left, &self.target, &*self.rotator, &self.management)
            .await?;
        match removed {
            Ok(()) => Ok(true),
            Err(fault) => {
                self.not_removed(&fault).await;
                Ok(false)
            }
        }
    }

    async fn remove_own(&mut self, cycle: &Cycle) -> Result<(), RehearseError> {
        let shadow = self.engine.rehearsal(self.subject)?.and_then(|rehearsal| rehearsal.shadow);
        let Some(shadow) = shadow else { return Ok(()) };
        let (engine, subject, target) = (self.engine, self.subject, &self.target);
        let refused = FaultClass::ManagementAuthRefused;
        if self.findings.iter().any(|finding| finding.code == refused.as_str()) {
            // Not once more: whoever removes what is left waits until it is mended.
            let fault = Fault::new(refused, "the target has refused the management credential meanwhile");
            engine.noted_management(target, self.managed_by, Some(&fault)).await;
            self.found(judge::fault(Moment::Remove, &fault));
            return Ok(());
        }
        let (rotator, management) = (&*self.rotator, &self.management);
        let removed = if cycle.doubtful {
            engine.remove_shadow(subject, &shadow, target, rotator, management).await?
        } else {
            engine.remove_settled_shadow(subject, &shadow, target, rotator, management).await?
        };
        match removed {
            Ok(()) => self.passed("the shadow account was removed"),
            Err(fault) => self.not_removed(&fault).await,
        }
        Ok(())
    }

    async fn not_removed(&mut self, fault: &Fault) {
        if fault.class == FaultClass::ManagementAuthRefused {
            self.engine.noted_management(&self.target, self.managed_by, Some(fault)).await;
        }
        self.found(judge::fault(Moment::Remove, fault));
    }
}

/// Of a shadow's name: enough that no two are the same on one target.
const MARK_BYTES: usize = 6;
