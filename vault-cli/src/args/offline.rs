//! Commands on files, without a server: parsed here, carried out by the binary, which has the core.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::output::OutputArgs;
use super::rotator::RotatorTestArgs;

/// What the binary has to do without a server.
#[derive(Clone, Debug)]
pub enum OfflineCommand {
    /// Check an audit file's chain and checkpoints.
    AuditVerify {
        /// What to check.
        args: AuditVerifyArgs,
        /// How to print.
        output: OutputArgs,
    },
    /// Look whether a plugin keeps the contract of rotators.
    RotatorTest {
        /// Which plugin, on which target.
        args: RotatorTestArgs,
        /// How to print.
        output: OutputArgs,
    },
    /// Copy a store to another engine.
    MigrateStore {
        /// From where to where.
        args: MigrateStoreArgs,
        /// How to print.
        output: OutputArgs,
    },
    /// Check a store that no server has open.
    VerifyStore {
        /// The folder.
        data: PathBuf,
        /// The engine; found out when absent.
        engine: Option<StoreEngine>,
        /// How to print.
        output: OutputArgs,
    },
}

/// `rotunda audit verify`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda audit verify /var/log/rotunda/audit.jsonl
  rotunda audit verify audit.jsonl --public-key 5f3c…e1 --format json

Needs no server and no secret. Exit code 1 when the file was altered.")]
pub struct AuditVerifyArgs {
    /// The audit file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The key (hex) that must have signed the checkpoints, noted at init; without it the file's own is shown
    #[arg(long, value_name = "HEX")]
    pub public_key: Option<String>,
    /// Do not mind that nothing shows where the file ends; lines cut from its end are then not noticed
    #[arg(long)]
    pub allow_open_tail: bool,
}

/// `rotunda operator migrate-store`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda operator migrate-store --from sled:/var/lib/rotunda --to redb:/var/lib/rotunda-redb

The server must be stopped. The source is left as it is; records stay encrypted on the way.")]
pub struct MigrateStoreArgs {
    /// The store to read
    #[arg(long, value_name = "ENGINE:DIR", value_parser = StoreLocation::parse)]
    pub from: StoreLocation,
    /// The store to make; must not exist
    #[arg(long, value_name = "ENGINE:DIR", value_parser = StoreLocation::parse)]
    pub to: StoreLocation,
}

/// A store's engine and folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreLocation {
    /// Who reads the files.
    pub engine: StoreEngine,
    /// Where they are.
    pub directory: PathBuf,
}

/// The embedded engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StoreEngine {
    /// The default.
    Sled,
    /// The second one.
    Redb,
}

impl StoreLocation {
    /// Reads `ENGINE:DIR`.
    fn parse(text: &str) -> Result<Self, String> {
        let refused =
            || "write the engine and the folder, as in sled:/var/lib/rotunda or redb:./data".to_owned();
        let (engine, directory) = text.split_once(':').ok_or_else(refused)?;
        let engine = StoreEngine::from_str(engine, true).map_err(|_| refused())?;
        if directory.is_empty() {
            return Err(refused());
        }
        Ok(Self { engine, directory: PathBuf::from(directory) })
    }
}
