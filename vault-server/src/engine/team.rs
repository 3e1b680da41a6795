//! Whose something is, by the settings as they are now: for what is stamped with it, and for what is shown.

use vault_core::account::{Account, Subject};
use vault_core::incident::{Incident, Kind};
use vault_core::target::Target;
use vault_core::team::Team;

use super::drive::Chain;
use crate::barrier::{Barrier, LoadError, Record};

/// That of an account or management credential: its own, or its target's.
pub(crate) fn of_account(barrier: &Barrier, account: &Account) -> Result<Option<Team>, LoadError> {
    match &account.settings.team {
        Some(team) => Ok(Some(team.clone())),
        None => of_target(barrier, account.target.as_str()),
    }
}

/// That of what an incident is about.
pub(super) fn of_incident(barrier: &Barrier, incident: &Incident) -> Result<Option<Team>, LoadError> {
    let subject = Subject::from_key(&incident.subject).filter(|_| incident.kind == Kind::Account);
    let account = match subject {
        Some(subject) => read::<Account>(barrier, &subject.key())?,
        None => None,
    };
    match account {
        Some(account) => of_account(barrier, &account),
        None => of_target(barrier, &incident.target),
    }
}

fn of_target(barrier: &Barrier, name: &str) -> Result<Option<Team>, LoadError> {
    Ok(read::<Target>(barrier, name)?.and_then(|target| target.team))
}

/// A record that cannot be read keeps nobody's failure from being written down: it is nobody's then, and the log says why.
fn read<R: Record>(barrier: &Barrier, name: &str) -> Result<Option<R>, LoadError> {
    match barrier.load::<R>(name) {
        Ok(loaded) => Ok(loaded.map(|loaded| loaded.value)),
        Err(error) if error.is_damage() => {
            tracing::error!(name, error = %Chain(&error), "the team of what cannot be read is not known");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
