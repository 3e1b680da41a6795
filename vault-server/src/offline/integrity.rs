//! `rotunda operator verify --data DIR`: the check of a store that no server has open.
//!
//! The set hash needs the integrity key, so the vault is unsealed here: by the shares or the passphrase,
//! read from standard input, one a line. In a directory that `rotunda dev` made the key is at hand.

use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use vault_cli::{Exit, OutputArgs, StoreEngine};
use vault_core::entropy::OsEntropy;
use vault_core::seal::{Offer, UnsealError, Unsealed, Unsealing};
use vault_core::secret::{SecretBytes, SecretString};
use vault_core::store::{EngineKind, EngineOptions, Store};

use super::{engine_kind, print};
use crate::service::seal::{decode_share, stored_config};

pub(super) fn verify(data: &Path, engine: Option<StoreEngine>, output: &OutputArgs) -> Result<Exit> {
    let kind = match engine {
        Some(engine) => engine_kind(engine),
        None => EngineKind::found_in(data).with_context(|| format!("{} holds no store", data.display()))?,
    };
    let store = Store::open_dir(kind, data, &EngineOptions::default(), Arc::new(OsEntropy))
        .with_context(|| format!("cannot open the store in {}", data.display()))?;
    let config = stored_config(&store)?.context("the store holds no vault: it was never initialised")?;
    let unsealed = match crate::dev::share_in(data)? {
        Some(share) => offer_all(&mut Unsealing::new(&config), std::iter::once(Ok(share)))?,
        None => from_input(&config)?,
    };
    store.unlock(unsealed.keyring.integrity_key().expose()).context("the store is not in order")?;
    let report = store.verify().context("the store could not be read to its end")?;
    let facts = [
        ("intact", Value::from(report.is_intact())),
        ("engine", Value::from(kind.as_str())),
        ("commit", Value::from(report.commit)),
        ("records", Value::from(report.records_found)),
        ("records_expected", Value::from(report.records_expected)),
    ];
    print(output, &facts, &findings(&report))?;
    Ok(if report.is_intact() { Exit::Done } else { Exit::Refused })
}

fn findings(report: &vault_core::store::verify::VerifyReport) -> Vec<String> {
    crate::service::integrity::findings(report)
}

fn from_input(config: &vault_core::seal::Config) -> Result<Unsealed> {
    let mut unsealing = Unsealing::new(config);
    let kind = config.kind().name();
    let what = if kind == "passphrase" { "the passphrase" } else { "the unseal shares, one a line" };
    tell(&format!("The check needs {} ({what}) on standard input.", config.kind().threshold()))?;
    let shares = std::io::stdin().lock().lines().map(|line| {
        let line = SecretString::new(line.context("cannot read standard input")?);
        decode_share(line.expose(), kind).context("'key' must be a valid hex or base64 string")
    });
    offer_all(&mut unsealing, shares)
}

fn offer_all(
    unsealing: &mut Unsealing,
    shares: impl Iterator<Item = Result<SecretBytes>>,
) -> Result<Unsealed> {
    for share in shares {
        match unsealing.offer(share?, &OsEntropy) {
            Ok(Offer::Unsealed(unsealed)) => return Ok(unsealed),
            Ok(Offer::More { .. }) => {}
            Err(error @ UnsealError::Keyring(_)) => {
                return Err(error).context("the vault's keys are damaged");
            }
            Err(error) => return Err(error.into()),
        }
    }
    bail!("not enough unseal shares: {} of {} were given", unsealing.progress(), unsealing.threshold())
}

/// A sentence on standard error, which leaves standard output to the result.
#[expect(clippy::print_stderr, reason = "a prompt of this command")]
fn tell(sentence: &str) -> Result<()> {
    eprintln!("{sentence}");
    Ok(())
}
