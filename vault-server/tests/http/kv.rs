//! Static secrets as clients use them, versions 1 and 2.

mod around;
mod plain;
mod race;
mod upgrade;
mod versioned;

use crate::vault::{Disk, Reply, Vault};

/// A vault with `kv/` of version 2 and `old/` of version 1.
async fn ready(disk: &Disk) -> Vault {
    let (vault, _) = Vault::ready(disk).await;
    mount(&vault, "kv", "2").await;
    mount(&vault, "old", "1").await;
    vault
}

async fn mount(vault: &Vault, path: &str, version: &str) {
    let body = format!(r#"{{"type":"kv","options":{{"version":"{version}"}}}}"#);
    let reply = vault.root("POST", &format!("sys/mounts/{path}"), &body).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
}

/// Writes `data` as the next version of `path`.
async fn put(vault: &Vault, path: &str, data: &str) -> Reply {
    let reply = vault.root("POST", &format!("kv/data/{path}"), &format!(r#"{{"data":{data}}}"#)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply
}

async fn patch(vault: &Vault, path: &str, token: &str, body: &str) -> Reply {
    let headers = [("X-Vault-Token", token), ("Content-Type", "application/merge-patch+json")];
    vault.raw("PATCH", &format!("/v1/{path}"), &headers, body).await
}
