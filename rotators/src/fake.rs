//! A target in memory that does what a test tells it to, with a rotator for it.
//!
//! It keeps accounts with their passwords, rights and sessions, counts what is asked of it, and takes
//! faults per verb: one for the next call, or one for every call. It holds no timers: a call that shall
//! hang waits until the test lets go. The target outlives its faults, so that a test can look afterwards
//! at what really happened, as an administrator of the target could.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use vault_core::id::RotationId;
use vault_core::rotation::fault::FaultClass;
#[cfg(doc)]
use vault_core::rotation::port::Rotator;
#[cfg(doc)]
use vault_core::rotation::provisioner::Provisioner;

mod account;
mod act;
mod provision;
mod rotator;
mod shadow;

use account::{Account, Accounts};

/// The verbs of the port that reach the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// [`Rotator::check`]
    Check,
    /// [`Rotator::preflight`]
    Preflight,
    /// [`Rotator::apply`], and [`Rotator::mint`] of a target that makes the credentials
    Apply,
    /// [`Rotator::settle`]
    Settle,
    /// [`Rotator::probe`]
    Probe,
    /// [`Rotator::verify`]
    Verify,
    /// [`Rotator::retire`]
    Retire,
    /// [`Rotator::end_sessions`]
    EndSessions,
    /// [`Provisioner::create`]
    Create,
    /// [`Provisioner::extend`]
    Extend,
    /// [`Provisioner::remove`]
    Remove,
    /// [`Provisioner::presence`]
    Presence,
}

impl Verb {
    /// Every verb, in the order of a rotation, then those of a user that lives as long as a lease.
    pub const ALL: [Self; 12] = [
        Self::Check,
        Self::Preflight,
        Self::Apply,
        Self::Settle,
        Self::Probe,
        Self::Verify,
        Self::Retire,
        Self::EndSessions,
        Self::Create,
        Self::Extend,
        Self::Remove,
        Self::Presence,
    ];
}

/// What goes wrong in one call. The first three fit every verb; the others say which they fit, and are
/// like no fault at the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// The call fails with this class before the target does anything: `NotApplied`, `Inconclusive` or
    /// the error of the verb.
    Fails(FaultClass),
    /// The call waits until [`FakeTarget::release`], and then goes on as if nothing had been. Dropping
    /// the future leaves the target untouched.
    Hangs,
    /// The target does its work; then the call waits as with [`Mishap::Hangs`]. Dropping the future
    /// leaves the work done.
    HangsAfterwards,
    /// `apply`, `retire`, `create`, `extend`, `remove`: the target does it, and the answer is lost.
    ReplyLost,
    /// The same: the target never hears of it, and no answer comes.
    RequestLost,
    /// `apply`: the answer is lost and the change is still on its way; it takes effect with
    /// [`FakeTarget::deliver`], unless `settle` comes before. `create`: the same, unless `remove` does.
    InFlight,
    /// `apply`, `retire`, `create`, `extend`, `remove`: the target says "done" and does nothing.
    Lies,
    /// `apply`: the change is done and takes the account's last right with it.
    LosesRight,
    /// `verify`: logs in and cannot find out about the rights.
    RightsUnreadable,
}

/// The scripted target. Share it by `Arc`: the rotator is the target itself.
#[derive(Debug, Default)]
pub struct FakeTarget {
    state: Mutex<State>,
    /// Wakes the calls that hang.
    released: Notify,
    overlap: bool,
    mints: bool,
    alternates: bool,
}

#[derive(Debug, Default)]
struct State {
    accounts: Accounts,
    next: BTreeMap<Verb, VecDeque<Mishap>>,
    always: BTreeMap<Verb, Mishap>,
    calls: BTreeMap<Verb, u32>,
    in_flight: VecDeque<(String, String)>,
    /// Users whose creation is still on its way, with their passwords.
    arriving: VecDeque<(String, String)>,
    /// Passwords with this text in them are refused by policy.
    refused_text: Option<String>,
    /// The identifier that the target tells of itself.
    server: Option<String>,
    hanging: u32,
    applied: u32,
    /// The credentials that it made, by handle.
    minted: BTreeMap<String, Made>,
}

/// A credential that the target made.
#[derive(Clone, Debug)]
struct Made {
    rotation: RotationId,
    username: String,
    password: String,
}

impl FakeTarget {
    /// A target without accounts on which a change replaces the old password.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A target on which old and new password live side by side until `retire`.
    #[must_use]
    pub fn overlapping() -> Self {
        Self { overlap: true, ..Self::default() }
    }

    /// A target of which two accounts can take turns.
    #[must_use]
    pub fn alternating() -> Self {
        Self { alternates: true, ..Self::default() }
    }

    /// A target that makes the credentials itself.
    #[must_use]
    pub fn minting() -> Self {
        Self { overlap: true, mints: true, ..Self::default() }
    }

    /// Creates an account, or puts a fresh one in its place. A management account is one like any other.
    pub fn create_account(&self, username: &str, password: &str) {
        self.state().accounts.insert(username, Account::new(password));
    }

    /// Drops an account; its sessions stay, as PostgreSQL's do.
    pub fn remove_account(&self, username: &str) {
        self.state().accounts.remove(username);
    }

    /// Sets a password behind the vault's back; every older one is dead.
    pub fn set_password(&self, username: &str, password: &str) {
        self.with_account(username, |account| account.passwords = vec![password.to_owned()]);
    }

    /// Sets what an account may do.
    pub fn set_rights(&self, username: &str, rights: &[&str]) {
        self.with_account(username, |account| {
            account.rights = rights.iter().map(ToString::to_string).collect()
        });
    }

