//! `accounts/…`.

use super::incident::FAILURE;
use super::rehearsal::LAST;
use super::silence::SILENCED;
use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    list("accounts/config", "Lists the accounts.", Keys),
    list("accounts/config/<prefix...>", "Lists the accounts in a folder.", Keys)
        .shown_as("accounts/config/<path...>"),
    read("accounts/config/<path...>", "Reads an account's settings.", data(CONFIG)),
    write(
        "accounts/config/<path...>",
        "Takes an account into care, or changes it: what is left out stays as it is.",
        STATUS,
    )
    .takes(SETTINGS)
    .fails(&[409, 502]),
    delete("accounts/config/<path...>", "Forgets an account.", data(HANDED_OVER))
        .takes(&[
            must(
                "disposal",
                Word(&["rotate-and-forget", "hand-over"]),
                "What becomes of its password. A hand-over gives it, and removes nothing before it is confirmed.",
            ),
            CONFIRM,
        ])
        .or(&[(204, Nothing)])
        .fails(&[409, 502]),
    read("accounts/creds/<path...>", "Reads an account's credential.", data(CREDENTIAL)).fails(&[409]),
    write("accounts/check-out/<path...>", "Lends an account to the caller alone.", data(LENT))
        .takes(&[
            may("ttl", Span, "For how long."),
            may("reason", Text, "Why, for the audit file and for who waits."),
            may("ticket", Text, "The ticket it is for."),
            may("wait", Span, "How long to wait in line for it."),
        ])
        .fails(&[409, 502]),
    write("accounts/check-in/<path...>", "Gives an account back: its password is changed.", data(RETURNED))
        .takes(&[
            may("lease_id", Text, "The lease; found when the caller has one."),
            may("force", Flag, "Takes it from whoever has it; needs `sudo`."),
        ])
        .fails(&[409, 502]),
    write("accounts/rotate/<path...>", "Changes an account's password now.", OUTCOME)
        .takes(&[may("force", Flag, "Also while it is lent; needs `sudo`.")])
        .or(&[(202, OUTCOME)])
        .fails(&[409, 502]),
    write("accounts/verify/<path...>", "Logs in with the stored password.", OUTCOME)
        .or(&[(202, OUTCOME)])
        .fails(&[409, 502]),
    write("accounts/reconcile/<path...>", "Brings vault and target together again.", OUTCOME)
        .or(&[(202, OUTCOME)])
        .fails(&[409, 502]),
    list("accounts/status", "Lists accounts with their status.", data(LISTING)).takes(LOOKED_FOR),
    read("accounts/status", "Lists accounts with their status.", data(LISTING)).takes(LOOKED_FOR),
    read("accounts/status/<path...>", "Tells where an account stands.", STATUS),
    read(
        "accounts/history/<path...>",
        "Tells what happened to an account, oldest first.",
        data(&[must("events", List(&Object(EVENT)), "What happened.")]),
    ),
    read(
        "accounts/consumers/<path...>",
        "Tells who fetched which version of a credential.",
        Data(Both(CONSUMER_LIST, CONSUMERS)),
    ),
    list(
        "accounts/consumers/<path...>",
        "Lists who fetched a credential, by accessor.",
        data(&[
            must("keys", List(&Text), "Their accessors."),
            must("key_info", Map(&Object(CONSUMER)), "Each of them."),
        ]),
    ),
    write(
        "accounts/confirm/<path...>",
        "Says that the caller uses a version of a credential that it has fetched.",
        data(&[
            must("version", Count, "The version that the caller uses."),
            must("current", Flag, "Whether that is the current one."),
            must("confirmed", Time, "When it said so first."),
        ]),
    )
    .takes(&[must("version", Count, "The version that it uses: the one that it fetched last.")])
    .fails(&[409]),
    read(
        "accounts/watch/<path...>",
        "Waits for another version of a credential, or streams each.",
        data(WATCHED),
    )
    .takes(&[
        may("version", Count, "The version that the caller has."),
        may("wait", Span, "How long to wait; `0` not at all."),
    ])
    .or(&[(200, Typed("text/event-stream"))]),
];

