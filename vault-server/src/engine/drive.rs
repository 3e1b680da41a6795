//! Runs an account's effects, one after the other, until it is at rest.

use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit};
use vault_core::account::plan::{Context, Effect, Plan};
use vault_core::account::{Account, Subject};
use vault_core::id::RotationId;
use vault_core::path::Name;
use vault_core::rotation::check::refused_to_others;
use vault_core::rotation::execute::{Answer, Bench, broken, execute, failed, timed_out};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::heartbeat;
use vault_core::rotation::lockout::{self, Purse};
use vault_core::rotation::port::{NO_RIGHTS, Probe};
use vault_core::rotation::step::{Event, advance};
use vault_core::rotation::trace::Call;
use vault_core::target::Target;
use vault_core::target::breaker::Evidence;
use vault_core::target::lockout::Held;

use super::act::audit_path;
use super::bench::NoTools;
use super::commit::{Brought, PlanError};
use super::flight::Flight;
use super::{ActError, EFFECT_DEADLINE, Engine};
use crate::barrier::{CommitError, LoadError};
use crate::panic::caught;

impl Engine {
    /// Runs `effect` and whatever follows from it. Holds the account's lock, and a place at its target.
    pub(super) async fn drive(self, subject: Subject, effect: Effect, flight: Flight) {
        let target = self.account(&subject).ok().flatten().map(|account| account.value.target);
        let place = self.turn(&subject).await;
        let mut next = Some(effect).filter(|_| !self.is_turned_away(&subject, &flight));
        if next.is_none() {
            self.turn_away(&subject).await;
        }
        while let Some(effect) = next {
            next = match self.step(&subject, effect).await {
                Ok(next) => next,
                Err(error) => {
                    // The account stays active in the store; the scheduler recovers it from there.
                    tracing::warn!(subject = %subject, error = %Chain(&error), "the work on an account stopped");
                    None
                }
            };
        }
        if let Some(target) = target {
            // Whoever was to find out whether it answers, and did not get to ask.
            self.unhear_circuit(&target, &subject);
        }
        drop(place);
        drop(flight);
    }

    /// Goes on, beside whoever asked, with what follows from a look at an account.
    pub(super) fn go_on(&self, subject: &Subject, effect: Option<Effect>, flight: Flight) {
        if let Some(effect) = effect {
            flight.drives();
            self.spawn(self.clone().drive(subject.clone(), effect, flight));
        }
    }

    /// Runs one effect and commits what it means; gives back the next one.
    async fn step(&self, subject: &Subject, effect: Effect) -> Result<Option<Effect>, PlanError> {
        let Some(account) = self.account(subject)? else { return Ok(None) };
        let target = &account.value.target;
        let managed = self.target(target)?.map(|target| target.value);
        let turn = match &managed {
            Some(target) if effect == Effect::Prepare => self.turn_to_prepare(target).await?,
            _ => None,
        };
        let called = match self.call(&account.value, effect).await? {
            Ok(called) => called,
            Err(held) => return self.hold_back(subject, &held).await.map(|()| None),
        };
        let turned = self.hear(target, subject, called.evidence()).await;
        let Called { event, managed_by, call, refused: versions, refused_beside, brought, seat } = called;
        let refused = managed_by.filter(|_| event.management_refused());
        let turn = match &managed {
            // A refusal is written down before the next one may try.
            Some(target) if refused.is_some() => {
                self.inner.gates.note(target, false);
                turn
            }
            Some(target) if managed_by.is_some() && matches!(event, Event::Prepared(Ok(_))) => {
                self.inner.gates.note(target, true);
                None
            }
            _ => turn,
        };
        if let Some(version) = refused
            && !event.is_unknown()
            && self.managing_version(target)?.is_some_and(|current| current != version)
        {
            // What was refused is not the management credential any more: the call is made again by it.
            self.settle_bills(&brought.bills).await?;
            self.trace_step(&account.value, call, (&event, None));
            return Ok(Some(effect));
        }
        let advanced = |account, context: &Context| {
            advance(lockout::remember(account, &versions), event.clone(), context)
        };
        let plan = self.decide_with(subject, &brought, advanced).await;
        self.trace_step(&account.value, call, (&event, plan.as_ref().ok().and_then(Option::as_ref)));
        let plan = plan?;
        if let Some(version) = refused.or(managed_by.filter(|_| refused_beside)) {
            self.note_refused_management(target, version).await;
        }
        if let Some(turned) = turned {
            self.turn_circuit(target, turned).await;
        }
        drop((turn, seat));
        Ok(plan.and_then(|plan| plan.effect))
    }

