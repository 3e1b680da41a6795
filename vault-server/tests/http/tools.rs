//! Small things of `sys`: randomness, digests, help, nodes.

use serde_json::json;

use super::vault::{Disk, Vault};

#[tokio::test]
async fn random_bytes_come_in_the_asked_number_and_encoding() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    for (path, body, length) in [
        ("sys/tools/random", "", 44),
        ("sys/tools/random", r#"{"bytes":16,"format":"hex"}"#, 32),
        ("sys/tools/random", r#"{"bytes":"3","source":"all"}"#, 4),
        ("sys/tools/random/6", "null", 8),
        ("sys/tools/random/seal", r#"{"bytes":3}"#, 4),
        ("sys/tools/random/platform/9", r#"{"format":"hex"}"#, 18),
        ("sys/tools/random/131072", r#"{"format":"hex"}"#, 262_144),
    ] {
        let reply = vault.root("POST", path, body).await;
        assert_eq!(reply.status, 200, "{path} {}", reply.text);
        assert_eq!(reply.at("/data/random_bytes").as_str().unwrap().len(), length, "{path}");
        assert_eq!(reply.at("/warnings"), json!(null));
    }
    let one = vault.root("POST", "sys/tools/random", "").await.at("/data/random_bytes");
    assert_ne!(vault.root("POST", "sys/tools/random", "").await.at("/data/random_bytes"), one);
    for (path, body, reason) in [
        ("sys/tools/random/0", "", "\"bytes\" cannot be less than 1"),
        ("sys/tools/random", r#"{"bytes":131073}"#, "\"bytes\" should be less than 131072"),
        ("sys/tools/random/x", "", "error parsing url-set byte count: \"x\""),
        (
            "sys/tools/random",
            r#"{"format":"oct"}"#,
            "unsupported encoding format \"oct\"; must be \"hex\" or \"base64\"",
        ),
    ] {
        let refused = vault.root("POST", path, body).await;
        assert_eq!((refused.status, refused.errors()), (400, json!([reason])));
    }
}

#[tokio::test]
async fn digests_are_made_of_base64_input() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let token = vault.token("{}").await;
    let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let user = vault.token(r#"{"policies":["default"]}"#).await;
    for (path, body, want) in [
        ("sys/tools/hash", r#"{"input":"YWJj"}"#, sum),
        ("sys/tools/hash/sha2-256", r#"{"input":"YWJj"}"#, sum),
        (
            "sys/tools/hash",
            r#"{"input":"YWJj","algorithm":"sha2-224","format":"base64"}"#,
            "Iwl9IjQF2CKGQqR3vaJVsyqtvOS9oLP342ydpw==",
        ),
    ] {
        for token in [&token, &user] {
            assert_eq!(vault.call("POST", path, token, body).await.at("/data/sum"), want, "{path}");
        }
    }
    for body in [r#"{"input":"!"}"#, r#"{"input":"YWJj","algorithm":"md5"}"#] {
        assert_eq!(vault.root("POST", "sys/tools/hash", body).await.status, 400);
    }
}

#[tokio::test]
async fn each_path_has_a_help_text_for_who_has_a_token() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let token = vault.token(r#"{"policies":["default"]}"#).await;
    for (path, word) in [
        ("sys/mounts?help=1", "sys/mounts"),
        ("sys/leases?help=1", "sys/leases"),
        ("sys/tools?help=1", "sys/tools/random"),
        ("cubbyhole/a/b?help=1", "cubbyhole/<path...>"),
    ] {
        let help = vault.call("GET", path, &token, "").await;
        assert!(help.at("/help").as_str().unwrap().contains(word), "{path}: {}", help.text);
        assert_eq!(help.json().get("request_id"), None);
    }
    assert_eq!(vault.call("GET", "sys/mounts?help=1", "", "").await.status, 403);
    assert_eq!(vault.call("GET", "nowhere/x?help=1", &token, "").await.status, 404);
    assert_eq!(vault.call("GET", "sys/nowhere?help=1", &token, "").await.status, 404);
}

#[tokio::test]
async fn the_one_node_is_the_active_one() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let reply = vault.root("GET", "sys/ha-status", "").await;
    assert_eq!(reply.at("/data/nodes/0/active_node"), true);
    assert_eq!(reply.at("/nodes"), reply.at("/data/nodes"));
}
