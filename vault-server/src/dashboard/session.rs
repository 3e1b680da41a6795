//! Who is signed in: a random id in a cookie, and the token that stands behind it, in memory alone.
//!
//! A session ends by signing out, after a while without use, after eight hours, when its token is gone, with a seal
//! and with the process. Nothing of it is stored.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vault_core::clock::{Clock, Timestamp};
use vault_core::secret::SecretString;

use crate::barrier::Barrier;
use crate::shutdown::Shutdown;

/// The sessions of this process.
#[derive(Default)]
pub(crate) struct Sessions {
    held: Mutex<HashMap<String, Arc<Session>>>,
}

/// Somebody who is signed in.
pub(crate) struct Session {
    pub(crate) token: SecretString,
    /// What each form of this session carries, so that no other page can send one.
    pub(crate) form: SecretString,
    /// The name that the token went by when it was presented.
    pub(crate) name: String,
    /// Whether the token was made for this session, and so ends with it.
    pub(crate) is_own: bool,
    pub(crate) began: Timestamp,
    /// How often the vault had been sealed by then.
    pub(crate) closings: u64,
    seen: AtomicI64,
}

impl Session {
    pub(crate) fn new(
        token: SecretString,
        form: SecretString,
        name: String,
        is_own: bool,
        (began, closings): (Timestamp, u64),
    ) -> Self {
        Self { token, form, name, is_own, began, closings, seen: AtomicI64::new(began.as_millis()) }
    }

    fn is_over(&self, now: Timestamp, closings: u64) -> bool {
        let seen = Timestamp::from_millis(self.seen.load(Ordering::Relaxed));
        // A clock that was stepped back lengthens no session.
        let is_from_later = seen.since(now) > CLOCK_STEP_MAX;
        self.closings != closings
            || is_from_later
            || now.since(seen) >= IDLE_MAX
            || now.since(self.began) >= SESSION_MAX
    }
}

impl Sessions {
    /// Takes a session up under the id `id`.
    pub(crate) fn begin(&self, id: &SecretString, session: Session) {
        let (now, closings) = (session.began, session.closings);
        let mut held = self.held();
        if held.len() >= SESSIONS_MAX {
            held.retain(|_, session| !session.is_over(now, closings));
        }
        // One token takes no room of others.
        let is_same = |other: &Session| other.token.ct_eq(session.token.expose());
        if held.values().filter(|other| is_same(other)).count() >= TOKEN_SESSIONS_MAX {
            end_quietest(&mut held, is_same);
        }
        if held.len() >= SESSIONS_MAX {
            end_quietest(&mut held, |_| true);
        }
        held.insert(id.expose().to_owned(), Arc::new(session));
    }

    /// The session of `id`, unless it is over. A look that a person asked for keeps it.
    pub(crate) fn look(
        &self,
        id: &str,
        now: Timestamp,
        closings: u64,
        by_person: bool,
    ) -> Option<Arc<Session>> {
        let mut held = self.held();
        let session = Arc::clone(held.get(id)?);
        if session.is_over(now, closings) {
            held.remove(id);
            return None;
        }
        if by_person {
            session.seen.fetch_max(now.as_millis(), Ordering::Relaxed);
        }
        Some(session)
    }

    /// Ends the session of `id`.
    pub(crate) fn end(&self, id: &str) -> Option<Arc<Session>> {
        self.held().remove(id)
    }

    /// Forgets what is over.
    fn sweep(&self, now: Timestamp, closings: u64) {
        self.held().retain(|_, session| !session.is_over(now, closings));
    }

