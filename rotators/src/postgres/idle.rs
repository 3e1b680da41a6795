//! Management sessions that wait for their next use, for a moment: logging in costs a server more than changing a
//! password does.
//!
//! A session comes here only after everything that was sent on it has been answered, outside any transaction, and
//! without the mark of the rotation that it was used for; so nothing of a rotation can still take effect through it,
//! and whoever ends the sessions of one rotation ends no other's. It is taken by one rotation at a time, which marks
//! it as its own before anything else. Nothing else is reused: logins that prove something are always fresh.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex as DoorLock;
use tokio::time::{Instant, sleep};
use vault_core::crypto::hash::Hash;
use vault_core::rotation::port::{Login, TargetSpec};

use super::classify::LoginFailure;
use super::link::Link;

/// The sessions that wait, by who is logged in where. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Idle {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    kept: HashMap<Key, Vec<Kept>>,
    doors: HashMap<Key, Arc<DoorLock<Door>>>,
    /// Credentials that were refused, and when: what was logged in by one before is not used again.
    refused: HashMap<Key, Instant>,
    /// Whether somebody looks after them.
    is_attended: bool,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("targets", &self.kept.len()).finish()
    }
}

/// A digest of the target's settings and the credential: no session outlives a change of either.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

struct Kept {
    link: Link,
    since: Instant,
}

/// What a credential's login came to; whoever logs in by it holds it meanwhile.
#[derive(Default)]
pub(super) struct Door {
    refused: Option<(Instant, LoginFailure)>,
}

impl Door {
    /// The refusal that speaks for whoever has asked at `asked_at` too: one since then, or so shortly before that
    /// nobody can have mended anything.
    pub(super) fn refusal_for(&self, asked_at: Instant) -> Option<LoginFailure> {
        let (at, refusal) = self.refused.as_ref()?;
        (*at + REFUSAL_LASTS >= asked_at).then(|| refusal.clone())
    }

    /// Notes a refusal.
    pub(super) fn note(&mut self, refusal: LoginFailure) {
        self.refused = Some((Instant::now(), refusal));
    }
}

impl Key {
    pub(super) fn of(spec: &TargetSpec, login: &Login) -> Self {
        let mut text = Vec::new();
        let settings = spec.settings.iter().flat_map(|(name, value)| [name, value]);
        for part in [&spec.connection_url, &login.username].into_iter().chain(settings) {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part.as_bytes());
        }
        // Only a digest of the password goes in, so that no copy of it is left in `text`.
        text.extend_from_slice(&Hash::Sha256.digest(login.password.expose().as_bytes()));
        let mut key = [0; 32];
        for (to, from) in key.iter_mut().zip(Hash::Sha256.digest(&text)) {
            *to = from;
        }
        Self(key)
    }
}

impl Idle {
    /// A session that is logged in so, if one waits; the one that was used last, so that the others can end.
    pub(super) fn take(&self, key: Key) -> Option<Link> {
        let mut inner = self.lock();
        let kept = inner.kept.get_mut(&key)?;
        loop {
            let Kept { link, since } = kept.pop()?;
            if link.is_usable(LIFE_MAX) && since.elapsed() < IDLE_MAX {
                return Some(link);
            }
        }
    }

    /// Keeps a session for its next use.
    pub(super) fn keep(&self, key: Key, link: Link) {
        let mut inner = self.lock();
        let is_of_refused = inner.refused.get(&key).is_some_and(|at| link.since() <= *at);
        let kept = inner.kept.entry(key).or_default();
        if is_of_refused || kept.len() >= KEPT_MAX || !link.is_usable(LIFE_MAX) {
            return;
        }
        kept.push(Kept { link, since: Instant::now() });
        self.look_after(&mut inner);
    }

    /// The server refuses that login: ends the sessions that wait for it, and those of now that come back.
    pub(super) fn refuse(&self, key: Key) {
        let mut inner = self.lock();
        inner.kept.remove(&key);
        inner.refused.insert(key, Instant::now());
        self.look_after(&mut inner);
    }

    /// By which that login is made by one at a time.
    pub(super) fn door(&self, key: Key) -> Arc<DoorLock<Door>> {
        let mut inner = self.lock();
        let door = Arc::clone(inner.doors.entry(key).or_default());
        self.look_after(&mut inner);
        door
    }

    fn look_after(&self, inner: &mut Inner) {
        if !inner.is_attended {
            inner.is_attended = true;
            let idle = self.clone();
            tokio::spawn(async move {
                loop {
                    sleep(ATTENDED_EVERY).await;
                    if !idle.attend() {
                        break;
                    }
                }
            });
        }
    }

    /// Ends what waits for too long; says whether anything is left.
    fn attend(&self) -> bool {
        let mut inner = self.lock();
        for kept in inner.kept.values_mut() {
            kept.retain(|one| one.link.is_usable(LIFE_MAX) && one.since.elapsed() < IDLE_MAX);
        }
        inner.kept.retain(|_, kept| !kept.is_empty());
        let now = Instant::now();
        let matters = |door: &Door| door.refusal_for(now).is_some();
        inner.doors.retain(|_, door| {
            Arc::strong_count(door) > 1 || door.try_lock().is_ok_and(|door| matters(&door))
        });
        inner.refused.retain(|_, at| at.elapsed() < LIFE_MAX);
        inner.is_attended = !inner.kept.is_empty() || !inner.doors.is_empty() || !inner.refused.is_empty();
        inner.is_attended
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session that nobody has used for so long ends.
const IDLE_MAX: Duration = Duration::from_secs(2);
/// A session older than that is not used again, so that a management credential that was changed outside is noticed.
const LIFE_MAX: Duration = Duration::from_secs(30);
/// Most sessions that wait for one login: they count against the server's limit of connections beside those at work.
const KEPT_MAX: usize = 16;
/// So long a refusal also speaks for who asks after it: until whoever was refused has written that down.
const REFUSAL_LASTS: Duration = Duration::from_millis(500);
/// Between two looks for sessions that are to end.
const ATTENDED_EVERY: Duration = Duration::from_secs(1);
