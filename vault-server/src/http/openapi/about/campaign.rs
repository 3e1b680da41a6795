//! `campaigns/…`.

use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    read("campaigns", "Lists campaigns.", data(LISTING)),
    list("campaigns", "Lists campaigns.", data(LISTING)),
    write("campaigns/rotate", "Rotates many accounts, in waves.", data(STARTED_OR_PLAN))
        .takes(WHICH)
        .and(HOW),
    write("campaigns/respond", "Answers a breach: rotates many accounts at once.", data(STARTED_OR_PLAN))
        .takes(WHICH_OR_WHO)
        .and(HOW),
    write("campaigns/offboard", "Rotates what somebody knows who leaves.", data(STARTED_OR_PLAN))
        .takes(WHO)
        .and(HOW),
    read("campaigns/<id>", "Reads a campaign.", data(CAMPAIGN)),
    read("campaigns/<id>/accounts", "Lists the accounts of a campaign.", data(ACCOUNTS)).takes(&[
        may("state", Word(&["", "pending", "waiting", "rotated", "failed", "skipped"]), "Only those."),
        may("from", Count, "Where to go on: `next` of the answer before."),
        may("limit", Count, "How many at most."),
    ]),
    write("campaigns/<id>/pause", "Pauses a campaign.", data(CAMPAIGN)),
    write("campaigns/<id>/resume", "Lets a paused campaign go on.", data(CAMPAIGN)),
    write("campaigns/<id>/cancel", "Ends a campaign.", data(CAMPAIGN)),
];

const ALL: Field = may("all", Flag, "Every account.");
const TARGET: Field = may("target", Text, "The accounts of this target.");
const FILTER: Field = may("filter", Text, "The accounts whose path fits; `*` stands for any text.");
const OLDER: Field = may("older_than", Span, "Accounts whose password is at least this old.");
const MANAGEMENT: Field = may("management", Flag, "Management credentials, too.");
const WHICH: &[Field] = &[ALL, TARGET, FILTER, OLDER, MANAGEMENT];
const WHICH_OR_WHO: &[Field] = &[
    ALL,
    TARGET,
    FILTER,
    OLDER,
    MANAGEMENT,
    may("principal", Text, "What they know: an entity id, `<mount>/<name>`, an accessor or a display name."),
];
const WHO: &[Field] = &[
    must("principal", Text, "Who: an entity id, `<mount>/<name>`, an accessor or a display name."),
    ALL,
    TARGET,
    FILTER,
    OLDER,
    MANAGEMENT,
];
const HOW: &[Field] = &[
    may("reason", Text, "Why."),
    may("canary", Count, "Accounts in the first wave; 0 for no canary."),
    may("pace", Count, "Most rotations begun in a minute; 0 for as fast as it goes."),
    may("concurrency", Count, "Most rotations at once on one target."),
    may(
        "stop_at",
        Count,
        "The share of failures in a wave, in percent, above which it pauses; 100 for never.",
    ),
    may("leases", Word(&["", "wait", "cut-own", "cut"]), "What becomes of accounts on a lease."),
    may("revoke", Flag, "End the principal's tokens first."),
    may("dry_run", Flag, "Only tell what would be done."),
];
const LISTING: &[Field] = &[must("campaigns", List(&Object(CAMPAIGN)), "Which, the latest first.")];
const TALLY: Shape = Object(&[
    must("total", Count, "All."),
    must("rotated", Count, "A new password works."),
    must("failed", Count, "It failed; the account has an incident."),
    must("skipped", Count, "Left alone."),
    must("waiting", Count, "On a lease; they rotate after check-in."),
    must("remaining", Count, "The others."),
]);
const CAMPAIGN: &[Field] = &[
    must("id", Text, "Names it."),
    must("kind", Word(&["rotate", "respond", "offboard"]), "What for."),
    must(
        "state",
        Word(&["gathering", "running", "paused", "waiting", "done", "cancelled"]),
        "Where it stands.",
    ),
    must("why", OrNull(&Text), "Why it is paused, or who cancelled it."),
    must("scope", Text, "Which accounts, in words."),
    must("principal", Text, "Who began it."),
    must("reason", OrNull(&Text), "Why."),
    must("created_at", Time, "When it began."),
    must("ended_at", OrNull(&Time), "When it ended."),
    must("wave", Count, "The number of the wave under way."),
    must("wave_size", Count, "How many accounts that has."),
    must("accounts", TALLY, "How many stand how."),
    must("targets", Map(&TALLY), "The accounts of each target."),
    must("failures", Map(&Count), "Failures by class."),
    must("skips", Map(&Count), "Accounts left alone, by why."),
    must("rate_per_minute", Number, "Accounts settled in a minute since it began, or was resumed."),
    must("seconds_left", OrNull(&Count), "How long the rest takes at that rate."),
];
const ACCESS: Field = may(
    "access",
    Object(&[
        must("tokens", List(&Text), "The accessors of their live tokens."),
        must("leases", List(&Text), "The leases that those hold."),
        must("revoked", Flag, "Whether they were ended."),
    ]),
    "What the principal still has.",
);
const ACCOUNT: &[Field] = &[
    must("account", Text, "Its path, or whose management credential it is."),
    must("target", Text, "The target."),
    must("version", OrNull(&Count), "The version that is to be replaced."),
    must("state", Text, "How it stands; in a plan, what would be done."),
    must("why", OrNull(&Text), "The class of the failure, or why it is left alone, or who holds it."),
    must("detail", OrNull(&Text), "More, in words."),
];
const ACCOUNTS: &[Field] = &[
    must("accounts", List(&Object(ACCOUNT)), "Which."),
    must("next", OrNull(&Count), "Where to go on, when there are more."),
];
const STARTED_OR_PLAN: &[Field] = &[
    may("campaign", Object(CAMPAIGN), "The campaign, once it is begun."),
    ACCESS,
    may("dry_run", Flag, "Whether this is only a plan."),
    may("scope", Text, "Which accounts, in words."),
    may("total", Count, "How many it would be about."),
    may("waves", Count, "In how many waves."),
    may("truncated", Flag, "Whether there are more than are named."),
    may("accounts", List(&Object(ACCOUNT)), "Which, in the order of their turns."),
];
