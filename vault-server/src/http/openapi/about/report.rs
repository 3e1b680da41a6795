//! `reports/…`.

use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    read("reports/rotation", "Tells how often rotations failed and how long repair took.", data(REPORT))
        .takes(&[
            may("from", Text, "Since when: RFC 3339, or seconds since 1970; 30 days before `to`."),
            may("to", Text, "Until when; now."),
            may(
                "by",
                Word(&["", "class", "target", "rotator", "team", "account", "month"]),
                "What it is divided by; by account those come first that took most staff time.",
            ),
            may("limit", Count, "By account, how many are named of those that the caller may read; 100, at most 10000."),
            may("objective", Text, "What share shall succeed, in per cent; 99.5."),
            may("hourly_cost", Text, "What an hour of staff costs, such as 85.50; as the vault was told."),
            may(
                "max_age",
                Span,
                "An answer for the last 30 days, or by month for this one and the last, that was added up at most so long ago will do; at most 24h.",
            ),
            may("worst", Count, "Of the targets or rotators only so many, those first where most failed."),
            may("durations", Flag, "Whether single times to repair are told of each part; `false`."),
            may(
                "also",
                Text,
                "More reports from the same walk over the records: words of `by` with commas between, each with `@` and a time where it begins elsewhere than at `from`; as JSON only.",
            ),
            FORM,
        ])
        .or(SHEETS),
    read("reports/rotation/ended", "Pages through the rotations that ended.", data(ENDED)).takes(PART),
    read("reports/rotation/attempts", "Pages through the attempts of rotations.", data(TRIED)).takes(PART),
    read("reports/ages", "Tells how old credentials are, by their policies.", data(AGES))
        .takes(&[LIMIT, FORM])
        .or(SHEETS),
    read("reports/standing", "Tells how many accounts stand how.", data(STANDING))
        .takes(&[may("within", Span, "What is soon; 24h."), FORM])
        .or(SHEETS),
    read("reports/due", "Tells what is due and not rotated, or soon will be.", data(DUE))
        .takes(&[may("within", Span, "What is soon; 24h."), LIMIT, FORM])
        .or(SHEETS),
];

const SHEETS: &[(u16, Reply)] = &[(200, Typed("text/csv")), (200, Typed("text/markdown"))];
const FORM: Field = may("format", Word(&["", "json", "csv", "markdown"]), "In which form; `json`.");
const BEYOND: Field = may("left_out", Count, "Those beyond the limit.");
const LIMIT: Field = may("limit", Count, "How many accounts are named; 100, at most 10000.");
const PART: &[Field] = &[
    may("from", Text, "Since when: RFC 3339, or seconds since 1970; 30 days before `to`."),
    may("to", Text, "Until when; now."),
    may("after", Text, "The place after which to go on; `next` of the page before."),
    may("limit", Count, "How many at most; 1000 at a time."),
];
const NEXT: Field = may("next", Text, "What to give as `after` for those that follow; absent at the end.");
const TEAM: Field = may("team", Text, "Whose the account was then; absent where it was of no team.");
const ENDED: &[Field] = &[
    must(
        "rotations",
        List(&Object(&[
            must("rotation", Text, "Names it; one that a person lets go on ends once more."),
            must("subject", Text, "The account or target."),
            must("target", Text, "The target."),
            must("due_at", Time, "When it was due."),
            must("started_at", Time, "When its first attempt began."),
            must("ended_at", Time, "When it ended."),
            must("attempts", Count, "Attempts that it took."),
            must("class", OrNull(&Text), "The class of its last failure, of one that was parked."),
            TEAM,
        ])),
        "Which, by the time of their end.",
    ),
    NEXT,
];
const TRIED: &[Field] = &[
    must(
        "attempts",
        List(&Object(&[
            must("rotation", Text, "The rotation that it belongs to."),
            must("number", Count, "Which of that rotation."),
            must("subject", Text, "The account or target."),
            must("target", Text, "The target."),
            must("at", Time, "When it was over."),
            must("succeeded", Flag, "Whether the rotation was done with it."),
            must("class", OrNull(&Text), "The class of its failure."),
            must("phase", OrNull(&Text), "Where in the rotation it failed."),
            TEAM,
        ])),
        "Which, by the time of their end.",
    ),
    NEXT,
];
const WINDOW: Field =
    must("window", Object(&[must("from", Time, ""), must("to", Time, "")]), "What it covers.");
