//! A server, a proxy before it, and the rotator's verbs on one account.

use std::collections::BTreeMap;

use ldap3::Mod;
use rotators::ldap::LdapRotator;
use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::id::RotationId;
use vault_core::rotation::fault::Fault;
use vault_core::rotation::port::{Job, Login, Outcome, Probe, Rights, Rotator, TargetSpec, Verification};
use vault_core::secret::SecretString;
use vault_tests::ldap::{LdapOptions, LdapServer, MANAGEMENT, PEOPLE, account_dn};
use vault_tests::proxy::FaultProxy;

pub(crate) const OLD: &str = "old-4711-4711";
pub(crate) const NEW: &str = "new-0815-0815";
/// What stands in the one request that sets a password.
pub(crate) const PASSWORD_MODIFY: &str = "1.3.6.1.4.1.4203.1.11.1";
/// The same with a fence.
pub(crate) const FENCED: &str = "userPassword";

pub(crate) struct Bench {
    pub(crate) server: LdapServer,
    pub(crate) proxy: FaultProxy,
    pub(crate) spec: TargetSpec,
    pub(crate) management: Login,
    pub(crate) rotation: RotationId,
}

impl Bench {
    /// A server with the account `app`, seen through the proxy, with short limits.
    pub(crate) async fn start() -> Self {
        Self::start_with(LdapOptions::default(), &[]).await
    }

    pub(crate) async fn start_with(options: LdapOptions, settings: &[(&str, &str)]) -> Self {
        let bench = Self::start_empty(options, settings).await;
        bench.server.create_account("app", OLD).await.unwrap();
        bench
    }

    /// The same without the account.
    pub(crate) async fn start_empty(options: LdapOptions, settings: &[(&str, &str)]) -> Self {
        let server = LdapServer::start_with(&options).await.unwrap();
        let proxy = FaultProxy::start_plain(server.port()).await.unwrap();
        let mut all = vec![("sslmode", "disable")];
        all.extend(settings);
        let spec = spec(&format!("ldap://127.0.0.1:{}", proxy.port()), &all);
        let management = login(MANAGEMENT, server.password());
        let rotation = RotationId::generate(Timestamp::from_secs(1_800_000_000), &SeededEntropy::new(3));
        Self { server, proxy, spec, management, rotation }
    }

    pub(crate) fn job(&self) -> Job<'_> {
        self.job_for("app")
    }

    pub(crate) fn job_for<'a>(&'a self, username: &'a str) -> Job<'a> {
        Job::new(&self.spec, &self.management, username, self.rotation)
    }

    pub(crate) async fn preflight(&self, username: &str) -> Result<Rights, Fault> {
        LdapRotator::new().preflight(self.job_for(username)).await
    }

    pub(crate) async fn apply(&self) -> Outcome {
        self.apply_to("app", NEW).await
    }

    pub(crate) async fn apply_to(&self, username: &str, candidate: &str) -> Outcome {
        let candidate = SecretString::new(candidate.to_owned());
        LdapRotator::new().apply(self.job_for(username), &candidate).await
    }

    pub(crate) async fn settle(&self) -> Result<(), Fault> {
        LdapRotator::new().settle(self.job()).await
    }

    pub(crate) async fn probe(&self, username: &str, password: &str) -> Probe {
        LdapRotator::new().probe(&self.spec, &login(username, password)).await
    }

    pub(crate) async fn verify(&self, username: &str, password: &str, expected: &Rights) -> Verification {
        LdapRotator::new().verify(self.job_for(username), &login(username, password), expected).await
    }

    /// Puts one value into an attribute of an account, as administrator.
    pub(crate) async fn set(&self, username: &str, attribute: &str, value: &str) {
        let change = Mod::Replace(attribute.to_owned(), [value.to_owned()].into());
        self.server.modify(&account_dn(username), vec![change]).await.unwrap();
    }

    /// The values of an attribute of `app`, as administrator.
    pub(crate) async fn values(&self, attribute: &str) -> Vec<String> {
        let entry = self.server.entry(&account_dn("app")).await.unwrap();
        entry.attrs.get(attribute).cloned().unwrap_or_default()
    }

    /// Which of the old and the new password opens `app`, found out past rotator and proxy.
    pub(crate) async fn opens(&self) -> (bool, bool) {
        let dn = account_dn("app");
        (self.server.accepts(&dn, OLD).await.unwrap(), self.server.accepts(&dn, NEW).await.unwrap())
    }
}

pub(crate) fn login(username: &str, password: &str) -> Login {
    Login { username: username.to_owned(), password: SecretString::new(password.to_owned()) }
}

/// Settings with limits short enough for tests; further ones may replace them.
pub(crate) fn spec(url: &str, settings: &[(&str, &str)]) -> TargetSpec {
    let mut all = BTreeMap::from([
        ("userdn".to_owned(), PEOPLE.to_owned()),
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

/// `works`, or what it was with its class, for tables.
pub(crate) fn probed(probe: &Probe) -> String {
    match probe {
        Probe::Works => "works".to_owned(),
        Probe::Refused => "refused".to_owned(),
        Probe::Blocked(fault) => format!("blocked: {}", fault.class),
        Probe::Inconclusive(fault) => format!("inconclusive: {}", fault.class),
    }
}
