//! The contract suite on a real server, as it is and with a fence.

use std::sync::Mutex;

use ldap3::Mod;
use rotators::contract::{Break, Done, Fixture, run};
use rotators::ldap::LdapRotator;
use vault_core::rotation::port::{BoxFuture, Login, Rotator, TargetSpec};
use vault_tests::ldap::{Connected, GROUPS, LdapOptions, MANAGEMENT, account_dn};
use vault_tests::proxy::Mischief;

use crate::bench::{Bench, FENCED, PASSWORD_MODIFY, login};

struct RealTarget {
    bench: Bench,
    /// What stands in the request that the mischief is for.
    decisive: &'static str,
    sessions: Mutex<Vec<Connected>>,
}

fn told<T, E: std::fmt::Display>(result: Result<T, E>) -> Done<T> {
    result.map_err(|error| error.to_string())
}

fn dn(username: &str) -> String {
    if username == MANAGEMENT { username.to_owned() } else { account_dn(username) }
}

impl Fixture for RealTarget {
    fn spec(&self) -> TargetSpec {
        self.bench.spec.clone()
    }
    fn management(&self) -> Login {
        login(MANAGEMENT, self.bench.server.password())
    }
    fn create_account<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move { told(self.bench.server.create_account(username, password).await) })
    }
    fn accepts<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<bool>> {
        Box::pin(async move { told(self.bench.server.accepts(&dn(username), password).await) })
    }
    fn open_session<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move {
            let session = told(self.bench.server.log_in(&dn(username), password).await)?;
            self.sessions.lock().unwrap().push(session);
            Ok(())
        })
    }
    fn take_right<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move {
            let leave = Mod::Delete("member".to_owned(), [dn(username)].into());
            told(self.bench.server.modify(&format!("cn=readers,{GROUPS}"), vec![leave]).await)
        })
    }
    fn refused_logins<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<Option<u32>>> {
        Box::pin(async move { told(self.bench.server.refused_logins(&dn(username)).await).map(Some) })
    }
    fn break_next_apply(&self, how: Break) -> BoxFuture<'_, Done<()>> {
        let decisive = self.decisive.to_owned();
        let mischief = match how {
            Break::ReplyLost => Mischief::DropReply(decisive),
            Break::RequestLost => Mischief::CutBefore(decisive),
            Break::RequestLate => Mischief::Hold(decisive),
        };
        Box::pin(async move { told(self.bench.proxy.set(mischief).await) })
    }
    fn deliver(&self) -> BoxFuture<'_, Done<()>> {
        Box::pin(async move {
            self.bench.proxy.release();
            told(self.bench.proxy.wait_delivered(1).await)
        })
    }
    fn break_down(&self) -> BoxFuture<'_, Done<()>> {
        Box::pin(async move { told(self.bench.proxy.set(Mischief::Refuse).await) })
    }
    fn heal(&self) -> BoxFuture<'_, Done<()>> {
        Box::pin(async move { told(self.bench.proxy.set(Mischief::None).await) })
    }
}

async fn kept(settings: &[(&str, &str)], decisive: &'static str, late: bool) {
    let bench = Bench::start_with(LdapOptions::default(), settings).await;
    assert_eq!(LdapRotator::new().late_requests(&bench.spec), late);
    let target = RealTarget { bench, decisive, sessions: Mutex::default() };
    let kept = run(&LdapRotator::new(), &target).await.unwrap();
    assert_eq!(kept.len(), 14);
}

#[tokio::test]
async fn ldap_keeps_every_promise_of_the_contract_but_says_that_requests_may_come_late() {
    kept(&[], PASSWORD_MODIFY, true).await;
}

#[tokio::test]
async fn with_a_fence_no_request_comes_late_either() {
    kept(&[("fence_attribute", "description")], FENCED, false).await;
}
