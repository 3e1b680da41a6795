//! Where and how plugins run.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rotators::plugin::launch::PluginUser;
use rotators::plugin::{Host, Limits as PluginLimits};

use super::checked::{MIB, Mend, span};
use super::raw::RawPlugins;

/// Plugins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugins {
    /// The plugin directory.
    pub directory: PathBuf,
    /// Who they run as; the vault's own user when absent.
    pub user: Option<PluginUser>,
    /// Bounds of one request.
    pub limits: PluginLimits,
}

impl Plugins {
    /// Plugins of a directory, with everything else as it is by default.
    #[must_use]
    pub fn in_directory(directory: PathBuf) -> Self {
        Self { directory, user: None, limits: PluginLimits::default() }
    }

    /// How they run for a vault with its data in `data_dir`.
    #[must_use]
    pub fn host(&self, data_dir: &Path) -> Host {
        let host = Host::new(self.directory.clone(), data_dir.join(PLUGIN_RUNS));
        Host { user: self.user, limits: self.limits, ..host }
    }
}

pub(super) fn plugins(raw: &RawPlugins, base: &Path) -> Result<Option<Plugins>, Mend> {
    let Some(directory) = raw.directory.as_ref().filter(|dir| !dir.as_os_str().is_empty()) else {
        let any = raw.user.is_some() || raw.deadline.is_some();
        if any || raw.memory_mib.is_some() || raw.reply_kib.is_some() {
            return Err((
                "plugins.directory",
                "name it, or leave the other settings of plugins away".to_owned(),
            ));
        }
        return Ok(None);
    };
    let default = PluginLimits::default();
    let deadline = span(raw.deadline.as_deref(), default.deadline)
        .filter(|span| (PLUGIN_DEADLINE_MIN..=PLUGIN_DEADLINE_MAX).contains(span))
        .ok_or_else(|| ("plugins.deadline", "it must be between \"1s\" and \"25s\"".to_owned()))?;
    let bounded = |key, given: Option<u64>, unit: u64, default: u64, range: RangeInclusive<u64>| match given {
        None => Ok(default),
        Some(count) if range.contains(&count) => Ok(count * unit),
        Some(_) => Err((key, format!("it must be between {} and {}", range.start(), range.end()))),
    };
    let memory_bytes =
        bounded("plugins.memory_mib", raw.memory_mib, MIB, default.memory_bytes, 16..=1024 * 1024)?;
    let reply =
        bounded("plugins.reply_kib", raw.reply_kib, 1024, default.output_bytes as u64, 4..=64 * 1024)?;
    let user = raw.user.as_deref().map(plugin_user).transpose().map_err(|mend| ("plugins.user", mend))?;
    let output_bytes = usize::try_from(reply).unwrap_or(default.output_bytes);
    let limits = PluginLimits { deadline, memory_bytes, output_bytes };
    Ok(Some(Plugins { directory: base.join(directory), user, limits }))
}

/// A user by name, or by numbers. Only `/etc/passwd` is read: what other sources know is given by numbers.
fn plugin_user(text: &str) -> Result<PluginUser, String> {
    let numbers = |uid: &str, gid: &str| Some(PluginUser { uid: uid.parse().ok()?, gid: gid.parse().ok()? });
    let found = match text.split_once(':') {
        Some((uid, gid)) => numbers(uid, gid),
        None => std::fs::read_to_string("/etc/passwd").unwrap_or_default().lines().find_map(|line| {
            let mut parts = line.split(':');
            let is_it = parts.next() == Some(text);
            let (_, uid, gid) = (parts.next(), parts.next()?, parts.next()?);
            if is_it { numbers(uid, gid) } else { None }
        }),
    };
    match found {
        None => Err(format!("{text:?} is neither a user of /etc/passwd nor UID:GID")),
        Some(user) if user.uid == 0 => Err("plugins do not run as root for being told to".to_owned()),
        Some(user) => Ok(user),
    }
}

const PLUGIN_RUNS: &str = "plugin-runs";
/// The end of a plugin comes before the end of the effect that it serves.
const PLUGIN_DEADLINE_MAX: Duration = Duration::from_secs(25);
const PLUGIN_DEADLINE_MIN: Duration = Duration::from_secs(1);
