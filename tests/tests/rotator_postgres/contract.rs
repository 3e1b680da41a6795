//! The contract suite on a real server.

use std::sync::Mutex;

use rotators::contract::{Break, Done, Fixture, run};
use rotators::postgres::PostgresRotator;
use vault_core::rotation::port::{BoxFuture, Login, TargetSpec};
use vault_tests::postgres::{Connected, connect};
use vault_tests::proxy::Mischief;

use crate::bench::{Bench, login};

struct RealTarget {
    bench: Bench,
    sessions: Mutex<Vec<Connected>>,
}

fn told<T, E: std::fmt::Display>(result: Result<T, E>) -> Done<T> {
    result.map_err(|error| error.to_string())
}

impl RealTarget {
    /// Lets the server quote and run a statement: `template` is for its function `format`.
    async fn run(&self, template: &str, username: &str, password: &str) -> Done<()> {
        let admin = told(self.bench.server.admin().await)?;
        let row = told(
            admin
                .query_one("SELECT format($1, $2::text, $3::text)", &[&template, &username, &password])
                .await,
        )?;
        told(admin.batch_execute(row.get(0)).await)
    }
}

impl Fixture for RealTarget {
    fn spec(&self) -> TargetSpec {
        self.bench.spec.clone()
    }
    fn management(&self) -> Login {
        login(self.bench.server.superuser(), self.bench.server.superuser_password())
    }
    fn create_account<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move {
            self.run("DROP ROLE IF EXISTS %1$I", username, password).await?;
            self.run("CREATE ROLE %1$I LOGIN PASSWORD %2$L IN ROLE readers", username, password).await
        })
    }
    fn accepts<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<bool>> {
        Box::pin(async move { told(self.bench.server.accepts(username, password).await) })
    }
    fn open_session<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move {
            let session = told(connect(self.bench.server.port(), username, password).await)?;
            self.sessions.lock().unwrap().push(session);
            Ok(())
        })
    }
    fn take_right<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(self.run("REVOKE readers FROM %1$I", username, ""))
    }
    fn refused_logins<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<Option<u32>>> {
        Box::pin(async move {
            let log = told(self.bench.server.log_until_now().await)?;
            let line = format!("FATAL:  password authentication failed for user \"{username}\"");
            Ok(u32::try_from(log.matches(&line).count()).ok())
        })
    }
    fn creation(&self) -> Option<[Vec<String>; 2]> {
        let make = "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'; \
                    GRANT readers TO \"{{name}}\"";
        let fail = "GRANT there_is_no_such_role TO \"{{name}}\"";
        Some([vec![make.to_owned()], vec![make.to_owned(), fail.to_owned()]])
    }
    fn break_next_apply(&self, how: Break) -> BoxFuture<'_, Done<()>> {
        let commit = "COMMIT".to_owned();
        let mischief = match how {
            Break::ReplyLost => Mischief::DropReply(commit),
            Break::RequestLost => Mischief::CutBefore(commit),
            Break::RequestLate => Mischief::Hold(commit),
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

#[tokio::test]
async fn postgresql_keeps_every_promise_of_the_contract() {
    let target = RealTarget { bench: Bench::start().await, sessions: Mutex::default() };
    target.bench.sql("CREATE ROLE readers").await;
    let kept = run(&PostgresRotator::new(), &target).await.unwrap_or_else(|breach| panic!("{breach}"));
    assert_eq!(kept.len(), 15);
}