    /// Locks an account: no password opens it.
    pub fn lock(&self, username: &str) {
        self.with_account(username, |account| account.locked = true);
    }

    /// Unlocks an account.
    pub fn unlock(&self, username: &str) {
        self.with_account(username, |account| account.locked = false);
    }

    /// From now on so many refused logins in a row lock an account, as a directory's policy does.
    pub fn lock_after(&self, threshold: u32) {
        self.state().accounts.lock_after(threshold);
    }

    /// The time is over for which the target counts refused logins.
    pub fn forget_failures(&self) {
        self.state().accounts.forget_failures();
    }

    /// Whether an account is locked.
    #[must_use]
    pub fn is_locked(&self, username: &str) -> bool {
        self.state().accounts.find(username).is_some_and(|account| account.locked)
    }

    /// Takes from an account the right to change others (every account has it at first).
    pub fn forbid_management(&self, username: &str) {
        self.with_account(username, |account| account.manages = false);
    }

    /// Gives an account that right back.
    pub fn allow_management(&self, username: &str) {
        self.with_account(username, |account| account.manages = true);
    }

    /// Refuses new passwords that hold this text.
    pub fn refuse_passwords_with(&self, text: &str) {
        self.state().refused_text = Some(text.to_owned());
    }

    /// Opens a session of an account, as a consumer would.
    pub fn open_session(&self, username: &str) {
        self.with_account(username, |account| account.sessions += 1);
    }

    /// How many sessions an account has.
    #[must_use]
    pub fn sessions(&self, username: &str) -> u32 {
        self.state().accounts.find(username).map_or(0, |account| account.sessions)
    }

    /// Whether this password opens this account; not counted as a login.
    #[must_use]
    pub fn accepts(&self, username: &str, password: &str) -> bool {
        self.state().accounts.judge(username, password).is_ok()
    }

    /// The passwords that open an account, oldest first; without an account, none.
    #[must_use]
    pub fn passwords(&self, username: &str) -> Vec<String> {
        self.state().accounts.find(username).map(|account| account.passwords.clone()).unwrap_or_default()
    }

    /// Lets the next call of `verb` meet `mishap`; several are met one after the other.
    pub fn next(&self, verb: Verb, mishap: Mishap) {
        self.state().next.entry(verb).or_default().push_back(mishap);
    }

    /// Lets every call of `verb` meet `mishap` until [`FakeTarget::heal`]; those of [`FakeTarget::next`] go first.
    pub fn always(&self, verb: Verb, mishap: Mishap) {
        self.state().always.insert(verb, mishap);
    }

    /// Lets every call of every verb fail with `class`, as when the machine is gone.
    pub fn break_down(&self, class: FaultClass) {
        for verb in Verb::ALL {
            self.always(verb, Mishap::Fails(class));
        }
    }

    /// Ends all mishaps and the password policy; accounts stay as they are.
    pub fn heal(&self) {
        let mut state = self.state();
        state.next.clear();
        state.always.clear();
        state.refused_text = None;
    }

    /// Lets the calls that hang go on.
    pub fn release(&self) {
        self.released.notify_waiters();
    }

    /// How many calls hang.
    #[must_use]
    pub fn hanging(&self) -> u32 {
        self.state().hanging
    }

    /// Lets changes that are still on their way take effect; returns how many did.
    pub fn deliver(&self) -> usize {
        let mut state = self.state();
        let late: Vec<_> = state.in_flight.drain(..).collect();
        for (username, password) in &late {
            state.change(username, password, self.overlap);
        }
        let users: Vec<_> = state.arriving.drain(..).collect();
        for (username, password) in &users {
            state.accounts.insert(username, Account::new(password));
        }
        late.len() + users.len()
    }

    /// How often a verb was called.
    #[must_use]
    pub fn calls(&self, verb: Verb) -> u32 {
        self.state().calls.get(&verb).copied().unwrap_or(0)
    }

    /// How many changes of a password took effect through `apply`.
    #[must_use]
    pub fn applied(&self) -> u32 {
        self.state().applied
    }

    /// How many logins as this name were refused: what a lockout policy would count.
    #[must_use]
    pub fn failed_logins(&self, username: &str) -> u32 {
        self.state().accounts.failed_logins(username)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_account(&self, username: &str, change: impl FnOnce(&mut Account)) {
        if let Some(account) = self.state().accounts.find_mut(username) {
            change(account);
        }
    }

    /// Counts the call, takes its mishap and, if that says so, waits.
    async fn enter(&self, verb: Verb) -> Option<Mishap> {
        let mishap = {
            let mut state = self.state();
            *state.calls.entry(verb).or_default() += 1;
            let next = state.next.get_mut(&verb).and_then(VecDeque::pop_front);
            next.or_else(|| state.always.get(&verb).copied())
        };
        if mishap == Some(Mishap::Hangs) {
            self.hang().await;
        }
        mishap
    }

    async fn leave<T>(&self, mishap: Option<Mishap>, answer: T) -> T {
        if mishap == Some(Mishap::HangsAfterwards) {
            self.hang().await;
        }
        answer
    }

    async fn hang(&self) {
        let released = self.released.notified();
        let _counted = Hanging::count(self);
        released.await;
    }
}

/// Counts a hanging call, also when its future is dropped.
struct Hanging<'a>(&'a FakeTarget);

impl<'a> Hanging<'a> {
    fn count(target: &'a FakeTarget) -> Self {
        target.state().hanging += 1;
        Self(target)
    }
}

impl Drop for Hanging<'_> {
    fn drop(&mut self) {
        self.0.state().hanging -= 1;
    }
}

#[cfg(test)]
mod tests;
