//! One decision about one account: load, decide, commit, and set its effect going.

use tokio::task::JoinHandle;
use vault_core::account::plan::{Context, Plan};
use vault_core::account::{Account, Subject};
use vault_core::rotation::heartbeat;
use vault_core::target::lockout::Held;

use super::Engine;
use super::commit::{Brought, PlanError};
use super::flight::Flight;
use super::meter::word;
use crate::barrier::{CommitError, LoadError, Loaded};

/// Why nothing was decided.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ActError {
    /// There is no such account.
    #[error("there is no such account")]
    NotFound,
    /// The store or the seal.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// One more refused login could lock the account.
    #[error(transparent)]
    HeldBack(Box<Held>),
}

impl From<Held> for ActError {
    fn from(held: Held) -> Self {
        Self::HeldBack(Box::new(held))
    }
}

impl From<LoadError> for ActError {
    fn from(error: LoadError) -> Self {
        Self::Plan(error.into())
    }
}

/// What came of a decision.
pub struct Acted<T> {
    /// What the decision answered.
    pub value: T,
    /// The account after it.
    pub account: Account,
    /// The work that it set going; ends when the account is at rest.
    pub drive: Option<JoinHandle<()>>,
}

impl Engine {
    /// Decides about `subject` under its lock. A plan is committed; a decision without one only answers.
    ///
    /// `decide` may run more than once: when another commit comes first, it is asked again.
    ///
    /// # Errors
    /// [`ActError`] by cause; nothing has changed then.
    pub async fn act<T>(
        &self,
        flight: Flight,
        subject: &Subject,
        mut decide: impl FnMut(Account, &Context) -> (Option<Plan>, T),
    ) -> Result<Acted<T>, ActError> {
        for _ in 0..CONFLICTS_MAX {
            let Some(loaded) = self.account(subject)? else { return Err(ActError::NotFound) };
            let context = self.context(&loaded.value)?;
            let (plan, value) = decide(loaded.value.clone(), &context);
            let Some(mut plan) = plan else {
                return Ok(Acted { value, account: loaded.value, drive: None });
            };
            heartbeat::arm(&loaded.value, &mut plan, &context);
            match self.commit(&loaded, &plan, &Brought::default()).await {
                Ok(()) => {}
                Err(PlanError::Commit(CommitError::Conflict)) => continue,
                Err(error) => return Err(error.into()),
            }
            self.report(&plan);
            self.trace_request(&plan, context.now);
            let drive = plan.effect.map(|effect| {
                flight.drives();
                let work = self.clone().drive(subject.clone(), effect, flight);
                self.inner.shutdown.spawn(work)
            });
            return Ok(Acted { value, account: plan.account, drive });
        }
        Err(PlanError::Commit(CommitError::Conflict).into())
    }

    /// An account's record.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn account(&self, subject: &Subject) -> Result<Option<Loaded<Account>>, LoadError> {
        self.inner.barrier.load(subject.key())
    }

    /// Tells the audit trail and the metrics what was committed. The commit stands whatever they say: it
    /// is the truth about the target.
    pub(super) fn report(&self, plan: &Plan) {
        self.inner.meter.committed(plan);
        let path = audit_path(&plan.account.subject);
        for entry in &plan.history {
            let event = format!("account_{}", word(&entry.kind));
            let data = serde_json::json!({
                "version": entry.version,
                "rotation_id": entry.rotation.map(|id| id.to_string()),
                "principal": entry.principal,
                "class": entry.class,
                "detail": entry.detail,
            });
            if let Err(error) = self.audited(&event, &path, &data) {
                tracing::error!(%error, event, "an act of the vault is missing from the audit trail");
            }
        }
    }
}

/// Where an account stands in the audit trail.
pub(super) fn audit_path(subject: &Subject) -> String {
    match subject {
        Subject::Account(path) => format!("accounts/{path}"),
        Subject::Management(target) => format!("targets/{target}"),
    }
}

/// How often a decision is made again because another commit came first.
const CONFLICTS_MAX: u32 = 16;
