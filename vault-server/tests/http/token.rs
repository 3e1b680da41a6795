//! Tokens: who may do what with them, how they end, and that they end at once.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::Frame;
use serde_json::json;
use tokio::sync::mpsc;
use vault_core::identity::TokenDigest;
use vault_core::rotation::port::BoxFuture;
use vault_server::service::token::{TokenWatcher, WatcherFailed};

use crate::bench::until;
use crate::vault::{Disk, Vault, at_once, seconds};

async fn status(vault: &Vault, token: &str) -> u16 {
    vault.call("GET", "auth/token/lookup-self", token, "").await.status
}

#[tokio::test]
async fn a_missing_an_unknown_and_an_expired_token_look_the_same() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let token = vault.token(r#"{"ttl":"1h"}"#).await;
    assert_eq!(status(&vault, &token).await, 200);
    disk.clock.advance(seconds(3600));
    for token in ["", "hvs.unknown", &token, "ключ"] {
        let reply = vault.call("GET", "auth/token/lookup-self", token, "").await;
        assert_eq!((reply.status, reply.errors()), (403, json!(["permission denied"])), "{token:?}");
    }
}

#[tokio::test]
async fn the_lookup_has_the_fields_that_clients_read() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let root = vault.root("GET", "auth/token/lookup-self", "").await;
    let data = root.at("/data");
    assert_eq!(data["id"], vault.root.as_str());
    for absent in ["issue_time", "renewable", "period"] {
        assert!(data.get(absent).is_none(), "{absent} in {data}");
    }
    assert_eq!((data["ttl"].clone(), data["expire_time"].clone()), (json!(0), json!(null)));

    let body = r#"{"ttl":"2h","display_name":"ci","meta":{"team":"db"},"num_uses":"5","period":""}"#;
    let token = vault.token(body).await;
    let data = vault.call("GET", "auth/token/lookup-self", &token, "").await.at("/data");
    assert_eq!(data["display_name"], "token-ci");
    assert_eq!(data["meta"], json!({"team": "db"}));
    assert_eq!(data["num_uses"], 4, "this lookup was a use");
    assert_eq!(data["creation_ttl"], 7200);
    assert_eq!(data["expire_time"], "2027-01-15T10:00:00.000Z");
    assert_eq!(data["policies"], json!(["root"]));

    let accessor = json!({ "accessor": data["accessor"] }).to_string();
    let by_accessor = vault.root("POST", "auth/token/lookup-accessor", &accessor).await;
    assert_eq!(by_accessor.at("/data/id"), "");
    let unknown = vault.root("POST", "auth/token/lookup-accessor", r#"{"accessor":"nope"}"#).await;
    assert_eq!((unknown.status, unknown.errors()), (400, json!(["invalid accessor"])));
    let bad = vault.root("POST", "auth/token/lookup", r#"{"token":"hvs.nope"}"#).await;
    assert_eq!((bad.status, bad.errors()), (403, json!(["bad token"])));
}

#[tokio::test]
async fn children_end_with_their_parent_and_orphans_do_not() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    vault
        .policy("maker", r#"path "auth/token/*" { capabilities = ["create", "update", "read", "sudo"] }"#)
        .await;
    let parent = vault.token(r#"{"policies":["maker"]}"#).await;
    let child = vault.call("POST", "auth/token/create", &parent, "{}").await.at("/auth/client_token");
    let grandchild =
        vault.call("POST", "auth/token/create", child.as_str().unwrap(), "{}").await.at("/auth/client_token");
    let orphan = vault.call("POST", "auth/token/create-orphan", &parent, "{}").await.at("/auth/client_token");
    let texts = [child.as_str().unwrap(), grandchild.as_str().unwrap(), orphan.as_str().unwrap()];

    let body = json!({ "token": parent }).to_string();
    assert_eq!(vault.root("PUT", "auth/token/revoke", &body).await.status, 204);
    assert_eq!(vault.root("PUT", "auth/token/revoke", &body).await.status, 204, "twice is no error");
    assert_eq!(status(&vault, &parent).await, 403);
    assert_eq!([status(&vault, texts[0]).await, status(&vault, texts[1]).await], [403, 403]);
    assert_eq!(status(&vault, texts[2]).await, 200);
}

#[tokio::test]
async fn revoke_orphan_leaves_the_children() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let parent = vault.token("{}").await;
    let child = vault.call("POST", "auth/token/create", &parent, "{}").await.at("/auth/client_token");
    let child = child.as_str().unwrap();
    let body = json!({ "token": parent }).to_string();
    assert_eq!(vault.root("PUT", "auth/token/revoke-orphan", &body).await.status, 204);
    assert_eq!([status(&vault, &parent).await, status(&vault, child).await], [403, 200]);
    let lookup = vault.call("GET", "auth/token/lookup-self", child, "").await;
    assert_eq!(lookup.at("/data/orphan"), true);
}

#[tokio::test]
async fn a_use_limit_holds_against_requests_at_once() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let token = vault.token(r#"{"num_uses":3}"#).await;
    let tries = (0..12).map(|_| {
        let (vault, token) = (&vault, token.as_str());
        async move { vault.call("GET", "sys/key-status", token, "").await.status }
    });
    let mut served = 0;
    for handle in at_once(tries).await {
        assert!(matches!(handle, 200 | 403), "{handle}");
        served += u32::from(handle == 200);
    }
    assert_eq!(served, 3);
    vault.app.tokens.sweep(vault.app.clock.now()).await.unwrap();
    let accessors = vault.root("LIST", "auth/token/accessors", "").await;
    assert_eq!(accessors.at("/data/keys").as_array().unwrap().len(), 1, "only root is left");
}

#[tokio::test]
async fn renewal_follows_the_rules() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let root = vault.root("POST", "auth/token/renew-self", "").await;
    assert_eq!((root.status, root.errors()), (400, json!(["lease is not renewable"])));

    let token = vault.token(r#"{"ttl":"1h"}"#).await;
    disk.clock.advance(seconds(1800));
    let renewed = vault.call("POST", "auth/token/renew-self", &token, r#"{"increment":"2h"}"#).await;
    assert_eq!(renewed.at("/auth/lease_duration"), 7200);
    assert_eq!(renewed.at("/auth/client_token"), token.as_str());
    disk.clock.advance(seconds(7199));
    assert_eq!(status(&vault, &token).await, 200);
    let capped = vault.call("POST", "auth/token/renew-self", &token, r#"{"increment":31536000}"#).await;
    assert!(capped.at("/warnings/0").as_str().unwrap().starts_with("TTL of \""), "{}", capped.text);

    let accessor = capped.at("/auth/accessor");
    let by_accessor =
        vault.root("POST", "auth/token/renew-accessor", &json!({ "accessor": accessor }).to_string()).await;
    assert_eq!((by_accessor.status, by_accessor.at("/auth/client_token")), (200, json!("")));
}

#[tokio::test]
async fn rights_do_not_grow_from_parent_to_child() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    vault.policy("maker", r#"path "auth/token/create" { capabilities = ["update"] }"#).await;
    vault.policy("orphans", r#"path "auth/token/create-orphan" { capabilities = ["update"] }"#).await;
    let maker = vault.token(r#"{"policies":["maker","orphans"]}"#).await;
    for (path, body, want) in [
        ("create", r#"{"policies":["root"]}"#, 400),
        ("create", r#"{"policies":["other"]}"#, 400),
        ("create", r#"{"policies":["maker"]}"#, 200),
        ("create", r#"{"policies":"maker"}"#, 200),
        ("create", r#"{"policies":"maker,orphans"}"#, 400),
        ("create", r#"{"no_parent":true}"#, 400),
        ("create", r#"{"period":"1h"}"#, 400),
        ("create", r#"{"id":"chosen"}"#, 400),
        ("create", r#"{"ttl":"soon"}"#, 400),
        ("create", r#"{"num_uses":-1}"#, 400),
        ("create-orphan", "{}", 403),
    ] {
        let reply = vault.call("POST", &format!("auth/token/{path}"), &maker, body).await;
        assert_eq!(reply.status, want, "{path} {body}: {}", reply.text);
    }
    let chosen = vault.root("POST", "auth/token/create", r#"{"id":"chosen"}"#).await;
    assert_eq!(chosen.at("/auth/client_token"), "chosen");
    let twice = vault.root("POST", "auth/token/create", r#"{"id":"chosen"}"#).await;
    assert_eq!((twice.status, twice.errors()), (400, json!(["cannot create a token with a duplicate ID"])));
}

#[tokio::test]
async fn the_body_of_the_command_line_is_understood_without_warning() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let body = r#"{"ttl":"0s","explicit_max_ttl":"0s","period":"0s","num_uses":0,"entity_alias":"",
        "display_name":"","type":"service","renewable":true,"no_parent":false,"no_default_policy":false,
        "policies":null,"meta":null}"#;
    let reply = vault.root("POST", "auth/token/create", body).await;
    assert_eq!((reply.status, reply.at("/warnings")), (200, json!(null)), "{}", reply.text);
}

#[derive(Default)]
struct Watcher {
    told: Mutex<Vec<TokenDigest>>,
    fails: Mutex<u32>,
}

impl TokenWatcher for Watcher {
    fn token_revoked<'a>(&'a self, token: &'a TokenDigest) -> BoxFuture<'a, Result<(), WatcherFailed>> {
        Box::pin(async {
            let mut fails = self.fails.lock().unwrap();
            if *fails > 0 {
                *fails -= 1;
                return Err(WatcherFailed("not yet".to_owned()));
            }
            self.told.lock().unwrap().push(*token);
            Ok(())
        })
    }
}

#[tokio::test]
async fn an_end_that_is_cut_short_goes_on_and_the_token_is_refused_meanwhile() {
    let disk = Disk::new();
    let (vault, share) = Vault::ready(&disk).await;
    let watcher = Arc::new(Watcher::default());
    *watcher.fails.lock().unwrap() = 1;
    vault.app.tokens.set_watcher(watcher);
    let parent = vault.token("{}").await;
    let child = vault.call("POST", "auth/token/create", &parent, "{}").await.at("/auth/client_token");
    let body = json!({ "token": parent }).to_string();
    assert_eq!(
        vault.root("PUT", "auth/token/revoke", &body).await.status,
        503,
        "what it holds is not given back"
    );
    assert_eq!([status(&vault, &parent).await, status(&vault, child.as_str().unwrap()).await], [403, 403]);
    drop(vault);

    let vault = disk.start();
    vault.unseal(&share).await;
    let watcher = Arc::new(Watcher::default());
    vault.app.tokens.set_watcher(Arc::clone(&watcher) as Arc<dyn TokenWatcher>);
    assert_eq!(status(&vault, &parent).await, 403);
    vault.app.tokens.sweep(vault.app.clock.now()).await.unwrap();
    assert_eq!(watcher.told.lock().unwrap().len(), 2, "child, then parent");
    assert_eq!(vault.app.tokens.accessors(None, 10).unwrap().len(), 1, "only root is left");
}

#[tokio::test]
async fn expired_tokens_are_cleaned_with_their_children() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let parent = vault.token(r#"{"ttl":"1h","policies":["default"]}"#).await;
    let keep = vault.token(r#"{"ttl":"3h"}"#).await;
    disk.clock.advance(seconds(3600));
    assert_eq!(vault.app.tokens.sweep(vault.app.clock.now()).await.unwrap(), 1);
    assert_eq!(vault.app.tokens.sweep(vault.app.clock.now()).await.unwrap(), 0);
    assert_eq!([status(&vault, &parent).await, status(&vault, &keep).await], [403, 200]);
    assert_eq!(vault.app.tokens.accessors(None, 10).unwrap().len(), 2);
}

/// A body whose parts come one by one.
struct Slow(mpsc::Receiver<Bytes>);

impl HttpBody for Slow {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.get_mut().0.poll_recv(context).map(|part| part.map(|part| Ok(Frame::data(part))))
    }
}

#[tokio::test]
async fn a_token_that_ends_while_its_request_still_comes_in_does_nothing() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    for revoked in [true, false] {
        let token = vault.token(r#"{"ttl":"1h"}"#).await;
        let (parts, body) = mpsc::channel(2);
        parts.send(Bytes::from_static(br#"{"policy":"path \"a\" "#)).await.unwrap();
        let headers = [("X-Vault-Token", token.as_str())];
        let uri = "/v1/sys/policies/acl/late";
        let request = vault.begin([127, 0, 0, 1], "PUT", uri, &headers, Body::new(Slow(body)));
        let meanwhile = async {
            // The first part is taken: so the token was seen, alive.
            until(|| parts.capacity() == 2).await;
            if revoked {
                let gone = json!({ "token": token }).to_string();
                assert_eq!(vault.root("POST", "auth/token/revoke", &gone).await.status, 204);
            } else {
                disk.clock.advance(seconds(3600));
            }
            parts.send(Bytes::from_static(br#"{ capabilities = [\"read\"] }"}"#)).await.unwrap();
            drop(parts);
        };
        let ((head, _), ()) = tokio::join!(request, meanwhile);
        assert_eq!(head.status, 403, "revoked: {revoked}");
        assert_eq!(vault.root("GET", "sys/policies/acl/late", "").await.status, 404);
    }
}
