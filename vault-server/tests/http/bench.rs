//! A vault with one scripted target, and a person who may do everything.

use std::marker::PhantomData;
use std::sync::Arc;

use rotators::fake::FakeTarget;
use rotators::registry::Registry;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vault_core::account::{Account, Subject};
use vault_core::path::{AccountPath, Name};
use vault_core::store::batch::Require;
use vault_core::store::key::Table;
use vault_server::barrier::Record;

use super::vault::{Disk, Reply, Vault};

/// The target `t` with the management credential `manager`, and the accounts a test makes on it.
pub(crate) struct Bench {
    pub(crate) disk: Disk,
    pub(crate) vault: Vault,
    pub(crate) target: Arc<FakeTarget>,
    share: String,
}

/// What stands where a record of type `R` was.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Damaged<R>(PhantomData<fn() -> R>);

impl<R: Record> Record for Damaged<R> {
    const TABLE: Table = R::TABLE;
    const VERSION: u8 = 200;
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(|target| target).await
    }

    /// With a rotator that `wrap` makes of the scripted target.
    pub(crate) async fn with<R>(wrap: impl FnOnce(Arc<FakeTarget>) -> Arc<R>) -> Self
    where
        R: vault_core::rotation::port::Rotator + 'static,
    {
        Self::over(Disk::new(), FakeTarget::new(), wrap).await
    }

    /// With a server that takes so many connections.
    pub(crate) async fn limited_to(connections: usize) -> Self {
        let mut disk = Disk::new();
        disk.config.connections_max = connections;
        Self::over(disk, FakeTarget::new(), |target| target).await
    }

    /// Over this disk, with what its configuration says.
    pub(crate) async fn on(disk: Disk) -> Self {
        Self::over(disk, FakeTarget::new(), |target| target).await
    }

    /// With a target where two passwords live side by side.
    pub(crate) async fn overlapping() -> Self {
        Self::over(Disk::new(), FakeTarget::overlapping(), |target| target).await
    }

    async fn over<R>(mut disk: Disk, target: FakeTarget, wrap: impl FnOnce(Arc<FakeTarget>) -> Arc<R>) -> Self
    where
        R: vault_core::rotation::port::Rotator + 'static,
    {
        let target = Arc::new(target);
        target.create_account("manager", "m-1");
        disk.rotators = Registry::default().with(wrap(Arc::clone(&target)));
        let (vault, share) = Vault::ready(&disk).await;
        let bench = Self { disk, vault, target, share };
        bench.vault.app.tokens.set_watcher(Arc::new(bench.vault.app.leases.clone()));
        bench.configure_target(json!({ "password": "m-1" })).await.expect_status(204);
        bench
    }

    /// Another process over the same disk, unsealed. The one before is simply forgotten, as in a crash.
    pub(crate) async fn restart(&mut self) {
        let root = std::mem::take(&mut self.vault.root);
        self.vault = self.disk.start();
        self.vault.root = root;
        self.vault.unseal(&self.share).await;
    }

    pub(crate) async fn unseal(&self) {
        self.vault.unseal(&self.share).await;
    }

    pub(crate) async fn configure_target(&self, more: Value) -> Reply {
        let mut body = json!({ "rotator": "fake", "connection_url": "fake://t", "username": "manager" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.vault.root("POST", "targets/config/t", &body.to_string()).await
    }

    /// Deletes an account or a target by a hand-over, in its two steps; the passwords.
    pub(crate) async fn handed_over(&self, path: &str) -> Vec<String> {
        let path = format!("{path}?disposal=hand-over");
        let handed = self.vault.root("DELETE", &path, "").await;
        handed.expect_status(200);
        let confirm = handed.at("/data/confirm").as_str().unwrap().to_owned();
        self.vault.root("DELETE", &format!("{path}&confirm={confirm}"), "").await.expect_status(204);
        let passwords = handed.at("/data/passwords");
        passwords.as_array().unwrap().iter().map(|one| one["password"].as_str().unwrap().to_owned()).collect()
    }

    /// Configures `accounts/config/<name>` for the user of that name, whom the target knows by `password`.
    pub(crate) async fn account(&self, name: &str, password: &str) {
        self.target.create_account(name, password);
        let body = json!({ "target": "t", "username": name, "password": password });
        self.post(&format!("accounts/config/{name}"), body).await.expect_status(200);
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.vault.root("POST", path, &body.to_string()).await
    }

    pub(crate) async fn post_owned(&self, path: String) -> Reply {
        self.vault.root("POST", &path, "").await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.vault.root("GET", path, "").await
    }

    pub(crate) fn record(&self, name: &str) -> Account {
        self.find(name).unwrap()
    }

    pub(crate) fn record_of_manager(&self) -> Account {
        let subject = Subject::Management(Name::parse("t").unwrap());
        self.vault.app.engine.account(&subject).unwrap().unwrap().value
    }

    pub(crate) fn find(&self, name: &str) -> Option<Account> {
        let subject = Subject::Account(AccountPath::parse(name).unwrap());
        self.vault.app.engine.account(&subject).unwrap().map(|loaded| loaded.value)
    }

    /// What the vault would hand out.
    pub(crate) async fn password(&self, name: &str) -> String {
        let reply = self.get(&format!("accounts/creds/{name}")).await;
        reply.expect_status(200);
        reply.at("/data/password").as_str().unwrap().to_owned()
    }

    /// Takes a stored password out of the store, as damage behind the vault's back would.
    pub(crate) async fn lose_secret(&self, name: &str, version: u64) {
        use vault_server::engine::record::{Secret, secret_name};
        let barrier = &self.vault.app.barrier;
        let name = secret_name(&Subject::Account(AccountPath::parse(name).unwrap()), version);
        let mut batch = barrier.transaction().unwrap();
        batch.delete::<Secret>(name.clone(), barrier.revision::<Secret>(name).unwrap().unwrap());
        barrier.commit(batch).await.unwrap();
    }

    /// Makes the record of an account unreadable, as damage behind the vault's back would.
    pub(crate) async fn damage(&self, name: &str) {
        let key = Subject::Account(AccountPath::parse(name).unwrap()).key();
        self.damage_record::<Account>(key.as_bytes()).await;
    }

    /// Makes the record `name` of the table of `R` unreadable.
    pub(crate) async fn damage_record<R: Record>(&self, name: &[u8]) {
        let barrier = &self.vault.app.barrier;
        let revision = barrier.revision::<R>(name).unwrap().unwrap();
        let mut batch = barrier.transaction().unwrap();
        batch.put(name, Require::At(revision), &Damaged::<R>(PhantomData));
        barrier.commit(batch).await.unwrap();
    }

    /// The scheduler looks at everything that is due; then all that it began comes to rest.
    pub(crate) async fn tick(&self) {
        let mut after = None;
        loop {
            after = self.vault.app.engine.look(after).await.unwrap();
            if after.is_none() {
                break;
            }
        }
        self.rest().await;
    }

    /// Waits until nobody works on any account.
    pub(crate) async fn rest(&self) {
        until(|| self.vault.app.engine.flights().is_empty()).await;
    }

    /// The audit file's entries of the vault's own acts: event and path.
    pub(crate) fn system_entries(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.vault.app.config.audit_file).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line.to_string().contains("\"system\"")).collect()
    }
}

impl Reply {
    #[track_caller]
    pub(crate) fn expect_status(&self, status: u16) {
        assert_eq!(self.status, status, "{}", self.text);
    }
}

/// Lets other tasks run until `done`; gives up long after any of them should have.
#[track_caller]
pub(crate) fn until(done: impl Fn() -> bool) -> impl Future<Output = ()> {
    let place = std::panic::Location::caller();
    async move {
        for _ in 0..2_000_000 {
            if done() {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("what {place} waits for does not happen");
    }
}
