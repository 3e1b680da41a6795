//! What is asked of the target's shell: fixed scripts, each with a mark of its own. Pure.
//!
//! Whatever varies travels on standard input, after the script says that it runs; only the mark stands in the
//! command line, where `settle` finds it, and it is no secret.

use std::hash::{BuildHasher, RandomState};

use vault_core::id::RotationId;

use super::config::Elevation;

/// One of the things that are asked of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    /// Looks at the machine.
    Server,
    /// Looks at an account that is to have passwords.
    LookAtPassword,
    /// Looks at an account that is to have keys.
    LookAtKey,
    /// Sets a password.
    Password,
    /// Adds a key.
    AddKey,
    /// Makes a key the only one.
    OnlyKey,
    /// Removes a key.
    RemoveKey,
    /// Ends what bears a mark.
    Settle,
    /// Ends an account's sessions.
    Sessions,
}

impl Script {
    /// What runs as root, and what of it runs as the account's owner.
    fn parts(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Server => (&[BEGIN, SERVER], &[]),
            Self::LookAtPassword => (&[BEGIN, ACCOUNT, UNLOCKED, LOOK], &[]),
            Self::LookAtKey => (&[BEGIN, ACCOUNT, LOOK], &[]),
            Self::Password => (&[BEGIN, ACCOUNT, UNLOCKED, PASSWORD], &[]),
            Self::AddKey => (&[BEGIN, ACCOUNT, KEY], &[OWNER, ADD]),
            Self::OnlyKey => (&[BEGIN, ACCOUNT, KEY], &[OWNER, ONLY]),
            Self::RemoveKey => (&[BEGIN, ACCOUNT_LATE, KEY], &[OWNER, REMOVE]),
            Self::Settle => (&[BEGIN, SETTLE], &[]),
            Self::Sessions => (&[BEGIN, SESSIONS], &[]),
        }
    }

    /// How marks of it call it. `settle` ends only what can change something.
    fn verb(self) -> &'static str {
        match self {
            Self::Password | Self::AddKey | Self::OnlyKey | Self::RemoveKey => CHANGE,
            Self::Server | Self::LookAtPassword | Self::LookAtKey | Self::Settle | Self::Sessions => "look",
        }
    }
}

/// A script as it is sent, with the lines by which it is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// For the shell of the management user.
    pub(super) text: String,
    /// The mark of this very run.
    pub(super) mark: String,
    /// What sudo asks with, where it may ask.
    pub(super) prompt: Option<String>,
}

impl Command {
    /// A run of `script`, marked with the rotation.
    pub(super) fn new(script: Script, elevation: Elevation, rotation: Option<RotationId>) -> Self {
        let rotation = rotation.map_or_else(|| "none".to_owned(), |rotation| rotation.to_string());
        // Not for secrecy: so that no two runs have the same.
        let nonce = RandomState::new().hash_one(());
        let mark = format!("rotunda:{rotation}:{}:{nonce:016x}", script.verb());
        let prompt = (elevation == Elevation::SudoPassword).then(|| format!("rotunda-asks-{nonce:016x}:"));
        let sudo = match (elevation, &prompt) {
            (Elevation::None, _) => String::new(),
            (Elevation::SudoPassword, Some(prompt)) => format!("sudo -S -p {prompt} -- "),
            (Elevation::Sudo | Elevation::SudoPassword, _) => "sudo -n -- ".to_owned(),
        };
        let (root, owner) = script.parts();
        let text = format!("exec {sudo}sh -c '{}' {mark} '{}'", joined(root), joined(owner));
        Self { text, mark, prompt }
    }
}

/// With what the marks of all changes of this rotation begin.
pub(super) fn changes_of(rotation: RotationId) -> String {
    format!("rotunda:{rotation}:{CHANGE}:")
}

/// The scripts without their comments.
fn joined(parts: &[&str]) -> String {
    let lines = parts.iter().flat_map(|part| part.lines());
    lines.filter(|line| !line.starts_with('#')).fold(String::new(), |text, line| text + line + "\n")
}

const CHANGE: &str = "change";
const BEGIN: &str = include_str!("script/begin.sh");
const SERVER: &str = include_str!("script/server.sh");
const ACCOUNT: &str = include_str!("script/account.sh");
/// An expired account still loses its old key.
const ACCOUNT_LATE: &str = "id \"$u\" >/dev/null 2>&1 || fin missing\n";
const UNLOCKED: &str = include_str!("script/unlocked.sh");
const LOOK: &str = include_str!("script/look.sh");
const PASSWORD: &str = include_str!("script/password.sh");
const KEY: &str = include_str!("script/key.sh");
const OWNER: &str = include_str!("script/owner.sh");
const ADD: &str = include_str!("script/add.sh");
const ONLY: &str = include_str!("script/only.sh");
const REMOVE: &str = include_str!("script/remove.sh");
const SETTLE: &str = include_str!("script/settle.sh");
const SESSIONS: &str = include_str!("script/sessions.sh");

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Script; 9] = [
        Script::Server,
        Script::LookAtPassword,
        Script::LookAtKey,
        Script::Password,
        Script::AddKey,
        Script::OnlyKey,
        Script::RemoveKey,
        Script::Settle,
        Script::Sessions,
    ];

    #[test]
    fn nothing_in_a_script_ends_its_quotes() {
        for script in ALL {
            for elevation in [Elevation::None, Elevation::Sudo, Elevation::SudoPassword] {
                let text = Command::new(script, elevation, None).text;
                assert_eq!(text.matches('\'').count(), 4, "{script:?}: {text}");
                assert!(!text.lines().any(|line| line.starts_with('#')), "{text}");
            }
        }
    }

    #[test]
    fn what_a_script_will_say_is_not_in_its_text() {
        // A forced command may print what was asked of it; that must not look as if it ran.
        for script in ALL {
            let command = Command::new(script, Elevation::None, None);
            assert!(!command.text.contains(&format!("{} begin", command.mark)));
            assert_ne!(command.mark, Command::new(script, Elevation::None, None).mark);
        }
    }
}
