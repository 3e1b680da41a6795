//! The calls on a target that a dynamic lease needs: within the deadline, and in the audit trail before they
//! go out.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit};
use vault_core::clock::Timestamp;
use vault_core::database::DatabaseConfig;
use vault_core::entropy::random_bytes;
use vault_core::lease::dynamic::removal::{Removal, locate, remove};
use vault_core::lease::dynamic::role::DynamicRole;
use vault_core::lease::dynamic::{Dynamic, Stage, step};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Job, Login, Outcome, Rotator};
use vault_core::rotation::provisioner::{Made, Order, Provisioner, Statements};
use vault_core::secret::SecretString;
use vault_core::target::Target;

use crate::barrier::LoadError;
use crate::engine::bench::NoTools;
use crate::engine::commit::PlanError;
use crate::engine::drive::Chain;
use crate::engine::{EFFECT_DEADLINE, Engine};
use crate::panic::caught;

/// What a call needs.
struct Hands {
    target: Target,
    rotator: Arc<dyn Rotator>,
    management: Login,
    /// The version of the management credential.
    managed_by: Option<u64>,
}

/// Held until what came of the call is counted.
type Seat = Option<OwnedSemaphorePermit>;

impl Hands {
    fn job<'a>(&'a self, lease: &'a Dynamic) -> Job<'a> {
        Job::new(&self.target.spec, &self.management, &lease.username, lease.job)
    }

    fn provisioner(&self) -> Result<&dyn Provisioner, Fault> {
        let none = || {
            let what = format!("the rotator {} makes no users", self.target.rotator);
            Fault::new(FaultClass::Preflight, what)
        };
        self.rotator.provisioner().ok_or_else(none)
    }
}

impl Engine {
    pub(super) async fn create_user(&self, lease: &Dynamic, password: &SecretString) -> Made {
        let _turn = self.turn_to_log_in(lease).await;
        let hands = match self.hands(lease, "CreateUser") {
            Ok(hands) => hands,
            Err(error) => return Outcome::NotApplied(fault_of(error)).into(),
        };
        let order = Order {
            creation: &lease.statements.creation,
            password,
            expiration: lease.expires_at.plus(EXPIRATION_GRACE),
        };
        let made = match hands.provisioner() {
            Ok(provisioner) if lease.place.as_deref() != Some(&provisioner.place(&hands.target.spec)) => {
                let what = "the target was given another address meanwhile; ask again";
                Ok(Outcome::NotApplied(Fault::new(FaultClass::Preflight, what)).into())
            }
            Ok(provisioner) => within(provisioner.create(hands.job(lease), order)).await,
            Err(fault) => Ok(Outcome::NotApplied(fault).into()),
        };
        let made = made.unwrap_or_else(|fault| Outcome::Unknown(fault).into());
        self.noted(lease, &hands, fault_in(&made.outcome)).await;
        made
    }

    pub(super) async fn extend_user(&self, lease: &Dynamic, until: Timestamp) -> Outcome {
        let _turn = self.turn_to_log_in(lease).await;
        let hands = match self.hands(lease, "ExtendUser") {
            Ok(hands) => hands,
            Err(error) => return Outcome::NotApplied(fault_of(error)),
        };
        let renew = match self.statements(lease) {
            Ok(statements) => statements.renew,
            Err(error) => return Outcome::NotApplied(fault_of(error.into())),
        };
        let until = until.plus(EXPIRATION_GRACE);
        let outcome = match hands.provisioner() {
            Ok(provisioner) => within(provisioner.extend(hands.job(lease), &renew, until)).await,
            Err(fault) => Ok(Outcome::NotApplied(fault)),
        };
        let outcome = outcome.unwrap_or_else(Outcome::Unknown);
        self.noted(lease, &hands, fault_in(&outcome)).await;
        outcome
    }

