//! The contract suite on the key server, in each of its dialects.

use rotators::contract::{Break, Done, Fixture, run};
use rotators::http::HttpRotator;
use vault_core::rotation::port::{BoxFuture, Login, TargetSpec};
use vault_tests::keys::{ADMIN, ADMIN_SECRET};
use vault_tests::proxy::{FaultProxy, Mischief};

use crate::bench::{Bench, login};

struct KeyTarget {
    bench: Bench,
    /// How the request begins that makes or sets a credential.
    decisive: &'static str,
}

fn done<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Done<T>> {
    Box::pin(std::future::ready(Ok(value)))
}

/// The mischief that is a break of the decisive request.
pub(crate) fn mischief(how: Break, decisive: &str) -> Mischief {
    let decisive = decisive.to_owned();
    match how {
        Break::ReplyLost => Mischief::DropReply(decisive),
        Break::RequestLost => Mischief::CutBefore(decisive),
        Break::RequestLate => Mischief::Hold(decisive),
    }
}

pub(crate) async fn set(proxy: &FaultProxy, mischief: Mischief) -> Done<()> {
    proxy.set(mischief).await.map_err(|error| error.to_string())
}

impl Fixture for KeyTarget {
    fn spec(&self) -> TargetSpec {
        self.bench.spec.clone()
    }
    fn management(&self) -> Login {
        login(ADMIN, ADMIN_SECRET)
    }
    fn create_account<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<()>> {
        self.bench.server.create_account(username, password);
        // One that may manage itself, too.
        self.bench.server.with_account(username, |account| account.manages = true);
        done(())
    }
    fn accepts<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<bool>> {
        let server = &self.bench.server;
        done(match self.decisive.starts_with("PUT") {
            true => server.takes_password(username, password),
            false => server.takes_key(username, password),
        })
    }
    fn open_session<'a>(&'a self, username: &'a str, _password: &'a str) -> BoxFuture<'a, Done<()>> {
        self.bench.server.open_session(username);
        done(())
    }
    fn take_right<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<()>> {
        self.bench.server.with_account(username, |account| account.role = "None".to_owned());
        done(())
    }
    fn refused_logins<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<Option<u32>>> {
        done(Some(self.bench.server.refused_logins(username)))
    }
    fn credentials<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<usize>> {
        done(self.bench.server.live_keys(username).len())
    }
    fn break_next_apply(&self, how: Break) -> BoxFuture<'_, Done<()>> {
        Box::pin(set(&self.bench.proxy, mischief(how, self.decisive)))
    }
    fn deliver(&self) -> BoxFuture<'_, Done<()>> {
        done(())
    }
    fn break_down(&self) -> BoxFuture<'_, Done<()>> {
        Box::pin(set(&self.bench.proxy, Mischief::Refuse))
    }
    fn heal(&self) -> BoxFuture<'_, Done<()>> {
        Box::pin(set(&self.bench.proxy, Mischief::None))
    }
}

async fn kept(preset: &str, decisive: &'static str) -> usize {
    let target = KeyTarget { bench: Bench::start(preset).await, decisive };
    run(&HttpRotator::new(), &target).await.unwrap().len()
}

#[tokio::test]
async fn tokens_as_grafana_makes_them_keep_every_promise_of_the_contract() {
    assert_eq!(kept("grafana", "POST /api/serviceaccounts/").await, 11);
}

#[tokio::test]
async fn tokens_as_gitlab_makes_them_keep_every_promise_of_the_contract() {
    assert_eq!(kept("gitlab", "POST /api/v4/users/").await, 11);
}

#[tokio::test]
async fn passwords_as_keycloak_takes_them_keep_every_promise_of_the_contract() {
    assert_eq!(kept("keycloak", "PUT /admin/realms/").await, 14);
}
