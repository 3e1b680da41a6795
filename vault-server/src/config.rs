//! The configuration: what was written ([`raw`]) and what it means ([`Config`]).
//!
//! Everything else takes the checked form, so no other file asks whether a setting makes sense.

mod checked;
mod plugin;
pub mod raw;
mod reports;
mod telemetry;

use std::path::{Path, PathBuf};

pub use self::checked::{Config, Listener, Log, LogFormat, Tls};
pub use self::plugin::Plugins;
use self::raw::RawConfig;
pub use self::reports::{HOURLY_COST_MAX, Reports};
pub use self::telemetry::Telemetry;

/// Why a configuration was refused. The text names the file, the key and what to mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {file}")]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML, or has a key that does not exist, or a value of the wrong kind.
    #[error("{file}: {message}")]
    Syntax {
        /// Which file.
        file: PathBuf,
        /// Line, column, and what was expected there.
        message: String,
    },
    /// A value cannot be meant.
    #[error("{place}: {key}: {mend}")]
    Value {
        /// The file, or "command line".
        place: String,
        /// The key, as the file spells it.
        key: &'static str,
        /// What to mend.
        mend: String,
    },
}

/// Reads and checks the file of `rotunda server --config FILE`.
///
/// # Errors
/// [`ConfigError`] by cause.
pub fn from_file(file: &Path) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(file)
        .map_err(|source| ConfigError::Unreadable { file: file.to_owned(), source })?;
    let raw = parse(file, &text)?;
    // Relative paths in the file are meant from where the file is, not from where the command was typed.
    let base = file.parent().unwrap_or(Path::new(""));
    checked::check(raw, base, &file.display().to_string())
}

/// The configuration of `rotunda server --listen ADDR --data DIR` and of `rotunda dev`.
///
/// # Errors
/// [`ConfigError::Value`] for an address that is not one, or not on loopback.
pub fn from_arguments(listen: &str, data: &Path) -> Result<Config, ConfigError> {
    let raw = RawConfig {
        data_dir: Some(data.to_owned()),
        listener: raw::RawListener { address: Some(listen.to_owned()), ..raw::RawListener::default() },
        ..RawConfig::default()
    };
    checked::check(raw, Path::new(""), "command line")
}

fn parse(file: &Path, text: &str) -> Result<RawConfig, ConfigError> {
    toml::from_str(text).map_err(|error| ConfigError::Syntax {
        file: file.to_owned(),
        message: error.to_string().trim_end().to_owned(),
    })
}

#[cfg(test)]
mod tests;
