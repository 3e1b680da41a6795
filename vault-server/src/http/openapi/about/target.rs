//! `targets/…`: the systems on which accounts live.

use super::account::{CONFIRM, HANDED_OVER, LOCKOUT};
use super::incident::FAILURE;
use super::rehearsal::{FINDING, LIGHT};
use super::silence::SILENCED;
use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    list("targets/config", "Lists the targets.", Keys),
    read("targets/config/<name>", "Reads a target's settings, without its password.", Data(Open(SHOWN))),
    write(
        "targets/config/<name>",
        "Sets a target up, or changes it: what is left out stays as it is.",
        Nothing,
    )
    .takes(SETTINGS)
    .takes_anything()
    .fails(&[409, 502]),
    delete("targets/config/<name>", "Forgets a target.", data(HANDED_OVER))
        .takes(&[
            may(
                "disposal",
                Word(&["", "hand-over", "forget"]),
                "What becomes of its password. A hand-over gives it, and removes nothing before it is confirmed.",
            ),
            CONFIRM,
        ])
        .or(&[(204, Nothing)])
        .fails(&[409, 502]),
    write("targets/check/<name>", "Logs in and looks whether rotation would work.", data(CHECK))
        .fails(&[409, 502]),
    write("targets/rotate/<name>", "Rotates the management credential.", data(ROTATED))
        .or(&[(202, data(ROTATED))])
        .fails(&[409, 502]),
    read(
        "targets/status/<name>",
        "Tells where the management credential stands.",
        Data(Both(STATUS, FAILURE)),
    ),
];

const SETTINGS: &[Field] = &[
    may("rotator", Text, "The kind of target: `postgresql` or `mysql`."),
    may("connection_url", Text, "Where it is, without a password."),
    may("username", Text, "The name of the management credential."),
    may("password", Secret, "Its password; never given back."),
    may("max_concurrency", Count, "Rotations that may run on it at once."),
    may("allowed_usernames", List(&Text), "Which names may be managed as accounts; none for all."),
    may("rotation_policy", Text, "When the management credential is rotated."),
    may("password_policy", Text, "How passwords are made of accounts that name no policy."),
    may(
        "on_drift",
        Word(&["park", "reconcile"]),
        "What is done about a credential that was changed outside.",
    ),
    may(
        "lockout_threshold",
        Count,
        "Refused logins in a row that lock an account there, 2 to 1000; 0: not known. The vault causes fewer.",
    ),
    may("lockout_window", Text, "How long it counts one, such as `15m`: 1s to 90d."),
    may("heartbeat", Text, "How often its credentials are looked at, such as `24h`; `off` for never."),
    may("heartbeat_rate", Count, "Logins for that in a minute, at most."),
    may("team", Text, "Who looks after it, and after accounts on it that name no team; empty takes it away."),
];
const SHOWN: &[Field] = &[
    must("rotator", Text, "The kind of target."),
    must("connection_url", Text, "Where it is."),
    must("username", Text, "The name of the management credential."),
    must("version", Count, "The version of its password."),
    may("max_concurrency", Count, "Rotations that may run on it at once."),
    must("allowed_usernames", List(&Text), "Which names may be managed as accounts; none for all."),
    may("password_policy", Text, "How passwords are made of accounts that name no policy."),
    must(
        "on_drift",
        Word(&["park", "reconcile"]),
        "What is done about a credential that was changed outside.",
    ),
    must("lockout_threshold", Count, "Refused logins in a row that lock an account there; 0: not known."),
    must("lockout_window", Text, "How long it counts one."),
    must("heartbeat", Text, "How often its credentials are looked at; `0s`: not by itself."),
    must("heartbeat_rate", Count, "Logins for that in a minute, at most."),
    may("team", Text, "Who looks after it, and after accounts on it that name no team."),
    may("belongs_to", Text, "What it was made by, when that was an engine."),
    may("released", Flag, "Whether that is gone."),
];
const CHECK: &[Field] = &[
    must("server", Text, "How the target names itself and its version."),
    must("passed", List(&Text), "What was tried and held."),
    must("warnings", List(&Text), "What works but should be mended."),
    must("light", LIGHT, "Green, or amber where there are warnings; red is the failure."),
    must("findings", List(&Object(FINDING)), "The warnings, in the form of a rehearsal's findings."),
];
const ROTATED: &[Field] = &[
    must("outcome", Word(&["rotated", "running"]), "Whether it is done."),
    must("version", Count, "The version in use."),
    must("state", Text, "Where its rotation stands."),
];
const STATUS: &[Field] = &[
    must("rotator", Text, "The kind of target."),
    must("state", Text, "Where its rotation stands."),
    must("version", Count, "The version in use."),
    must("last_rotation", OrNull(&Time), "When it was last changed."),
    must("accounts", OrNull(&Count), "Accounts that live on it."),
    must("circuit", Object(CIRCUIT), "Whether the clock begins anything on it."),
    may("lockout", Object(LOCKOUT), "Refused logins that count for its management credential."),
    SILENCED,
    may("team", Text, "Who looks after it."),
];
const CIRCUIT: &[Field] = &[
    must("state", Word(&["closed", "open", "half_open"]), "Open: it does not answer, and the clock waits."),
    may("since", Time, "Since when it does not answer."),
    may("next_probe", Time, "When one account is let through to find out."),
    may("failures", Count, "Calls without an answer."),
    may("probes", Count, "Accounts that were let through to find out."),
];
