//! Every engine keeps the contract of the store's port.

#![expect(clippy::unwrap_used, reason = "a test: what fails ends it")]

use std::sync::Arc;

use vault_core::store::engine::Engine;
use vault_core::store::{EngineKind, EngineOptions, MemoryEngine, contract, open_engine};

fn small() -> EngineOptions {
    EngineOptions { cache_bytes: 16 * 1024 * 1024, ..EngineOptions::default() }
}

fn keeps_the_contract_on_disk(kind: EngineKind) {
    for (promise, case) in contract::CASES {
        let dir = tempfile::tempdir().unwrap();
        let outcome = case(&|| open_engine(kind, dir.path(), &small()).unwrap());
        assert!(outcome.is_ok(), "{} breaks \"{promise}\": {}", kind.as_str(), outcome.unwrap_err());
    }
}

#[test]
fn memory_keeps_the_contract() {
    for (promise, case) in contract::CASES {
        let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
        let outcome = case(&|| Arc::clone(&engine));
        assert!(outcome.is_ok(), "memory breaks \"{promise}\": {}", outcome.unwrap_err());
    }
}

#[test]
fn sled_keeps_the_contract() {
    keeps_the_contract_on_disk(EngineKind::Sled);
}

#[test]
fn redb_keeps_the_contract() {
    keeps_the_contract_on_disk(EngineKind::Redb);
}
