//! Check-out sets in the shape of Vault's LDAP engine, over real PostgreSQL roles: told to Rotunda alone, since OpenBao's
//! engine is no part of its program.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use vault_tests::vault::ROOT;
use vault_tests::world::{Credential, World};

use crate::installed;
use crate::script::{ended, scrub};

/// The accounts `lib_a` and `lib_b`, named as their roles are.
async fn world() -> World {
    let world = World::new().await.unwrap();
    for name in ["lib_a", "lib_b"] {
        world.adopted(name, name).await.unwrap();
    }
    world
}

/// Runs a client's program, and gives back what it printed.
async fn run(world: &World, mut command: Command) -> String {
    scrub(&mut command);
    command.env("VAULT_ADDR", world.vault.address()).env("VAULT_TOKEN", ROOT).stdin(Stdio::null());
    command.env("BAO_ADDR", world.vault.address()).env("BAO_TOKEN", ROOT);
    let output = ended(command).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// A story prints what it has checked out and in: it must be dead on the server.
async fn is_dead(world: &World, printed: &str) {
    let lines: Vec<Value> = printed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(!lines.is_empty(), "{printed}");
    for line in lines {
        let credential = Credential {
            username: line["service_account_name"].as_str().unwrap().to_owned(),
            password: line["password"].as_str().unwrap().to_owned(),
            version: 0,
            lease: String::new(),
        };
        assert!(!world.accepts(&credential).await.unwrap(), "{} still logs in", credential.username);
    }
}

#[tokio::test]
async fn hvac_borrows_from_a_set() {
    let world = world().await;
    let mut command = Command::new(installed::python());
    command.arg("-B").arg(installed::stories("hvac").join("library.py"));
    let printed = run(&world, command).await;
    is_dead(&world, &printed).await;
}

#[tokio::test]
async fn node_vault_borrows_from_a_set() {
    let world = world().await;
    let mut command = Command::new("node");
    command.arg(installed::stories("node").join("library.js"));
    command.env("NODE_PATH", installed::node_modules());
    let printed = run(&world, command).await;
    is_dead(&world, &printed).await;
}

#[tokio::test]
async fn bao_borrows_from_a_set() {
    let world = world().await;
    let bao = async |words: &[&str]| {
        let mut command = Command::new(installed::bao());
        command.args(words);
        run(&world, command).await
    };
    bao(&["secrets", "enable", "-path=dir", "ldap"]).await;
    bao(&["write", "dir/library/ops", "service_account_names=lib_a,lib_b", "ttl=10h", "max_ttl=20h"]).await;
    assert!(bao(&["list", "dir/library"]).await.contains("ops"));
    let read = bao(&["read", "dir/library/ops"]).await;
    assert!(read.contains("[lib_a lib_b]") && read.contains("10h"), "{read}");
    let lent: Value =
        serde_json::from_str(&bao(&["write", "-format=json", "-f", "dir/library/ops/check-out"]).await)
            .unwrap();
    assert_eq!((&lent["lease_duration"], &lent["renewable"]), (&json!(36000), &json!(true)));
    let name = lent["data"]["service_account_name"].as_str().unwrap().to_owned();
    let password = lent["data"]["password"].as_str().unwrap().to_owned();
    assert!(world.server.accepts(&name, &password).await.unwrap());
    let lease = lent["lease_id"].as_str().unwrap();
    assert!(lease.starts_with("dir/library/ops/check-out/"), "{lease}");
    assert!(bao(&["lease", "lookup", lease]).await.contains(lease));
    bao(&["lease", "renew", lease]).await;
    let status = bao(&["read", "dir/library/ops/status"]).await;
    assert!(status.contains("available:false") && status.contains("available:true"), "{status}");
    let back = bao(&["write", "-f", "dir/library/ops/check-in"]).await;
    assert!(back.contains(&name), "{back}");
    assert!(!world.server.accepts(&name, &password).await.unwrap());
    // A lease ends by its id, and by its prefix, too.
    for words in [["lease", "revoke", ""], ["lease", "revoke", "-prefix"]] {
        let lent: Value =
            serde_json::from_str(&bao(&["write", "-format=json", "-f", "dir/library/ops/check-out"]).await)
                .unwrap();
        let lease = lent["lease_id"].as_str().unwrap();
        let (flag, id) =
            if words[2].is_empty() { (None, lease) } else { (Some(words[2]), "dir/library/ops") };
        let words: Vec<&str> = words[..2].iter().copied().chain(flag).chain([id]).collect();
        bao(&words).await;
        is_dead(&world, &lent["data"].to_string()).await;
    }
    bao(&["delete", "dir/library/ops"]).await;
    bao(&["secrets", "disable", "dir"]).await;
}
