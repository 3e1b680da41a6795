//! The contract suite on a real server, for each way in which the new password follows the old one.

use std::sync::Mutex;

use rotators::contract::{Break, Done, Fixture, run};
use rotators::plugin::Limits;
use rotators::redis::RedisRotator;
use rotators::redis::reply::Reply;
use vault_core::rotation::port::{BoxFuture, Login, Rotator, TargetSpec};
use vault_tests::plugin::{PluginFolder, example};
use vault_tests::proxy::Mischief;
use vault_tests::redis::{ADMIN, ADMIN_PASSWORD, RedisClient, RedisOptions};

use crate::bench::{Bench, login};

struct RealTarget {
    bench: Bench,
    sessions: Mutex<Vec<RedisClient>>,
}

fn told<T, E: std::fmt::Display>(result: Result<T, E>) -> Done<T> {
    result.map_err(|error| error.to_string())
}

impl RealTarget {
    async fn run(&self, words: &[&str]) -> Done<()> {
        told(told(self.bench.server.admin().await)?.run(words).await.map(drop))
    }
}

impl Fixture for RealTarget {
    fn spec(&self) -> TargetSpec {
        self.bench.spec.clone()
    }
    fn management(&self) -> Login {
        login(ADMIN, ADMIN_PASSWORD)
    }
    fn create_account<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<()>> {
        let password = format!(">{password}");
        Box::pin(async move {
            self.run(&["ACL", "SETUSER", username, "reset", "on", &password, "~app:*", "+@all"]).await
        })
    }
    fn accepts<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<bool>> {
        Box::pin(async move { told(self.bench.server.accepts(username, password).await) })
    }
    fn open_session<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move {
            let session = told(RedisClient::connect(self.bench.server.port(), username, password).await)?;
            self.sessions.lock().unwrap().push(session);
            Ok(())
        })
    }
    fn take_right<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move { self.run(&["ACL", "SETUSER", username, "resetkeys"]).await })
    }
    fn refused_logins<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<Option<u32>>> {
        Box::pin(async move {
            let log = told(told(self.bench.server.admin().await)?.run(&["ACL", "LOG"]).await)?;
            let of = |entry: &Reply, name: &str| {
                entry.value(name).and_then(|value| value.text().map(str::to_owned))
            };
            let refused = log.parts().iter().filter(|entry| {
                of(entry, "reason").as_deref() == Some("auth")
                    && of(entry, "username").as_deref() == Some(username)
            });
            // A number each; anything else stands for none, and the contract would notice.
            let counts = refused.map(|entry| match entry.value("count") {
                Some(Reply::Number(count)) => u32::try_from(*count).unwrap_or(0),
                _ => 0,
            });
            Ok(Some(counts.sum()))
        })
    }
    fn break_next_apply(&self, how: Break) -> BoxFuture<'_, Done<()>> {
        let decisive = "SETUSER".to_owned();
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

async fn keeps_every_promise(settings: &[(&str, &str)]) {
    let bench = Bench::start_with(&RedisOptions::default(), settings).await;
    keeps_every_promise_on(&RedisRotator::new(), bench).await;
}

async fn keeps_every_promise_on(rotator: &dyn Rotator, bench: Bench) {
    let target = RealTarget { bench, sessions: Mutex::default() };
    let kept = run(rotator, &target).await.unwrap();
    assert_eq!(kept.len(), 14);
}

#[tokio::test]
async fn redis_keeps_every_promise_of_the_contract() {
    keeps_every_promise(&[]).await;
}

#[tokio::test]
async fn redis_keeps_every_promise_without_overlap_too() {
    keeps_every_promise(&[("overlap", "false")]).await;
}

#[tokio::test]
async fn the_plugin_in_python_keeps_every_promise_too() {
    let folder = PluginFolder::with(&example("redis_acl.py")).unwrap();
    let plugin = folder.rotator(Limits::default(), &[]).await.unwrap();
    let mut bench = Bench::start_with(&RedisOptions::default(), &[]).await;
    bench.spec.settings.clear();
    keeps_every_promise_on(&plugin, bench).await;
}
