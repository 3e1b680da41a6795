//! Plugins for tests: the examples, and a folder from which they run as a server would run them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rotators::plugin::{Host, Limits, PluginRotator, Registration};
use serde_json::json;
use tempfile::TempDir;

use crate::vault::{Vault, binary};

/// An example's file.
#[must_use]
pub fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../rotators/examples").join(name)
}

/// Puts a file into a plugin directory, as `name`.
///
/// # Errors
/// When it cannot be copied.
pub fn put(file: &Path, directory: &Path, name: &str) -> Result<()> {
    fs::create_dir_all(directory)?;
    fs::set_permissions(directory, PermissionsExt::from_mode(0o755))?;
    fs::copy(file, directory.join(name)).with_context(|| format!("{} cannot be copied", file.display()))?;
    fs::set_permissions(directory.join(name), PermissionsExt::from_mode(0o755))?;
    Ok(())
}

/// Puts a file into a vault's plugin directory and registers it.
///
/// # Errors
/// When the vault refuses it.
pub async fn register(vault: &Vault, directory: &Path, file: &Path, name: &str) -> Result<()> {
    put(file, directory, name)?;
    let host = Host::new(directory.to_owned(), directory.join("runs"));
    let sha256 = PluginRotator::digest(&host, name)?;
    let body = json!({ "sha256": sha256, "command": name });
    let answer = vault.post(&format!("sys/plugins/catalog/rotator/{name}"), body).await?;
    ensure!(answer.is_success(), "{}", answer.errors());
    Ok(())
}

/// A folder with one plugin, and what runs it.
#[derive(Debug)]
pub struct PluginFolder {
    folder: TempDir,
}

impl PluginFolder {
    /// A folder with a copy of this file, called `plugin`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn with(file: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("rotunda-plugin-").tempdir()?;
        put(file, folder.path(), "plugin")?;
        Ok(Self { folder })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What runs the plugin: the program that was built with these tests.
    ///
    /// # Errors
    /// When it was not built.
    pub fn host(&self, limits: Limits) -> Result<Host> {
        let host = Host::new(self.folder.path().to_owned(), self.folder.path().join("runs"));
        Ok(Host { launcher: vec![binary()?.into(), "plugin-run".into()], limits, ..host })
    }

    /// The plugin as it lies there, not yet described.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn registration(&self, args: &[&str]) -> Result<Registration> {
        let host = Host::new(self.folder.path().to_owned(), self.folder.path().join("runs"));
        Ok(Registration {
            name: "plugin".to_owned(),
            command: "plugin".to_owned(),
            sha256: PluginRotator::digest(&host, "plugin")?,
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            env: BTreeMap::new(),
            described: None,
        })
    }

    /// The plugin, registered.
    ///
    /// # Errors
    /// When it does not describe itself.
    pub async fn rotator(&self, limits: Limits, args: &[&str]) -> Result<PluginRotator> {
        let (host, registration) = (Arc::new(self.host(limits)?), self.registration(args)?);
        let described = PluginRotator::new(Arc::clone(&host), registration.clone()).describe().await;
        let described = described.map_err(|fault| anyhow::anyhow!("{fault}"))?;
        Ok(PluginRotator::new(host, Registration { described: Some(described), ..registration }))
    }
}
