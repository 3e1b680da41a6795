//! A target that is dead: one incident, with the accounts that fail because of it beneath it.

use std::time::Duration;

use vault_core::account::Account;
use vault_core::incident::group::{Heard, Why, hear};
use vault_core::incident::ledger::LedgerEvent;
use vault_core::incident::{Incident, IncidentState, Kind, ledger};
use vault_core::rotation::fault::{FaultClass, Scope};
use vault_core::rotation::run::Cause;
use vault_core::rotation::step;

use crate::invariant;
use crate::target::Mood;
use crate::world::World;

impl World {
    /// What happened to the account's incident, or its target's.
    pub(crate) fn write_down(&mut self, key: &str, events: &[LedgerEvent]) {
        for event in events {
            let id = event.incident();
            if event.is_of_group(self.incidents.get(&id)) {
                self.hear(key, event);
            } else if let Some(recorded) = ledger::record(self.incidents.remove(&id), event) {
                self.incidents.insert(id, recorded.incident);
                self.lines.entry(id).or_default().extend(recorded.entry);
            }
        }
    }

    /// What happened to a member of the target's incident.
    fn hear(&mut self, key: &str, event: &LedgerEvent) {
        let id = event.incident();
        let (group, name) = (self.incidents.get(&id).cloned(), (id, key.to_owned()));
        if let LedgerEvent::Fault(report) = event {
            assert!(self.outage.fits(report, group.as_ref()), "nobody decides in between");
        }
        let before = group.as_ref().map(|group| group.state);
        let Some(heard) = hear(group, self.members.get(&name).cloned(), event) else { return };
        let Heard { incident, entries, member } = heard;
        if before != Some(incident.state) {
            self.outage = self.outage.turned(&incident);
        }
        assert!(incident.state == IncidentState::Open || self.outage.open.is_none());
        self.incidents.insert(id, incident);
        self.lines.entry(id).or_default().extend(entries);
        if let Some(member) = member {
            self.members.insert(name, member);
        }
    }
}

/// A rotation is asked for, or goes on, and the first call comes out like this.
fn attempt(world: &mut World, key: &str, mood: Mood) {
    let account = world.accounts[key].clone();
    let plan = step::request(account, Cause::Schedule, &world.context_of(key)).unwrap();
    world.commit(plan);
    world.send(key, mood);
    world.settle_answer(key);
}

/// The same, until the account is at rest.
fn succeed(world: &mut World, key: &str) {
    attempt(world, key, Mood::Well);
    world.run_to_rest();
    assert_eq!(world.accounts[key].stage.word(), "idle");
}

fn only(world: &World) -> &Incident {
    assert_eq!(world.incidents.len(), 1, "{:?}", world.incidents);
    world.incidents.values().next().unwrap()
}

fn words(world: &World, incident: &Incident) -> Vec<&'static str> {
    world.lines[&incident.id].iter().map(|line| line.word()).collect()
}

fn accounts(world: &World) -> Vec<String> {
    world.accounts.keys().filter(|key| key.starts_with("a/")).cloned().collect()
}

#[test]
fn five_hundred_accounts_on_a_dead_target_are_one_incident_that_the_last_proof_closes() {
    let mut world = World::new(7, 500);
    let keys = accounts(&world);
    for key in &keys {
        attempt(&mut world, key, Mood::Unreachable);
    }
    let group = only(&world).clone();
    assert_eq!(
        (group.kind, group.class, group.state),
        (Kind::Target, FaultClass::Unreachable, IncidentState::Open)
    );
    assert_eq!((group.members.ever, group.members.now, group.subject.as_str()), (500, 500, "target db"));
    assert_eq!(group.lines, 501, "opened, and each of them joined");
    invariant::check(&world).unwrap();

    // Tried once more, each of them writes to its own record and to nobody else's.
    world.now = world.now.plus(Duration::from_secs(60));
    for key in &keys {
        attempt(&mut world, key, Mood::Unreachable);
    }
    assert_eq!(only(&world), &group);
    let member = &world.members[&(group.id, keys[0].clone())];
    assert_eq!((member.attempts, member.failures.len(), member.failures[0].repeats), (2, 1, 1));
    assert!(member.next_attempt.is_some());

    world.now = world.now.plus(Duration::from_secs(60));
    let (last, others) = keys.split_last().unwrap();
    for key in others {
        succeed(&mut world, key);
        assert_eq!(only(&world).state, IncidentState::Open, "one is still beneath it");
    }
    invariant::check(&world).unwrap();
    let open = only(&world);
    assert_eq!((open.members.now, open.members.hurt, open.marks.t6, open.marks.t7), (1, 1, None, None));
    let proven_at = world.now.plus(Duration::from_secs(60));
    world.now = proven_at;
    succeed(&mut world, last);
    let closed = only(&world);
    assert_eq!((closed.state, closed.members.now), (IncidentState::Closed, 0));
    assert_eq!((closed.marks.t6, closed.marks.t7), (Some(proven_at), Some(proven_at)));
    assert_eq!(closed.failures, 1000, "the attempts of all of them");
    // Its consumers were the last that were hurt.
    let told = words(&world, closed);
    assert_eq!(told.iter().rev().take(3).rev().collect::<Vec<_>>(), [&"mitigated", &"left", &"remediated"]);
}

