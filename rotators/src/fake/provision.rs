//! Users of the fake target that live as long as a lease.
//!
//! A statement that holds the word `FAIL` fails, with all others of its list; that is all that the fake target
//! understands of statements.

use vault_core::clock::Timestamp;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{BoxFuture, Job, Outcome, TargetSpec};
use vault_core::rotation::provisioner::{Made, Order, Presence, Provisioner, Sight, Statements};

use super::account::Account;
use super::act::{failure, fault};
use super::{FakeTarget, Mishap, State, Verb};

impl FakeTarget {
    /// The names of all accounts.
    #[must_use]
    pub fn usernames(&self) -> Vec<String> {
        self.state().accounts.names().cloned().collect()
    }

    /// Lets the target tell this identifier of itself from here on, as when its address leads to another server.
    pub fn become_server(&self, identifier: &str) {
        self.state().server = Some(identifier.to_owned());
    }

    /// From when on the target itself does not let a user in, as it was told last.
    #[must_use]
    pub fn expiration(&self, username: &str) -> Option<Timestamp> {
        self.state().accounts.find(username).and_then(|account| account.expiration)
    }
}

impl Provisioner for FakeTarget {
    fn validate(&self, statements: &Statements) -> Result<(), String> {
        if statements.creation.iter().any(|statement| statement.contains('\0')) {
            return Err("creation_statements holds a NUL character".to_owned());
        }
        Ok(())
    }

    fn place(&self, spec: &TargetSpec) -> String {
        spec.connection_url.clone()
    }

    fn create<'a>(&'a self, job: Job<'a>, order: Order<'a>) -> BoxFuture<'a, Made> {
        Box::pin(async move {
            let mishap = self.enter(Verb::Create).await;
            let made = {
                let mut state = self.state();
                let server = state.server.clone();
                Made { outcome: state.create(&job, &order, mishap), server }
            };
            self.leave(mishap, made).await
        })
    }

    fn extend<'a>(
        &'a self,
        job: Job<'a>,
        renew: &'a [String],
        expiration: Timestamp,
    ) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let mishap = self.enter(Verb::Extend).await;
            let answer = self.state().change_user(&job, renew, mishap, |state| {
                match state.accounts.find_mut(job.username) {
                    Some(account) => {
                        account.expiration = Some(expiration);
                        Ok(())
                    }
                    None => Err(fault(FaultClass::AccountMissing)),
                }
            });
            self.leave(mishap, answer).await
        })
    }

    fn remove<'a>(&'a self, job: Job<'a>, revocation: &'a [String]) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let mishap = self.enter(Verb::Remove).await;
            let answer = self.state().change_user(&job, revocation, mishap, |state| {
                state.arriving.retain(|(username, _)| username != job.username);
                state.accounts.remove(job.username);
                Ok(())
            });
            self.leave(mishap, answer).await
        })
    }

    fn presence<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<Sight, Fault>> {
        Box::pin(async move {
            let mishap = self.enter(Verb::Presence).await;
            let answer = match failure(mishap) {
                Some(fault) => Err(fault),
                None => {
                    let mut state = self.state();
                    state.log_in_management(job.management).map(|()| {
                        let presence = match state.accounts.find(job.username) {
                            None => Presence::Gone,
                            Some(account) if account.locked => Presence::Blocked,
                            Some(_) => Presence::Live,
                        };
                        Sight { presence, server: state.server.clone() }
                    })
                }
            };
            self.leave(mishap, answer).await
        })
    }
}

impl State {
    fn create(&mut self, job: &Job<'_>, order: &Order<'_>, mishap: Option<Mishap>) -> Outcome {
        let password = order.password.expose();
        if mishap == Some(Mishap::InFlight) {
            if let Err(fault) = self.log_in_management(job.management) {
                return Outcome::NotApplied(fault);
            }
            self.arriving.push_back((job.username.to_owned(), password.to_owned()));
            return Outcome::Unknown(fault(FaultClass::Ambiguous));
        }
        self.change_user(job, order.creation, mishap, |state| {
            if state.accounts.find(job.username).is_some() {
                return Err(fault(FaultClass::Preflight));
            }
            let account = Account { expiration: Some(order.expiration), ..Account::new(password) };
            state.accounts.insert(job.username, Account { manages: false, ..account });
            Ok(())
        })
    }

    fn change_user(
        &mut self,
        job: &Job<'_>,
        statements: &[String],
        mishap: Option<Mishap>,
        change: impl FnOnce(&mut Self) -> Result<(), Fault>,
    ) -> Outcome {
        if let Some(Mishap::Fails(class)) = mishap {
            return Outcome::NotApplied(fault(class));
        }
        if let Err(fault) = self.log_in_management(job.management) {
            return Outcome::NotApplied(fault);
        }
        if !self.accounts.find(&job.management.username).is_some_and(|account| account.manages) {
            return Outcome::NotApplied(fault(FaultClass::PermissionDenied));
        }
        if statements.iter().any(|statement| statement.contains("FAIL")) {
            return Outcome::NotApplied(fault(FaultClass::Preflight));
        }
        match mishap {
            Some(Mishap::Lies) => return Outcome::Applied,
            Some(Mishap::RequestLost) => return Outcome::Unknown(fault(FaultClass::Ambiguous)),
            _ => {}
        }
        match change(self) {
            Err(fault) => Outcome::NotApplied(fault),
            Ok(()) if mishap == Some(Mishap::ReplyLost) => Outcome::Unknown(fault(FaultClass::Ambiguous)),
            Ok(()) => Outcome::Applied,
        }
    }
}
