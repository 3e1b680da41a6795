//! The port's verbs on the fake target: count the call, meet its mishap, act.

use vault_core::entropy::{Entropy, random_bytes};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{
    BoxFuture, CheckReport, Job, Login, Minting, Outcome, Probe, Rights, Rotator, TargetSpec, Verification,
};
use vault_core::rotation::provisioner::Provisioner;
use vault_core::rotation::shadow::ShadowMaker;
use vault_core::secret::SecretString;

use super::account::Refusal;
use super::act::{failure, fault};
use super::{FakeTarget, Verb};

impl Rotator for FakeTarget {
    fn kind(&self) -> &'static str {
        "fake"
    }

    fn validate(&self, spec: &TargetSpec) -> Result<(), String> {
        if spec.connection_url.is_empty() { Err("the connection_url is empty".to_owned()) } else { Ok(()) }
    }

    fn validate_login(&self, login: &Login) -> Result<(), String> {
        if login.username.is_empty() {
            return Err("the username is empty".to_owned());
        }
        if login.username.contains('\0') || login.password.expose().contains('\0') {
            return Err("the target cannot hold a NUL character".to_owned());
        }
        Ok(())
    }

    fn check<'a>(
        &'a self,
        _spec: &'a TargetSpec,
        management: &'a Login,
    ) -> BoxFuture<'a, Result<CheckReport, Fault>> {
        Box::pin(async move {
            let mishap = self.enter(Verb::Check).await;
            let answer = match failure(mishap) {
                Some(fault) => Err(fault),
                None => self.state().log_in_management(management).map(|()| CheckReport {
                    server: "fake 1".to_owned(),
                    passed: vec!["the management credential logs in".to_owned()],
                    warnings: Vec::new(),
                }),
            };
            self.leave(mishap, answer).await
        })
    }

    fn preflight<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<Rights, Fault>> {
        Box::pin(async move {
            let mishap = self.enter(Verb::Preflight).await;
            let answer = match failure(mishap) {
                Some(fault) => Err(fault),
                None => self.preflight_now(&job),
            };
            self.leave(mishap, answer).await
        })
    }

    fn apply<'a>(&'a self, job: Job<'a>, candidate: &'a SecretString) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let mishap = self.enter(Verb::Apply).await;
            let answer = self.state().apply(
                &job,
                candidate.expose(),
                mishap,
                self.overlap && !job.is_adoption && job.beside.is_none(),
            );
            self.leave(mishap, answer).await
        })
    }

    fn settle<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let mishap = self.enter(Verb::Settle).await;
            let answer = match failure(mishap) {
                Some(fault) => Err(fault),
                None => self.settle_now(&job),
            };
            self.leave(mishap, answer).await
        })
    }

    fn probe<'a>(&'a self, _spec: &'a TargetSpec, login: &'a Login) -> BoxFuture<'a, Probe> {
        Box::pin(async move {
            let mishap = self.enter(Verb::Probe).await;
            let answer = match failure(mishap) {
                Some(fault) => Probe::Inconclusive(fault),
                None => match self.state().accounts.log_in(&login.username, login.password.expose()) {
                    Ok(()) => Probe::Works,
                    Err(Refusal::Credential) => Probe::Refused,
                    Err(Refusal::Locked) => Probe::Blocked(fault(FaultClass::AccountLocked)),
                },
            };
            self.leave(mishap, answer).await
        })
    }

    fn verify<'a>(
        &'a self,
        job: Job<'a>,
        login: &'a Login,
        expected: &'a Rights,
    ) -> BoxFuture<'a, Verification> {
        Box::pin(async move {
            let mishap = self.enter(Verb::Verify).await;
            let answer = self.state().verify(login, expected, mishap);
            if self.mints && job.is_adoption && answer == Verification::Verified {
                self.set_password(&login.username, login.password.expose());
            }
            self.leave(mishap, answer).await
        })
    }

    fn retire<'a>(&'a self, job: Job<'a>, old: &'a Login) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let mishap = self.enter(Verb::Retire).await;
            let answer = self.state().retire(&job, old, mishap);
            self.leave(mishap, answer).await
        })
    }

    fn end_sessions<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<u32, Fault>> {
        Box::pin(async move {
            let mishap = self.enter(Verb::EndSessions).await;
            let answer = match failure(mishap) {
                Some(fault) => Err(fault),
                None => self.end_sessions_now(&job),
            };
            self.leave(mishap, answer).await
        })
    }

    fn overlaps(&self, _spec: &TargetSpec) -> bool {
        self.overlap
    }

    fn alternates(&self, _spec: &TargetSpec) -> bool {
        self.alternates
    }

    fn mints(&self, _spec: &TargetSpec) -> bool {
        self.mints
    }

    fn mint<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Minting> {
        Box::pin(async move {
            let mishap = self.enter(Verb::Apply).await;
            let answer = self.state().mint(&job, mishap);
            self.leave(mishap, answer).await
        })
    }

    /// Only where the target has the setting `candidates`, which they begin with.
    fn candidate(&self, spec: &TargetSpec, entropy: &dyn Entropy) -> Option<SecretString> {
        let beginning = spec.settings.get("candidates")?;
        let number = u64::from_le_bytes(random_bytes(entropy));
        Some(SecretString::new(format!("{beginning}{number:016x}")))
    }

    fn provisioner(&self) -> Option<&dyn Provisioner> {
        Some(self)
    }

    /// Not where the target has the setting `shadows` with the value `none`.
    fn shadows(&self, spec: &TargetSpec) -> Option<&dyn ShadowMaker> {
        (spec.settings.get("shadows").map(String::as_str) != Some("none")).then_some(self)
    }
}

impl FakeTarget {
    fn preflight_now(&self, job: &Job<'_>) -> Result<Rights, Fault> {
        let mut state = self.state();
        state.authorise(job)?;
        if state.accounts.find(job.username).is_some_and(|account| account.locked) {
            return Err(fault(FaultClass::AccountLocked));
        }
        let rights = state.rights(job.username);
        let lacks = job.beside.map(|beside| state.rights(beside).lost_in(&rights)).unwrap_or_default();
        if !lacks.is_empty() {
            let what = format!("{} lacks {}", job.username, lacks.join(", "));
            return Err(Fault::new(FaultClass::Preflight, what));
        }
        Ok(rights)
    }

    fn settle_now(&self, job: &Job<'_>) -> Result<(), Fault> {
        let mut state = self.state();
        state.log_in_management(job.management)?;
        state.in_flight.retain(|(username, _)| username != job.username);
        state.take_away_unknown(job);
        Ok(())
    }

    fn end_sessions_now(&self, job: &Job<'_>) -> Result<u32, Fault> {
        let mut state = self.state();
        state.authorise(job)?;
        Ok(state.accounts.find_mut(job.username).map_or(0, |account| std::mem::take(&mut account.sessions)))
    }
}
