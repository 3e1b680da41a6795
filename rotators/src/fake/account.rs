//! The accounts of the fake target and how it judges a login.

use std::collections::BTreeMap;

use vault_core::clock::Timestamp;

/// One account.
#[derive(Debug)]
pub(super) struct Account {
    /// Those that open it, oldest first. A fake's passwords are test data, not secrets.
    pub(super) passwords: Vec<String>,
    pub(super) rights: Vec<String>,
    pub(super) locked: bool,
    /// Whether it may change other accounts.
    pub(super) manages: bool,
    pub(super) sessions: u32,
    /// From when on the target itself does not let it in, as it was told.
    pub(super) expiration: Option<Timestamp>,
}

impl Account {
    pub(super) fn new(password: &str) -> Self {
        Self {
            passwords: vec![password.to_owned()],
            rights: vec!["attribute LOGIN".to_owned()],
            locked: false,
            manages: true,
            sessions: 0,
            expiration: None,
        }
    }
}

/// Why a login was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No such account, or not its password: a target does not tell which.
    Credential,
    /// The account is locked.
    Locked,
}

/// All accounts by name, and the failed logins of names that may not exist.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    all: BTreeMap<String, Account>,
    failed: BTreeMap<String, u32>,
    /// Failed logins since the last one that worked, or since the target forgot them.
    in_a_row: BTreeMap<String, u32>,
    /// So many of them lock an account.
    locks_after: Option<u32>,
}

impl Accounts {
    pub(super) fn insert(&mut self, username: &str, account: Account) {
        self.all.insert(username.to_owned(), account);
    }

    pub(super) fn remove(&mut self, username: &str) {
        self.all.remove(username);
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.all.keys()
    }

    pub(super) fn find(&self, username: &str) -> Option<&Account> {
        self.all.get(username)
    }

    pub(super) fn find_mut(&mut self, username: &str) -> Option<&mut Account> {
        self.all.get_mut(username)
    }

    pub(super) fn judge(&self, username: &str, password: &str) -> Result<(), Refusal> {
        match self.find(username) {
            Some(account) if account.locked => Err(Refusal::Locked),
            Some(account) if account.passwords.iter().any(|held| held == password) => Ok(()),
            _ => Err(Refusal::Credential),
        }
    }

    /// [`Accounts::judge`], counted.
    pub(super) fn log_in(&mut self, username: &str, password: &str) -> Result<(), Refusal> {
        let judged = self.judge(username, password);
        if judged.is_ok() {
            self.in_a_row.remove(username);
            return judged;
        }
        *self.failed.entry(username.to_owned()).or_default() += 1;
        let in_a_row = self.in_a_row.entry(username.to_owned()).or_default();
        *in_a_row += 1;
        let locks = self.locks_after.is_some_and(|after| *in_a_row >= after);
        if let Some(account) = self.all.get_mut(username).filter(|_| locks) {
            account.locked = true;
        }
        judged
    }

    pub(super) fn lock_after(&mut self, threshold: u32) {
        self.locks_after = Some(threshold);
    }

    pub(super) fn forget_failures(&mut self) {
        self.in_a_row.clear();
    }

    pub(super) fn failed_logins(&self, username: &str) -> u32 {
        self.failed.get(username).copied().unwrap_or(0)
    }
}
