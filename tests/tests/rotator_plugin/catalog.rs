//! `sys/plugins/catalog` and `rotunda plugin`.

use serde_json::json;
use vault_tests::plugin::{example, put};
use vault_tests::vault::Vault;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_is_registered_shown_and_forgotten_at_the_command_line() {
    let vault = Vault::start().await.unwrap();
    put(&example("redis_acl.py"), &vault.plugins(), "redis_acl.py").unwrap();
    let run = |words: &[&str]| {
        let output = vault.command().unwrap().args(words).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let wrong = "0".repeat(64);
    let (code, said) = run(&["plugin", "register", "redis", "--command", "redis_acl.py", "--sha256", &wrong]);
    assert!(code == Some(1) && said.contains("SHA-256 differs"), "{said}");
    let sum =
        std::process::Command::new("sha256sum").arg(vault.plugins().join("redis_acl.py")).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap()[..64].to_owned();
    let words = ["plugin", "register", "rotator", "redis", "--command", "redis_acl.py", "--sha256", &sum];
    let (code, said) = run(&words);
    assert!(code == Some(0) && said.contains("rotator=plugin:redis"), "{said}");
    let (_, said) = run(&["plugin", "list"]);
    assert!(said.lines().any(|line| line == "postgresql") && said.contains("redis"), "{said}");
    let (_, said) = run(&["plugin", "read", "redis", "--format", "json"]);
    assert!(said.contains(&sum) && said.contains("\"overlaps\": true"), "{said}");
    let (code, _) = run(&["plugin", "deregister", "redis"]);
    assert_eq!(code, Some(0));
    let gone = vault.get("sys/plugins/catalog/rotator/redis").await.unwrap();
    assert_eq!(gone.status, 200, "the rotator of that name that is built in");
    assert_eq!(gone.body["data"]["builtin"], json!(true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_catalog_answers_as_vaults_does() {
    let vault = Vault::start().await.unwrap();
    let all = vault.get("sys/plugins/catalog").await.unwrap();
    assert_eq!(all.body["data"]["auth"], json!(["approle", "userpass"]));
    let builtin = vault.get("sys/plugins/catalog/database/postgresql-database-plugin").await.unwrap();
    assert_eq!(builtin.body["data"]["builtin"], json!(true), "{}", builtin.body);
    for (path, body, status) in [
        ("sys/plugins/catalog/database/own", json!({ "sha256": "0".repeat(64), "command": "own" }), 400),
        ("sys/plugins/catalog/nonsense/own", json!({ "sha256": "0".repeat(64), "command": "own" }), 400),
        ("sys/plugins/catalog/rotator/own", json!({ "command": "own" }), 400),
        ("sys/plugins/catalog/rotator/own", json!({ "sha256": "0".repeat(64), "command": "../own" }), 400),
        ("sys/plugins/catalog/rotator/own", json!({ "sha256": "0".repeat(64), "command": "absent" }), 400),
    ] {
        let answer = vault.post(path, body).await.unwrap();
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    }
    assert_eq!(vault.get("sys/plugins/catalog/rotator/own").await.unwrap().status, 404);
    // As Vault's, the catalog asks for sudo.
    let policy =
        json!({ "policy": "path \"sys/plugins/*\" { capabilities = [\"create\", \"update\", \"read\"] }" });
    vault.post("sys/policies/acl/meek", policy).await.unwrap();
    let token = vault.token("meek", &["meek"]).await.unwrap();
    let path = "sys/plugins/catalog/rotator/own";
    let refused = vault.call(reqwest::Method::GET, path, None, &token).await.unwrap();
    assert_eq!(refused.status, 403);
    let unknown = json!({
        "rotator": "plugin:own", "connection_url": "x", "username": "a", "password": "b",
    });
    let target = vault.post("targets/config/t", unknown).await.unwrap();
    assert!(target.status == 400 && target.errors().contains("plugin:<name>"), "{}", target.body);
}
