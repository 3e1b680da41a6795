//! The promises, checked after every moment. Names are those of the design (I1–I8).

use vault_core::account::{Readable, Subject};
use vault_core::incident::entry::marks;
use vault_core::incident::{IncidentState, Kind};
use vault_core::lease::LeaseState;
use vault_core::rotation::failure::REFUSALS_MAX;
use vault_core::rotation::fault::Scope;
use vault_core::rotation::run::{Stage, Step};

use crate::target::SHUT;
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
    groups_have_their_members(world)?;
    time_lines_tell_all(world)?;
    logins_are_not_hammered(world)
}

/// Whether what is stored of this version opens the target, by the name that it was stored for.
pub(crate) fn opens(world: &World, key: &str, version: u64) -> bool {
    let login = world.login(key, version);
    login.is_some_and(|(name, secret)| world.target.0.lock().unwrap().opens(name, secret))
}

/// The names that an account has on the target.
pub(crate) fn names(world: &World, key: &str) -> Vec<String> {
    let account = &world.accounts[key];
    [Some(account.username.clone()), account.settings.alternate_username.clone()]
        .into_iter()
        .flatten()
        .collect()
}

fn outside(world: &World, key: &str) -> bool {
    let secret = world.changed_outside.get(key);
    let is_open = |secret: &String| {
        names(world, key).iter().any(|name| world.target.0.lock().unwrap().opens(name, secret))
    };
    secret.is_some_and(is_open)
}

/// I1: some stored version works, unless somebody outside changed it.
fn credential_is_stored(world: &World, key: &str) -> Result<(), String> {
    let account = &world.accounts[key];
    let known = account.versions.stored().any(|version| opens(world, key, version.number));
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
    if opens(world, key, version) || outside(world, key) || mistyped {
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
        open => {
            let own = world
                .incidents
                .values()
                .filter(|incident| incident.subject == key && incident.state == IncidentState::Open);
            let own: Vec<_> = own.map(|incident| incident.id).collect();
            let expected: Vec<_> =
                open.filter(|_| account.incident_scope == Scope::Account).into_iter().collect();
            let is_member = open.is_some_and(|id| {
                world.members.get(&(id, key.to_owned())).is_some_and(|member| member.is_in())
            });
            if own != expected {
                Err(format!("I4: {key} has {open:?} and these of its own: {own:?}"))
            } else if is_member != (account.incident_scope == Scope::Target) {
                Err(format!("I4: {key} and the members of {open:?} disagree"))
            } else {
                Ok(())
            }
        }
    }
}

/// I4 of the target: its incident is open as long as an account is beneath it, and counts them.
fn groups_have_their_members(world: &World) -> Result<(), String> {
    let groups = world.incidents.values().filter(|incident| incident.kind == Kind::Target);
    let mut open = Vec::new();
    for group in groups {
        let members =
            || world.members.range((group.id, String::new())..).take_while(|((id, _), _)| *id == group.id);
        let inside = || members().filter(|(_, member)| member.is_in());
        let hurt = inside().filter(|(_, member)| member.mitigated_at.is_none()).count();
        let counted = [group.members.ever, group.members.now, group.members.hurt];
        if counted.map(|count| count as usize) != [members().count(), inside().count(), hurt] {
            return Err(format!("I4: the members of {group:?} are not counted"));
        }
        if (group.state == IncidentState::Open) != (group.members.now > 0) {
            return Err(format!("I4: {group:?} is {:?}", group.state));
        }
        let strays = |key: &str| world.accounts[key].incident != Some(group.id);
        if let Some(((_, key), _)) = inside().find(|((_, key), _)| strays(key)) {
            return Err(format!("I4: {key} is beneath {} and does not know it", group.id));
        }
        if group.state == IncidentState::Open {
            open.push(group.id);
        }
    }
    let known: Vec<_> = world.outage.open.into_iter().collect();
    if open == known { Ok(()) } else { Err(format!("I4: the target has {known:?}, open are {open:?}")) }
}

/// Each time line has its lines in order, by a time that never goes back, and says what the record says.
fn time_lines_tell_all(world: &World) -> Result<(), String> {
    for (id, incident) in &world.incidents {
        let lines = &world.lines[id];
        let in_order = lines.iter().zip(0..).all(|(line, place)| line.seq == place)
            && lines.is_sorted_by_key(|line| line.at)
            && lines.len() as u64 == incident.lines;
        let failures: u32 =
            lines.iter().filter(|line| line.failure().is_some()).map(|line| 1 + line.repeats()).sum();
        let told = match incident.kind {
            Kind::Account => failures + incident.alike == incident.failures,
            Kind::Target => {
                let count = |word: &str| lines.iter().filter(|line| line.word() == word).count();
                let left = count("left") + count("moved");
                count("joined") == left + incident.members.now as usize
            }
        };
        if !in_order || !told {
            return Err(format!("the time line of {id} lacks something: {lines:?}"));
        }
        if marks(lines.iter()) != incident.marks {
            return Err(format!("the marks of {id} do not follow from its time line: {:?}", incident.marks));
        }
    }
    Ok(())
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
    if opens(world, &lease.subject, lease.version) {
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
        let accepted = |name: &str| world.target.0.lock().unwrap().passwords[name].clone();
        let last = secret == Some(&accepted(account.username_of(current)));
        let in_sync = opens(world, key, current.number) && (mints || last);
        if !in_sync {
            return Err(format!("healing: {key} is out of sync"));
        }
        let idle = names(world, key).into_iter().find(|name| name != account.username_of(current));
        if idle.is_some_and(|name| accepted(&name) != SHUT) {
            return Err(format!("healing: {key} has a second account that is open"));
        }
        let made = world.target.0.lock().unwrap().minted.clone();
        let username = &account.username;
        if let Some((_, _, orphan)) = made.values().find(|(_, user, made)| {
            let is_open = world.target.0.lock().unwrap().opens(username, made);
            user == username && Some(made) != secret && is_open
        }) {
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