    /// Who is about to use the management credential for the first time does so in turn, until what came of it is
    /// known; where the rotator itself tries a refused one once, only unless it has just been seen to work.
    pub(super) async fn turn_to_prepare(
        &self,
        target: &Target,
    ) -> Result<Option<OwnedMutexGuard<()>>, LoadError> {
        let shares = self.rotator(&target.rotator)?.is_some_and(|rotator| rotator.shares_refusals());
        let gates = &self.inner.gates;
        Ok(if shares { gates.turn_unless_proven(target).await } else { gates.turn(target).await })
    }

    /// Makes a decision under the lock that the caller holds already.
    pub(super) async fn decide(
        &self,
        subject: &Subject,
        decide: impl Fn(Account, &Context) -> Option<Plan>,
    ) -> Result<Option<Plan>, PlanError> {
        self.decide_with(subject, &Brought::default(), decide).await
    }

    /// The same, with what a call has brought. What its logins have cost is written down in any case.
    pub(super) async fn decide_with(
        &self,
        subject: &Subject,
        brought: &Brought,
        decide: impl Fn(Account, &Context) -> Option<Plan>,
    ) -> Result<Option<Plan>, PlanError> {
        for _ in 0..CONFLICTS_MAX {
            let Some(loaded) = self.account(subject)? else { return Ok(None) };
            let context = self.context(&loaded.value)?;
            let Some(mut plan) = decide(loaded.value.clone(), &context) else {
                return self.settle_bills(&brought.bills).await.map(|()| None);
            };
            heartbeat::arm(&loaded.value, &mut plan, &context);
            match self.commit(&loaded, &plan, brought).await {
                Ok(()) => {
                    self.report(&plan);
                    return Ok(Some(plan));
                }
                // What a target has answered must be written down: only a re-wrap can have come between.
                Err(PlanError::Commit(CommitError::Conflict)) => tokio::task::yield_now().await,
                Err(error) => return Err(error),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Calls the target, if that cannot lock the account there.
    pub(super) async fn call(
        &self,
        account: &Account,
        effect: Effect,
    ) -> Result<Result<Called, Held>, PlanError> {
        let seat = self.seat_for(account, effect).await?;
        let mut pass = match self.admit(account, effect).await? {
            Ok(pass) => pass,
            Err(held) => return Ok(Err(held)),
        };
        let ran = self.run(account, effect, std::mem::take(&mut pass.purse)).await;
        let (answer, managed_by, call) = match ran {
            Ok(ran) => ran,
            Err(error) => {
                self.settle_bills(&pass.unsent(account)).await?;
                return Err(error.into());
            }
        };
        let bills = pass.bills(account, effect, &answer, managed_by.is_some());
        let Answer { event, minted, purse } = answer;
        let (refused, refused_beside) =
            purse.map(|purse| (purse.refused, purse.management_refused)).unwrap_or_default();
        let brought = Brought { minted, bills };
        Ok(Ok(Called { event, managed_by, call, refused, refused_beside, brought, seat }))
    }

    /// Calls the target, within the deadline. The call itself is in the audit trail before it goes out. Gives the
    /// version of the management credential as well that made it, and how long the target took, where it was asked.
    async fn run(
        &self,
        account: &Account,
        effect: Effect,
        purse: Purse,
    ) -> Result<(Answer, Option<u64>, Call), LoadError> {
        let call = Call { effect, began: self.now(), took: None };
        // What was not sent has cost nothing.
        let unsent =
            |event: Event| (Answer { purse: Some(Purse::default()), ..Answer::from(event) }, None, call);
        let tools = match self.tools(account, effect) {
            Ok(tools) => tools,
            Err(NoTools::Fault(fault)) => return Ok(unsent(failed(effect, fault))),
            Err(NoTools::Load(error)) => return Err(error),
        };
        let rotation = account.stage.run().map(|run| run.id);
        let data = serde_json::json!({
            "step": format!("{effect:?}"),
            "rotation_id": rotation.map(|id| id.to_string()),
        });
        if let Err(error) = self.audited("target_call", &audit_path(&account.subject), &data) {
            tracing::error!(%error, "nothing is done on a target that cannot be audited");
            let fault = Fault::new(FaultClass::StoreFailed, "the audit trail did not accept the act");
            return Ok(unsent(failed(effect, fault)));
        }
        let bench = Bench {
            spec: &tools.target.spec,
            management: &tools.management,
            username: account.username_for(effect),
            beside: account.username_beside(effect),
            is_management: matches!(account.subject, Subject::Management(_)),
            overlaps: account.stage.run().is_some_and(|run| run.overlaps),
            rotation: rotation.unwrap_or_else(|| RotationId::generate(self.now(), self.entropy())),
            rights: account.stage.run().map_or(&NO_RIGHTS, |run| &run.rights),
            pending: tools.pending,
            current: tools.current,
            previous: tools.previous,
            refused: account.stage.run().filter(|_| purse.is_guarded()).map_or(&[], |run| &run.refused),
            purse,
        };
        let (began, since) = (self.now(), tokio::time::Instant::now());
        let work = caught(execute(effect, &*tools.rotator, &bench));
        let answer = match tokio::time::timeout(EFFECT_DEADLINE, work).await {
            Ok(Some(answer)) => answer,
            Ok(None) => broken(effect).into(),
            Err(_) => timed_out(effect).into(),
        };
        let took = since.elapsed();
        self.inner.meter.rotation.called(tools.rotator.kind(), effect.phase(), took);
        Ok((answer, tools.managed_by, Call { effect, began, took: Some(took) }))
    }

    /// The version of the management credential that acts on `target` now.
    fn managing_version(&self, target: &Name) -> Result<Option<u64>, LoadError> {
        let manager = self.account(&Subject::Management(target.clone()))?;
        Ok(manager.and_then(|manager| manager.value.versions.current).map(|current| current.number))
    }

    /// Once the target has refused this version of the management credential, nobody tries it again
    /// unasked. Of a later version that says nothing.
    pub(crate) async fn note_refused_management(&self, target: &Name, version: u64) {
        let manager = Subject::Management(target.clone());
        // Also while somebody works on it, who may only wait for a turn: what they do is not undone by it.
        let noted = self.decide(&manager, |manager, context| {
            let current = manager.versions.current.is_some_and(|current| current.number == version);
            current.then(|| refused_to_others(manager, context)).flatten()
        });
        if let Err(error) = noted.await {
            tracing::warn!(target_name = %target, error = %Chain(&error), "a refusal was not noted");
        }
    }
}

/// What came of a call on a target.
pub(super) struct Called {
    /// What it showed.
    pub(super) event: Event,
    /// The version of the target's management credential that made it; `None` when it acts for itself.
    pub(super) managed_by: Option<u64>,
    /// The call itself, if the target was asked at all.
    call: Call,
    /// Versions that were refused on the way.
    pub(super) refused: Vec<u64>,
    /// Whether the management credential was refused on the way, whatever else was found out.
    refused_beside: bool,
    /// What is to be written down with what follows.
    pub(super) brought: Brought,
    /// Held until then, where the management credential is guarded.
    pub(super) seat: Option<OwnedSemaphorePermit>,
}

impl Called {
    /// What it tells of the target: of what the vault found out by itself, nothing.
    pub(super) fn evidence(&self) -> Option<Evidence> {
        self.call.took.and_then(|_| Evidence::of(&self.event))
    }
}

/// An error with its causes in one line.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn std::error::Error + 'a));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl Engine {
    /// Logs in with an account's current version, outside any rotation, and notes what that shows.
    ///
    /// # Errors
    /// [`ActError`] by cause.
    pub async fn check_now(&self, subject: &Subject, effect: Effect) -> Result<Probe, ActError> {
        let Some(flight) = self.inner.flights.take(&subject.key(), super::OUTCOME_WAIT).await else {
            let fault = Fault::new(FaultClass::Overdue, "a rotation of the account is still running");
            return Ok(Probe::Inconclusive(fault));
        };
        // Not while the management credential is changed: without one nothing can be asked.
        let place = self.place(subject).await;
        let Some(account) = self.account(subject)? else { return Err(ActError::NotFound) };
        let called = self.call(&account.value, effect).await??;
        let turned = self.hear(&account.value.target, subject, called.evidence()).await;
        let Called { event, brought, .. } = called;
        let Event::Checked(probe) = event.clone() else {
            self.settle_bills(&brought.bills).await?;
            let fault = Fault::new(FaultClass::Preflight, "the account has no credential to check");
            return Ok(Probe::Inconclusive(fault));
        };
        let advanced = |account, context: &Context| advance(account, event.clone(), context);
        let plan = self.decide_with(subject, &brought, advanced).await?;
        if let Some(plan) = &plan {
            self.trace_request(plan, self.now());
        }
        if let Some(turned) = turned {
            self.turn_circuit(&account.value.target, turned).await;
        }
        drop(place);
        self.go_on(subject, plan.and_then(|plan| plan.effect), flight);
        Ok(probe)
    }
}

/// How often an answer is written down again because another commit came first.
const CONFLICTS_MAX: u32 = 64;
