//! What each class of failure means, what the vault does by itself, and what a person types.
//!
//! `docs/runbooks.md` says the same with more words; a test holds the two together.

use crate::rotation::fault::FaultClass;

/// The short runbook of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runbook {
    /// What it means.
    pub means: &'static str,
    /// What the vault does about it by itself.
    pub by_itself: &'static str,
    /// What to type, in this order. Words in capitals stand for names.
    pub commands: &'static [&'static str],
}

/// The names that the words in capitals stand for, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Names<'a> {
    /// The incident's id.
    pub incident: Option<&'a str>,
    /// The account's path; `None` where it is about several, or about none.
    pub account: Option<&'a str>,
    /// The target.
    pub target: Option<&'a str>,
    /// Whether it is about the target's management credential, which has commands of its own.
    pub is_management: bool,
    /// The account's rotation policy.
    pub rotation_policy: Option<&'a str>,
    /// The plugin that serves the target.
    pub plugin: Option<&'a str>,
}

impl Runbook {
    /// The commands as they are typed about this incident.
    #[must_use]
    pub fn typed(&self, names: &Names<'_>) -> Vec<String> {
        self.commands.iter().map(|command| names.fill(command)).collect()
    }
}

impl Names<'_> {
    /// A command with these names in it. A word in capitals stays where the name is not known, or where a shell would take
    /// it for something else.
    #[must_use]
    pub fn fill(&self, command: &str) -> String {
        let own = MANAGED_BY.iter().find(|(of_account, _)| self.is_management && *of_account == command);
        let command = own.map_or(command, |(_, of_target)| *of_target);
        let words = command.split(' ').map(|word| match self.known(command, word) {
            Some(name) if is_plain(name) => name,
            _ => word,
        });
        words.collect::<Vec<_>>().join(" ")
    }

    fn known(&self, command: &str, word: &str) -> Option<&str> {
        match word {
            "ID" => self.incident,
            "PATH" => self.account,
            "NAME" if command.starts_with("rotunda target ") => self.target,
            "NAME" if command.starts_with("rotunda rotation-policy ") => self.rotation_policy,
            "NAME" if command.starts_with("rotunda plugin ") => self.plugin,
            _ => None,
        }
    }
}

/// Whether a shell takes a name as it is.
fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    !name.is_empty() && !name.starts_with('-') && name.bytes().all(is_plain)
}

/// What is typed about an account, and what does the same about a management credential.
const MANAGED_BY: [(&str, &str); 3] = [
    ("rotunda rotate PATH", "rotunda target rotate NAME"),
    ("rotunda account status PATH", "rotunda target status NAME"),
    ("rotunda account verify PATH", "rotunda target check NAME"),
];

/// The runbook of a class.
#[must_use]
pub const fn runbook(class: FaultClass) -> Runbook {
    match class {
        FaultClass::Preflight => PREFLIGHT,
        FaultClass::Unreachable => UNREACHABLE,
        FaultClass::Tls => TLS,
        FaultClass::ManagementAuthRefused => MANAGEMENT_AUTH_REFUSED,
        FaultClass::PermissionDenied => PERMISSION_DENIED,
        FaultClass::PolicyRejected => POLICY_REJECTED,
        FaultClass::AccountMissing => ACCOUNT_MISSING,
        FaultClass::AccountLocked => ACCOUNT_LOCKED,
        FaultClass::Ambiguous => AMBIGUOUS,
        FaultClass::VerifyRefused => VERIFY_REFUSED,
        FaultClass::RightsLost => RIGHTS_LOST,
        FaultClass::StoreFailed => STORE_FAILED,
        FaultClass::ConsumerLag => CONSUMER_LAG,
        FaultClass::OldStillValid => OLD_STILL_VALID,
        FaultClass::Drift => DRIFT,
        FaultClass::PluginFailed => PLUGIN_FAILED,
        FaultClass::PluginTimeout => PLUGIN_TIMEOUT,
        FaultClass::Overdue => OVERDUE,
    }
}