    /// Removes the user of a lease that ends, and commits what that showed. The caller holds the lease's flight.
    pub(super) async fn remove_user(&self, key: &[u8]) -> Result<(), PlanError> {
        let Some(loaded) = self.dynamic(key)? else { return Ok(()) };
        let _place = self.turn_to_remove(&loaded.value).await;
        // As it is after the waiting.
        let Some(loaded) = self.dynamic(key)? else { return Ok(()) };
        let lease = loaded.value;
        if !matches!(lease.stage, Stage::Revoking { at } if at <= self.now()) {
            return Ok(());
        }
        let _turn = self.turn_to_log_in(&lease).await;
        let removal = match self.hands(&lease, "RemoveUser") {
            // The unseal goes on with it.
            Err(NoTools::Load(LoadError::Sealed)) => return Err(LoadError::Sealed.into()),
            Err(error) => Removal::Failed(fault_of(error)),
            Ok(hands) => {
                let Statements { revocation, rollback, .. } = self.statements(&lease)?;
                let statements = if lease.undo && !rollback.is_empty() { rollback } else { revocation };
                let removal = self.take_away(key, &lease, &hands, &statements).await?;
                let fault = match &removal {
                    Removal::Failed(fault) => Some(fault),
                    Removal::Gone => None,
                };
                self.noted(&lease, &hands, fault).await;
                removal
            }
        };
        let draw = u64::from_le_bytes(random_bytes(self.entropy()));
        self.decide_dynamic(key, |lease, facts| step::removed(lease, removal.clone(), facts.now, draw))
            .await
            .map(drop)
    }

    /// Waits for a place at the lease's target, to remove its user. A long wait is no secret: it opens an incident.
    async fn turn_to_remove(&self, lease: &Dynamic) -> Option<OwnedSemaphorePermit> {
        // What cannot be read is told by the attempt itself, as its failure.
        let target = self.target(&lease.target).ok().flatten()?.value;
        let mut place = std::pin::pin!(self.place_at(&target));
        if let Ok(place) = tokio::time::timeout(step::OVERDUE_AFTER, &mut place).await {
            return place;
        }
        let told = self.decide_dynamic(&lease.key(), |lease, facts| step::overdue(lease, facts.now)).await;
        if let Err(error) = told {
            let subject = lease.subject();
            tracing::warn!(%subject, error = %Chain(&error), "a long wait for a target was not noted");
        }
        place.await
    }

    /// One attempt: where the user is, and its removal there. It is done again, so that an answer that never came is no
    /// more than a failed attempt.
    async fn take_away(
        &self,
        key: &[u8],
        lease: &Dynamic,
        hands: &Hands,
        statements: &[String],
    ) -> Result<Removal, PlanError> {
        let (provisioner, job) = match hands.provisioner() {
            Ok(provisioner) => (provisioner, hands.job(lease)),
            Err(fault) => return Ok(Removal::Failed(fault)),
        };
        let moved = match within(locate(provisioner, job, lease)).await.flatten() {
            Ok(None) => None,
            Ok(Some(found)) => self.decide_dynamic(key, |lease, _| step::moved(lease, found.clone())).await?,
            Err(fault) => return Ok(Removal::Failed(fault)),
        };
        let lease = moved.as_ref().map_or(lease, |plan| &plan.lease);
        Ok(within(remove(provisioner, job, lease, statements)).await.unwrap_or_else(Removal::Failed))
    }

    /// What the call needs; it is in the audit trail when this returns well.
    fn hands(&self, lease: &Dynamic, step: &str) -> Result<Hands, NoTools> {
        let missing = |what: String| NoTools::Fault(Fault::new(FaultClass::Preflight, what));
        let target = self.target(&lease.target)?.map(|loaded| loaded.value);
        let target =
            target.ok_or_else(|| missing(format!("the target {} is not configured", lease.target)))?;
        let rotator = self
            .rotator(&target.rotator)?
            .ok_or_else(|| missing(format!("no rotator serves the kind {}", target.rotator)))?;
        let (management, managed_by) = self.management_of(&lease.target)?;
        let management = management
            .into_iter()
            .next()
            .ok_or_else(|| missing("the target has no management credential".to_owned()))?;
        let data = serde_json::json!({ "step": step, "rotation_id": lease.job.to_string() });
        if let Err(error) = self.audited("target_call", &lease.id(&lease.mount_path), &data) {
            tracing::error!(%error, "nothing is done on a target that cannot be audited");
            let what = "the audit trail did not accept the act";
            return Err(NoTools::Fault(Fault::new(FaultClass::StoreFailed, what)));
        }
        Ok(Hands { target, rotator, management, managed_by })
    }

