//! A private OpenBao, from the package that carries `bao`.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vault_tests::process::free_port;
use vault_tests::vault::ROOT;

use crate::installed;
use crate::server::Begin;

/// A running OpenBao; killed when dropped.
pub(crate) struct OpenBao {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl OpenBao {
    /// Starts it on a free port, in memory.
    pub(crate) async fn start(begin: Begin) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("openbao-test-").tempdir()?;
        let port = free_port()?;
        let log = File::create(folder.path().join("log"))?;
        let mut command = Command::new(installed::bao());
        command.arg("server").env("HOME", folder.path()).env("BAO_LOG_LEVEL", "warn");
        let address = format!("127.0.0.1:{port}");
        let config = folder.path().join("config.json");
        // What OpenBao 2.7 forbids unless told: audit devices by the interface, share-driven calls without a token.
        let mut settings = json!({ "unsafe_allow_api_audit_creation": true });
        match begin {
            Begin::Unsealed => {
                command.arg("-dev").arg(format!("-dev-root-token-id={ROOT}"));
                command.arg(format!("-dev-listen-address={address}")).arg("-dev-no-store-token");
            }
            Begin::Empty => {
                settings["storage"] = json!({ "inmem": {} });
                settings["listener"] = json!({ "tcp": {
                    "address": address, "tls_disable": true,
                    "disable_unauthed_rekey_endpoints": false,
                    "disable_unauthed_generate_root_endpoints": false,
                }});
            }
        }
        fs::write(&config, settings.to_string())?;
        command.arg(format!("-config={}", config.display()));
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn();
        let mut server = Self { child: child.context("cannot start bao")?, folder, port };
        server.ready(begin).await?;
        Ok(server)
    }

    /// It listens a little before its own mounts are ready: so it is asked for what only a ready one answers.
    async fn ready(&mut self, begin: Begin) -> Result<()> {
        let (path, wanted) = match begin {
            Begin::Unsealed => ("secret/config", "HTTP/1.1 200"),
            Begin::Empty => ("sys/seal-status", "HTTP/1.1 "),
        };
        for _ in 0..POLLS {
            if self.ask(path).await.is_ok_and(|answer| answer.starts_with(wanted)) {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
        bail!("OpenBao does not answer: {}", self.log())
    }

    /// The answer to one GET, head and all.
    async fn ask(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let request = format!(
            "GET /v1/{path} HTTP/1.1\r\nHost: bao\r\nX-Vault-Token: {ROOT}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Everything that it has printed.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const POLLS: u32 = 1000;
const POLL: Duration = Duration::from_millis(20);
