//! The contract suite on a real server: with passwords, and with keys.

use std::sync::Mutex;

use rotators::contract::{Break, Done, Fixture, run};
use rotators::ssh::SshRotator;
use vault_core::rotation::fault::Fault;
use vault_core::rotation::port::{
    BoxFuture, CheckReport, Job, Login, Outcome, Probe, Rights, Rotator, TargetSpec, Verification,
};
use vault_core::secret::SecretString;
use vault_tests::ssh::OpenSession;
use vault_tests::ssh::gate::{Gate, Strike};
use vault_tests::ssh::relay::Mode;

use crate::bench::{Bench, VAULT, key, login};

struct RealTarget {
    bench: Bench,
    gate: tokio::sync::Mutex<Gate>,
    sessions: Mutex<Vec<OpenSession>>,
    keys: bool,
}

impl RealTarget {
    async fn start(keys: bool) -> Self {
        let mut bench = Bench::start().await;
        let gate = tokio::sync::Mutex::new(Gate::of(&bench.server, bench.relay.clone()));
        if keys {
            bench.set("credential", "ssh_key");
        }
        let target = Self { bench, gate, sessions: Mutex::default(), keys };
        if keys {
            target.authorise("vault", VAULT).unwrap();
        }
        target
    }

    /// Lets the key that belongs to this text in, and no other.
    fn authorise(&self, username: &str, text: &str) -> Done<()> {
        let private = self.bench.server.folder().join("made");
        told(std::fs::write(&private, key(text)))?;
        let script = "umask 077; cd \"$(getent passwd \"$1\" | cut -d: -f6)\"; mkdir -p .ssh; \
                      cp \"$2\" /run/made; chmod 600 /run/made; ssh-keygen -y -f /run/made >.ssh/authorized_keys; \
                      usermod -p \"*\" \"$1\"; chown -R \"$1\" .ssh";
        told(self.bench.server.run(script, &[username, &private.to_string_lossy()], "")).map(drop)
    }
}

fn told<T, E: std::fmt::Display>(result: Result<T, E>) -> Done<T> {
    result.map_err(|error| error.to_string())
}

impl Fixture for RealTarget {
    fn spec(&self) -> TargetSpec {
        self.bench.spec.clone()
    }
    fn management(&self) -> Login {
        login("vault", VAULT)
    }
    fn create_account<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move {
            told(self.bench.server.create_account(username, password))?;
            if self.keys { self.authorise(username, password) } else { Ok(()) }
        })
    }
    fn accepts<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<bool>> {
        Box::pin(async move {
            told(match self.keys {
                true => self.bench.server.accepts_key(username, &key(password)),
                false => self.bench.server.accepts(username, password),
            })
        })
    }
    fn open_session<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move {
            let session = told(match self.keys {
                true => self.bench.server.open_session_by_key(username, &key(password)),
                false => self.bench.server.open_session(username, password),
            })?;
            self.sessions.lock().unwrap().push(session);
            Ok(())
        })
    }
    fn take_right<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<()>> {
        Box::pin(async move {
            told(self.bench.server.run("gpasswd -d \"$1\" readers", &[username], "")).map(drop)
        })
    }
    fn refused_logins<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<Option<u32>>> {
        Box::pin(async move {
            // Nothing in the target counts refused keys.
            if self.keys { Ok(None) } else { told(self.bench.server.refused(username)).map(Some) }
        })
    }
    fn break_next_apply(&self, how: Break) -> BoxFuture<'_, Done<()>> {
        let strike = match how {
            Break::ReplyLost => Strike::After,
            Break::RequestLost => Strike::Before,
            Break::RequestLate => Strike::Hold,
        };
        Box::pin(async move { told(self.gate.lock().await.strike(strike)) })
    }
    fn deliver(&self) -> BoxFuture<'_, Done<()>> {
        Box::pin(async move { told(self.gate.lock().await.release(&self.bench.server).await) })
    }
    fn break_down(&self) -> BoxFuture<'_, Done<()>> {
        self.bench.relay.set(Mode::Refuse);
        Box::pin(std::future::ready(Ok(())))
    }
    fn heal(&self) -> BoxFuture<'_, Done<()>> {
        self.bench.relay.set(Mode::Pass);
        Box::pin(async move { told(self.gate.lock().await.open()) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_keep_every_promise_of_the_contract() {
    let target = RealTarget::start(false).await;
    let kept = run(&SshRotator::new(), &target).await.unwrap_or_else(|breach| panic!("{breach}"));
    assert_eq!(kept.len(), 14);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_keep_every_promise_of_the_contract() {
    let target = RealTarget::start(true).await;
    let kept = run(&Keyed(SshRotator::new()), &target).await.unwrap_or_else(|breach| panic!("{breach}"));
    assert_eq!(kept.len(), 14);
}

/// The rotator, for a suite that knows texts only: each stands for a key of its own.
struct Keyed(SshRotator);

fn keyed(login: &Login) -> Login {
    Login { username: login.username.clone(), password: keyed_secret(&login.password) }
}

fn keyed_secret(text: &SecretString) -> SecretString {
    SecretString::new(key(text.expose()))
}

impl Rotator for Keyed {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }
    fn validate(&self, spec: &TargetSpec) -> Result<(), String> {
        self.0.validate(spec)
    }
    fn validate_login(&self, login: &Login) -> Result<(), String> {
        if login.password.expose().contains('\0') {
            return self.0.validate_login(login);
        }
        self.0.validate_login(&keyed(login))
    }
    fn check<'a>(
        &'a self,
        spec: &'a TargetSpec,
        management: &'a Login,
    ) -> BoxFuture<'a, Result<CheckReport, Fault>> {
        Box::pin(async move { self.0.check(spec, &keyed(management)).await })
    }
    fn preflight<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<Rights, Fault>> {
        Box::pin(async move { self.0.preflight(Job { management: &keyed(job.management), ..job }).await })
    }
    fn apply<'a>(&'a self, job: Job<'a>, candidate: &'a SecretString) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            self.0.apply(Job { management: &keyed(job.management), ..job }, &keyed_secret(candidate)).await
        })
    }
    fn settle<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move { self.0.settle(Job { management: &keyed(job.management), ..job }).await })
    }
    fn probe<'a>(&'a self, spec: &'a TargetSpec, login: &'a Login) -> BoxFuture<'a, Probe> {
        Box::pin(async move { self.0.probe(spec, &keyed(login)).await })
    }
    fn verify<'a>(
        &'a self,
        job: Job<'a>,
        login: &'a Login,
        expected: &'a Rights,
    ) -> BoxFuture<'a, Verification> {
        Box::pin(async move {
            self.0.verify(Job { management: &keyed(job.management), ..job }, &keyed(login), expected).await
        })
    }
    fn retire<'a>(&'a self, job: Job<'a>, old: &'a Login) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            self.0.retire(Job { management: &keyed(job.management), ..job }, &keyed(old)).await
        })
    }
    fn end_sessions<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<u32, Fault>> {
        Box::pin(async move { self.0.end_sessions(Job { management: &keyed(job.management), ..job }).await })
    }
    fn overlaps(&self, spec: &TargetSpec) -> bool {
        self.0.overlaps(spec)
    }
}