const SETTINGS: &[Field] = &[
    may("target", Text, "Where it lives."),
    may("username", Text, "Its name there."),
    may(
        "alternate_username",
        Text,
        "A second name there, which takes turns with the first; empty takes it away.",
    ),
    may("password", Secret, "Its password of today; without one it is adopted by a first rotation."),
    may("rotation_policy", Text, "When it is rotated."),
    may("password_policy", Text, "How its passwords look."),
    may("ttl", Span, "How long a check-out lasts that asks for nothing."),
    may("max_ttl", Span, "How long a check-out lasts at most."),
    may(
        "heartbeat",
        Text,
        "How often it is looked whether it works; `off` for never, empty as its target says.",
    ),
    may("team", Text, "Who looks after it; empty for who looks after its target."),
];
const CONFIG: &[Field] = &[
    must("target", Text, "Where it lives."),
    must("username", Text, "Its name there."),
    must("alternate_username", OrNull(&Text), "A second name there, which takes turns with the first."),
    must("rotation_policy", OrNull(&Text), "When it is rotated."),
    must("password_policy", OrNull(&Text), "How its passwords look."),
    must("max_ttl", OrNull(&Count), "Seconds a check-out lasts at most."),
    must("heartbeat", OrNull(&Text), "How often it is looked whether it works; `0s`: never."),
    must("team", OrNull(&Text), "Who looks after it, where that is not who looks after its target."),
    must("rotation_period", OrNull(&Count), "Seconds between rotations of a static role."),
    must("rotation_schedule", OrNull(&Text), "When a static role is rotated."),
    must("rotation_window", OrNull(&Count), "Seconds after a time of the schedule in which it may begin."),
    must("belongs_to", OrNull(&Text), "What it was made by, when that was an engine."),
    must("released", OrNull(&Flag), "Whether that is gone."),
];
const STATUS: Reply = Data(ACCOUNT);
const ACCOUNT: Shape = Both(STANDING, FAILURE);
const STANDING: &[Field] = &[
    must("target", Text, "Where it lives."),
    must("username", Text, "Its name there."),
    may("alternate_username", Text, "A second name there, which takes turns with the first."),
    may("username_in_use", Text, "Which of the two names the served version opens."),
    must("state", Word(STATES), "Where its rotation stands."),
    must("version", Count, "The version that is served."),
    may("pending_version", Count, "The version that is being brought to the target."),
    must("last_rotation", OrNull(&Time), "When the served version was verified."),
    must("next_rotation", OrNull(&Time), "When the next rotation is due."),
    must("last_verified", OrNull(&Time), "When the served version was last seen to work."),
    must("next_heartbeat", OrNull(&Time), "When it is looked next whether it works."),
    may("held_until", Time, "Until when a maintenance of its target holds what is due."),
    may("lockout", Object(LOCKOUT), "Refused logins that count for it, where its target says when it locks."),
    SILENCED,
    may("holder", Object(HOLDER), "Who has it."),
    may(
        "line",
        List(&Object(&[must("principal", Text, "Who."), must("since", OrNull(&Time), "Since when.")])),
        "Who waits.",
    ),
    may(
        "consumers",
        Object(CONSUMERS),
        "How far the served version has come; where one account is asked about, or a listing is asked for it.",
    ),
    may("pool", Text, "The pool that lends it, too."),
    may("rehearsal", Object(LAST), "What the last rehearsal of its rotation came to."),
    may("rotation_policy", Text, "When it is rotated."),
    may("password_policy", Text, "How its passwords look."),
    may("max_ttl", Count, "Seconds a check-out lasts at most."),
    may(
        "age",
        Object(&[
            must("seconds", Count, "Since the served version was made."),
            may("period_seconds", Count, "How old its policy lets one become."),
            may("percent", Count, "The one by the other, rounded down."),
        ]),
        "How old the served version is.",
    ),
    may("team", Text, "Who looks after it: its own team, or its target's."),
];
pub(super) const LOCKOUT: &[Field] = &[
    must("username", Text, "The name that was logged in."),
    must("refused", Count, "How many count now."),
    must("threshold", Count, "How many lock the account; the vault causes fewer."),
    must("until", OrNull(&Time), "When none of them counts any more."),
    may("held_until", Time, "Until when the next login is held back."),
];
const CONSUMERS: &[Field] = &[
    must("live", Count, "Consumers that are live."),
    must("current", Count, "Those of them that have the current version."),
    must("lagging", Count, "Those that have another."),
    must("all_current", Flag, "Whether no known live consumer lags."),
    may("laggards", List(&Object(CONSUMER)), "Some of those that lag."),
];
const CONSUMER: &[Field] = &[
    must("principal", Text, "Who, as tokens are called."),
    may("id", Text, "The login or entity behind the token."),
    may("accessor", Text, "The token's accessor."),
    must("version", Count, "The version that was fetched last."),
    may("confirmed", Count, "The version that it said it uses; absent when it never said so."),
    must("standing", Word(&["current", "lagging", "gone"]), "How it stands to the current version."),
    must("since", Time, "When any version was fetched first."),
    must("first_fetched", Time, "When this version was fetched first."),
    must("last_seen", Time, "When it was heard of last."),
];
const CONSUMER_LIST: &[Field] = &[
    must("version", Count, "The current version."),
    must("consumers", List(&Object(CONSUMER)), "Each of them, also those that are gone."),
];
const STATES: &[&str] = &[
    "idle",
    "due",
    "staged",
    "applied",
    "doubtful",
    "reverting",
    "retiring",
    "backoff",
    "grace",
    "parked",
    "quarantined",
];
const LOOKED_FOR: &[Field] = &[
    may(
        "state",
        Text,
        "Only those in this state, or that are `failing`, `overdue`, `held`, `lent`, `lagging` (a consumer has another version), or `never` rotated.",
    ),
    may("q", Text, "Only those with this in their path, target or username."),
    may("team", Text, "Only those of this team, their own or their target's; `(none)` for those of no team."),
    may("offset", Count, "After so many."),
    may("limit", Count, "At most so many; all unless named."),
    may(
        "consumers",
        Flag,
        "Whether it is told how far the served version of each has come; with a `limit` of at most 500.",
    ),
];
pub(super) const HOLDER: &[Field] = &[
    must("principal", Text, "Who."),
    may("lease_id", Text, "By which lease; for its holder and who may revoke it."),
    must("since", OrNull(&Time), "Since when."),
    must("expires_at", OrNull(&Time), "Until when unless renewed."),
    may("reason", Text, "Why, in the holder's words."),
    may("ticket", Text, "The ticket that the holder named."),
    must("state", Word(&["active", "revoking", "closed"]), "Whether it is being ended."),
    may("own", Flag, "`true` for who asks; absent for anybody else's."),
];
pub(super) const CONFIRM: Field =
    may("confirm", Text, "What the hand-over answered, by which the caller says to have its passwords.");
