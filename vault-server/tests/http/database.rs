//! The database engine: Vault's words for targets and accounts.

mod config;
mod dynamic_lease;
mod dynamic_role;
mod kept;
mod static_role;

use serde_json::{Value, json};

use super::bench::Bench;
use super::vault::Reply;

/// A bench with the mount `database` and the config `pg` there, upon the scripted target.
pub(crate) struct Databases {
    pub(crate) bench: Bench,
}

impl Databases {
    pub(crate) async fn new() -> Self {
        let databases = Self { bench: Bench::new().await };
        databases.post("sys/mounts/database", json!({ "type": "database" })).await.expect_status(204);
        databases.configure("pg", json!({})).await.expect_status(204);
        databases
    }

    /// Writes `database/config/<name>` with the usual fields and `more`.
    pub(crate) async fn configure(&self, name: &str, more: Value) -> Reply {
        let mut body = json!({
            "plugin_name": "fake-database-plugin",
            "connection_url": "fake://{{username}}:{{password}}@db",
            "username": "manager",
            "password": "m-1",
            "allowed_roles": "*",
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post(&format!("database/config/{name}"), body).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.bench.post(path, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.bench.get(path).await
    }

    pub(crate) async fn list(&self, path: &str) -> Reply {
        self.bench.vault.root("LIST", path, "").await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.bench.vault.root("DELETE", path, "").await
    }

    /// Whether the target lets `username` in with what `path` answers.
    pub(crate) async fn opens(&self, username: &str, path: &str) -> bool {
        let reply = self.get(path).await;
        reply.expect_status(200);
        self.bench.target.accepts(username, reply.at("/data/password").as_str().unwrap())
    }
}
