//! A key server, a proxy before it, and the rotator's verbs on one account.

use std::collections::BTreeMap;

use rotators::http::HttpRotator;
use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::id::RotationId;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{
    Handles, Job, Login, Minted, Minting, Outcome, Probe, Rights, Rotator, TargetSpec, Verification,
};
use vault_core::secret::SecretString;
use vault_tests::keys::{ADMIN, ADMIN_SECRET, KeyServer};
use vault_tests::proxy::FaultProxy;

pub(crate) const OLD: &str = "old-4711";
pub(crate) const NEW: &str = "new-0815";

pub(crate) struct Bench {
    pub(crate) server: KeyServer,
    pub(crate) proxy: FaultProxy,
    pub(crate) spec: TargetSpec,
    pub(crate) management: Login,
    pub(crate) rotation: RotationId,
}

impl Bench {
    /// A server with the account `app`, seen through the proxy, described by this preset.
    pub(crate) async fn start(preset: &str) -> Self {
        let server = KeyServer::start().await.unwrap();
        let proxy = FaultProxy::start_plain(server.port()).await.unwrap();
        let mut spec = spec(proxy.port(), &[("preset", preset)]);
        if preset == "keycloak" {
            // Any account may then manage itself.
            spec.settings.insert("realm".to_owned(), "master".to_owned());
        }
        let rotation = RotationId::generate(Timestamp::from_secs(1_800_000_000), &SeededEntropy::new(3));
        server.create_account("app", OLD);
        Self { server, proxy, spec, management: login(ADMIN, ADMIN_SECRET), rotation }
    }

    pub(crate) fn job(&self) -> Job<'_> {
        Job::new(&self.spec, &self.management, "app", self.rotation)
    }

    /// A job of another rotation.
    pub(crate) fn another(&self, seed: u64) -> Job<'_> {
        let rotation = RotationId::generate(Timestamp::from_secs(1_800_000_100), &SeededEntropy::new(seed));
        Job { rotation, ..self.job() }
    }

    pub(crate) async fn preflight(&self) -> Result<Rights, Fault> {
        HttpRotator::new().preflight(self.job()).await
    }

    pub(crate) async fn apply(&self) -> Outcome {
        HttpRotator::new().apply(self.job(), &SecretString::new(NEW.to_owned())).await
    }

    pub(crate) async fn mint(&self, job: Job<'_>) -> Minting {
        HttpRotator::new().mint(job).await
    }

    /// A credential that is made without a fault.
    pub(crate) async fn made(&self, job: Job<'_>) -> Minted {
        match self.mint(job).await {
            Minting::Made(minted) => minted,
            other => panic!("mint: {other:?}"),
        }
    }

    pub(crate) async fn settle(&self, handles: Handles<'_>) -> Result<(), Fault> {
        HttpRotator::new().settle(Job { handles, ..self.job() }).await
    }

    pub(crate) async fn probe(&self, password: &str) -> Probe {
        HttpRotator::new().probe(&self.spec, &login("app", password)).await
    }

    pub(crate) async fn verify(&self, job: Job<'_>, password: &str, expected: &Rights) -> Verification {
        HttpRotator::new().verify(job, &login("app", password), expected).await
    }

    /// The labels of the live keys of `app`.
    pub(crate) fn labels(&self) -> Vec<String> {
        self.server.live_keys("app").into_iter().map(|key| key.label).collect()
    }
}

pub(crate) fn login(username: &str, password: &str) -> Login {
    Login { username: username.to_owned(), password: SecretString::new(password.to_owned()) }
}

/// Settings with limits short enough for tests; further ones may replace them.
pub(crate) fn spec(port: u16, settings: &[(&str, &str)]) -> TargetSpec {
    let mut all = BTreeMap::from([
        ("connect_timeout".to_owned(), "4s".to_owned()),
        ("request_timeout".to_owned(), "2s".to_owned()),
    ]);
    all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    TargetSpec { connection_url: format!("http://127.0.0.1:{port}/"), settings: all }
}

/// What it was, with its class, for tables.
pub(crate) fn minting(minting: &Minting) -> String {
    match minting {
        Minting::Made(_) => "made".to_owned(),
        Minting::NotMade(fault) => format!("not made: {}", fault.class),
        Minting::Unknown(fault) => format!("unknown: {}", fault.class),
    }
}

/// The same of a change.
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
