//! `rotunda dev`: a vault for trying things out, initialised and unsealed at once.
//!
//! ```text
//!   <data>/dev.json   unseal key and root token, mode 0600, on disk before the vault is made
//!   <data>/…          the vault, made by one commit
//! ```
//!
//! So whatever moment a kill comes at, the next start either finds a vault that the file opens, or none and
//! makes one. Not for real secrets: the key lies beside the data.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use vault_cli::DevArgs;
use vault_core::mount::{Class, Kind, MountPath, Tuning};
use vault_core::seal::InitRequest;
use vault_core::secret::{SecretBytes, SecretString, for_sealing};

use crate::app::App;
use crate::config::{self, Config};
use crate::http::Bound;
use crate::server::{make_dir, open, protect, say, serve};
use crate::service::mount::NewMount;
use crate::service::seal::SealState;
use crate::telemetry;

/// What opens a dev vault.
#[derive(Serialize, Deserialize)]
struct DevKeys {
    /// The one unseal key, base64.
    #[serde(with = "for_sealing")]
    unseal_key: SecretString,
    /// The first token.
    #[serde(with = "for_sealing")]
    root_token: SecretString,
}

/// Runs a dev server until SIGTERM or SIGINT.
///
/// # Errors
/// A chain of sentences for the person who tries it.
pub async fn run(args: DevArgs) -> Result<()> {
    let scratch = if args.data.is_none() { Some(Scratch::make()?) } else { None };
    let dir = match (&args.data, &scratch) {
        (Some(dir), _) => dir.clone(),
        (None, Some(scratch)) => scratch.0.clone(),
        (None, None) => bail!("no place for the data"),
    };
    make_dir(&dir)?;
    let config = config::from_arguments(&args.listen.to_string(), &dir)?;
    let plugins = args.plugin_dir.as_deref().map(plugins).transpose()?;
    let config = Config { plugins, log: config::Log { level: "warn".to_owned(), ..config.log }, ..config };
    telemetry::logging::start(&config.log)?;
    protect();
    let app = open(config).await?;
    let chosen = args.root_token.map(|token| SecretString::new(token.into_exposed()));
    let keys = ready(&app, &dir, chosen).await?;
    let bound = Bound::bind(&app.config.listener).await?;
    announce(&bound.url(), &keys, args.data.as_deref())?;
    let outcome = serve(app, bound).await;
    drop(scratch);
    outcome
}

fn plugins(dir: &Path) -> Result<config::Plugins> {
    let dir = std::path::absolute(dir).context("the plugin directory has no absolute name")?;
    Ok(config::Plugins::in_directory(dir))
}

/// Initialises where there is no vault, and unseals; the keys.
///
/// # Errors
/// When the directory holds a vault that was not made here, or another root token was made in it.
async fn ready(app: &App, dir: &Path, chosen: Option<SecretString>) -> Result<DevKeys> {
    let file = dir.join(KEYS_FILE);
    let keys = match app.seal.state() {
        SealState::Uninitialised => make(app, &file, chosen).await?,
        SealState::Sealed | SealState::Unsealed => {
            let keys = read(&file)?.with_context(|| {
                format!(
                    "{} holds a vault that `rotunda dev` did not make; run `rotunda server`",
                    dir.display()
                )
            })?;
            if chosen.is_some_and(|chosen| !chosen.ct_eq(keys.root_token.expose())) {
                bail!(
                    "the vault in {} was made with another root token; leave --root-token away, or take another --data",
                    dir.display()
                );
            }
            keys
        }
    };
    app.seal.unseal(share(&keys, &file)?).await.context("the dev vault does not unseal")?;
    mount_secrets(app).await.context("secret/ cannot be mounted")?;
    Ok(keys)
}

