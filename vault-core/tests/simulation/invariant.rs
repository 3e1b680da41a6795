//! The promises, checked after every moment. Names are those of the design (I1–I8).

use vault_core::account::{Readable, Subject};
use vault_core::incident::IncidentState;
use vault_core::lease::LeaseState;
use vault_core::rotation::failure::REFUSALS_MAX;
use vault_core::rotation::run::{Stage, Step};

use crate::world::World;

pub(crate) fn check(world: &World) -> Result<(), String> {
    if let Some(violation) = &world.target.0.lock().unwrap().violation {
        return Err(violation.clone());
    }
    for key in world.accounts.keys() {
        credential_is_stored(world, key)?;
        reader_gets_no_dead_credential(world, key)?;
        failure_has_an_incident(world, key)?;
        attempts_are_bounded(world, key)?;
        one_holder(world, key)?;
    }
    logins_are_not_hammered(world)
}

/// What the target accepts for an account: the password set last.
fn accepted(world: &World, key: &str) -> String {
    world.target.0.lock().unwrap().passwords[&world.accounts[key].username].clone()
}

/// Whether the target accepts this stored secret for an account.
fn opens(world: &World, key: &str, secret: Option<&String>) -> bool {
    let username = &world.accounts[key].username;
    secret.is_some_and(|secret| world.target.0.lock().unwrap().opens(username, secret))
}

fn outside(world: &World, key: &str) -> bool {
    opens(world, key, world.changed_outside.get(key))
}

/// I1: some stored version works, unless somebody outside changed it.
fn credential_is_stored(world: &World, key: &str) -> Result<(), String> {
    let account = &world.accounts[key];
    let known = account
        .versions
        .stored()
        .any(|version| opens(world, key, world.secrets.get(&(key.to_owned(), version.number))));
    // An account adopted without a password has none until its first rotation; a mistyped one is none.
    let adopted = world.adopted.contains(key);
    if known || !adopted || outside(world, key) { Ok(()) } else { Err(format!("I1: {key} is lost")) }
}

/// I7: what a reader would be given works, unless somebody outside changed it unseen.
fn reader_gets_no_dead_credential(world: &World, key: &str) -> Result<(), String> {
    let account = &world.accounts[key];
    let Readable::Yes(version) = account.readable() else { return Ok(()) };
    let secret = world.secrets.get(&(key.to_owned(), version));
    let mistyped = secret.is_some_and(|secret| world.mistyped.contains(secret));
    if opens(world, key, secret) || outside(world, key) || mistyped {
        return Ok(());
    }
    Err(format!("I7: {key} would hand out dead version {version} in {}", account.stage.word()))
}

/// I4: what failed has an open incident; what is healthy has none.
fn failure_has_an_incident(world: &World, key: &str) -> Result<(), String> {
    let account = &world.accounts[key];
    let failed = match &account.stage {
        // The old version lives on until its grace ends: no failure.
        Stage::Waiting { run, step: Step::Retire, .. } => !run.overlaps || run.fault.is_some(),
        stage => matches!(stage, Stage::Waiting { .. } | Stage::Parked { .. }),
    };
    match account.incident {
        None if failed => Err(format!("I4: {key} waits or is parked without an incident")),
        Some(id) if world.incidents.get(&id).is_none_or(|incident| incident.state != IncidentState::Open) => {
            Err(format!("I4: {key} names an incident that is not open"))
        }
        _ => {
            let open = world
                .incidents
                .values()
                .filter(|incident| incident.subject == key && incident.state == IncidentState::Open)
                .count();
            if open > 1 { Err(format!("I4: {key} has {open} open incidents")) } else { Ok(()) }
        }
    }
}

/// I8: a run throws away a bounded number of candidates.
fn attempts_are_bounded(world: &World, key: &str) -> Result<(), String> {
    match world.accounts[key].stage.run() {
        Some(run) if run.refusals > REFUSALS_MAX => {
            Err(format!("I8: {key} tried {} candidates", run.refusals))
        }
        _ => Ok(()),
    }
}

