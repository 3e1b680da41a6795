//! The contract suite on the imitation.

use rotators::aws::AwsRotator;
use rotators::contract::{Break, Done, Fixture, run};
use vault_core::rotation::port::{BoxFuture, Login, TargetSpec};
use vault_tests::aws::POLICY;
use vault_tests::proxy::Mischief;

use crate::bench::{Bench, login};

struct Target(Bench);

fn told<T, E: std::fmt::Display>(result: Result<T, E>) -> Done<T> {
    result.map_err(|error| error.to_string())
}

impl Fixture for Target {
    fn spec(&self) -> TargetSpec {
        self.0.spec.clone()
    }
    fn management(&self) -> Login {
        login(self.0.server.admin())
    }
    fn create_account<'a>(&'a self, username: &'a str, _password: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move { told(self.0.server.create_user(username).await.map(drop)) })
    }
    fn accepts<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<bool>> {
        Box::pin(async move { told(self.0.server.accepts(username, password).await) })
    }
    fn open_session<'a>(&'a self, _username: &'a str, _password: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(std::future::ready(Err("a key has no sessions".to_owned())))
    }
    fn take_right<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<()>> {
        let fields = [("UserName", username), ("PolicyName", POLICY)];
        Box::pin(async move { told(self.0.server.run("DeleteUserPolicy", &fields).await.map(drop)) })
    }
    fn refused_logins<'a>(&'a self, _username: &'a str) -> BoxFuture<'a, Done<Option<u32>>> {
        Box::pin(std::future::ready(Ok(None)))
    }
    fn credentials<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<usize>> {
        Box::pin(async move { told(self.0.server.keys(username).await.map(|keys| keys.len())) })
    }
    fn break_next_apply(&self, how: Break) -> BoxFuture<'_, Done<()>> {
        let decisive = "Action=CreateAccessKey".to_owned();
        let mischief = match how {
            Break::ReplyLost => Mischief::DropReply(decisive),
            Break::RequestLost => Mischief::CutBefore(decisive),
            Break::RequestLate => Mischief::Hold(decisive),
        };
        Box::pin(async move { told(self.0.proxy.set(mischief).await) })
    }
    fn deliver(&self) -> BoxFuture<'_, Done<()>> {
        Box::pin(async move {
            self.0.proxy.release();
            told(self.0.proxy.wait_delivered(1).await)
        })
    }
    fn break_down(&self) -> BoxFuture<'_, Done<()>> {
        Box::pin(async move { told(self.0.proxy.set(Mischief::Refuse).await) })
    }
    fn heal(&self) -> BoxFuture<'_, Done<()>> {
        Box::pin(async move { told(self.0.proxy.set(Mischief::None).await) })
    }
}

#[tokio::test]
async fn aws_keeps_every_promise_of_the_contract() {
    let kept = run(&AwsRotator::new(), &Target(Bench::start().await)).await.unwrap();
    assert_eq!(kept.len(), 11);
}
