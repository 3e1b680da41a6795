//! Consumers that read the credential anew for each login, through rotations on a target where two can live side by
//! side: none of them is ever refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::json;
use vault_tests::vault::Vault;

use crate::server::Server;
use crate::story::{adopted, served, until_at_rest};

/// Rotates again and again under the eyes of readers.
pub(crate) async fn play<S: Server + Send + 'static>(server: S) {
    let vault = Vault::start().await.unwrap();
    let server = Arc::new(server);
    let first = adopted(&vault, server.as_ref(), "app", "app").await;
    // Longer than a consumer takes from its read to its login, shorter than patience.
    let policy = json!({ "rotation_period": "24h", "grace": "1s", "retry_base": "1s", "retry_cap": "1s" });
    assert!(vault.post("rotation-policies/quick", policy).await.unwrap().is_success());
    let over = Arc::new(AtomicBool::new(false));
    let logins = Arc::new(AtomicU32::new(0));
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let (caller, server) = (vault.caller(), Arc::clone(&server));
        let (over, logins) = (Arc::clone(&over), Arc::clone(&logins));
        readers.push(tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                let path = "accounts/creds/app";
                let answer =
                    caller.call(reqwest::Method::GET, path, None, vault_tests::vault::ROOT).await.unwrap();
                let read = vault_tests::world::Credential::of(&answer).unwrap();
                let accepted = server.accepts(&read.username, &read.password).await.unwrap();
                assert!(accepted, "version {} was read, and the target refused it", read.version);
                logins.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    for _ in 0..ROTATIONS {
        assert!(vault.post("accounts/rotate/app", json!({})).await.unwrap().is_success());
        until_at_rest(&vault, "app").await;
    }
    over.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    let logins = logins.load(Ordering::Relaxed);
    assert_eq!(served(&vault, "app").await.version, first.version + u64::from(ROTATIONS));
    println!("{logins} logins of {READERS} readers through {ROTATIONS} rotations: none refused");
    assert!(logins > ROTATIONS * READERS, "the readers hardly logged in: {logins}");
}

const READERS: u32 = 4;
const ROTATIONS: u32 = 8;
