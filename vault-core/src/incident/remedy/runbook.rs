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
        "rotunda target write NAME sslrootcert=/etc/rotunda/tls/db-ca.pem",
        "rotunda target check NAME",
    ],
};
const MANAGEMENT_AUTH_REFUSED: Runbook = Runbook {
    means: "The target refused the credential by which the vault acts.",
    by_itself: "Nobody uses it again, so that it is not locked; its accounts are parked as they come.",
    commands: &[
        "psql … -c '\\password rotunda'",
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
