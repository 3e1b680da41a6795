//! What a person may press about an incident: which actions fit where the account stands, and which are safe.
//!
//! Pure, as everything that decides: whoever carries an action out asks here first, and shows [`dry_run`] of the same
//! record. A new action is one more line in [`Action::ALL`], in [`fit`] and in [`judge`].

mod foresee;
pub mod runbook;
#[cfg(test)]
mod tests;

pub use self::foresee::{Foreseen, dry_run, maintenance};
use super::{Incident, IncidentState};
use crate::account::plan::Context;
use crate::account::{Account, Subject};
use crate::clock::Timestamp;
use crate::id::IncidentId;
use crate::incident::ledger::LedgerEvent;
use crate::rotation::fault::FaultClass;
use crate::rotation::previous;
use crate::rotation::run::Stage;

/// Something that a person may do about an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Try at once, instead of at the end of the backoff.
    Retry,
    /// Set a fresh password by the management credential, unless the stored one works.
    Reconcile,
    /// Serve the version before again, if the target lets it in.
    UsePrevious,
    /// Let go on what waits for a person.
    Unpark,
    /// Take a password that is known out of band, if the target lets it in.
    SetPassword,
    /// Say that its target is in maintenance: nobody is notified, and the clock begins nothing there.
    Maintenance,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Retry, Self::Reconcile, Self::UsePrevious, Self::Unpark, Self::SetPassword, Self::Maintenance];

    /// Its word in paths and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Reconcile => "reconcile",
            Self::UsePrevious => "use_previous",
            Self::Unpark => "unpark",
            Self::SetPassword => "set_password",
            Self::Maintenance => "maintenance",
        }
    }

    /// Reads [`Action::as_str`] back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == word)
    }

    /// The path of the act itself on what is on `target`, which whoever presses it must be allowed to update as well.
    #[must_use]
    pub fn path(self, subject: &Subject, target: &str) -> String {
        match (self, subject) {
            (Self::Maintenance, _) => maintenance_path(target),
            (Self::Retry | Self::Unpark | Self::UsePrevious, Subject::Account(path)) => {
                format!("accounts/rotate/{path}")
            }
            (Self::Reconcile, Subject::Account(path)) => format!("accounts/reconcile/{path}"),
            (Self::SetPassword, Subject::Account(path)) => format!("accounts/config/{path}"),
            (Self::SetPassword, Subject::Management(target)) => format!("targets/config/{target}"),
            (_, Subject::Management(target)) => format!("targets/rotate/{target}"),
        }
    }
}

/// The path of the one act that is about a target as a whole.
#[must_use]
pub fn maintenance_path(target: &str) -> String {
    format!("targets/maintenance/{target}")
}

/// An action that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// Which.
    pub action: Action,
    /// Whether nothing can get worse by it.
    pub safe: bool,
    /// Why it is safe, or what may get worse.
    pub why: &'static str,
}

/// Why an action does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is over.
    #[error("the incident is closed: there is nothing to press")]
    Closed,
    /// The account has another incident, or none.
    #[error("the account has moved on: this incident is not about it any more")]
    MovedOn,
    /// A call on the target is under way.
    #[error("an attempt is under way; wait until it rests")]
    Active,
    /// It waits for nobody.
    #[error("nothing is parked")]
    NotParked,
    /// A person must look first.
    #[error("it is parked, because a retry by itself is not safe; look at it, then unpark")]
    Parked,
    /// A rotation would kill the password in the holder's hands.
    #[error("the account is checked out; check it in first")]
    Held,
    /// The class of the failure is about something else.
    #[error("this does not repair a failure of this class")]
    OtherClass,
    /// The rotation is between states.
    #[error("a rotation is between states; let it end before a password is set by hand")]
    Between,
    /// Nobody can bring a credential.
    #[error("the target makes the credentials itself")]
    Mints,
    /// The version before cannot come back.
    #[error(transparent)]
    Previous(#[from] previous::Unfit),
}

/// The actions that fit an incident where its account stands now; none for one that is over.
#[must_use]
pub fn allowed(incident: &Incident, account: &Account, ctx: &Context) -> Vec<Remedy> {
    let fits = |action: &Action| fit(*action, incident, account, ctx).is_ok();
    Action::ALL.into_iter().filter(fits).map(|action| judge(action, incident.class)).collect()
}

/// Whether an action fits.
///
/// # Errors
/// [`Unfit`] by cause.
pub fn fit(action: Action, incident: &Incident, account: &Account, ctx: &Context) -> Result<(), Unfit> {
    let class = incident.class;
    fit_target(incident)?;
    // That is about the target, however the account stands.
    if action != Action::Maintenance {
        rests(incident, account)?;
    }
    let is_management = matches!(account.subject, Subject::Management(_));
    let unless = |refused: bool, why: Unfit| if refused { Err(why) } else { Ok(()) };
    match action {
        Action::Retry => {
            unless(matches!(account.stage, Stage::Parked { .. }), Unfit::Parked)?;
            unless(account.stage == Stage::Idle && class == FaultClass::Drift, Unfit::OtherClass)?;
            unless(account.defers_start() || is_idle_and_held(account), Unfit::Held)
        }
        Action::Unpark => {
            unless(!matches!(account.stage, Stage::Parked { .. }), Unfit::NotParked)?;
            unless(account.defers_start(), Unfit::Held)
        }
        Action::Reconcile => {
            let repairs =
                matches!(class, FaultClass::Drift | FaultClass::Ambiguous | FaultClass::VerifyRefused);
            unless(is_management || !repairs, Unfit::OtherClass)?;
            unless(account.defers_start(), Unfit::Held)
        }
        Action::UsePrevious => Ok(previous::ask(account).map(|_| ())?),
        Action::SetPassword => {
            let repairs = match class {
                FaultClass::ManagementAuthRefused => is_management,
                FaultClass::Drift | FaultClass::Ambiguous | FaultClass::VerifyRefused => true,
                _ => false,
            };
            unless(!repairs, Unfit::OtherClass)?;
            unless(ctx.mints && !is_management, Unfit::Mints)?;
            unless(account.lending.is_held(), Unfit::Held)?;
            unless(!account.takes_known(), Unfit::Between)
        }
        Action::Maintenance => Ok(()),
    }
}

