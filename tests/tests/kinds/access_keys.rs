//! AWS, which makes the credentials itself: an account is a user, what is served a key with an id of its own.

use std::sync::Mutex;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use vault_core::rotation::port::BoxFuture;
use vault_tests::aws::{AccessKey, AwsServer};
use vault_tests::vault::Vault;

use crate::server::Server;
use crate::story::{adopted, served};

pub(crate) struct Aws {
    server: AwsServer,
    /// Keys that a person has made, by the user and the password that the story calls them.
    by_hand: Mutex<Vec<(String, String, AccessKey)>>,
}

impl Server for Aws {
    async fn start() -> Result<Self> {
        Ok(Self { server: AwsServer::start().await?, by_hand: Mutex::default() })
    }

    fn target(&self) -> Result<Value> {
        let AccessKey { id, secret } = self.server.admin();
        Ok(json!({
            "rotator": "aws", "connection_url": format!("http://127.0.0.1:{}", self.server.port()),
            "username": id, "password": secret,
        }))
    }

    fn create<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let key = self.server.create_user(name).await?;
            self.by_hand.lock().unwrap().push((name.to_owned(), password.to_owned(), key));
            Ok(())
        })
    }

    fn accepts<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            if name.starts_with("AKIA") {
                return self.server.accepts(name, password).await;
            }
            let by_hand = self.by_hand.lock().unwrap().clone();
            let found = by_hand.into_iter().find(|(user, word, _)| user == name && word == password);
            let (_, _, key) = found.context("no person has made such a key")?;
            self.server.accepts(&key.id, &key.secret).await
        })
    }

    fn strangers<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async move { Ok(self.server.keys(name).await?.len() - 1) })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_management_key_rotates_and_goes_on_to_rotate_others() {
    let server = Aws::start().await.unwrap();
    let vault = Vault::start().await.unwrap();
    let first = adopted(&vault, &server, "app", "app").await;
    for _ in 0..2 {
        let rotated = vault.post("targets/rotate/t", json!({})).await.unwrap();
        assert!(rotated.is_success(), "{}", rotated.errors());
    }
    let AccessKey { id, secret } = server.server.admin();
    assert!(!server.accepts(id, secret).await.unwrap(), "the key that a person brought still works");
    let checked = vault.post("targets/check/t", json!({})).await.unwrap();
    assert!(checked.is_success(), "{}", checked.errors());
    let rotated = vault.post("accounts/rotate/app", json!({})).await.unwrap();
    assert!(rotated.is_success(), "{}", rotated.errors());
    let second = served(&vault, "app").await;
    assert_ne!(second.username, first.username);
    assert!(server.accepts(&second.username, &second.password).await.unwrap());
    assert!(!server.accepts(&first.username, &first.password).await.unwrap());
}
