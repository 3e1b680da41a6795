//! What the server keeps.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Everything.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) accounts: Vec<Account>,
    /// Of names that logged in with something wrong.
    pub(super) refused: BTreeMap<String, u32>,
    pub(super) refused_text: Option<String>,
    /// Tokens of logins, with the names that they stand for.
    pub(super) logins: BTreeMap<String, String>,
    made: u64,
}

/// One account.
#[derive(Clone, Debug)]
pub struct Account {
    /// By which the API names it.
    pub id: u64,
    /// By which people name it.
    pub name: String,
    /// For the dialect with passwords.
    pub password: String,
    /// What it may do.
    pub role: String,
    /// Whether it may manage others.
    pub manages: bool,
    /// Nothing opens it.
    pub disabled: bool,
    /// How many are open.
    pub sessions: u32,
    /// Its keys, also the revoked ones.
    pub keys: Vec<Key>,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// By which the API names it.
    pub id: u64,
    /// What its maker wrote on it.
    pub label: String,
    /// The secret.
    pub secret: String,
    /// Until when, as it was asked for.
    pub expires: Option<String>,
    /// Whether it was taken away.
    pub revoked: bool,
}

impl Account {
    /// Whether a key of it is this secret.
    #[must_use]
    pub fn opens(&self, secret: &str) -> bool {
        !self.disabled && self.keys.iter().any(|key| !key.revoked && key.secret == secret)
    }
}

impl Keys {
    pub(super) fn create(&mut self, name: &str, password: &str) {
        self.accounts.retain(|account| account.name != name);
        let id = self.number();
        self.accounts.push(Account {
            id,
            name: name.to_owned(),
            password: password.to_owned(),
            role: "Editor".to_owned(),
            manages: false,
            disabled: false,
            sessions: 0,
            keys: Vec::new(),
        });
        if name != super::ADMIN {
            self.make_key(id, "by hand", None);
            if let Some(key) = self.accounts.last_mut().and_then(|account| account.keys.last_mut()) {
                key.secret = password.to_owned();
            }
        }
    }

    /// Makes a key of an account; its secret is told once.
    pub(super) fn make_key(&mut self, account: u64, label: &str, expires: Option<String>) -> Option<Key> {
        let id = self.number();
        let secret = format!(
            "key-{id:06}-of-{account:06}-{:016x}",
            (id * account).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        );
        let key = Key { id, label: label.to_owned(), secret, expires, revoked: false };
        let account = self.accounts.iter_mut().find(|found| found.id == account)?;
        account.keys.push(key.clone());
        Some(key)
    }

    /// Whose key this is.
    pub(super) fn key(&self, secret: &str) -> Option<(&Account, &Key)> {
        self.accounts.iter().filter(|account| !account.disabled).find_map(|account| {
            let key = account.keys.iter().find(|key| !key.revoked && key.secret == secret)?;
            Some((account, key))
        })
    }

    /// Logs in by password; counts what is refused. Yields a token.
    pub(super) fn log_in(&mut self, name: &str, password: &str) -> Result<String, &'static str> {
        let number = self.number();
        match self.accounts.iter_mut().find(|account| account.name == name) {
            Some(account) if account.password == password && account.disabled => Err("Account disabled"),
            Some(account) if account.password == password => {
                account.sessions += 1;
                let token = format!("token-of-a-login-{number}");
                self.logins.insert(token.clone(), name.to_owned());
                Ok(token)
            }
            _ => {
                *self.refused.entry(name.to_owned()).or_default() += 1;
                Err("Invalid user credentials")
            }
        }
    }

    pub(super) fn number(&mut self) -> u64 {
        self.made += 1;
        self.made + 100
    }
}

impl Key {
    pub(super) fn shown(&self, account: &Account) -> Value {
        json!({
            "id": self.id, "name": self.label, "user_id": account.id, "active": !self.revoked,
            "revoked": self.revoked, "expires_at": self.expires,
        })
    }
}
