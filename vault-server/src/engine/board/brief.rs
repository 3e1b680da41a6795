//! What is kept of an account, and what it is counted and found by.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use vault_api::account::AccountState;
use vault_core::account::Account;
use vault_core::campaign::selection;
use vault_core::clock::Timestamp;
use vault_core::lease::LeaseState;
use vault_core::path::Name;
use vault_core::rotation::run::{Stage, Step};
use vault_core::team::{Team, Whose};

/// An account, without its credential and its past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    target: Name,
    username: String,
    state: AccountState,
    is_failing: bool,
    /// When it is or was to be given back, and whether it is ending.
    lent: Option<(Timestamp, bool)>,
    was_rotated: bool,
    next_rotation: Option<Timestamp>,
    held_until: Option<Timestamp>,
    /// Its own, which goes before its target's.
    team: Option<Team>,
}

/// Which accounts are looked for. All of it must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Find {
    /// Part of the path, the target or the name there, in whatever case; empty for any.
    text: String,
    /// What the path must fit, where `*` stands for any text; any where nothing is said.
    pattern: Option<String>,
    standing: Option<Stands>,
    /// The keys of those that it may be; any where nothing is said.
    among: Option<Arc<BTreeSet<Vec<u8>>>>,
    whose: Whose,
    /// The teams of targets that have one; only where `whose` minds.
    teams: BTreeMap<Name, Team>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    In(AccountState),
    Failing,
    Overdue,
    Held,
    Never,
    Lent,
}

/// How many accounts stand how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All.
    pub accounts: u64,
    /// With an open incident.
    pub failing: u64,
    /// Due for a minute or more without anything that keeps them back.
    pub overdue: u64,
    /// Due from now on, within the time that was said.
    pub soon: u64,
    /// Never rotated by the vault.
    pub never: u64,
    /// Held by a maintenance.
    pub held: u64,
    /// In somebody's hands.
    pub lent: u64,
    /// Of these, beyond their time.
    pub lent_late: u64,
    /// Of these, ending.
    pub revoking: u64,
    /// In each state that is there.
    pub by_state: BTreeMap<AccountState, u64>,
}

/// The state that answers tell of an account.
pub(crate) fn state(account: &Account) -> AccountState {
    match (&account.stage, &account.lending.holder) {
        (Stage::Active { step, .. }, _) => match step {
            Step::Prepare => AccountState::Due,
            Step::Apply => AccountState::Staged,
            Step::Verify => AccountState::Applied,
            Step::Probe => AccountState::Doubtful,
            Step::Revert => AccountState::Reverting,
            Step::Retire => AccountState::Retiring,
        },
        (Stage::Parked { .. }, _) => AccountState::Parked,
        (_, Some(lease)) if lease.state == LeaseState::Revoking => AccountState::Quarantined,
        (Stage::Waiting { run, .. }, _) if run.grace.is_some() => AccountState::Grace,
        (Stage::Waiting { .. }, _) => AccountState::Backoff,
        (Stage::Idle, _) => AccountState::Idle,
    }
}

/// Until when a maintenance holds what the clock asks of an account.
pub(crate) fn held_until(account: &Account, now: Timestamp) -> Option<Timestamp> {
    account.held().filter(|held| *held > now && !account.stage.is_active())
}

impl Brief {
    pub(super) fn of(account: &Account) -> Self {
        Self {
            target: account.target.clone(),
            username: account.username.clone(),
            state: state(account),
            is_failing: account.incident.is_some(),
            lent: account
                .lending
                .holder
                .as_ref()
                .map(|lease| (lease.expires_at, lease.state == LeaseState::Revoking)),
            was_rotated: account.last_rotation.is_some(),
            next_rotation: account.next_rotation,
            held_until: account.held().filter(|_| !account.stage.is_active()),
            team: account.settings.team.clone(),
        }
    }

    fn is_held(&self, now: Timestamp) -> bool {
        self.held_until.is_some_and(|held| held > now)
    }

