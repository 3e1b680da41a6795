//! Whose logins are refused for a while, after too many that failed.
//!
//! ```text
//!   fails 1…4 ── quiet for a while · success ──► forgotten
//!   fails 5 ──► locked ── a while · unlocked by an operator ──► forgotten
//! ```
//!
//! Names that nobody has are counted too, so that a lock tells nothing about who exists. They alone are
//! forgotten when there are too many, so that inventing names frees no true one.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::MountId;

/// A name at a mount.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alias {
    /// The mount.
    pub mount: MountId,
    /// A user's name, or a role id.
    pub name: String,
}

/// Whether somebody has the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A user or role of the mount.
    Known,
    /// Nobody.
    Unknown,
}

/// The logins that failed lately.
#[derive(Debug, Default)]
pub struct Lockouts {
    known: BTreeMap<Alias, Failures>,
    unknown: BTreeMap<Alias, Failures>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Timestamp,
}

impl Failures {
    fn is_past(&self, now: Timestamp) -> bool {
        now >= self.last.plus(LOCKED_FOR)
    }

    fn locks(&self, now: Timestamp) -> bool {
        self.count >= FAILURES_MAX && !self.is_past(now)
    }
}

impl Lockouts {
    /// Whether logins by this name are refused at `now`.
    #[must_use]
    pub fn is_locked(&self, alias: &Alias, now: Timestamp) -> bool {
        [&self.known, &self.unknown].iter().any(|side| side.get(alias).is_some_and(|it| it.locks(now)))
    }

    /// Counts a login that failed.
    pub fn failed(&mut self, alias: Alias, standing: Standing, now: Timestamp) {
        let side = match standing {
            Standing::Known => &mut self.known,
            Standing::Unknown => &mut self.unknown,
        };
        match side.get_mut(&alias) {
            Some(failures) if !failures.is_past(now) => {
                *failures = Failures { count: failures.count.saturating_add(1), last: now };
            }
            Some(_) | None => {
                make_room(side, standing, now);
                side.insert(alias, Failures { count: 1, last: now });
            }
        }
    }

    /// Forgets what failed: it went well, or an operator says so.
    pub fn forget(&mut self, alias: &Alias) {
        self.known.remove(alias);
        self.unknown.remove(alias);
    }

    /// Forgets all of a mount that is gone.
    pub fn forget_mount(&mut self, mount: MountId) {
        self.known.retain(|alias, _| alias.mount != mount);
        self.unknown.retain(|alias, _| alias.mount != mount);
    }

    /// The names that somebody has and that are locked at `now`.
    pub fn locked(&self, now: Timestamp) -> impl Iterator<Item = &Alias> {
        self.known.iter().filter(move |(_, failures)| failures.locks(now)).map(|(alias, _)| alias)
    }
}

/// Forgets what is past when there is much; of names that nobody has, the one that was quiet longest.
fn make_room(side: &mut BTreeMap<Alias, Failures>, standing: Standing, now: Timestamp) {
    if side.len() < NAMES_KEPT {
        return;
    }
    side.retain(|_, failures| !failures.is_past(now));
    if standing == Standing::Unknown && side.len() >= NAMES_KEPT {
        let oldest = side.iter().min_by_key(|(_, failures)| failures.last).map(|(alias, _)| alias.clone());
        oldest.iter().for_each(|alias| {
            side.remove(alias);
        });
    }
}

/// So many failures lock, as in Vault.
const FAILURES_MAX: u32 = 5;
/// A lock, and the quiet after which failures are forgotten, as in Vault.
const LOCKED_FOR: Duration = Duration::from_secs(15 * 60);
/// More of them are only kept when they are names that somebody has.
const NAMES_KEPT: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn alias(name: &str) -> Alias {
        Alias { mount: MountId::generate(Timestamp::EPOCH, &SeededEntropy::new(1)), name: name.to_owned() }
    }

    fn later(secs: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(secs))
    }

    fn fail(lockouts: &mut Lockouts, name: &str, times: u32, at: Timestamp) {
        (0..times).for_each(|_| lockouts.failed(alias(name), Standing::Known, at));
    }

    #[test]
    fn the_fifth_failure_locks_for_a_quarter_of_an_hour() {
        let mut lockouts = Lockouts::default();
        fail(&mut lockouts, "mary", 4, NOW);
        assert!(!lockouts.is_locked(&alias("mary"), NOW));
        fail(&mut lockouts, "mary", 1, later(10));
        assert!(lockouts.is_locked(&alias("mary"), later(10)));
        assert!(!lockouts.is_locked(&alias("john"), later(10)));
        assert!(lockouts.is_locked(&alias("mary"), later(909)));
        assert!(!lockouts.is_locked(&alias("mary"), later(910)));
        fail(&mut lockouts, "mary", 4, later(910));
        assert!(!lockouts.is_locked(&alias("mary"), later(910)), "counting begins anew");
    }

    #[test]
    fn quiet_success_and_an_operator_forget_failures() {
        for case in ["quiet", "success", "mount"] {
            let mut lockouts = Lockouts::default();
            fail(&mut lockouts, "mary", 4, NOW);
            match case {
                "success" => lockouts.forget(&alias("mary")),
                "mount" => lockouts.forget_mount(alias("mary").mount),
                _ => {}
            }
            fail(&mut lockouts, "mary", 1, later(900));
            assert!(!lockouts.is_locked(&alias("mary"), later(900)), "{case}");
        }
    }

    #[test]
    fn invented_names_are_locked_but_push_no_true_one_out() {
        let mut lockouts = Lockouts::default();
        fail(&mut lockouts, "mary", 5, NOW);
        for _ in 0..5 {
            lockouts.failed(alias("nobody"), Standing::Unknown, NOW);
        }
        assert!(lockouts.is_locked(&alias("nobody"), NOW));
        assert_eq!(lockouts.locked(NOW).map(|alias| alias.name.as_str()).collect::<Vec<_>>(), ["mary"]);
        for number in 0..2 * NAMES_KEPT {
            lockouts.failed(alias(&number.to_string()), Standing::Unknown, later(1));
        }
        assert_eq!(lockouts.unknown.len(), NAMES_KEPT);
        assert!(!lockouts.is_locked(&alias("nobody"), later(1)), "the oldest goes first");
        assert!(lockouts.is_locked(&alias("mary"), later(1)));
    }
}
