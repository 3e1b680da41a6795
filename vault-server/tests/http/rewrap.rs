//! Key rotation: every record moves, whatever crashes and whoever writes meanwhile, and the old key goes.

use serde_json::json;
use vault_core::crypto::Keyring;
use vault_core::store::key::Table;
use vault_server::service::rewrap::Step;

use crate::vault::{Disk, Vault};

/// The generations under which records stand, except the seal's own and the index entries.
fn generations(vault: &Vault) -> Vec<u32> {
    let mut found: Vec<u32> = Table::ALL
        .into_iter()
        .filter(|table| *table != Table::Seal)
        .flat_map(|table| vault.app.barrier.store().scan(table, b"", None, 100_000).unwrap())
        .filter(|(_, stored)| !stored.bytes.is_empty())
        .map(|(_, stored)| Keyring::generation_of(&stored.bytes).unwrap().number())
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

async fn filled(disk: &Disk) -> (Vault, String, Vec<String>) {
    let (vault, share) = Vault::ready(disk).await;
    let mut tokens = Vec::new();
    for _ in 0..100 {
        tokens.push(vault.token(r#"{"policies":["default"]}"#).await);
    }
    (vault, share, tokens)
}

#[tokio::test]
async fn all_records_move_and_the_old_generation_goes() {
    let disk = Disk::new();
    let (vault, share, tokens) = filled(&disk).await;
    assert_eq!(generations(&vault), [1]);
    assert_eq!(vault.root("PUT", "sys/rotate", "").await.status, 204);
    let begun = vault.root("GET", "sys/key-status", "").await;
    assert_eq!((begun.at("/term"), begun.at("/data/older_generations")), (json!(2), json!(1)));
    while vault.app.rewrap.step().await.unwrap() == Step::More {}

    assert_eq!(generations(&vault), [2]);
    let done = vault.root("GET", "sys/key-status", "").await;
    assert_eq!(done.at("/data/older_generations"), 0);
    assert_eq!(done.at("/data/rewrap/remaining"), 0);
    let root = vault.root.clone();
    drop(vault);
    let vault = disk.start();
    vault.unseal(&share).await;
    for token in tokens.iter().chain([&root]) {
        assert_eq!(vault.call("GET", "auth/token/lookup-self", token, "").await.status, 200);
    }
    assert!(vault.app.barrier.store().verify().unwrap().is_intact());
}

#[tokio::test]
async fn a_crash_after_any_step_loses_nothing_and_the_rest_is_moved() {
    let disk = Disk::new();
    let (vault, share, tokens) = filled(&disk).await;
    vault.root("PUT", "sys/rotate", "").await;
    let mut vault = vault;
    let mut steps = 0;
    loop {
        let outcome = vault.app.rewrap.step().await.unwrap();
        steps += 1;
        drop(vault);
        vault = disk.start();
        vault.unseal(&share).await;
        let sample = &tokens[steps % tokens.len()];
        assert_eq!(vault.call("GET", "auth/token/lookup-self", sample, "").await.status, 200, "step {steps}");
        if outcome == Step::Done {
            break;
        }
    }
    assert!(steps > 5, "{steps} steps are no test");
    assert_eq!(generations(&vault), [2]);
    assert_eq!(vault.app.seal.key_state().unwrap().older, 0);
}

#[tokio::test]
async fn writers_and_a_second_rotation_do_not_disturb_it() {
    let disk = Disk::new();
    let (vault, _, tokens) = filled(&disk).await;
    vault.root("PUT", "sys/rotate", "").await;
    for (round, token) in tokens.iter().take(40).enumerate() {
        vault.app.rewrap.step().await.unwrap();
        vault.token(r#"{"policies":["default"]}"#).await;
        let renewed = vault.call("POST", "auth/token/renew-self", token, "").await;
        assert_eq!(renewed.status, 200, "{}", renewed.text);
        if round == 2 {
            assert_eq!(vault.root("PUT", "sys/rotate", "").await.status, 204);
        }
    }
    while vault.app.rewrap.step().await.unwrap() == Step::More {}
    assert_eq!(generations(&vault), [3]);
    assert_eq!(vault.app.seal.key_state().unwrap().older, 0);
}

#[tokio::test]
async fn a_transaction_from_before_the_rotation_is_refused() {
    use vault_core::store::batch::Require;
    use vault_server::barrier::CommitError;
    use vault_server::service::policy::PolicyRecord;

    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let record = PolicyRecord { text: "path \"a\" { capabilities = [\"read\"] }".to_owned() };
    let mut late = vault.app.barrier.transaction().unwrap();
    late.put("late", Require::Absent, &record);
    vault.root("PUT", "sys/rotate", "").await;
    let outcome = vault.app.barrier.commit(late).await;
    assert!(matches!(outcome, Err(CommitError::Conflict)), "{outcome:?}");
}
