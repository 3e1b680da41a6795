//! The contract suite on a real server.

use std::sync::Mutex;

use reqwest::Method;
use rotators::contract::{Break, Done, Fixture, run};
use rotators::rabbitmq::RabbitRotator;
use vault_core::rotation::port::{BoxFuture, Login, TargetSpec};
use vault_tests::proxy::Mischief;
use vault_tests::rabbitmq::{ADMIN, ADMIN_PASSWORD, Connection, permissions};

use crate::bench::{Bench, login};

struct RealTarget {
    bench: Bench,
    sessions: Mutex<Vec<Connection>>,
}

fn told<T, E: std::fmt::Display>(result: Result<T, E>) -> Done<T> {
    result.map_err(|error| error.to_string())
}

impl Fixture for RealTarget {
    fn spec(&self) -> TargetSpec {
        self.bench.spec.clone()
    }
    fn management(&self) -> Login {
        login(ADMIN, ADMIN_PASSWORD)
    }
    fn create_account<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(
            async move { told(self.bench.server.create_user(username, password, "administrator").await) },
        )
    }
    fn accepts<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<bool>> {
        Box::pin(async move { told(self.bench.server.accepts(username, password).await) })
    }
    fn open_session<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move {
            let session = told(Connection::open(self.bench.server.amqp_port(), username, password).await)?;
            self.sessions.lock().unwrap().push(session.ok_or("the session was refused")?);
            Ok(())
        })
    }
    fn take_right<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move {
            told(self.bench.server.admin(Method::DELETE, &permissions(username), None).await.map(drop))
        })
    }
    fn refused_logins<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<Option<u32>>> {
        Box::pin(async move {
            let log = told(self.bench.server.log_until_now().await)?;
            let line = format!("user '{username}' - invalid credentials");
            Ok(u32::try_from(log.matches(&line).count()).ok())
        })
    }
    fn break_next_apply(&self, how: Break) -> BoxFuture<'_, Done<()>> {
        let decisive = "PUT /api/users/".to_owned();
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
        Box::pin(async move {
            told(self.bench.amqp.set(Mischief::Refuse).await)?;
            told(self.bench.proxy.set(Mischief::Refuse).await)
        })
    }
    fn heal(&self) -> BoxFuture<'_, Done<()>> {
        Box::pin(async move {
            told(self.bench.amqp.set(Mischief::None).await)?;
            told(self.bench.proxy.set(Mischief::None).await)
        })
    }
}

#[tokio::test]
async fn rabbitmq_keeps_every_promise_of_the_contract() {
    let target = RealTarget { bench: Bench::start().await, sessions: Mutex::default() };
    let kept = run(&RabbitRotator::new(), &target).await.unwrap();
    assert_eq!(kept.len(), 14);
}