/// Whether the account still has this incident, and nothing is under way.
fn rests(incident: &Incident, account: &Account) -> Result<(), Unfit> {
    if account.incident != Some(incident.id) {
        return Err(Unfit::MovedOn);
    }
    if account.stage.is_active() { Err(Unfit::Active) } else { Ok(()) }
}

/// Whether [`Action::Maintenance`] fits, of which no account needs to be known.
///
/// # Errors
/// [`Unfit::Closed`].
pub fn fit_target(incident: &Incident) -> Result<(), Unfit> {
    if incident.state == IncidentState::Closed { Err(Unfit::Closed) } else { Ok(()) }
}

/// What the scheduler leaves alone until it is checked in.
fn is_idle_and_held(account: &Account) -> bool {
    account.stage == Stage::Idle && account.lending.is_held()
}

/// Whether an action is safe for a failure of this class, and why.
#[must_use]
pub const fn judge(action: Action, class: FaultClass) -> Remedy {
    let (safe, why) = match action {
        Action::Retry | Action::Unpark => again(class),
        Action::Reconcile if matches!(class, FaultClass::Drift) => (false, SHUTS_OUT),
        Action::Reconcile => (true, "the target is asked what it holds before anything is changed"),
        Action::UsePrevious => (
            false,
            "an older password is in use again, for everybody who knows it, and nothing rotates until somebody unparks it or a lease of it ends",
        ),
        Action::Maintenance => (false, POSTPONES),
        Action::SetPassword => (
            true,
            "it is stored only if the target lets it in; a wrong one is one refused login, and nothing is changed",
        ),
    };
    Remedy { action, safe, why }
}

/// Whether it is safe to go on after a failure of this class.
const fn again(class: FaultClass) -> (bool, &'static str) {
    match class {
        FaultClass::Unreachable | FaultClass::Tls => {
            (true, "a target that is still away fails again, and is waited for as before")
        }
        FaultClass::Preflight | FaultClass::PermissionDenied | FaultClass::AccountMissing => {
            (true, "the target is looked at first, and not changed before the cause is mended")
        }
        FaultClass::PolicyRejected => {
            (true, "at most two more candidates are refused; the old password stays in force")
        }
        FaultClass::Ambiguous
        | FaultClass::VerifyRefused
        | FaultClass::PluginFailed
        | FaultClass::PluginTimeout => {
            (true, "what may be live on the target is found out before anything is changed")
        }
        FaultClass::StoreFailed => (true, "nothing is done on a target that cannot be written down first"),
        FaultClass::OldStillValid => (true, "the old password is retired once more; the new one is served"),
        FaultClass::Overdue => (true, "the rotation was due, and only begins late"),
        FaultClass::ManagementAuthRefused => (
            false,
            "each further refusal brings the management credential nearer to a lock; mend it first (target write, target check)",
        ),
        FaultClass::AccountLocked => {
            (false, "each login while it is locked may lengthen the lock; unlock it first")
        }
        FaultClass::RightsLost => (
            false,
            "the next rotation takes the rights that the account has then for the right ones; restore them first",
        ),
        FaultClass::ConsumerLag => (false, "the old version dies now, and consumers that still use it fail"),
        FaultClass::Drift => (false, SHUTS_OUT),
    }
}

/// What the time line says of an act.
#[must_use]
pub fn pressed(incident: IncidentId, at: Timestamp, by: String, action: Action) -> LedgerEvent {
    LedgerEvent::Note { incident, at, by, text: format!("pressed {}", action.as_str()), staff_minutes: 0 }
}

/// What the time line says of an act that was refused, or that failed.
#[must_use]
pub fn not_done(incident: IncidentId, at: Timestamp, by: String, action: Action, why: &str) -> LedgerEvent {
    let text = format!("{} did not succeed: {why}", action.as_str());
    LedgerEvent::Note { incident, at, by, text, staff_minutes: 0 }
}

/// What the time line says of a maintenance that was declared.
#[must_use]
pub fn maintained(
    incident: IncidentId,
    at: Timestamp,
    by: String,
    until: Timestamp,
    reason: &str,
) -> LedgerEvent {
    let text = format!("pressed {} until {}: {reason}", Action::Maintenance.as_str(), until.to_rfc3339());
    LedgerEvent::Note { incident, at, by, text, staff_minutes: 0 }
}

const POSTPONES: &str = "until its end nobody hears of what fails on the target, and what is due there is late; it is for what \
                         somebody has stopped on purpose";
const SHUTS_OUT: &str =
    "the password that was set outside stops working: whoever uses it is shut out; find out first who set it";