pub(super) const HANDED_OVER: &[Field] = &[
    must("username", Text, ""),
    must(
        "passwords",
        List(&Object(&[
            must("version", Count, ""),
            must("state", Word(&["current", "previous", "pending"]), "What the vault takes it for."),
            may(
                "password",
                Secret,
                "Absent when it cannot be read: restore the vault before this is confirmed.",
            ),
        ])),
        "Every version that the target may accept; the likeliest comes first.",
    ),
    must("confirm", Text, "What to ask with again, once all of it has arrived."),
];
const CREDENTIAL: &[Field] = &[
    must("username", Text, "The account's name on its target."),
    must("password", Secret, "Its password."),
    must("version", Count, "Which version that is."),
    must("last_rotation", OrNull(&Time), "When it was last changed."),
    must("next_rotation", OrNull(&Time), "When it is next due."),
    must("ttl", Count, "Seconds until then; 0 without a schedule."),
];
pub(super) const LENT: &[Field] = &[
    must("username", Text, "The account's name on its target."),
    must("password", Secret, "Its password."),
    must("version", Count, "Which version that is."),
    must("generation", Count, "How often the account was lent."),
    must("expires_at", Time, "Until when unless renewed."),
];
const RETURNED: &[Field] = &[
    must("lease_id", Text, "The lease that ends."),
    must("state", Word(&["closed", "revoking"]), "Whether the target was seen to refuse the password."),
    may("version", Count, "The version that is served now."),
    may("incident", Text, "What stands in the way."),
];
const OUTCOME: Reply = Data(Both(RESULT, FAILURE));
const RESULT: &[Field] = &[
    must("outcome", Word(&["rotated", "verified", "in_sync", "running"]), "What came of it."),
    must("version", Count, "The version that is served."),
    must("state", Word(STATES), "Where its rotation stands."),
];
const LISTING: &[Field] = &[
    must("total", Count, "All that fit, of which these may be a part."),
    must("keys", List(&Text), "Their paths."),
    must("key_info", Map(&ACCOUNT), "The status of each."),
];
const EVENT: &[Field] = &[
    must("at", Time, "When."),
    must("kind", Text, "What, such as `staged` or `promoted`."),
    may("version", Count, "The version it is about."),
    may("class", Text, "The class of a failure."),
    may("detail", Text, "More, in words."),
    may("principal", Text, "Who caused it."),
    may("rotation_id", Text, "The rotation it belongs to."),
];
const WATCHED: &[Field] = &[
    must("version", Count, "The current version; 0 while there is none."),
    must("changed", Flag, "Whether it is another than the one that was named."),
    must("last_rotation", OrNull(&Time), "When it was last changed."),
    must("next_rotation", OrNull(&Time), "When it is next due."),
];
