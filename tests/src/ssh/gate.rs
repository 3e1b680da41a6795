//! Strikes at the decisive moment, inside the target: before chpasswd or the renaming of `authorized_keys` does its
//! work, after it, or holding it up.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::task::JoinHandle;

use super::SshServer;
use super::relay::Relay;

/// Where to strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// It never happens, and the connection is cut.
    Before,
    /// It happens, and the connection is cut before it is told.
    After,
    /// The connection is cut, and it happens once it is released.
    Hold,
}

/// The place where the target's tools are held up.
#[derive(Debug)]
pub struct Gate {
    folder: PathBuf,
    relay: Arc<Relay>,
    watch: Option<JoinHandle<()>>,
}

impl Gate {
    /// The gate of this server; `relay` is what stands before it.
    #[must_use]
    pub fn of(server: &SshServer, relay: Arc<Relay>) -> Self {
        Self { folder: server.folder().join("gate"), relay, watch: None }
    }

    /// Strikes at the next change.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn strike(&mut self, how: Strike) -> Result<()> {
        self.open()?;
        for name in ["struck", "go"] {
            let _ = fs::remove_file(self.folder.join(name));
        }
        let word = match how {
            Strike::Before => "before",
            Strike::After => "after",
            Strike::Hold => "hold",
        };
        fs::write(self.folder.join("how"), word)?;
        let (folder, relay) = (self.folder.clone(), Arc::clone(&self.relay));
        self.watch = Some(tokio::spawn(async move {
            while !folder.join("struck").exists() {
                tokio::time::sleep(PAUSE).await;
            }
            // Only the next one; whether the writes succeed shows in the test.
            let _ = fs::write(folder.join("how"), "none");
            relay.cut();
            if how != Strike::Hold {
                let _ = fs::write(folder.join("go"), "");
            }
        }));
        Ok(())
    }

    /// Waits until the strike was made.
    ///
    /// # Errors
    /// When it is not within half a minute.
    pub async fn wait_struck(&mut self) -> Result<()> {
        let Some(watch) = self.watch.take() else { bail!("nothing is to strike") };
        Ok(tokio::time::timeout(STRIKE_TIME_MAX, watch).await??)
    }

    /// Lets what is held up go on, and waits until it has ended in one way or the other.
    ///
    /// # Errors
    /// When it does not end within half a minute.
    pub async fn release(&mut self, server: &SshServer) -> Result<()> {
        // By their ids: a process that is about to become another program has no command line for a moment.
        let mut held = server.processes("sbin/chpasswd")?;
        held.extend(server.processes("authorized_keys")?);
        self.open()?;
        let deadline = tokio::time::Instant::now() + STRIKE_TIME_MAX;
        while tokio::time::Instant::now() < deadline {
            if held.iter().all(|pid| ended(*pid)) {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        bail!("what was held up does not end")
    }

    /// Strikes no more, and holds nothing.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn open(&mut self) -> Result<()> {
        if let Some(watch) = self.watch.take() {
            watch.abort();
        }
        fs::write(self.folder.join("how"), "none")?;
        Ok(fs::write(self.folder.join("go"), "")?)
    }
}

/// Whether it is no more, or only its exit code is left.
fn ended(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
}

const PAUSE: Duration = Duration::from_millis(5);
const STRIKE_TIME_MAX: Duration = Duration::from_secs(30);
