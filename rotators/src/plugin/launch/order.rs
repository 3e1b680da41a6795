//! What the vault orders of the supervisor, and how the supervisor's exit code is read.

use std::collections::BTreeMap;
use std::io::Read;
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

/// What the executor is told: on its standard input, before what is the plugin's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stage {
    pub(super) name: String,
    pub(super) file: i32,
    pub(super) output: i32,
    pub(super) parent: u32,
    pub(super) args: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) user: Option<PluginUser>,
    pub(super) memory_bytes: u64,
}

impl Stage {
    /// As bytes that say how many they are, so that whoever reads them leaves what follows.
    pub(super) fn framed(&self) -> Option<Vec<u8>> {
        let words = serde_json::to_vec(self).ok()?;
        let length = u32::try_from(words.len()).ok()?;
        Some([length.to_be_bytes().as_slice(), &words].concat())
    }

    /// Reads what [`framed`](Self::framed) made, and not a byte more.
    pub(super) fn read(mut input: impl Read) -> Option<Self> {
        let mut length = [0; 4];
        input.read_exact(&mut length).ok()?;
        let mut words = Vec::new();
        input.take(u32::from_be_bytes(length).into()).read_to_end(&mut words).ok()?;
        serde_json::from_slice(&words).ok()
    }
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
    /// Rights of the vault's process would stay with it.
    #[error("the vault's capabilities cannot be taken from it")]
    Capabilities,
}

impl LaunchFailure {
    const ALL: [Self; 12] = [
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
        Self::Capabilities,
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
    fn a_stage_is_read_up_to_its_end_and_what_follows_is_left() {
        let stage = Stage {
            name: "plugin".to_owned(),
            file: 4,
            output: 5,
            parent: 6,
            args: vec!["\n".to_owned()],
            env: BTreeMap::from([("NAME".to_owned(), "line\nline".to_owned())]),
            user: Some(PluginUser { uid: 1, gid: 2 }),
            memory_bytes: 7,
        };
        let framed = stage.framed().unwrap();
        let input = [framed.as_slice(), b"the request"].concat();
        let mut rest = input.as_slice();
        assert_eq!(Stage::read(&mut rest), Some(stage));
        assert_eq!(rest, b"the request");
        assert_eq!(Stage::read(&framed[..framed.len() - 1]), None);
    }

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
