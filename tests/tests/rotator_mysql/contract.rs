//! The contract suite on a real server, with either side hashing.

use rotators::contract::{Break, Done, Fixture, run};
use rotators::mysql::MysqlRotator;
use tokio::sync::Mutex;
use vault_core::rotation::port::{BoxFuture, Login, TargetSpec};
use vault_tests::mysql::{connect, literal};
use vault_tests::proxy::Mischief;

use crate::bench::{Bench, login};

struct RealTarget {
    bench: Bench,
    sessions: Mutex<Vec<mysql_async::Conn>>,
}

fn told<T, E: std::fmt::Display>(result: Result<T, E>) -> Done<T> {
    result.map_err(|error| error.to_string())
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
            let (name, password) = (literal(username), literal(password));
            let statements = format!(
                "CREATE OR REPLACE USER {name}@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD({password}); \
                 GRANT SELECT ON ledger.* TO {name}@'%'"
            );
            told(self.bench.server.sql(&statements).await)
        })
    }
    fn accepts<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<bool>> {
        Box::pin(async move { told(self.bench.server.accepts(username, password).await) })
    }
    fn open_session<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move {
            let session = told(connect(self.bench.server.port(), username, password).await)?;
            self.sessions.lock().await.push(session);
            Ok(())
        })
    }
    fn take_right<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move {
            let statement = format!("REVOKE SELECT ON ledger.* FROM {}@'%'", literal(username));
            told(self.bench.server.sql(&statement).await)
        })
    }
    fn refused_logins<'a>(&'a self, _username: &'a str) -> BoxFuture<'a, Done<Option<u32>>> {
        Box::pin(async move {
            // Of all users together.
            let question = "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS \
                            WHERE VARIABLE_NAME = 'ACCESS_DENIED_ERRORS'";
            told(told(self.bench.server.text(question).await)?.parse().map(Some))
        })
    }
    fn creation(&self) -> Option<[Vec<String>; 2]> {
        let make =
            "CREATE USER '{{name}}'@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('{{password}}')";
        let make = make.to_owned();
        let grant = "GRANT SELECT ON ledger.* TO '{{name}}'@'%'".to_owned();
        let fail = "GRANT SELECT ON ledger.no_such_table TO '{{name}}'@'%'".to_owned();
        Some([vec![make.clone(), grant.clone()], vec![make, grant, fail]])
    }
    fn break_next_apply(&self, how: Break) -> BoxFuture<'_, Done<()>> {
        // Of ALTER USER and CREATE USER alike.
        let change = "IDENTIFIED VIA".to_owned();
        let mischief = match how {
            Break::ReplyLost => Mischief::DropReply(change),
            Break::RequestLost => Mischief::CutBefore(change),
            Break::RequestLate => Mischief::Hold(change),
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

async fn keeps_every_promise(options: &[&str], settings: &[(&str, &str)]) {
    let mut bench = Bench::start_with(options).await;
    for (name, value) in settings {
        bench.set(name, value);
    }
    bench.sql("CREATE DATABASE ledger").await;
    let target = RealTarget { bench, sessions: Mutex::default() };
    let kept = run(&MysqlRotator::new(), &target).await.map(|kept| kept.len());
    assert_eq!(kept.map_err(|breach| breach.to_string()), Ok(15));
}

#[tokio::test]
async fn mariadb_keeps_every_promise_where_the_vault_hashes() {
    keeps_every_promise(&[], &[]).await;
}

#[tokio::test]
async fn mariadb_keeps_every_promise_where_it_hashes_itself_and_quotes_mean_something_else() {
    let options = ["--sql-mode=NO_BACKSLASH_ESCAPES,ANSI_QUOTES", "--character-set-server=latin1"];
    keeps_every_promise(&options, &[("password_hashing", "server")]).await;
}