/// I5 and I6: at most one open lease an account, and a closed one opens nothing.
fn one_holder(world: &World, key: &str) -> Result<(), String> {
    let account = &world.accounts[key];
    if matches!(account.subject, Subject::Management(_)) && account.lending.is_held() {
        return Err(format!("I5: {key} is lent"));
    }
    let open: Vec<_> = world
        .leases
        .values()
        .filter(|lease| lease.subject == key && lease.state != LeaseState::Closed)
        .map(|lease| &lease.id)
        .collect();
    if open.len() > 1 {
        return Err(format!("I5: {key} is held twice: {open:?}"));
    }
    let holder = account.lending.holder.as_ref().map(|lease| &lease.id);
    if holder != open.first().copied() {
        return Err(format!("I5: {key} and its leases disagree"));
    }
    Ok(())
}

/// I6, at the moment of closing: the target refuses what the lease handed out.
pub(crate) fn closed_lease_is_dead(world: &World, lease: &str) -> Result<(), String> {
    let lease = &world.leases[lease];
    let handed_out = world.secrets.get(&(lease.subject.clone(), lease.version));
    if opens(world, &lease.subject, handed_out) {
        return Err(format!("I6: {} is closed and still opens the target", lease.id));
    }
    Ok(())
}

/// I3: a refused management credential is not tried again and again.
fn logins_are_not_hammered(world: &World) -> Result<(), String> {
    let state = world.target.0.lock().unwrap();
    // One for whoever runs into it, those that were in the middle of a call, and those lost in crashes.
    let bound = 2 + u32::try_from(world.accounts.len()).unwrap() + state.management_bound;
    let refused = state.management_refused;
    if refused > bound {
        Err(format!("I3: the management credential was refused {refused} times"))
    } else {
        Ok(())
    }
}

/// After healing: everything is at rest, in sync and without an incident.
pub(crate) fn all_is_well(world: &World) -> Result<(), String> {
    for (key, account) in &world.accounts {
        if account.stage != Stage::Idle {
            return Err(format!(
                "healing: {key} is still {} at {:?}",
                account.stage.word(),
                account.stage.step()
            ));
        }
        if account.incident.is_some() {
            return Err(format!("healing: {key} still has an incident"));
        }
        let current = account.versions.current.ok_or(format!("healing: {key} has no credential"))?;
        let secret = world.secrets.get(&(key.clone(), current.number));
        let mints = world.target.0.lock().unwrap().mints;
        let in_sync = if mints { opens(world, key, secret) } else { secret == Some(&accepted(world, key)) };
        if !in_sync {
            return Err(format!("healing: {key} is out of sync"));
        }
        let made = world.target.0.lock().unwrap().minted.clone();
        let username = &account.username;
        if let Some((_, _, orphan)) = made
            .values()
            .find(|(_, user, made)| user == username && Some(made) != secret && opens(world, key, Some(made)))
        {
            return Err(format!("healing: {key} can be opened by {orphan}, which nobody knows"));
        }
        if account.versions.pending.is_some() || account.versions.previous.is_some() {
            return Err(format!("healing: {key} keeps an old version"));
        }
        if account.lending.holder.as_ref().is_some_and(|lease| lease.state == LeaseState::Revoking) {
            return Err(format!("healing: {key} has a lease that does not close"));
        }
    }
    Ok(())
}

/// I3: an unknown outcome is followed by a probe.
pub(crate) fn unknown_is_probed(before: &Stage, after: &Stage) -> Result<(), String> {
    match (before.step(), after) {
        (Some(Step::Apply), Stage::Active { step: Step::Probe, .. }) => Ok(()),
        (step, after) => Err(format!("I3: unknown outcome at {step:?} led to {}", after.word())),
    }
}