const SHARE: Field = must("failure_share", OrNull(&Number), "The failed ones by all.");
const ROTATIONS: Field = must(
    "rotations",
    Object(&[must("succeeded", Count, ""), must("failed", Count, ""), must("attempts", Count, ""), SHARE]),
    "Those that ended.",
);
const ATTEMPTS: Field = must(
    "attempts",
    Object(&[must("succeeded", Count, ""), must("failed", Count, ""), SHARE]),
    "All that ended, also of rotations that did not.",
);
const BURN: Shape = Object(&[
    must("rate", Number, "The share that failed by the share that may."),
    must("spent", Number, "What part of the budget of 30 days went."),
]);
const BUDGET: Field = must(
    "budget",
    Object(&[
        must("objective", Number, "In per cent."),
        must("rotations", OrNull(&BURN), ""),
        must("attempts", OrNull(&BURN), ""),
    ]),
    "How the objective fares.",
);
const INCIDENTS: Field = must(
    "incidents",
    Object(&[
        must("opened", Count, ""),
        must("resolved", Count, ""),
        must("open", Count, "At the end."),
        must("oldest_open_seconds", OrNull(&Count), ""),
        must("never_acknowledged", Count, "Repaired, and nobody had said that they look after it."),
        must("never_notified", Count, "Repaired, and no receiver had taken a message of it."),
        must("withdrawn", Count, "Over without a repair."),
    ]),
    "",
);
const WORK: Field = must(
    "work",
    Object(&[
        must("reviewed", Count, "Incidents that were reviewed in it."),
        must("unreviewed", Count, "Repaired and not reviewed: not in these figures."),
        must("staff_minutes", Count, "On those that were reviewed."),
        must("cost", OrNull(&Number), "By the hourly cost that was given, or that the vault was told."),
    ]),
    "What people spent.",
);
const REPORT: &[Field] = &[
    WINDOW,
    ROTATIONS,
    ATTEMPTS,
    BUDGET,
    INCIDENTS,
    WORK,
    must("by_class", Map(&Count), "Incidents by class."),
    TTD,
    TTN,
    TTA,
    TTM,
    TTR,
    may("currency", Text, "What costs are counted in, where there are any and the vault was told."),
    must("groups", List(&Object(GROUP)), "Its parts, if it is divided."),
    may("left_out", Count, "Accounts beyond the limit, by account."),
    may("also", Map(&Object(ALSO)), "What `also` asked for, by its word."),
];
const ALSO: &[Field] = &[
    WINDOW,
    ROTATIONS,
    ATTEMPTS,
    BUDGET,
    INCIDENTS,
    WORK,
    must("by_class", Map(&Count), "Incidents by class."),
    TTD,
    TTN,
    TTA,
    TTM,
    TTR,
    may("currency", Text, "What costs are counted in."),
    must("groups", List(&Object(GROUP)), "Its parts."),
    may("left_out", Count, "Accounts beyond the limit, by account."),
];
const GROUP: &[Field] = &[
    must("name", Text, "Which class, target, rotator, team, account or month; `(none)` for no team."),
    WINDOW,
    ROTATIONS,
    ATTEMPTS,
    BUDGET,
    INCIDENTS,
    WORK,
    TTD,
    TTN,
    TTA,
    TTM,
    TTR,
    may(
        "repairs",
        List(&Object(&[must("seconds", Number, ""), must("open", Flag, "Whether it is not repaired.")])),
        "Single times to repair, in order, at most 200; with `durations`.",
    ),
    must(
        "change",
        OrNull(&Object(&[
            must("failed_rotations", Number, ""),
            must("failed_attempts", Number, ""),
            must("opened", Number, ""),
        ])),
        "Since the month before.",
    ),
];
const TTD: Field = must("ttd", SPREAD, "Seconds to detect.");
const TTN: Field = must("ttn", SPREAD, "Seconds until a receiver has taken the message.");
const TTA: Field = must("tta", SPREAD, "Seconds to acknowledge.");
const TTM: Field = must("ttm", SPREAD, "Seconds to mitigate.");
const TTR: Field = must("ttr", SPREAD, "Seconds to repair.");
const SPREAD: Shape = Object(&[
    must("n", Count, "How many there are."),
    must("completed", Count, "How many of them are over."),
    must("censored", Count, "How many are not."),
    must("suspect", Count, "How many cannot be told, because the clock was stepped back."),
    must("mean", OrNull(&Number), "Of those that are over."),
    must("p50", OrNull(&Number), ""),
    must("p50_is_floor", Flag, "Whether it may be more, because one is not over."),
    must("p90", OrNull(&Number), ""),
    must("p90_is_floor", Flag, ""),
    must("max", OrNull(&Number), ""),
    must("max_is_floor", Flag, ""),
]);
const AGES: &[Field] = &[
    must("as_of", Time, "When it was looked."),
    must("accounts", Count, "How many there are."),
    must("without_policy", Count, "Measured against nothing."),
    must("without_credential", Count, "Nothing to measure."),
    must("never_rotated", Count, "Never changed by the vault."),
    BUCKETS,
    must(
        "oldest",
        List(&Object(&[
            must("account", Text, "Which."),
            must("target", Text, "Where."),
            must("age_seconds", Count, "How old its credential is."),
            must("period_seconds", Count, "How old it may become."),
            must("ratio", Number, "The one by the other."),
            must("never_rotated", Flag, ""),
        ])),
        "The oldest by their policies.",
    ),
    BEYOND,
];
const STANDING: &[Field] = &[
    must("as_of", Time, "When it was looked."),
    must("within_seconds", Count, "What is soon."),
    must("accounts", Count, "How many there are."),
    must("failing", Count, "With an open incident."),
    must("overdue", Count, "Due for a minute or more, and nothing keeps them back."),
    must("soon", Count, "Due soon."),
    must("never_rotated", Count, "Never rotated by the vault."),
    must("held", Count, "Held by a maintenance of their target."),
    must("lent", Count, "In somebody's hands."),
    must("lent_late", Count, "Of these, beyond their time."),
    must("revoking", Count, "Of these, ending without proof so far."),
    must("by_state", Map(&Count), "By state."),
    must(
        "consumers",
        Object(&[
            may("as_of", Time, "When they were looked at, which is done once a minute."),
            must("current", Count, "Live ones that have the current version."),
            must("lagging", Count, "Live ones that have another."),
            must("behind", Map(&Count), "Of these, how many are behind by so many versions."),
        ]),
        "How far current versions have come.",
    ),
    must(
        "ages",
        Object(&[
            may("as_of", Time, "When they were counted, which is done once a minute."),
            must("accounts", Count, "How many there are, those of management among them."),
            must("without_policy", Count, "Measured against nothing."),
            must("without_credential", Count, "Nothing to measure."),
            BUCKETS,
        ]),
        "How old credentials are by their policies.",
    ),
    must(
        "leases",
        Object(&[
            may("as_of", Time, "When they were counted, which is done once a minute."),
            must("account", LEASES, "Of accounts that are checked out."),
            must("dynamic", LEASES, "Of users that are made for a lease."),
        ]),
        "How leases stand.",
    ),
];
const LEASES: Shape = Object(&[
    must("live", Count, "Nothing has begun to end them."),
    must("overdue", Count, "Of these, past their end for a minute or more."),
    must("stuck", Count, "Ending for a minute or more, without proof."),
]);
const BUCKETS: Field = must(
    "buckets",
    List(&Object(&[
        must("from", Number, "From this age by the period on."),
        must("to", OrNull(&Number), "Up to this one."),
        must("accounts", Count, "How many."),
    ])),
    "By age.",
);
const DUE: &[Field] = &[
    must("as_of", Time, "When it was looked."),
    must("within_seconds", Count, "What is soon."),
    must("accounts", Count, "How many there are."),
    must("overdue", Count, "Due and not rotated."),
    must("soon", Count, "Due soon."),
    must("never_rotated", Count, "Never changed by the vault."),
    must("parked", Count, "Waiting for a person."),
    must("held", Count, "Due, and held by a maintenance: not overdue."),
    must(
        "listed",
        List(&Object(&[
            must("account", Text, "Which."),
            must("target", Text, "Where."),
            must("state", Text, "Where its rotation stands."),
            must("due_at", OrNull(&Time), "Since or until when."),
            must("overdue_seconds", OrNull(&Count), "For how long."),
            must("held_until", OrNull(&Time), "Until when a maintenance holds it."),
            must("never_rotated", Flag, ""),
            must("incident", OrNull(&Text), "The incident about it."),
        ])),
        "The longest overdue first.",
    ),
    BEYOND,
];
