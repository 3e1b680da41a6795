//! Puts many accounts into a stopped vault, each lent, through the server's own records and barrier.

use std::sync::Arc;
use std::time::Duration;

use rotators::registry::Registry;
use serde_json::json;
use vault_core::account::wake::wake;
use vault_core::account::{Account, Health, Settings, Subject};
use vault_core::clock::{Clock, SystemClock, Timestamp};
use vault_core::entropy::OsEntropy;
use vault_core::lease::{Borrower, Lease, LeaseState};
use vault_core::path::{AccountPath, Name};
use vault_core::secret::SecretString;
use vault_core::store::batch::Require;
use vault_core::store::due;
use vault_core::store::key::Table;
use vault_server::app::{App, Ports};
use vault_server::barrier::Transaction;
use vault_server::engine::record::{DUE_ACCOUNT, Managed, Secret, managed_name, secret_name};
use vault_server::service::seal::decode_share;
use vault_tests::vault::Vault;

/// Opens the store of the stopped vault and fills it with `count` accounts that are each lent.
pub(crate) async fn fill(vault: &Vault, count: u32) {
    let config = vault_server::config::from_file(&vault.config_file()).unwrap();
    let ports =
        Ports { clock: Arc::new(SystemClock), entropy: Arc::new(OsEntropy), rotators: Registry::shipped() };
    let app = App::open(config, ports).unwrap();
    for share in vault.shares().iter().take(2) {
        app.seal.unseal(decode_share(share, "shamir").unwrap()).await.unwrap();
    }
    let now = SystemClock.now();
    let mut commits = tokio::task::JoinSet::new();
    for first in (0..count).step_by(ACCOUNTS_IN_A_BATCH as usize) {
        let mut batch = app.barrier.transaction().unwrap();
        (first..count.min(first + ACCOUNTS_IN_A_BATCH)).for_each(|number| put(&mut batch, number, now));
        let barrier = app.barrier.clone();
        commits.spawn(async move { barrier.commit(batch).await.unwrap() });
        // A few at once share a sync.
        if commits.len() >= COMMITS_AT_ONCE {
            commits.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(done) = commits.join_next().await {
        done.unwrap();
    }
    app.end().await;
}

/// One account as a check-out leaves it.
fn put(batch: &mut Transaction, number: u32, now: Timestamp) {
    let (path, target) = (AccountPath::parse(&path(number)).unwrap(), Name::parse("pg").unwrap());
    let (subject, username) = (Subject::Account(path.clone()), format!("role_{number}"));
    let settings = Settings::default();
    let mut account = Account::new(subject.clone(), target.clone(), username.clone(), settings, now);
    let version = account.adopt_known(now).number;
    account.health = Health::Verified(now);
    // Far from over when the measurement ends, and not all at one moment.
    let expires_at = now.plus(Duration::from_secs(7 * 3600) + Duration::from_millis(number.into()));
    let lease = Lease {
        id: format!("accounts/check-out/{path}/{number:024}"),
        subject: subject.key(),
        borrower: Borrower {
            id: format!("accessor-{number:015}"),
            name: "token-somebody".to_owned(),
            token: format!("{number:064x}"),
            accessor: format!("accessor-{number:015}"),
        },
        generation: 1,
        version,
        issued_at: now,
        expires_at,
        max_expires_at: expires_at,
        ttl: None,
        pool: None,
        renewed_at: None,
        reason: Some("the nightly batch of invoices".to_owned()),
        ticket: Some("OPS-4711".to_owned()),
        state: LeaseState::Active,
        ending: None,
        closing: None,
        closed_at: None,
    };
    account.lending.generation = 1;
    account.lending.holder = Some(lease.clone());
    account.armed = wake(&account);
    if let Some(at) = account.armed {
        batch.mark(Table::Due, due::encode(at, DUE_ACCOUNT, subject.key().as_bytes()));
    }
    let mut index = data_encoding::HEXLOWER.decode(lease.borrower.token.as_bytes()).unwrap();
    index.extend_from_slice(lease.id.as_bytes());
    batch.mark(Table::TokenLease, index);
    batch.put(lease.id.as_str(), Require::Absent, &lease);
    let password = SecretString::new(format!("password of number {number}"));
    batch.put(secret_name(&subject, version), Require::Absent, &Secret::of(password));
    let managed = Managed { subject: subject.key() };
    batch.put(managed_name(&target, &username), Require::Absent, &managed);
    batch.put(subject.key(), Require::Absent, &account);
}

/// The running program finds what was put there.
pub(crate) async fn look(vault: &Vault, count: u32) {
    for number in [0, count / 2, count - 1] {
        let path = path(number);
        let status = vault.get(&format!("accounts/status/{path}")).await.unwrap();
        assert_eq!(status.data().unwrap()["holder"]["state"], json!("active"), "{path}");
        let credential = vault.get(&format!("accounts/creds/{path}")).await.unwrap();
        assert_eq!(credential.text("/data/password"), format!("password of number {number}"));
        let lease = json!({ "lease_id": format!("accounts/check-out/{path}/{number:024}") });
        assert!(vault.post("sys/leases/lookup", lease).await.unwrap().is_success());
    }
    let verified = vault.post("sys/integrity/verify", json!({})).await.unwrap();
    assert_eq!(verified.data().unwrap()["ok"], json!(true));
    let records = verified.data().unwrap()["records"].as_u64().unwrap();
    assert!(records >= u64::from(count) * RECORDS_OF_AN_ACCOUNT, "{records}");
}

fn path(number: u32) -> String {
    format!("team-{}/app-{number}", number % 100)
}

/// Six records each; a batch holds at most 128.
const ACCOUNTS_IN_A_BATCH: u32 = 21;
const RECORDS_OF_AN_ACCOUNT: u64 = 6;
const COMMITS_AT_ONCE: usize = 16;
