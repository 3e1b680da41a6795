//! What the server tells of itself: its versions, its machine, its settings.

use serde_json::json;
use vault_core::clock::Timestamp;
use vault_server::VERSION;

use crate::vault::{Disk, Vault, seconds};

const ALL_BUT_SUDO: &str =
    r#"path "sys/*" { capabilities = ["create", "read", "update", "delete", "list"] }"#;

/// A token that may do everything below `sys/` that needs no sudo.
async fn without_sudo(vault: &Vault) -> String {
    vault.policy("no-sudo", ALL_BUT_SUDO).await;
    vault.token(r#"{"policies":["no-sudo"]}"#).await
}

#[tokio::test]
async fn the_version_is_noted_at_the_first_unseal_and_stays_as_it_was() {
    let disk = Disk::new();
    let (vault, share) = Vault::ready(&disk).await;
    let noted = disk.clock_text();
    let want = json!({
        "keys": [VERSION],
        "key_info": { VERSION: {
            "timestamp_installed": noted, "build_date": built(), "commit_date": built(), "previous_version": null,
        } },
    });
    let token = without_sudo(&vault).await;
    assert_eq!(vault.call("LIST", "sys/version-history", &token, "").await.at("/data"), want);
    assert_eq!(vault.call("GET", "sys/version-history?list=true", &token, "").await.at("/data"), want);

    // The same version notes nothing, in this process or in the next.
    disk.clock.advance(seconds(60));
    assert_eq!(vault.root("PUT", "sys/seal", "").await.status, 204);
    assert_eq!(vault.root("LIST", "sys/version-history", "").await.status, 503);
    vault.unseal(&share).await;
    assert_eq!(vault.root("LIST", "sys/version-history", "").await.at("/data"), want);
    let root = vault.root.clone();
    drop(vault);
    let mut vault = disk.start();
    vault.root = root;
    vault.unseal(&share).await;
    assert_eq!(vault.root("LIST", "sys/version-history", "").await.at("/data"), want);

    assert_eq!(vault.root("GET", "sys/version-history", "").await.status, 405);
    assert_eq!(vault.call("LIST", "sys/version-history", "", "").await.status, 403);
    let default = vault.token(r#"{"policies":["default"]}"#).await;
    assert_eq!(vault.call("LIST", "sys/version-history", &default, "").await.status, 403);
}

fn built() -> String {
    let time = vault_server::SOURCE_TIME.and_then(|text| text.parse().ok());
    time.map(|secs| Timestamp::from_secs(secs).to_rfc3339()).unwrap_or_default()
}

#[tokio::test]
async fn the_machine_is_told_with_vaults_names() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let token = without_sudo(&vault).await;
    let reply = vault.call("GET", "sys/host-info", &token, "").await;
    assert_eq!((reply.status, reply.at("/warnings")), (200, json!(null)), "{}", reply.text);
    let data = reply.at("/data");
    assert_eq!(data["timestamp"], json!(disk.clock_text()));
    let number = |pointer: &str| {
        data.pointer(pointer)
            .and_then(serde_json::Value::as_f64)
            .unwrap_or_else(|| panic!("{pointer} in {data}"))
    };
    let cpus = std::thread::available_parallelism().unwrap().get();
    assert!(data["cpu"].as_array().unwrap().len() >= cpus, "{}", data["cpu"]);
    assert_eq!(data["cpu_times"].as_array().unwrap().len(), data["cpu"].as_array().unwrap().len());
    assert!(number("/cpu_times/0/user") + number("/cpu_times/0/idle") > 0.0);
    assert!(number("/memory/total") >= number("/memory/available") && number("/memory/available") > 0.0);
    assert!((0.0..=100.0).contains(&number("/memory/usedPercent")));
    assert_eq!((&data["host"]["os"], number("/host/procs") > 0.0), (&json!("linux"), true));
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert_eq!(data["host"]["kernelVersion"], kernel.trim());
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(data["host"]["hostname"], name.trim());
    for disk in data["disk"].as_array().unwrap() {
        let (total, used) = (disk["total"].as_u64().unwrap(), disk["used"].as_u64().unwrap());
        assert!(used <= total && disk["path"].as_str().unwrap().starts_with('/'), "{disk}");
    }

    assert_eq!(vault.call("GET", "sys/host-info", "", "").await.status, 403);
    let default = vault.token(r#"{"policies":["default"]}"#).await;
    assert_eq!(vault.call("GET", "sys/host-info", &default, "").await.status, 403);
}

#[tokio::test]
async fn the_settings_in_force_are_told() {
    let mut disk = Disk::new();
    disk.config.default_ttl = seconds(3600);
    disk.config.requests_per_second = 77;
    let (vault, _) = Vault::ready(&disk).await;
    let token = without_sudo(&vault).await;
    let reply = vault.call("GET", "sys/config/state/sanitized", &token, "").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    for (pointer, want) in [
        ("/data/default_lease_ttl", json!(3600)),
        ("/data/max_lease_ttl", json!(2_764_800)),
        ("/data/listeners/0/type", json!("tcp")),
        ("/data/listeners/0/config", json!({ "address": "127.0.0.1:0", "tls_disable": true })),
        ("/data/storage/path", json!(disk.config.data_dir)),
        ("/data/audit_file", json!(disk.config.audit_file)),
        ("/data/limits/requests_per_second", json!(77)),
        ("/data/seals", json!([{ "type": "shamir", "disabled": false }])),
    ] {
        assert_eq!(reply.at(pointer), want, "{pointer}");
    }
    let default = vault.token(r#"{"policies":["default"]}"#).await;
    assert_eq!(vault.call("GET", "sys/config/state/sanitized", &default, "").await.status, 403);
}
