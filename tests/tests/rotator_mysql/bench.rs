//! A server, a proxy before it, and the rotator's verbs on one account.

use std::collections::BTreeMap;

use rotators::mysql::MysqlRotator;
use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::id::RotationId;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Job, Login, Outcome, Probe, Rights, Rotator, TargetSpec, Verification};
use vault_core::secret::SecretString;
use vault_tests::mysql::{MysqlOptions, MysqlServer, url_template};
use vault_tests::proxy::FaultProxy;

pub(crate) const OLD: &str = "old-4711";
pub(crate) const NEW: &str = "new-0815";

pub(crate) struct Bench {
    pub(crate) server: MysqlServer,
    pub(crate) proxy: FaultProxy,
    pub(crate) spec: TargetSpec,
    pub(crate) management: Login,
    pub(crate) rotation: RotationId,
}

impl Bench {
    /// A server with the account `app`, seen through the proxy, with short limits.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(crate) async fn start_with(options: &[&str]) -> Self {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let server = MysqlServer::start(&MysqlOptions { tls: false, options }).unwrap();
        let proxy = FaultProxy::start_mysql(server.port()).await.unwrap();
        let spec = spec(&url_template(proxy.port()), &[]);
        let management = login(server.superuser(), server.superuser_password());
        let rotation = RotationId::generate(Timestamp::from_secs(1_800_000_000), &SeededEntropy::new(3));
        let bench = Self { server, proxy, spec, management, rotation };
        bench
            .sql(&format!("CREATE USER app@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('{OLD}')"))
            .await;
        bench
    }

    /// Runs statements with all rights, past the proxy.
    pub(crate) async fn sql(&self, statements: &str) {
        self.server.sql(statements).await.unwrap();
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.spec.settings.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn job(&self) -> Job<'_> {
        self.job_for("app")
    }

    pub(crate) fn job_for<'a>(&'a self, username: &'a str) -> Job<'a> {
        Job::new(&self.spec, &self.management, username, self.rotation)
    }

    pub(crate) async fn preflight(&self, username: &str) -> Result<Rights, Fault> {
        MysqlRotator::new().preflight(self.job_for(username)).await
    }

    pub(crate) async fn apply(&self) -> Outcome {
        self.apply_to("app", NEW).await
    }

    pub(crate) async fn apply_to(&self, username: &str, candidate: &str) -> Outcome {
        let candidate = SecretString::new(candidate.to_owned());
        MysqlRotator::new().apply(self.job_for(username), &candidate).await
    }

    pub(crate) async fn settle(&self) -> Result<(), Fault> {
        MysqlRotator::new().settle(self.job()).await
    }

    pub(crate) async fn probe(&self, username: &str, password: &str) -> Probe {
        MysqlRotator::new().probe(&self.spec, &login(username, password)).await
    }

    pub(crate) async fn verify(&self, username: &str, password: &str, expected: &Rights) -> Verification {
        MysqlRotator::new().verify(self.job_for(username), &login(username, password), expected).await
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
