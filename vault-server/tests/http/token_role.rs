//! Token roles, and batch tokens: what a role gives, and how a token without a record ends.

use serde_json::{Value, json};

use crate::vault::{Disk, Reply, Vault, at_once, seconds};

async fn role(vault: &Vault, name: &str, body: &str) -> Reply {
    vault.root("POST", &format!("auth/token/roles/{name}"), body).await
}

async fn create(vault: &Vault, name: &str, body: &str) -> Reply {
    vault.root("POST", &format!("auth/token/create/{name}"), body).await
}

async fn look(vault: &Vault, token: &Value) -> Reply {
    vault.call("GET", "auth/token/lookup-self", token.as_str().unwrap(), "").await
}

#[tokio::test]
async fn a_role_is_written_read_listed_and_removed() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    assert_eq!(vault.root("LIST", "auth/token/roles", "").await.status, 404);
    assert_eq!(role(&vault, "plain", "").await.status, 204);
    let want = json!({
        "name": "plain", "allowed_policies": [], "allowed_policies_glob": [], "disallowed_policies": [],
        "disallowed_policies_glob": [], "allowed_entity_aliases": null, "orphan": false, "renewable": true,
        "path_suffix": "", "period": 0, "token_period": 0, "explicit_max_ttl": 0,
        "token_explicit_max_ttl": 0, "token_no_default_policy": false, "token_type": "default-service",
    });
    assert_eq!(vault.root("GET", "auth/token/roles/plain", "").await.at("/data"), want);
    let body = r#"{"allowed_policies":"B,a","period":"1h","bound_cidrs":["127.0.0.1/32"],"orphan":"true"}"#;
    assert_eq!(role(&vault, "plain", body).await.status, 204);
    let data = vault.root("GET", "auth/token/roles/plain", "").await.at("/data");
    for (name, value) in [
        ("allowed_policies", json!(["a", "b"])),
        ("period", json!(3600)),
        ("token_period", json!(3600)),
        ("bound_cidrs", json!(["127.0.0.1"])),
        ("token_bound_cidrs", json!(["127.0.0.1"])),
        ("orphan", json!(true)),
    ] {
        assert_eq!(data[name], value, "{name}");
    }
    let both = role(&vault, "plain", r#"{"period":"1h","token_period":"2h"}"#).await;
    assert_eq!(both.status, 200, "{}", both.text);
    let data = vault.root("GET", "auth/token/roles/plain", "").await.at("/data");
    assert_eq!((&data["period"], &data["token_period"]), (&json!(0), &json!(7200)));
    assert_eq!(vault.root("LIST", "auth/token/roles", "").await.at("/data/keys"), json!(["plain"]));
    for _ in 0..2 {
        assert_eq!(vault.root("DELETE", "auth/token/roles/plain", "").await.status, 204);
    }
    assert_eq!(vault.root("GET", "auth/token/roles/plain", "").await.status, 404);
    for body in [r#"{"token_type":"odd"}"#, r#"{"path_suffix":"a/b"}"#, r#"{"token_type":"batch"}"#] {
        assert_eq!(role(&vault, "odd", body).await.status, 400, "{body}");
    }
    let unknown = create(&vault, "plain", "").await;
    assert_eq!((unknown.status, unknown.errors()), (400, json!(["unknown role plain"])));
}

