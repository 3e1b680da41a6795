//! A server, a proxy before it, and the rotator's verbs on one account.

use std::collections::BTreeMap;

use rotators::postgres::PostgresRotator;
use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::id::RotationId;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Job, Login, Outcome, Probe, Rights, Rotator, TargetSpec, Verification};
use vault_core::secret::SecretString;
use vault_tests::postgres::{PostgresOptions, PostgresServer};
use vault_tests::proxy::FaultProxy;

pub(crate) const OLD: &str = "old-4711";
pub(crate) const NEW: &str = "new-0815";

pub(crate) struct Bench {
    pub(crate) server: PostgresServer,
    pub(crate) proxy: FaultProxy,
    pub(crate) spec: TargetSpec,
    pub(crate) management: Login,
    pub(crate) rotation: RotationId,
}

impl Bench {
    /// A quick server with the account `app`, seen through the proxy, with short limits.
    pub(crate) async fn start() -> Self {
        Self::start_with(PostgresOptions::default()).await
    }

    pub(crate) async fn start_with(options: PostgresOptions) -> Self {
        let bench = Self::start_without_account(options).await;
        bench.sql(&format!("CREATE ROLE app LOGIN PASSWORD '{OLD}'")).await;
        bench
    }

    pub(crate) async fn start_without_account(options: PostgresOptions) -> Self {
        let server = PostgresServer::start_with(&PostgresOptions { fast: true, ..options }).unwrap();
        let proxy = FaultProxy::start(server.port()).await.unwrap();
        let spec = spec(&proxy.url_template(), &[]);
        let management = login(server.superuser(), server.superuser_password());
        let rotation = RotationId::generate(Timestamp::from_secs(1_800_000_000), &SeededEntropy::new(3));
        Self { server, proxy, spec, management, rotation }
    }

    /// Runs statements as the superuser, past the proxy.
    pub(crate) async fn sql(&self, statements: &str) {
        self.server.admin().await.unwrap().batch_execute(statements).await.unwrap();
    }

    /// One number, as the superuser sees it.
    pub(crate) async fn number(&self, question: &str) -> i64 {
        self.server.admin().await.unwrap().query_one(question, &[]).await.unwrap().get(0)
    }

    pub(crate) fn job(&self) -> Job<'_> {
        self.job_for("app")
    }

    pub(crate) fn job_for<'a>(&'a self, username: &'a str) -> Job<'a> {
        Job::new(&self.spec, &self.management, username, self.rotation)
    }

    pub(crate) async fn preflight(&self, username: &str) -> Result<Rights, Fault> {
        PostgresRotator::new().preflight(self.job_for(username)).await
    }

    pub(crate) async fn apply(&self) -> Outcome {
        self.apply_to("app", NEW).await
    }

    pub(crate) async fn apply_to(&self, username: &str, candidate: &str) -> Outcome {
        let candidate = SecretString::new(candidate.to_owned());
        PostgresRotator::new().apply(self.job_for(username), &candidate).await
    }

    pub(crate) async fn settle(&self) -> Result<(), Fault> {
        PostgresRotator::new().settle(self.job()).await
    }

    pub(crate) async fn probe(&self, username: &str, password: &str) -> Probe {
        PostgresRotator::new().probe(&self.spec, &login(username, password)).await
    }

    pub(crate) async fn verify(&self, username: &str, password: &str, expected: &Rights) -> Verification {
        PostgresRotator::new().verify(self.job_for(username), &login(username, password), expected).await
    }

    /// Which of the old and the new password opens `app`, found out past rotator and proxy.
    pub(crate) async fn opens(&self) -> (bool, bool) {
        (self.server.accepts("app", OLD).await.unwrap(), self.server.accepts("app", NEW).await.unwrap())
    }
}

pub(crate) fn login(username: &str, password: &str) -> Login {
    Login { username: username.to_owned(), password: SecretString::new(password.to_owned()) }
}

/// Settings with limits short enough for tests; further ones may replace them.
pub(crate) fn spec(url: &str, settings: &[(&str, &str)]) -> TargetSpec {
    let mut all = BTreeMap::from([
        ("connect_timeout".to_owned(), "4s".to_owned()),
        ("statement_timeout".to_owned(), "800ms".to_owned()),
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