const PREFLIGHT: Runbook = Runbook {
    means: "The settings cannot work; the target was not touched.",
    by_itself: "Parked.",
    commands: &[
        "rotunda target check NAME",
        "rotunda target write NAME connection_url='…' password=-",
        "rotunda rotate PATH",
    ],
};
const UNREACHABLE: Runbook = Runbook {
    means: "No connection, or no answer to anything that could have changed something.",
    by_itself: "Retried, paced, without end.",
    commands: &["rotunda target check NAME", "rotunda rotate PATH"],
};
const TLS: Runbook = Runbook {
    means: "A certificate of another authority or name, expired, or none.",
    by_itself: "Retried, paced.",
    commands: &[
        "rotunda target write NAME sslrootcert=/etc/rotunda/tls/db-ca.pem password=-",
        "rotunda target check NAME",
    ],
};
const MANAGEMENT_AUTH_REFUSED: Runbook = Runbook {
    means: "The target refused the credential by which the vault acts.",
    by_itself: "Nobody uses it again, so that it is not locked; its accounts are parked as they come.",
    commands: &[
        "rotunda target read NAME",
        "rotunda target write NAME password=-",
        "rotunda target check NAME",
        "rotunda target rotate NAME",
    ],
};
const PERMISSION_DENIED: Runbook = Runbook {
    means: "The management credential works and may not change this account.",
    by_itself: "Parked.",
    commands: &["rotunda rotate PATH"],
};
const POLICY_REJECTED: Runbook = Runbook {
    means: "The target's password rule refused two candidates, the second made under a stricter rule.",
    by_itself: "Parked; the old password is in force.",
    commands: &[
        "rotunda password-policy write site site.hcl",
        "rotunda account write PATH password_policy=site",
        "rotunda rotate PATH",
    ],
};
const ACCOUNT_MISSING: Runbook = Runbook {
    means: "The account is not there.",
    by_itself: "Parked.",
    commands: &["rotunda rotate PATH", "rotunda account delete PATH --disposal hand-over"],
};
const ACCOUNT_LOCKED: Runbook = Runbook {
    means: "The account is locked, disabled or expired, so its password was not judged.",
    by_itself: "Parked, because further logins could lengthen a lock.",
    commands: &["rotunda rotate PATH"],
};
const AMBIGUOUS: Runbook = Runbook {
    means: "The change was sent, and no answer came.",
    by_itself: "The vault ends what it left on the target and probes candidate, current and previous; what logs in decides.",
    commands: &["rotunda target check NAME", "rotunda account status PATH", "rotunda rotate PATH"],
};
const VERIFY_REFUSED: Runbook = Runbook {
    means: "The target said \"done\" and refuses the new password.",
    by_itself: "Probed; tried again some times, then parked. The current password serves if it works.",
    commands: &["rotunda target check NAME", "rotunda rotate PATH"],
};
const RIGHTS_LOST: Runbook = Runbook {
    means: "The new password logs in, but the account has lost rights it had before.",
    by_itself: "The old password was put back and verified, then parked.",
    commands: &["rotunda incident show ID", "rotunda rotate PATH"],
};
const STORE_FAILED: Runbook = Runbook {
    means: "The vault's own store or audit trail did not take it; then nothing is done on a target.",
    by_itself: "Retried.",
    commands: &["df -h /var/lib/rotunda /var/log/rotunda", "rotunda operator verify"],
};
const CONSUMER_LAG: Runbook = Runbook {
    means: "The grace after a rotation is over, and live consumers still have the old version.",
    by_itself: "Both versions work; the policy's `hold` keeps the old one for them.",
    commands: &["rotunda account consumers PATH", "rotunda rotate PATH"],
};
const OLD_STILL_VALID: Runbook = Runbook {
    means: "The new password works, and the target still accepts the old one.",
    by_itself: "Retried. A lease stays open, and the account is not lent.",
    commands: &["rotunda account verify PATH", "rotunda rotate PATH"],
};
const DRIFT: Runbook = Runbook {
    means: "The target refuses the stored password: somebody changed it outside.",
    by_itself: "Nobody is served the dead password: reads and check-outs get 503. Where the target says on_drift=reconcile, a fresh password is set, once for each incident.",
    commands: &[
        "rotunda incident do ID reconcile --dry-run",
        "rotunda incident do ID reconcile",
        "rotunda incident do ID set_password",
    ],
};
const PLUGIN_FAILED: Runbook = Runbook {
    means: "The rotator itself failed, not the target.",
    by_itself: "It is tried again; after the step that changes the password the target is asked first what it accepts. The account is served as before meanwhile.",
    commands: &[
        "rotunda plugin read NAME",
        "sha256sum /usr/local/lib/rotunda/plugins/FILE",
        "rotunda plugin register NAME --sha256 …",
        "rotunda rotator test FILE --username NAME --account NAME",
    ],
};
const PLUGIN_TIMEOUT: Runbook = Runbook {
    means: "A plugin did not end within `plugins.deadline`",
    by_itself: "It was killed with all that it had started; what it may have done is settled and probed before the next try.",
    commands: &["rotunda plugin read NAME", "rotunda incident do ID retry"],
};
const OVERDUE: Runbook = Runbook {
    means: "A scheduled rotation was due and could not begin, because its target was busy for a minute or more.",
    by_itself: "It begins when there is room.",
    commands: &[
        "rotunda target write NAME max_concurrency=8",
        "rotunda rotation-policy write NAME rotation_schedule='…' jitter=30m",
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names<'_> = Names {
        incident: Some("0199-1"),
        account: Some("db/app"),
        target: Some("pg-main"),
        is_management: false,
        rotation_policy: Some("daily"),
        plugin: Some("vsphere"),
    };

    #[test]
    fn each_command_has_the_names_that_are_known() {
        for (command, expected) in [
            ("rotunda target check NAME", "rotunda target check pg-main"),
            ("rotunda rotate PATH", "rotunda rotate db/app"),
            ("rotunda incident do ID reconcile --dry-run", "rotunda incident do 0199-1 reconcile --dry-run"),
            (
                "rotunda account delete PATH --disposal hand-over",
                "rotunda account delete db/app --disposal hand-over",
            ),
            ("rotunda plugin register NAME --sha256 …", "rotunda plugin register vsphere --sha256 …"),
            (
                "rotunda rotation-policy write NAME jitter=30m",
                "rotunda rotation-policy write daily jitter=30m",
            ),
            // Another name than any of these.
            ("rotunda rotator test FILE --username NAME", "rotunda rotator test FILE --username NAME"),
            ("psql … -c '\\password rotunda'", "psql … -c '\\password rotunda'"),
        ] {
            assert_eq!(NAMES.fill(command), expected);
            assert_eq!(Names::default().fill(command), command, "nothing is known");
        }
    }

    #[test]
    fn a_name_that_a_shell_takes_for_something_else_is_left_out() {
        for name in ["a b", "a;reboot", "$(reboot)", "-rf", "", "a'b", "a\nb", "ä"] {
            let names = Names { account: Some(name), ..NAMES };
            assert_eq!(names.fill("rotunda rotate PATH"), "rotunda rotate PATH", "{name}");
        }
    }

    #[test]
    fn a_management_credential_has_commands_of_its_own() {
        let names = Names { account: None, is_management: true, ..NAMES };
        assert_eq!(
            PREFLIGHT.typed(&names),
            [
                "rotunda target check pg-main",
                "rotunda target write pg-main connection_url='…' password=-",
                "rotunda target rotate pg-main",
            ]
        );
        let of_account = |command: &&str| MANAGED_BY.iter().any(|(of_account, _)| of_account == command);
        for class in FaultClass::ALL {
            let book = runbook(class);
            assert_eq!(book.typed(&names).len(), book.commands.len());
            let left =
                book.commands.iter().filter(|command| command.contains("PATH") && !of_account(command));
            for command in left {
                assert_eq!(names.fill(command), *command, "{class}: nobody is named");
            }
        }
    }
}