    /// Which server a target is, as its rotator says.
    pub(super) fn place_name(&self, target: &Target) -> Option<String> {
        let rotator = self.rotator(&target.rotator).ok()??;
        rotator.provisioner().map(|provisioner| provisioner.place(&target.spec))
    }

    /// How the role says today that its users are kept and removed; as the lease remembers it, where the role is
    /// gone, makes its users elsewhere by now, or cannot be read.
    fn statements(&self, lease: &Dynamic) -> Result<Statements, LoadError> {
        let role = match self.role_of(lease) {
            Err(LoadError::Sealed) => return Err(LoadError::Sealed),
            Err(error) => {
                tracing::error!(error = %Chain(&error), "a role cannot be read; its lease's own statements are taken");
                None
            }
            Ok(role) => role,
        };
        Ok(role.map_or_else(|| lease.statements.clone(), |role| role.statements))
    }

    /// The lease's role, while its config is one of the lease's target: statements that are meant for another
    /// database may do there what nobody asked for.
    fn role_of(&self, lease: &Dynamic) -> Result<Option<DynamicRole>, LoadError> {
        let name = |name: &str| [lease.mount.as_bytes().as_slice(), name.as_bytes()].concat();
        let Some(role) = self.inner.barrier.load::<DynamicRole>(name(&lease.role))? else { return Ok(None) };
        let config = self.inner.barrier.load::<DatabaseConfig>(name(role.value.config.as_str()))?;
        Ok(config.filter(|config| config.value.target == lease.target).map(|_| role.value))
    }

    /// Waits for the turn to find out whether the management credential still works, where that is not known; hold it
    /// until the outcome is [`noted`](Self::noted).
    async fn turn_to_log_in(&self, lease: &Dynamic) -> (Option<OwnedMutexGuard<()>>, Seat) {
        let target = self.target(&lease.target).ok().flatten().map(|target| target.value);
        let Some(target) = target else { return (None, None) };
        let turn = self.inner.gates.turn_unless_proven(&target).await;
        // What cannot be read is told by the call itself, as its failure.
        (turn, self.seat(&target).await.ok().flatten())
    }

    /// A management credential that was refused is not tried again by anybody before it is mended.
    async fn noted(&self, lease: &Dynamic, hands: &Hands, fault: Option<&Fault>) {
        self.hear_call(&lease.target, fault).await;
        let refused = fault.is_some_and(|fault| fault.class == FaultClass::ManagementAuthRefused);
        // Of other failures it is not known whether they came after the login.
        if refused || fault.is_none() {
            self.inner.gates.note(&hands.target, !refused);
            self.note_management_login(&hands.target, refused).await;
        }
        if let Some(version) = hands.managed_by.filter(|_| refused) {
            self.note_refused_management(&lease.target, version).await;
        }
    }
}

fn fault_in(outcome: &Outcome) -> Option<&Fault> {
    match outcome {
        Outcome::Applied => None,
        Outcome::NotApplied(fault) | Outcome::Unknown(fault) => Some(fault),
    }
}

fn fault_of(error: NoTools) -> Fault {
    match error {
        NoTools::Fault(fault) => fault,
        NoTools::Load(_) => Fault::new(FaultClass::StoreFailed, "a record that is needed could not be read"),
    }
}

/// Races a call against the deadline. The error is what it means that no answer came.
pub(in crate::engine) async fn within<T>(call: impl Future<Output = T>) -> Result<T, Fault> {
    match tokio::time::timeout(EFFECT_DEADLINE, caught(call)).await {
        Ok(Some(answer)) => Ok(answer),
        Ok(None) => {
            Err(Fault::new(FaultClass::PluginFailed, "the plugin broke down; the server's log has the place"))
        }
        Err(_) => Err(Fault::new(FaultClass::Ambiguous, "the target did not answer in time")),
    }
}

/// The target's own limit is a little later than the lease's, so that it never comes first.
const EXPIRATION_GRACE: Duration = Duration::from_secs(5);