    /// Forgets what is over, so that no token stays in memory for a browser that does not come back.
    pub(crate) async fn sweep_until(&self, barrier: &Barrier, clock: &dyn Clock, shutdown: &Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.begun() => return,
                () = tokio::time::sleep(SWEEP_EVERY) => self.sweep(clock.now(), barrier.closings()),
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one of those that was quiet for longest makes room.
fn end_quietest(held: &mut HashMap<String, Arc<Session>>, is_one: impl Fn(&Session) -> bool) {
    let those = held.iter().filter(|(_, session)| is_one(session));
    let quiet = those.min_by_key(|(_, session)| session.seen.load(Ordering::Relaxed));
    if let Some(id) = quiet.map(|(id, _)| id.clone()) {
        held.remove(&id);
    }
}

/// Without a request of a person.
const IDLE_MAX: Duration = Duration::from_secs(15 * 60);
/// Whatever is asked for in it.
const SESSION_MAX: Duration = Duration::from_secs(8 * 60 * 60);
/// Steps of the clock below this are the work of time synchronisation.
const CLOCK_STEP_MAX: Duration = Duration::from_secs(60);
/// Sessions at once.
const SESSIONS_MAX: usize = 1000;
/// Sessions of one token at once.
const TOKEN_SESSIONS_MAX: usize = 16;
const SWEEP_EVERY: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn session(began: i64) -> Session {
        session_of("token", began)
    }

    fn session_of(token: &str, began: i64) -> Session {
        let text = |text: &str| SecretString::new(text.to_owned());
        Session::new(text(token), text("form"), "mary".to_owned(), true, (Timestamp::from_secs(began), 0))
    }

    fn id(text: &str) -> SecretString {
        SecretString::new(text.to_owned())
    }

    #[test]
    fn a_session_ends_when_it_is_not_used_and_after_eight_hours_in_any_case() {
        let at = Timestamp::from_secs;
        let sessions = Sessions::default();
        sessions.begin(&id("a"), session(0));
        assert!(sessions.look("a", at(899), 0, false).is_some());
        assert!(sessions.look("a", at(900), 0, true).is_none(), "a look of the script keeps nothing");
        sessions.begin(&id("a"), session(0));
        for now in (0..8 * 60 * 60).step_by(600) {
            assert!(sessions.look("a", at(now), 0, true).is_some(), "{now}");
        }
        assert!(sessions.look("a", at(8 * 60 * 60), 0, true).is_none());
    }

    #[test]
    fn a_seal_and_a_clock_that_is_stepped_back_end_it() {
        let at = Timestamp::from_secs;
        let sessions = Sessions::default();
        sessions.begin(&id("a"), session(1000));
        assert!(sessions.look("a", at(990), 0, true).is_some());
        assert!(sessions.look("a", at(900), 0, true).is_none());
        sessions.begin(&id("a"), session(1000));
        assert!(sessions.look("a", at(1000), 1, true).is_none());
        assert!(sessions.look("a", at(1000), 0, true).is_none(), "it is gone for good");
    }

    #[test]
    fn one_token_signs_nobody_else_out() {
        let sessions = Sessions::default();
        sessions.begin(&id("mary"), session_of("of mary", 0));
        for number in 0..2 * SESSIONS_MAX {
            sessions.begin(&id(&number.to_string()), session(1 + i64::try_from(number).unwrap() / 10));
        }
        assert_eq!(sessions.held().len(), 1 + TOKEN_SESSIONS_MAX);
        assert!(sessions.look("mary", Timestamp::from_secs(201), 0, true).is_some());
        assert!(sessions.held().contains_key(&(2 * SESSIONS_MAX - 1).to_string()), "the newest is held");
    }

    #[test]
    fn their_number_is_bounded_and_the_quietest_makes_room() {
        let sessions = Sessions::default();
        for number in 0..SESSIONS_MAX {
            let number_at = i64::try_from(number).unwrap() / 10;
            sessions.begin(&id(&number.to_string()), session_of(&format!("token {number}"), number_at));
        }
        sessions.begin(&id("new"), session(200));
        assert_eq!(sessions.held().len(), SESSIONS_MAX);
        let first_ten = (0..10).filter(|number| sessions.held().contains_key(&number.to_string())).count();
        assert_eq!(first_ten, 9);
        sessions.sweep(Timestamp::from_secs(200), 1);
        assert_eq!(sessions.held().len(), 0);
    }
}
