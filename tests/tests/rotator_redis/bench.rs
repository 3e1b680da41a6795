//! A server, a proxy before it, and the rotator's verbs on one account.

use std::collections::BTreeMap;

use rotators::redis::RedisRotator;
use rotators::redis::reply::Reply;
use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::id::RotationId;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Job, Login, Outcome, Probe, Rights, Rotator, TargetSpec, Verification};
use vault_core::secret::SecretString;
use vault_tests::proxy::FaultProxy;
use vault_tests::redis::{ADMIN, ADMIN_PASSWORD, RedisOptions, RedisServer, url_template};

pub(crate) const OLD: &str = "old-4711";
pub(crate) const NEW: &str = "new-0815";

pub(crate) struct Bench {
    pub(crate) server: RedisServer,
    pub(crate) proxy: FaultProxy,
    pub(crate) spec: TargetSpec,
    pub(crate) management: Login,
    pub(crate) rotation: RotationId,
}

impl Bench {
    /// A server with the account `app`, seen through the proxy, with short limits.
    pub(crate) async fn start() -> Self {
        Self::start_with(&RedisOptions::default(), &[]).await
    }

    pub(crate) async fn start_with(options: &RedisOptions, settings: &[(&str, &str)]) -> Self {
        let server = RedisServer::start_with(options).unwrap();
        let proxy = FaultProxy::start_plain(server.port()).await.unwrap();
        let spec = spec(&url_template(proxy.port()), settings);
        let management = login(ADMIN, ADMIN_PASSWORD);
        let rotation = RotationId::generate(Timestamp::from_secs(1_800_000_000), &SeededEntropy::new(3));
        let bench = Self { server, proxy, spec, management, rotation };
        bench.reset_account().await;
        bench
    }

    /// The account as at the start, with the old password and no other.
    pub(crate) async fn reset_account(&self) {
        let old = format!(">{OLD}");
        self.run(&["ACL", "SETUSER", "app", "reset", "on", &old, "~app:*", "+get", "+set"]).await;
    }

    /// One command of the administrator, past the proxy.
    pub(crate) async fn run(&self, words: &[&str]) -> Reply {
        self.server.admin().await.unwrap().run(words).await.unwrap()
    }

    pub(crate) fn job(&self) -> Job<'_> {
        self.job_for("app")
    }

    pub(crate) fn job_for<'a>(&'a self, username: &'a str) -> Job<'a> {
        Job::new(&self.spec, &self.management, username, self.rotation)
    }

    pub(crate) async fn preflight(&self, username: &str) -> Result<Rights, Fault> {
        RedisRotator::new().preflight(self.job_for(username)).await
    }

    pub(crate) async fn apply(&self) -> Outcome {
        self.apply_to("app", NEW).await
    }

    pub(crate) async fn apply_to(&self, username: &str, candidate: &str) -> Outcome {
        RedisRotator::new().apply(self.job_for(username), &secret(candidate)).await
    }

    pub(crate) async fn settle(&self) -> Result<(), Fault> {
        RedisRotator::new().settle(self.job()).await
    }

    pub(crate) async fn probe(&self, username: &str, password: &str) -> Probe {
        RedisRotator::new().probe(&self.spec, &login(username, password)).await
    }

    pub(crate) async fn verify(&self, password: &str, expected: &Rights) -> Verification {
        RedisRotator::new().verify(self.job(), &login("app", password), expected).await
    }

    pub(crate) async fn retire(&self, password: &str) -> Outcome {
        RedisRotator::new().retire(self.job(), &login("app", password)).await
    }

    pub(crate) async fn check(&self) -> Result<vault_core::rotation::port::CheckReport, Fault> {
        RedisRotator::new().check(&self.spec, &self.management).await
    }

    /// Which of the old and the new password opens `app`, found out past rotator and proxy.
    pub(crate) async fn opens(&self) -> (bool, bool) {
        (self.server.accepts("app", OLD).await.unwrap(), self.server.accepts("app", NEW).await.unwrap())
    }

    /// The users as they are kept.
    pub(crate) fn kept(&self) -> String {
        std::fs::read_to_string(self.server.folder().join("users.acl")).unwrap()
    }
}

pub(crate) fn secret(text: &str) -> SecretString {
    SecretString::new(text.to_owned())
}

pub(crate) fn login(username: &str, password: &str) -> Login {
    Login { username: username.to_owned(), password: secret(password) }
}

/// Settings with limits short enough for tests; further ones may replace them.
pub(crate) fn spec(url: &str, settings: &[(&str, &str)]) -> TargetSpec {
    let mut all = BTreeMap::from([
        ("connect_timeout".to_owned(), "4s".to_owned()),
        ("request_timeout".to_owned(), "800ms".to_owned()),
    ]);
    all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    TargetSpec { connection_url: url.to_owned(), settings: all }
}

/// `applied`, or what it was with its class, for tables.
pub(crate) fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Applied => "applied".to_owned(),
        Outcome::NotApplied(fault) => format!("not applied: {}", fault.class),
        Outcome::Unknown(fault) => format!("unknown: {}", fault.class),
    }
}

pub(crate) fn class<T>(result: &Result<T, Fault>) -> Option<FaultClass> {
    result.as_ref().err().map(|fault| fault.class)
}