#[test]
fn a_member_that_fails_in_a_way_of_its_own_moves_to_an_incident_of_its_own() {
    let mut world = World::new(8, 2);
    let (one, other) = ("a/app/0", "a/app/1");
    attempt(&mut world, one, Mood::Unreachable);
    attempt(&mut world, other, Mood::Unreachable);
    let group = only(&world).id;
    attempt(&mut world, one, Mood::Denied);
    invariant::check(&world).unwrap();
    let account: &Account = &world.accounts[one];
    let own = &world.incidents[&account.incident.unwrap()];
    assert_eq!(
        (own.kind, own.class, own.moved_from),
        (Kind::Account, FaultClass::PermissionDenied, Some(group))
    );
    assert_eq!((account.incident_scope, own.subject.as_str()), (Scope::Account, one));
    let member = &world.members[&(group, one.to_owned())];
    assert_eq!(member.left.as_ref().map(|(_, why)| why), Some(&Why::Moved(own.id)));
    let left = &world.incidents[&group];
    assert_eq!((left.state, left.members.now, left.members.ever), (IncidentState::Open, 1, 2));
    assert!(words(&world, left).contains(&"moved"));

    // What is its own stays its own, also when the target does not answer any more.
    let own = own.id;
    attempt(&mut world, one, Mood::Unreachable);
    assert_eq!(world.accounts[one].incident, Some(own));
    assert_eq!(world.incidents[&own].class, FaultClass::Unreachable);
    assert_eq!(world.incidents[&group].members.now, 1);

    // The target's ends without a proof where all have moved: nobody says that it was remediated.
    attempt(&mut world, other, Mood::Denied);
    let group = &world.incidents[&group];
    assert_eq!((group.state, group.marks.t7), (IncidentState::Closed, None));
    assert_eq!(words(&world, group).last(), Some(&"dissolved"));
    invariant::check(&world).unwrap();
}

#[test]
fn a_target_that_fails_soon_after_has_the_same_incident_again() {
    let mut world = World::new(9, 2);
    let (one, other) = ("a/app/0", "a/app/1");
    attempt(&mut world, one, Mood::Unreachable);
    succeed(&mut world, one);
    assert_eq!(world.accounts[one].last_incident, None, "it was not its own");
    let group = only(&world).id;
    world.now = world.now.plus(Duration::from_secs(3600));
    attempt(&mut world, other, Mood::Unreachable);
    let again = only(&world);
    assert_eq!((again.id, again.state, again.reopened), (group, IncidentState::Open, 1));
    assert_eq!((again.members.ever, again.members.now, again.marks.t7), (2, 1, None));
    // An account that comes back is counted once.
    attempt(&mut world, one, Mood::Unreachable);
    assert_eq!((only(&world).members.ever, only(&world).members.now), (2, 2));
    invariant::check(&world).unwrap();
    for key in [one, other] {
        succeed(&mut world, key);
    }
    world.now = world.now.plus(Duration::from_secs(25 * 3600));
    attempt(&mut world, one, Mood::Unreachable);
    assert_eq!(world.incidents.len(), 2, "the day after it is another one");
    invariant::check(&world).unwrap();
}

#[test]
fn what_cannot_begin_because_its_target_is_dead_is_beneath_the_targets_incident() {
    let mut world = World::new(10, 2);
    let (one, other) = ("a/app/0", "a/app/1");
    world.now = world.accounts[other].next_rotation.unwrap().plus(Duration::from_secs(120));
    attempt(&mut world, one, Mood::Unreachable);
    let plan = step::overdue(world.accounts[other].clone(), &world.context_of(other)).unwrap();
    world.commit(plan);
    let group = only(&world);
    assert_eq!((group.members.now, group.class), (2, FaultClass::Unreachable));
    assert_eq!(world.members[&(group.id, other.to_owned())].class, FaultClass::Overdue);
    // What follows tells more of the target than that somebody waits for it.
    let mut busy = World::new(10, 2);
    busy.now = world.now;
    let plan = step::overdue(busy.accounts[one].clone(), &busy.context_of(one)).unwrap();
    busy.commit(plan);
    assert_eq!((only(&busy).kind, only(&busy).class), (Kind::Target, FaultClass::Overdue));
    attempt(&mut busy, other, Mood::Unreachable);
    assert_eq!(only(&busy).class, FaultClass::Unreachable);
    assert_eq!(words(&busy, only(&busy)), ["opened", "joined", "joined", "class_changed"]);
    for key in [one, other] {
        succeed(&mut busy, key);
    }
    assert_eq!(only(&busy).state, IncidentState::Closed);
}
