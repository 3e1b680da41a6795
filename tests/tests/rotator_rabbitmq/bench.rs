//! A server, a proxy before its management API, and the rotator's verbs on one account.

use std::collections::BTreeMap;

use rotators::rabbitmq::RabbitRotator;
use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::id::RotationId;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Job, Login, Outcome, Probe, Rights, Rotator, TargetSpec, Verification};
use vault_core::secret::SecretString;
use vault_tests::proxy::FaultProxy;
use vault_tests::rabbitmq::{ADMIN, ADMIN_PASSWORD, RabbitOptions, RabbitServer};

pub(crate) const OLD: &str = "old-4711";
pub(crate) const NEW: &str = "new-0815";

pub(crate) struct Bench {
    pub(crate) server: RabbitServer,
    /// Before the management API.
    pub(crate) proxy: FaultProxy,
    /// Before AMQP.
    pub(crate) amqp: FaultProxy,
    pub(crate) spec: TargetSpec,
    pub(crate) management: Login,
    pub(crate) rotation: RotationId,
}

impl Bench {
    /// A server with the account `app`, seen through the proxy, with short limits on both sides.
    pub(crate) async fn start() -> Self {
        // What the tests' own client asks with; the rotator brings its own.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let config = vec![format!("management.tcp.request_timeout = {REQUEST_MILLIS}")];
        let server = RabbitServer::start_with(&RabbitOptions { config, tls: false }).unwrap();
        let proxy = FaultProxy::start_plain(server.port()).await.unwrap();
        let amqp = FaultProxy::start_plain(server.amqp_port()).await.unwrap();
        let url = format!("http://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{}/", proxy.port());
        let spec = spec(&url, &[("amqp_port", &amqp.port().to_string())]);
        let management = login(ADMIN, ADMIN_PASSWORD);
        let rotation = RotationId::generate(Timestamp::from_secs(1_800_000_000), &SeededEntropy::new(3));
        let bench = Self { server, proxy, amqp, spec, management, rotation };
        bench.reset_account().await;
        bench
    }

    /// The account as at the start.
    pub(crate) async fn reset_account(&self) {
        self.server.create_user("app", OLD, "monitoring").await.unwrap();
    }

    pub(crate) fn job(&self) -> Job<'_> {
        self.job_for("app")
    }

    pub(crate) fn job_for<'a>(&'a self, username: &'a str) -> Job<'a> {
        Job::new(&self.spec, &self.management, username, self.rotation)
    }

    pub(crate) async fn preflight(&self, username: &str) -> Result<Rights, Fault> {
        RabbitRotator::new().preflight(self.job_for(username)).await
    }

    pub(crate) async fn apply(&self) -> Outcome {
        self.apply_to("app", NEW).await
    }

    pub(crate) async fn apply_to(&self, username: &str, candidate: &str) -> Outcome {
        let candidate = SecretString::new(candidate.to_owned());
        RabbitRotator::new().apply(self.job_for(username), &candidate).await
    }

    pub(crate) async fn settle(&self) -> Result<(), Fault> {
        RabbitRotator::new().settle(self.job()).await
    }

    pub(crate) async fn probe(&self, username: &str, password: &str) -> Probe {
        RabbitRotator::new().probe(&self.spec, &login(username, password)).await
    }

    pub(crate) async fn verify(&self, password: &str, expected: &Rights) -> Verification {
        RabbitRotator::new().verify(self.job(), &login("app", password), expected).await
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
        ("request_timeout".to_owned(), "2s".to_owned()),
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

/// So long the server keeps a connection that brings no request.
const REQUEST_MILLIS: u32 = 3000;
