//! Policies over HTTP: texts kept byte for byte, changes in force at once, denials that tell nothing.

use serde_json::json;

use crate::vault::{Disk, Vault};

#[tokio::test]
async fn texts_come_back_byte_for_byte_at_both_paths() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let text = "# mine\r\npath \"a/*\" {\n\tcapabilities = [\"read\"]\n}\n\n";
    vault.policy("Mine", text).await;
    let new = vault.root("GET", "sys/policies/acl/mine", "").await;
    assert_eq!(new.at("/data"), json!({ "name": "mine", "policy": text }));
    let old = vault.root("GET", "sys/policy/MINE", "").await;
    assert_eq!(
        (old.at("/data/rules"), old.at("/rules"), old.at("/name")),
        (json!(text), json!(text), json!("mine"))
    );
    let listed = vault.root("LIST", "sys/policies/acl/", "").await;
    assert_eq!(
        listed.at("/data"),
        json!({ "keys": ["default", "mine", "root"], "policies": ["default", "mine", "root"] })
    );
    assert_eq!(vault.root("GET", "sys/policy", "").await.at("/policies"), json!(["default", "mine", "root"]));
    let old_field =
        vault.root("POST", "sys/policy/b", r#"{"rules":"path \"a\" { policy = \"read\" }"}"#).await;
    assert_eq!(old_field.status, 200, "{}", old_field.text);
    assert_eq!(old_field.at("/warnings/0"), "'rules' is deprecated, please use 'policy' instead");
    assert_eq!(vault.root("DELETE", "sys/policy/b", "").await.status, 204);
    assert_eq!(vault.root("DELETE", "sys/policy/b", "").await.status, 204);
    let gone = vault.root("GET", "sys/policies/acl/b", "").await;
    assert_eq!((gone.status, gone.text.as_str()), (404, r#"{"errors":[]}"#));
}

#[tokio::test]
async fn what_cannot_be_a_policy_is_refused() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    for (method, name, body) in [
        ("PUT", "x", r#"{"policy":""}"#),
        ("PUT", "x", "{}"),
        ("PUT", "x", r#"{"policy":"path \"a\" { capabilities = [\"fly\"] }"}"#),
        ("PUT", "x", r#"{"policy":"path \"a\" {"}"#),
        ("PUT", "root", r#"{"policy":"path \"a\" { capabilities = [\"read\"] }"}"#),
        ("DELETE", "root", ""),
        ("DELETE", "default", ""),
    ] {
        let reply = vault.root(method, &format!("sys/policies/acl/{name}"), body).await;
        assert_eq!(reply.status, 400, "{method} {name} {body}: {}", reply.text);
    }
}

#[tokio::test]
async fn a_change_is_in_force_with_the_next_request() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let token = vault.token(r#"{"policies":["ops"]}"#).await;
    let ask = || async { vault.call("GET", "sys/key-status", &token, "").await };
    let denied = ask().await;
    assert_eq!(
        (denied.status, denied.errors()),
        (403, json!(["1 error occurred:\n\t* permission denied\n\n"]))
    );
    vault.policy("ops", r#"path "sys/key-status" { capabilities = ["read"] }"#).await;
    assert_eq!(ask().await.status, 200);
    vault
        .policy(
            "ops",
            r#"path "sys/*" { capabilities = ["read"] }
            path "sys/key-status" { capabilities = ["deny"] }"#,
        )
        .await;
    assert_eq!(ask().await.status, 403);
    vault.root("DELETE", "sys/policies/acl/ops", "").await;
    assert_eq!(ask().await.status, 403);
}

#[tokio::test]
async fn a_denial_is_the_same_for_what_is_and_what_is_not() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let token = vault.token(r#"{"policies":["default"]}"#).await;
    for path in
        ["sys/policies/acl/default", "sys/policies/acl/none", "sys/bogus", "nowhere/x", "accounts/creds/x"]
    {
        let reply = vault.call("GET", path, &token, "").await;
        assert_eq!(
            (reply.status, reply.errors()),
            (403, json!(["1 error occurred:\n\t* permission denied\n\n"])),
            "{path}"
        );
    }
}

#[tokio::test]
async fn root_protected_paths_ask_for_sudo() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    vault.policy("plain", r#"path "*" { capabilities = ["create","read","update","delete","list"] }"#).await;
    vault
        .policy("ops", r#"path "*" { capabilities = ["create","read","update","delete","list","sudo"] }"#)
        .await;
    let plain = vault.token(r#"{"policies":["plain"]}"#).await;
    let ops = vault.token(r#"{"policies":["ops"]}"#).await;
    for (method, path, want) in [
        ("LIST", "auth/token/accessors", 200),
        ("GET", "sys/audit", 200),
        ("POST", "auth/token/create-orphan", 200),
        ("POST", "sys/integrity/verify", 200),
        ("PUT", "sys/rotate", 204),
        ("POST", "sys/rotate/keyring", 204),
        ("PUT", "sys/seal", 204),
    ] {
        assert_eq!(vault.call(method, path, &plain, "{}").await.status, 403, "{path}");
        assert_eq!(vault.call(method, path, &ops, "{}").await.status, want, "{path}");
    }
}

#[tokio::test]
async fn capabilities_are_told_as_vault_tells_them() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    vault.policy("ops", r#"path "a/*" { capabilities = ["update","read"] }"#).await;
    let token = vault.token(r#"{"policies":["ops"]}"#).await;
    let own = vault.call("POST", "sys/capabilities-self", &token, r#"{"paths":["a/x","b"]}"#).await;
    assert_eq!((own.at("/a~1x"), own.at("/data/b")), (json!(["read", "update"]), json!(["deny"])));
    let one = vault.call("POST", "sys/capabilities-self", &token, r#"{"path":"a/x"}"#).await;
    assert_eq!(
        (one.at("/capabilities"), one.at("/data/capabilities")),
        (json!(["read", "update"]), json!(["read", "update"]))
    );
    let other =
        vault.root("POST", "sys/capabilities", &json!({ "token": token, "path": "a/x" }).to_string()).await;
    assert_eq!(other.at("/data/capabilities"), json!(["read", "update"]));
    let root = vault.root("POST", "sys/capabilities-self", r#"{"paths":"a,b"}"#).await;
    assert_eq!(root.at("/data"), json!({ "a": ["root"], "b": ["root"] }));
    assert_eq!(vault.root("POST", "sys/capabilities-self", "{}").await.status, 400);
    let none = vault.root("POST", "sys/capabilities", r#"{"token":"nope","path":"a"}"#).await;
    assert_eq!(none.status, 400);
}

#[tokio::test]
async fn no_spelling_of_a_name_passes_a_rule_about_it() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let text = r#"
        path "sys/policies/acl/*" { capabilities = ["create", "update", "read"] }
        path "sys/policies/acl/admin" { capabilities = ["deny"] }
        path "auth/people/users/*" { capabilities = ["create", "update"] }
        path "auth/people/users/boss" { capabilities = ["deny"] }
    "#;
    vault.policy("some", text).await;
    vault.root("POST", "sys/auth/people", r#"{"type":"userpass"}"#).await;
    let token = vault.token(r#"{"policies":["some"]}"#).await;
    let policy = json!({ "policy": text }).to_string();
    for name in ["admin", "Admin", "ADMIN", "admin%20", "%20admin"] {
        let reply = vault.call("PUT", &format!("sys/policies/acl/{name}"), &token, &policy).await;
        assert_eq!(reply.status, 403, "{name}: {}", reply.text);
    }
    for name in ["Boss", "BOSS"] {
        let reply = vault
            .call("PUT", &format!("auth/people/users/{name}"), &token, r#"{"password":"pw-of-boss"}"#)
            .await;
        assert_eq!(reply.status, 403, "{name}: {}", reply.text);
    }
    assert_eq!(vault.call("PUT", "sys/policies/acl/Other", &token, &policy).await.status, 204);
}
