//! A server, a relay before it, a gate within it, and the rotator's verbs on one account.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use rotators::ssh::SshRotator;
use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::id::RotationId;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Job, Login, Outcome, Probe, Rights, Rotator, TargetSpec, Verification};
use vault_core::secret::SecretString;
use vault_tests::ssh::gate::Gate;
use vault_tests::ssh::relay::Relay;
use vault_tests::ssh::{SshOptions, SshServer};

pub(crate) const OLD: &str = "old-4711";
pub(crate) const NEW: &str = "new-0815";
pub(crate) const VAULT: &str = "root-of-the-vault";

pub(crate) struct Bench {
    pub(crate) server: SshServer,
    pub(crate) relay: Arc<Relay>,
    pub(crate) gate: Gate,
    pub(crate) spec: TargetSpec,
    pub(crate) management: Login,
    pub(crate) rotation: RotationId,
}

impl Bench {
    /// A server with the accounts `vault` (which manages, by sudo) and `app`, seen through the relay.
    pub(crate) async fn start() -> Self {
        Self::start_with(&SshOptions::default()).await
    }

    pub(crate) async fn start_with(options: &SshOptions) -> Self {
        let server = SshServer::start_with(options).unwrap();
        let relay = Arc::new(Relay::start(server.port()).await.unwrap());
        let gate = Gate::of(&server, Arc::clone(&relay));
        for (name, password) in [("vault", VAULT), ("app", OLD)] {
            server.create_account(name, password).unwrap();
        }
        let settings = [("host_key", server.host_key().unwrap()), ("become", "sudo".to_owned())];
        let spec = spec(relay.port(), &settings);
        let rotation = RotationId::generate(Timestamp::from_secs(1_800_000_000), &SeededEntropy::new(3));
        Self { server, relay, gate, spec, management: login("vault", VAULT), rotation }
    }

    /// With one setting changed.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.spec.settings.insert(name.to_owned(), value.to_owned());
    }

    /// Something that root does on the target.
    pub(crate) fn root(&self, script: &str) -> String {
        self.server.run(script, &[], "").unwrap()
    }

    pub(crate) fn job(&self) -> Job<'_> {
        self.job_for("app")
    }

    pub(crate) fn job_for<'a>(&'a self, username: &'a str) -> Job<'a> {
        Job::new(&self.spec, &self.management, username, self.rotation)
    }

    pub(crate) async fn preflight(&self, username: &str) -> Result<Rights, Fault> {
        SshRotator::new().preflight(self.job_for(username)).await
    }

    pub(crate) async fn apply(&self) -> Outcome {
        self.apply_to("app", NEW).await
    }

    pub(crate) async fn apply_to(&self, username: &str, candidate: &str) -> Outcome {
        SshRotator::new().apply(self.job_for(username), &SecretString::new(candidate.to_owned())).await
    }

    pub(crate) async fn settle(&self) -> Result<(), Fault> {
        SshRotator::new().settle(self.job()).await
    }

    pub(crate) async fn probe(&self, username: &str, password: &str) -> Probe {
        SshRotator::new().probe(&self.spec, &login(username, password)).await
    }

    pub(crate) async fn verify(&self, username: &str, password: &str, expected: &Rights) -> Verification {
        SshRotator::new().verify(self.job_for(username), &login(username, password), expected).await
    }

    /// Which of the old and the new password opens `app`, found out past rotator and relay.
    pub(crate) fn opens(&self) -> (bool, bool) {
        (self.server.accepts("app", OLD).unwrap(), self.server.accepts("app", NEW).unwrap())
    }
}

/// A private key that belongs to this text, made as the rotator makes candidates.
pub(crate) fn key(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let settings = [("host_key", "ask".to_owned()), ("credential", "ssh_key".to_owned())];
    let made = SshRotator::new().candidate(&spec(22, &settings), &SeededEntropy::new(hasher.finish()));
    made.unwrap().expose().to_owned()
}

pub(crate) fn login(username: &str, password: &str) -> Login {
    Login { username: username.to_owned(), password: SecretString::new(password.to_owned()) }
}

/// Settings with limits short enough for tests, and long enough for a busy machine.
pub(crate) fn spec(port: u16, settings: &[(&str, String)]) -> TargetSpec {
    let mut all = BTreeMap::from([
        ("connect_timeout".to_owned(), "5s".to_owned()),
        ("request_timeout".to_owned(), "8s".to_owned()),
    ]);
    all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    TargetSpec {
        connection_url: format!("ssh://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{port}"),
        settings: all,
    }
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
