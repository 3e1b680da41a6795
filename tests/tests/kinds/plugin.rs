//! The two example plugins as kinds of targets.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use vault_core::rotation::port::BoxFuture;
use vault_tests::plugin::{example, register};
use vault_tests::vault::Vault;

use crate::server::{Redis, Server};

/// A Redis server, served by the plugin in Python.
pub(crate) struct RedisByPlugin(Redis);

impl Server for RedisByPlugin {
    async fn start() -> Result<Self> {
        Ok(Self(Redis::start().await?))
    }

    async fn prepare(&self, vault: &Vault) -> Result<()> {
        register(vault, &vault.plugins(), &example("redis_acl.py"), "redis-acl").await
    }

    fn target(&self) -> Result<Value> {
        let mut target = self.0.target()?;
        target["rotator"] = json!("plugin:redis-acl");
        Ok(target)
    }

    fn create<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<()>> {
        self.0.create(name, password)
    }

    fn accepts<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<bool>> {
        self.0.accepts(name, password)
    }
}

/// A file of users, served by the plugin in shell.
pub(crate) struct Htpasswd(TempDir);

impl Htpasswd {
    fn file(&self) -> PathBuf {
        self.0.path().join("users")
    }

    fn add(&self, name: &str, password: &str) -> Result<()> {
        let mut users = std::fs::read_to_string(self.file()).unwrap_or_default();
        users.push_str(&format!("{name}:{}\n", crypt(password, None)?));
        Ok(std::fs::write(self.file(), users)?)
    }
}

impl Server for Htpasswd {
    async fn start() -> Result<Self> {
        let folder = Self(tempfile::Builder::new().prefix("rotunda-htpasswd-").tempdir()?);
        folder.add("keeper", "keeper-before-4711")?;
        Ok(folder)
    }

    async fn prepare(&self, vault: &Vault) -> Result<()> {
        register(vault, &vault.plugins(), &example("htpasswd.sh"), "htpasswd").await
    }

    fn target(&self) -> Result<Value> {
        Ok(json!({
            "rotator": "plugin:htpasswd", "connection_url": format!("file://{}", self.file().display()),
            "username": "keeper", "password": "keeper-before-4711",
        }))
    }

    fn create<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.add(name, password) })
    }

    fn accepts<'a>(&'a self, name: &'a str, password: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { accepts(&self.file(), name, password) })
    }
}

/// What a web server does at a login.
fn accepts(file: &Path, name: &str, password: &str) -> Result<bool> {
    let users = std::fs::read_to_string(file)?;
    let Some(hash) = users.lines().find_map(|line| line.strip_prefix(&format!("{name}:"))) else {
        return Ok(false);
    };
    let salt = hash.split('$').nth(2).context("no salt")?;
    Ok(crypt(password, Some(salt))? == hash)
}

/// SHA-512 crypt.
fn crypt(password: &str, salt: Option<&str>) -> Result<String> {
    let mut command = Command::new("openssl");
    command.args(["passwd", "-6", "-stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    if let Some(salt) = salt {
        command.args(["-salt", salt]);
    }
    let mut child = command.spawn()?;
    child.stdin.take().context("no input")?.write_all(password.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "openssl failed");
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}