#[tokio::test]
async fn a_role_decides_what_its_tokens_are_like() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let body = r#"{"allowed_policies":["dev"],"allowed_policies_glob":["team-*"],"disallowed_policies":["team-x"],
        "orphan":true,"path_suffix":"v1","token_period":"30m","token_num_uses":9,"renewable":false}"#;
    assert_eq!(role(&vault, "ci", body).await.status, 204);
    vault.policy("maker", r#"path "auth/token/create/ci" { capabilities = ["update"] }"#).await;
    let maker = vault.token(r#"{"policies":["maker"]}"#).await;
    for (asked, want) in [
        ("", Ok(json!(["default", "dev"]))),
        (r#"{"policies":["team-a"],"no_default_policy":true}"#, Ok(json!(["team-a"]))),
        (r#"{"policies":["other"]}"#, Err("subset of the role's allowed policies")),
        (r#"{"policies":["team-x"]}"#, Err("disallowed by this role")),
        (r#"{"policies":["root"]}"#, Err("subset of the role's allowed policies")),
    ] {
        let reply = vault.call("POST", "auth/token/create/ci", &maker, asked).await;
        match want {
            Ok(policies) => assert_eq!(reply.at("/auth/policies"), policies, "{asked}"),
            Err(text) => {
                assert_eq!(reply.status, 400, "{asked} {}", reply.text);
                assert!(reply.text.contains(text), "{asked} {}", reply.text);
            }
        }
    }
    let made = vault.call("POST", "auth/token/create/ci", &maker, r#"{"num_uses":3}"#).await;
    let data = look(&vault, &made.at("/auth/client_token")).await.at("/data");
    for (name, value) in [
        ("path", json!("auth/token/create/ci/v1")),
        ("role", json!("ci")),
        ("orphan", json!(true)),
        ("period", json!(1800)),
        ("ttl", json!(1800)),
        ("renewable", json!(false)),
        ("num_uses", json!(2)),
    ] {
        assert_eq!(data[name], value, "{name}");
    }
}

#[tokio::test]
async fn the_lesser_of_request_and_role_counts() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    assert_eq!(
        role(&vault, "r", r#"{"period":"1h","explicit_max_ttl":"3h","token_num_uses":5}"#).await.status,
        204
    );
    let body = r#"{"policies":["x"],"period":"2h","explicit_max_ttl":"2h","num_uses":8}"#;
    let made = create(&vault, "r", body).await;
    let warnings = made.at("/warnings").to_string();
    assert!(warnings.contains("using the lesser value of 3600 seconds"), "{warnings}");
    assert!(warnings.contains("using the lesser value of 7200 seconds"), "{warnings}");
    let data = look(&vault, &made.at("/auth/client_token")).await.at("/data");
    assert_eq!(
        (&data["period"], &data["explicit_max_ttl"], &data["num_uses"]),
        (&json!(3600), &json!(7200), &json!(4))
    );
}

#[tokio::test]
async fn renewal_asks_the_role_and_ends_with_it() {
    let disk = Disk::new();
    let (vault, share) = Vault::ready(&disk).await;
    assert_eq!(
        role(&vault, "r", r#"{"token_period":"1h","token_bound_cidrs":"127.0.0.0/8"}"#).await.status,
        204
    );
    let token = create(&vault, "r", r#"{"policies":["default"]}"#).await.at("/auth/client_token");
    let text = token.as_str().unwrap();
    assert_eq!(role(&vault, "r", r#"{"token_period":"2h"}"#).await.status, 204);
    let renewed = vault.call("POST", "auth/token/renew-self", text, "").await;
    assert_eq!(renewed.at("/auth/lease_duration"), 7200, "{}", renewed.text);
    let data = look(&vault, &token).await.at("/data");
    assert_eq!(
        (&data["last_renewal_time"], &data["last_renewal"]),
        (&json!(1_800_000_000), &json!("2027-01-15T08:00:00.000Z"))
    );
    let elsewhere = vault.call_from([10, 0, 0, 1], "GET", "auth/token/lookup-self", text, "").await;
    assert_eq!(elsewhere.status, 403);

    vault.app.end().await;
    let again = disk.start();
    again.unseal(&share).await;
    assert_eq!(again.call("DELETE", "auth/token/roles/r", &vault.root, "").await.status, 204);
    let gone = again.call("POST", "auth/token/renew-self", text, "").await;
    assert_eq!((gone.status, gone.text.contains("could not be found, not renewing")), (400, true));
}

#[tokio::test]
async fn a_batch_token_serves_and_is_neither_renewed_nor_revoked_nor_a_parent() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    vault.policy("wide", r#"path "auth/token/*" { capabilities = ["update", "read", "sudo"] }"#).await;
    let body =
        r#"{"type":"batch","policies":["wide"],"ttl":"1h","meta":{"team":"db"},"period":"0s","num_uses":0}"#;
    let made = vault.root("POST", "auth/token/create", body).await;
    let auth = made.at("/auth");
    assert_eq!(
        (&auth["token_type"], &auth["renewable"], &auth["accessor"]),
        (&json!("batch"), &json!(false), &json!(""))
    );
    let token = auth["client_token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("hvb."));
    let data = vault.call("GET", "auth/token/lookup-self", &token, "").await.at("/data");
    assert_eq!(
        (&data["type"], &data["ttl"], &data["meta"]["team"]),
        (&json!("batch"), &json!(3600), &json!("db"))
    );
    let named = json!({ "token": token }).to_string();
    for (who, path, body, want) in [
        (&token, "renew-self", "", "batch tokens cannot be renewed"),
        (&vault.root, "renew", named.as_str(), "batch tokens cannot be renewed"),
        (&token, "create", "", "batch tokens cannot create more tokens"),
        (&vault.root, "revoke", &named, "batch tokens cannot be revoked"),
        (&vault.root, "revoke-orphan", &named, "batch tokens cannot be revoked"),
        (&token, "revoke-self", "", "batch tokens cannot be revoked"),
        (&vault.root, "create", r#"{"type":"batch"}"#, "batch tokens cannot be root tokens"),
        (
            &vault.root,
            "create",
            r#"{"type":"batch","policies":["a"],"num_uses":2}"#,
            "batch tokens cannot have \"num_uses\" set",
        ),
    ] {
        let reply = vault.call("POST", &format!("auth/token/{path}"), who, body).await;
        assert_eq!((reply.status, reply.errors()), (400, json!([want])), "{path} {body}");
    }
    disk.clock.advance(seconds(3600));
    assert_eq!(vault.call("GET", "auth/token/lookup-self", &token, "").await.status, 403);
}

#[tokio::test]
async fn a_batch_token_ends_with_its_parent_and_an_altered_one_is_none() {
    let disk = Disk::new();
    let (vault, share) = Vault::ready(&disk).await;
    let parent = vault.token("{}").await;
    let body = r#"{"type":"batch","policies":["default"],"ttl":"1h"}"#;
    let made = vault.call("POST", "auth/token/create", &parent, body).await.at("/auth/client_token");
    let orphan = vault.call("POST", "auth/token/create-orphan", &parent, body).await.at("/auth/client_token");
    let mut altered = made.as_str().unwrap().to_owned();
    let last = altered.pop().unwrap();
    altered.push(if last == 'A' { 'Q' } else { 'A' });
    for text in [altered.as_str(), "hvb.", "hvb.AAAA", "hvb.!"] {
        assert_eq!(look(&vault, &json!(text)).await.status, 403, "{text}");
    }
    vault.app.end().await;
    let (root, mut vault) = (vault.root, disk.start());
    vault.root = root;
    vault.unseal(&share).await;
    assert_eq!([look(&vault, &made).await.status, look(&vault, &orphan).await.status], [200, 200]);
    let revoke = json!({ "token": parent }).to_string();
    assert_eq!(vault.root("POST", "auth/token/revoke", &revoke).await.status, 204);
    assert_eq!([look(&vault, &made).await.status, look(&vault, &orphan).await.status], [403, 200]);
}

#[tokio::test]
async fn a_batch_token_of_a_login_ends_with_its_mount() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    assert_eq!(vault.root("POST", "sys/auth/approle", r#"{"type":"approle"}"#).await.status, 204);
    let body = r#"{"role_id":"r","token_type":"batch","token_ttl":"10m"}"#;
    assert_eq!(vault.root("POST", "auth/approle/role/ci", body).await.status, 204);
    let secret = vault.root("POST", "auth/approle/role/ci/secret-id", "").await.at("/data/secret_id");
    let body = json!({ "role_id": "r", "secret_id": secret }).to_string();
    let login = vault.call("POST", "auth/approle/login", "", &body).await;
    let token = login.at("/auth/client_token");
    assert_eq!(look(&vault, &token).await.at("/data/type"), "batch", "{}", login.text);
    assert_eq!(vault.root("DELETE", "sys/auth/approle", "").await.status, 204);
    assert_eq!(look(&vault, &token).await.status, 403);
}

#[tokio::test]
async fn a_revoked_token_never_reads_once_that_was_answered() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    for _ in 0..8 {
        let token = vault.token(r#"{"policies":["default"]}"#).await;
        let reads = (0..8).map(|number| {
            let (vault, token) = (&vault, token.as_str());
            async move {
                if number == 3 {
                    let reply = vault.call("POST", "auth/token/revoke-self", token, "").await;
                    assert_eq!(reply.status, 204, "{}", reply.text);
                    return vault.call("GET", "auth/token/lookup-self", token, "").await.status;
                }
                vault.call("GET", "auth/token/lookup-self", token, "").await.status
            }
        });
        let statuses = at_once(reads).await;
        assert_eq!(statuses.get(3), Some(&403), "{statuses:?}");
        assert_eq!(vault.call("GET", "auth/token/lookup-self", &token, "").await.status, 403);
    }
}

#[tokio::test]
async fn tidy_is_accepted() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let reply = vault.root("POST", "auth/token/tidy", "").await;
    assert_eq!(reply.status, 202, "{}", reply.text);
    assert!(reply.at("/warnings/0").as_str().unwrap().starts_with("Tidy operation successfully started."));
}
