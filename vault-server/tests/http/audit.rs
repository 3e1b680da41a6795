//! The audit file: nothing is answered unrecorded, and no secret is in it.

use serde_json::{Value, json};
use vault_core::audit::{VerifyOptions, verify_file};

use crate::vault::{Disk, Vault};

fn lines(disk: &Disk) -> Vec<Value> {
    let text = std::fs::read_to_string(&disk.config.audit_file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn requests_answers_and_refusals_are_recorded_without_secrets() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let token = vault.token(r#"{"policies":["default"],"meta":{"canary":"canary-7f3a"}}"#).await;
    vault.call("GET", "sys/key-status", &token, "").await;
    vault.call("GET", "sys/key-status", "hvs.canary7f3aunknown", "").await;

    let text = std::fs::read_to_string(&disk.config.audit_file).unwrap();
    for secret in [vault.root.as_str(), &token, "canary-7f3a", "canary7f3a"] {
        assert!(!text.contains(secret), "{secret} is in the trail");
    }
    let lines = lines(&disk);
    let of = |kind: &str, path: &str| {
        lines
            .iter()
            .filter(|line| line["type"] == kind && line["request"]["path"] == path)
            .cloned()
            .collect::<Vec<_>>()
    };
    let created = of("response", "auth/token/create");
    let hash = vault.root("POST", "sys/audit-hash/file", &json!({ "input": token }).to_string()).await;
    assert_eq!(created[0]["response"]["auth"]["client_token"], hash.at("/data/hash"));
    assert_eq!(hash.at("/hash"), hash.at("/data/hash"));
    let refused = of("request", "sys/key-status");
    assert_eq!(refused.len(), 2);
    assert_eq!(refused[0]["auth"]["policies"], json!(["default"]));
    assert!(refused[0]["error"].as_str().unwrap().contains("permission denied"));
    assert!(refused[1]["auth"]["client_token"].as_str().unwrap().starts_with("hmac-sha256:"));
    assert!(of("response", "sys/key-status").is_empty());
}

#[tokio::test]
async fn without_the_file_nothing_is_answered_or_done() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    std::fs::remove_file(&disk.config.audit_file).unwrap();
    disk.clock.advance(std::time::Duration::from_secs(60));
    let body = r#"{"policy":"path \"a\" { capabilities = [\"read\"] }"}"#;
    for (method, path, body) in [
        ("GET", "auth/token/lookup-self", ""),
        ("PUT", "sys/policies/acl/unseen", body),
        ("GET", "sys/bogus", ""),
    ] {
        let reply = vault.root(method, path, body).await;
        assert_eq!(reply.status, 500, "{path}: {}", reply.text);
        assert!(!reply.text.contains("data"), "{path}: {}", reply.text);
    }
    assert_eq!(vault.call("GET", "auth/token/lookup-self", "", "").await.status, 500, "nor a refusal");
    assert_eq!(vault.call("GET", "sys/health", "", "").await.status, 200, "what needs no token goes on");

    vault.app.audit.reopen(vault.app.clock.now()).unwrap();
    assert_eq!(vault.root("GET", "auth/token/lookup-self", "").await.status, 200);
    assert_eq!(vault.root("GET", "sys/policies/acl/unseen", "").await.status, 404, "it was not written");
}

#[tokio::test]
async fn without_a_place_for_the_file_the_vault_stays_sealed() {
    let mut disk = Disk::new();
    disk.config.audit_file = disk.dir.path().join("missing/audit.log");
    let vault = disk.start();
    let init = vault.call("PUT", "sys/init", "", r#"{"secret_shares":1,"secret_threshold":1}"#).await;
    let share = json!({ "key": init.at("/keys/0") }).to_string();
    assert_eq!(vault.call("PUT", "sys/unseal", "", &share).await.status, 500);
    assert_eq!(vault.call("GET", "sys/seal-status", "", "").await.at("/sealed"), true);
    std::fs::create_dir(disk.dir.path().join("missing")).unwrap();
    assert_eq!(vault.call("PUT", "sys/unseal", "", &share).await.at("/sealed"), false);
}

#[tokio::test]
async fn the_trail_verifies_over_seals_and_ends() {
    let disk = Disk::new();
    let (vault, share) = Vault::ready(&disk).await;
    let key = vault.root("GET", "sys/audit", "").await.at("/data/chain~1/options/public_key");
    assert_eq!(vault.root("PUT", "sys/seal", "").await.status, 204);
    vault.unseal(&share).await;
    vault.root("GET", "auth/token/lookup-self", "").await;
    vault.app.end().await;

    let public_key = vault_core::audit::PublicKey::parse(key.as_str().unwrap());
    let report =
        verify_file(&disk.config.audit_file, &VerifyOptions { public_key, ..VerifyOptions::default() })
            .unwrap();
    assert!(report.is_intact(), "{report:?}");
    assert!(report.is_key_pinned);
    let sealed = lines(&disk).iter().any(|line| line["request"]["path"] == "sys/seal");
    assert!(sealed, "the seal itself is on record");
}

#[tokio::test]
async fn an_unknown_sink_has_no_hash() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let reply = vault.root("POST", "sys/audit-hash/syslog", r#"{"input":"x"}"#).await;
    assert_eq!((reply.status, reply.errors()), (400, json!(["unknown audit backend"])));
}

#[tokio::test]
async fn a_text_that_is_far_too_long_is_a_digest_in_the_trail_and_refused_as_any_other() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let token = vault.token(r#"{"policies":["default"]}"#).await;
    let long = "A".repeat(9_000_000);
    let before = std::fs::metadata(&vault.app.config.audit_file).unwrap().len();
    for path in ["accounts/check-out/x", "silences", "incidents/x/review"] {
        let body = json!({ "reason": long, "cause": long, "text": long }).to_string();
        let refused = vault.call("POST", path, &token, &body).await;
        assert!([403, 413].contains(&refused.status), "{path}: {} {}", refused.status, refused.errors());
    }
    let grown = std::fs::metadata(&vault.app.config.audit_file).unwrap().len() - before;
    assert!(grown < 20_000, "{grown}");
    assert_eq!(vault.app.audit.health().unwrap().failures, 0);
}