/// As `vault server -dev` does: version 2 of KV at `secret/`, unless something is there. At each start, so
/// that a kill in between is made good.
async fn mount_secrets(app: &App) -> Result<()> {
    let path = MountPath::parse(Class::Secret, "secret")?;
    if app.mounts.table().at(&path).is_some() {
        return Ok(());
    }
    let new = NewMount {
        path,
        kind: Kind::Kv,
        description: "key/value secret storage".to_owned(),
        options: BTreeMap::from([("version".to_owned(), "2".to_owned())]),
        tuning: Tuning::default(),
        local: false,
        seal_wrap: false,
    };
    app.mounts.enable(new, app.config.max_ttl, app.clock.now()).await?;
    Ok(())
}

async fn make(app: &App, file: &Path, chosen: Option<SecretString>) -> Result<DevKeys> {
    let request = InitRequest::Shamir { shares: 1, threshold: 1 };
    let prepared = app.seal.prepare(request, chosen).await?;
    let share = prepared.shares().first().context("the vault has no unseal key")?;
    let keys = DevKeys {
        unseal_key: SecretString::new(BASE64.encode(share.expose())),
        root_token: SecretString::new(prepared.root_token().expose().to_owned()),
    };
    // Before the vault: a kill in between leaves keys without a vault, and the next start makes both anew.
    write(file, &keys).with_context(|| format!("cannot write {}", file.display()))?;
    app.seal.found(prepared).await?;
    Ok(keys)
}

/// The unseal key of a dev vault; `None` in a directory that no dev server made.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn share_in(dir: &Path) -> Result<Option<SecretBytes>> {
    let file = dir.join(KEYS_FILE);
    read(&file)?.map(|keys| share(&keys, &file)).transpose()
}

fn share(keys: &DevKeys, file: &Path) -> Result<SecretBytes> {
    let share = BASE64.decode(keys.unseal_key.expose().as_bytes()).map(SecretBytes::new);
    share.with_context(|| format!("{} is damaged: the unseal key is not base64", file.display()))
}

fn read(file: &Path) -> Result<Option<DevKeys>> {
    match fs::read(file) {
        Ok(bytes) => {
            let bytes = SecretBytes::new(bytes);
            let keys = serde_json::from_slice(bytes.expose());
            keys.map(Some).ok().with_context(|| format!("{} is damaged", file.display()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

/// Whole or not at all, and on disk when it returns.
fn write(file: &Path, keys: &DevKeys) -> io::Result<()> {
    let text = SecretBytes::new(serde_json::to_vec(keys)?);
    let draft = file.with_extension("json.new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    new.write_all(text.expose())?;
    new.sync_all()?;
    fs::rename(&draft, file)?;
    file.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

fn announce(url: &str, keys: &DevKeys, data: Option<&Path>) -> Result<()> {
    let place = data.map_or_else(
        || "Everything is gone when this process ends.".to_owned(),
        |dir| {
            format!(
                "The vault stays in {dir}, with its unseal key and root token in {dir}/{KEYS_FILE}.",
                dir = dir.display()
            )
        },
    );
    say(&format!(
        "WARNING! dev mode is enabled! The vault unseals itself, with one key that lies beside the data:\n\
         anyone who reads the data directory reads every secret. Never use it for real secrets.\n\
         {place}\n\
         \n\
         You may need to set the following environment variables:\n\
         \n\
         \x20   $ export VAULT_ADDR='{url}'\n\
         \n\
         The unseal key and root token are displayed below in case you want to seal/unseal the vault\n\
         or re-authenticate.\n\
         \n\
         Unseal Key: {}\n\
         Root Token: {}\n\
         \n\
         rotunda listens on {url} (dev mode, unsealed)",
        keys.unseal_key.expose(),
        keys.root_token.expose(),
    ))
}

/// A directory that goes when the process ends in order.
struct Scratch(PathBuf);

impl Scratch {
    fn make() -> Result<Self> {
        let mut bytes = [0; 8];
        vault_core::entropy::Entropy::fill(&vault_core::entropy::OsEntropy, &mut bytes);
        let name = format!("rotunda-dev-{}", data_encoding::HEXLOWER.encode(&bytes));
        let dir = std::env::temp_dir().join(name);
        make_dir(&dir)?;
        Ok(Self(dir))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(dir = %self.0.display(), %error, "the temporary directory could not be removed");
        }
    }
}

const KEYS_FILE: &str = "dev.json";
