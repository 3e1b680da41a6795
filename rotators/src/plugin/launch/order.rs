//! What the vault orders of the supervisor, and how the supervisor's exit code is read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One run of a plugin. Holds no secret; it is the first line on the supervisor's standard input, and the request is
/// the second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The plugin directory.
    pub directory: PathBuf,
    /// The file in it.
    pub command: String,
    /// Its SHA-256 in hex.
    pub sha256: String,
    /// Arguments.
    pub args: Vec<String>,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    /// Who it runs as; the vault's own user when absent.
    pub user: Option<PluginUser>,
    /// Most bytes of memory that each of its processes may write to.
    pub memory_bytes: u64,
    /// How long it may take.
    pub deadline_ms: u64,
    /// A folder for locks and for the empty working directory.
    pub runs: PathBuf,
    /// The lock to hold meanwhile.
    pub lock: Option<String>,
}

/// A user without privileges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginUser {
    /// User.
    pub uid: u32,
    /// Its only group.
    pub gid: u32,
}

/// What the executor is told by its only argument.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stage {
    pub(super) name: String,
    pub(super) file: i32,
    pub(super) output: i32,
    pub(super) parent: u32,
    pub(super) args: Vec<String>,
    pub(super) user: Option<PluginUser>,
    pub(super) memory_bytes: u64,
}

/// Why a plugin was not started: it has certainly seen nothing of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchFailure {
    /// The vault and its launcher are not of one version.
    #[error("the launcher does not understand the vault")]
    Order,
    /// No such file, or it cannot be read.
    #[error("its file is not in the plugin directory, or cannot be read")]
    Missing,
    /// A link, a folder, a device.
    #[error("its file is not an ordinary file that lies directly in the plugin directory")]
    NotAFile,
    /// Somebody else could change it.
    #[error("its file, or the plugin directory, can be changed by others than the vault's user and root")]
    Writable,
    /// Larger than a plugin may be.
    #[error("its file is larger than 256 MiB")]
    TooLarge,
    /// Not what was registered.
    #[error("its file is not the one that was registered: the SHA-256 differs")]
    Digest,
    /// The sealed copy that would be run cannot be made.
    #[error("the copy of it in memory, which is what runs, cannot be made")]
    Copy,
    /// Not allowed to become the user that is configured.
    #[error("the vault may not become the user that plugins run as")]
    User,
    /// A limit cannot be set.
    #[error("a limit of it cannot be set")]
    Limits,
    /// The system does not run it: wrong format, no interpreter, no right.
    #[error("the system does not run it: its format, its first line or its interpreter")]
    Exec,
    /// Something of an earlier run for this account is still alive.
    #[error("an earlier run of a plugin for this account has not ended")]
    Busy,
}

impl LaunchFailure {
    const ALL: [Self; 11] = [
        Self::Order,
        Self::Missing,
        Self::NotAFile,
        Self::Writable,
        Self::TooLarge,
        Self::Digest,
        Self::Copy,
        Self::User,
        Self::Limits,
        Self::Exec,
        Self::Busy,
    ];

    /// As an exit code of the supervisor.
    #[must_use]
    pub fn code(self) -> u8 {
        let place = Self::ALL.iter().position(|other| *other == self).unwrap_or_default();
        FIRST_FAILURE.saturating_add(u8::try_from(place).unwrap_or_default())
    }

    /// The failure that an exit code stands for.
    #[must_use]
    pub fn from_code(code: i32) -> Option<Self> {
        let place = code.checked_sub(i32::from(FIRST_FAILURE))?;
        Self::ALL.get(usize::try_from(place).ok()?).copied()
    }
}

/// The plugin ran and ended with an error or by a signal. (A panic would be 101.)
pub(crate) const ENDED_BADLY: u8 = 60;
/// It ran and did not end in time.
pub(crate) const DEADLINE: u8 = 61;
/// The vault let go of it.
pub(crate) const ABANDONED: u8 = 62;
const FIRST_FAILURE: u8 = 70;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_is_read_back_from_its_code() {
        for failure in LaunchFailure::ALL {
            assert_eq!(LaunchFailure::from_code(i32::from(failure.code())), Some(failure));
        }
        for code in [0, ENDED_BADLY, DEADLINE, ABANDONED, 101] {
            assert_eq!(LaunchFailure::from_code(i32::from(code)), None);
        }
    }
}
