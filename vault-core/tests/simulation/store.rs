//! What is stored of an account's versions: the names that they open, and the passwords.

use vault_core::account::Account;

use crate::world::World;

impl World {
    /// Gives each account a second name, which opens by a password that nobody knows.
    pub(crate) fn take_turns(&mut self) {
        for account in self.accounts.values_mut().filter(|account| account.subject.key().starts_with("a/")) {
            let alternate = format!("{}-b", account.username);
            let passwords = &mut self.target.0.lock().unwrap().passwords;
            passwords.insert(alternate.clone(), format!("initial-{alternate}"));
            account.settings.alternate_username = Some(alternate);
        }
    }

    pub(crate) fn store_secret(&mut self, account: &Account, version: u64, secret: String) {
        let stored = account.versions.stored().find(|stored| stored.number == version).unwrap();
        let name = account.username_of(stored).to_owned();
        self.target.0.lock().unwrap().durable.insert((name.clone(), secret.clone()));
        self.names.insert((account.subject.key(), version), name);
        self.secrets.insert((account.subject.key(), version), secret);
    }

    /// What is stored of a version: the name that it opens, and the password.
    pub(crate) fn login(&self, key: &str, version: u64) -> Option<(&String, &String)> {
        let place = (key.to_owned(), version);
        Some((self.names.get(&place)?, self.secrets.get(&place)?))
    }

    /// A person tells the vault a password.
    pub(crate) fn told(&mut self, key: &str, password: String) {
        self.log(format!("{key} is told a password by hand"));
        let mut account = self.accounts[key].clone();
        let adopted = account.adopt_known(self.now);
        if !self.mistyped.contains(&password) {
            self.adopted.insert(key.to_owned());
        }
        self.store_secret(&account, adopted.number, password);
        for displaced in adopted.displaced {
            let gone = self.secrets.remove(&(key.to_owned(), displaced));
            // Of passwords that a person told one after the other, and that could not be tried, the right one may go:
            // the person has it.
            if account.last_rotation.is_none() && gone.is_some_and(|gone| !gone.starts_with("secret-")) {
                self.adopted.remove(key);
            }
        }
        self.accounts.insert(key.to_owned(), account);
        self.person_acts();
    }
}
