//! An imitation of AWS, an imposter and a proxy before it, and the rotator's verbs on one user.

use std::collections::BTreeMap;

use rotators::aws::AwsRotator;
use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::id::RotationId;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{
    Handles, Job, Login, Minted, Minting, Rights, Rotator, TargetSpec, Verification,
};
use vault_core::secret::SecretString;
use vault_tests::aws::{AccessKey, AwsServer, Imposter};
use vault_tests::proxy::FaultProxy;

pub(crate) struct Bench {
    pub(crate) server: AwsServer,
    pub(crate) imposter: Imposter,
    /// Before the imposter.
    pub(crate) proxy: FaultProxy,
    pub(crate) spec: TargetSpec,
    pub(crate) management: Login,
    pub(crate) rotation: RotationId,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        let server = AwsServer::start().await.unwrap();
        let imposter = Imposter::start(server.port()).await.unwrap();
        let proxy = FaultProxy::start_plain(imposter.port()).await.unwrap();
        let spec = spec(&format!("http://127.0.0.1:{}", proxy.port()), &[]);
        let management = login(server.admin());
        let rotation = RotationId::generate(Timestamp::from_secs(1_800_000_000), &SeededEntropy::new(3));
        Self { server, imposter, proxy, spec, management, rotation }
    }

    pub(crate) fn job<'a>(&'a self, username: &'a str) -> Job<'a> {
        Job::new(&self.spec, &self.management, username, self.rotation)
    }

    pub(crate) async fn preflight(&self, username: &str) -> Result<Rights, Fault> {
        AwsRotator::new().preflight(self.job(username)).await
    }

    /// Asks for a key that must come.
    pub(crate) async fn made(&self, job: Job<'_>) -> AccessKey {
        match AwsRotator::new().mint(job).await {
            Minting::Made(Minted { handle, username: Some(username), password }) => {
                assert_eq!(handle, username);
                AccessKey { id: handle, secret: password.expose().to_owned() }
            }
            other => panic!("{other:?}"),
        }
    }

    /// Asks for a key of `app`, and verifies it.
    pub(crate) async fn verify(&self, key: &AccessKey) -> Verification {
        let job = Job { handles: pending(key), ..self.job("app") };
        AwsRotator::new().verify(job, &login(key), &Rights::default()).await
    }
}

pub(crate) fn pending(key: &AccessKey) -> Handles<'_> {
    Handles { pending: Some(&key.id), ..Handles::default() }
}

pub(crate) fn login(key: &AccessKey) -> Login {
    Login { username: key.id.clone(), password: SecretString::new(key.secret.clone()) }
}

/// Settings with limits short enough for tests; further ones may replace them.
pub(crate) fn spec(url: &str, settings: &[(&str, &str)]) -> TargetSpec {
    let mut all = BTreeMap::from([
        ("connect_timeout".to_owned(), "4s".to_owned()),
        ("request_timeout".to_owned(), "2s".to_owned()),
        ("propagation_timeout".to_owned(), "3s".to_owned()),
    ]);
    all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    TargetSpec { connection_url: url.to_owned(), settings: all }
}

pub(crate) fn class<T>(result: &Result<T, Fault>) -> Option<FaultClass> {
    result.as_ref().err().map(|fault| fault.class)
}