    /// Whether a rotation should have begun a while ago, and neither a maintenance nor a holder keeps it back, and it
    /// is neither under way nor waiting for a person.
    fn is_overdue(&self, now: Timestamp) -> bool {
        let may_begin = matches!(self.state, AccountState::Idle | AccountState::Due | AccountState::Backoff);
        let is_kept = self.is_held(now) || self.lent.is_some();
        may_begin && !is_kept && self.next_rotation.is_some_and(|next| next <= now && now.since(next) >= LATE)
    }
}

impl Find {
    /// Those with `text` in their path, target or name, that stand as `word` says: a state's word, `failing`, `overdue`,
    /// `held`, `never` or `lent`; empty for any. `None` for another word.
    #[must_use]
    pub fn new(text: &str, word: &str) -> Option<Self> {
        let standing = match word {
            "" => None,
            "failing" => Some(Stands::Failing),
            "overdue" => Some(Stands::Overdue),
            "held" => Some(Stands::Held),
            "never" => Some(Stands::Never),
            "lent" => Some(Stands::Lent),
            word => Some(Stands::In(AccountState::ALL.into_iter().find(|state| state.word() == word)?)),
        };
        Some(Self { text: text.to_lowercase(), standing, ..Self::default() })
    }

    /// Those of these [`key`](vault_core::account::Subject::key)s with `text` in their path, target or name.
    #[must_use]
    pub fn among(text: &str, keys: Arc<BTreeSet<Vec<u8>>>) -> Self {
        Self { text: text.to_lowercase(), among: Some(keys), ..Self::default() }
    }

    /// Those whose path fits `pattern`, in which `*` stands for any text.
    #[must_use]
    pub fn fitting(pattern: &str) -> Self {
        Self { pattern: Some(pattern.to_owned()), ..Self::default() }
    }

    /// Of these, those of `whose` only, where `teams` are those of the targets.
    #[must_use]
    pub fn of(self, whose: Whose, teams: BTreeMap<Name, Team>) -> Self {
        Self { whose, teams, ..self }
    }

    /// Whether an account, by its [`key`](vault_core::account::Subject::key), is one of those.
    pub(super) fn fits(&self, key: &[u8], brief: &Brief, now: Timestamp) -> bool {
        let stands = match self.standing {
            None => true,
            Some(Stands::In(state)) => brief.state == state,
            Some(Stands::Failing) => brief.is_failing,
            Some(Stands::Overdue) => brief.is_overdue(now),
            Some(Stands::Held) => brief.is_held(now),
            Some(Stands::Never) => !brief.was_rotated,
            Some(Stands::Lent) => brief.lent.is_some(),
        };
        let is_among = self.among.as_ref().is_none_or(|keys| keys.contains(key));
        let path =
            std::str::from_utf8(key).ok().and_then(|key| key.split_once('/')).map_or("", |(_, path)| path);
        let is_like = self.pattern.as_ref().is_none_or(|pattern| selection::fits(pattern, path));
        let holds = |text: &str| text.to_lowercase().contains(&self.text);
        let is_theirs = || self.whose.is(Team::of(brief.team.as_ref(), self.teams.get(&brief.target)));
        stands
            && is_among
            && is_like
            && is_theirs()
            && (self.text.is_empty() || holds(path) || holds(brief.target.as_str()) || holds(&brief.username))
    }
}

impl Tally {
    pub(super) fn add(&mut self, brief: &Brief, now: Timestamp, soon: Duration) {
        let end = now.plus(soon);
        self.accounts += 1;
        self.failing += u64::from(brief.is_failing);
        self.overdue += u64::from(brief.is_overdue(now));
        self.soon += u64::from(brief.next_rotation.is_some_and(|next| next >= now && next < end));
        self.never += u64::from(!brief.was_rotated);
        self.held += u64::from(brief.is_held(now));
        self.lent += u64::from(brief.lent.is_some());
        self.lent_late += u64::from(brief.lent.is_some_and(|(until, _)| until <= now));
        self.revoking += u64::from(brief.lent.is_some_and(|(_, is_ending)| is_ending));
        *self.by_state.entry(brief.state).or_default() += 1;
    }
}

/// What is due begins within this.
const LATE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
