//! Lockout: who fails too often waits, and nobody learns by it who exists.

use serde_json::json;

use crate::vault::{Disk, Vault, at_once, seconds};

async fn ready(disk: &Disk) -> Vault {
    let (vault, _) = Vault::ready(disk).await;
    for (path, body) in [
        ("sys/auth/userpass", r#"{"type":"userpass"}"#),
        ("sys/auth/approle", r#"{"type":"approle"}"#),
        ("auth/userpass/users/mary", r#"{"password":"right"}"#),
        ("auth/approle/role/ci", r#"{"role_id":"Machine-7"}"#),
        ("auth/approle/role/ci/custom-secret-id", r#"{"secret_id":"right"}"#),
    ] {
        let reply = vault.root("POST", path, body).await;
        assert!(matches!(reply.status, 200 | 204), "{path}: {}", reply.text);
    }
    vault
}

async fn password(vault: &Vault, name: &str, password: &str) -> u16 {
    let body = json!({ "password": password }).to_string();
    vault.call("POST", &format!("auth/userpass/login/{name}"), "", &body).await.status
}

async fn secret_id(vault: &Vault, role: &str, secret: &str) -> u16 {
    let body = json!({ "role_id": role, "secret_id": secret }).to_string();
    vault.call("POST", "auth/approle/login", "", &body).await.status
}

#[tokio::test]
async fn five_failures_lock_for_a_quarter_of_an_hour() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    for (name, expected) in [("mary", 200), ("nobody", 400)] {
        for _ in 0..5 {
            assert_eq!(password(&vault, name, "wrong").await, 400);
        }
        assert_eq!(password(&vault, name, "right").await, 403, "{name}");
        disk.clock.advance(seconds(899));
        assert_eq!(password(&vault, name, "right").await, 403, "{name}");
        disk.clock.advance(seconds(1));
        assert_eq!(password(&vault, name, "right").await, expected, "{name}");
    }
    for (role, expected) in [("Machine-7", 200), ("unknown", 400)] {
        for _ in 0..5 {
            assert_eq!(secret_id(&vault, role, "wrong").await, 400);
        }
        assert_eq!(secret_id(&vault, role, "right").await, 403, "{role}");
        disk.clock.advance(seconds(900));
        assert_eq!(secret_id(&vault, role, "right").await, expected, "{role}");
    }
}

#[tokio::test]
async fn a_success_or_some_quiet_begins_the_count_anew() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    for pause in [false, true] {
        for round in 0..3 {
            for _ in 0..4 {
                assert_eq!(password(&vault, "mary", "wrong").await, 400, "{pause} {round}");
            }
            if pause {
                disk.clock.advance(seconds(900));
            } else {
                assert_eq!(password(&vault, "mary", "right").await, 200, "{round}");
            }
        }
    }
}

#[tokio::test]
async fn guesses_at_once_get_no_more_tries_than_one_after_another() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    let guesses = (0..30).map(|_| async { password(&vault, "mary", "wrong").await });
    let statuses = at_once(guesses).await;
    let told = statuses.iter().filter(|status| **status == 400).count();
    assert!((5..=9).contains(&told), "{statuses:?}");
    assert_eq!(password(&vault, "mary", "right").await, 403);
}

#[tokio::test]
async fn an_operator_sees_who_is_locked_and_unlocks() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    let nobody = vault.root("GET", "sys/locked-users", "").await.at("/data");
    assert_eq!(nobody, json!({ "by_namespace": [], "total": 0 }));
    for name in ["mary", "nobody"] {
        for _ in 0..5 {
            let _ = password(&vault, name, "wrong").await;
        }
    }
    for _ in 0..5 {
        let _ = secret_id(&vault, "Machine-7", "wrong").await;
    }
    let mounts = vault.root("GET", "sys/auth", "").await;
    let accessor = |mount: &str| mounts.at(&format!("/data/{mount}~1/accessor")).as_str().unwrap().to_owned();
    let locked = vault.root("GET", "sys/locked-users", "").await.at("/data");
    assert_eq!(locked["total"], 2, "names that nobody has are not shown: {locked}");
    let of = format!("sys/locked-users?mount_accessor={}", accessor("userpass"));
    let of_mount = vault.root("GET", &of, "").await.at("/data");
    assert_eq!(of_mount["by_namespace"][0]["mount_accessors"][0]["alias_identifiers"], json!(["mary"]));

    for (mount, name) in [("userpass", "mary"), ("approle", "Machine-7")] {
        let path = format!("sys/locked-users/{}/unlock/{name}", accessor(mount));
        assert_eq!(vault.root("POST", &path, "").await.status, 204);
    }
    assert_eq!(password(&vault, "mary", "right").await, 200);
    assert_eq!(secret_id(&vault, "Machine-7", "right").await, 200);
    assert_eq!(vault.root("POST", "sys/locked-users/none/unlock/mary", "").await.status, 400);
}
