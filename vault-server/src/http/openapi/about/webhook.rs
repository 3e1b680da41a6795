//! `sys/webhooks/…`.

use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    list("sys/webhooks", "Lists the webhooks.", Keys),
    read("sys/webhooks/<name>", "Reads a webhook; its secret is not shown.", data(WEBHOOK)),
    write(
        "sys/webhooks/<name>",
        "Makes or changes a webhook: what is left out stays as it is.",
        data(&[
            must("id", Text, "Which one it is, from its making to its removal."),
            may("secret", Secret, "What signs its messages, when the vault has just made it: shown once."),
        ]),
    )
    .takes(SETTINGS)
    .fails(&[409]),
    delete("sys/webhooks/<name>", "Removes a webhook, and what is pending for it.", Nothing),
    write(
        "sys/webhooks/<name>/rotate-secret",
        "Gives a webhook another secret; both sign for a while.",
        data(&[
            may("secret", Secret, "The new one, when the vault has made it: shown once."),
            must("former_secret_until", Time, "Until when the one before signs beside it."),
        ]),
    )
    .takes(&[
        may("overlap", Span, "How long the secret before signs beside the new one; 24h."),
        may("secret", Secret, "The new one; the vault makes one when this is left out."),
    ]),
    write("sys/webhooks/<name>/test", "Sends a test message and tells what came of it.", data(DELIVERY)),
    read(
        "sys/webhooks/<name>/deliveries",
        "Tells what became of messages, the newest first.",
        data(&[must("deliveries", List(&Object(DELIVERY)), "Each of them.")]),
    )
    .takes(&[
        may("state", Text, "Only those that are `pending`, `delivered`, `dead` or `summed`."),
        may("limit", Count, "How many; 100, at most 1000."),
    ]),
    read("sys/webhooks/<name>/deliveries/<id>", "Tells what became of a message.", data(DELIVERY)),
    write("sys/webhooks/<name>/deliveries/<id>/retry", "Has a message sent again now.", data(DELIVERY)),
];

const KINDS: &str = "What it is told, such as `credential.promoted`; everything when none is named.";
const PATHS: &str =
    "Of which accounts, with `*` for any text; every account and management credential when none is named.";
const SETTINGS: &[Field] = &[
    may(
        "url",
        Text,
        "Where messages go; needed for a new one, except of PagerDuty's. Of `mail` like `smtp://mail.example:587`.",
    ),
    may(
        "format",
        Word(&["standard", "slack", "pagerduty", "mail"]),
        "The shape of its messages; `standard`.",
    ),
    may("routing_key", Secret, "By which PagerDuty knows whom to call; never shown."),
    may(
        "min_severity",
        Text,
        "Of failures and incidents only those as bad as `warning`, `error`, `critical`.",
    ),
    may("escalate_after", Span, "After how long it is told that nobody has acknowledged an incident."),
    may("escalate_repeat", Span, "After how much more time again; once when it is left out."),
    may("rate_limit", Count, "Messages a minute, the rest in one; 60, at most 6000, 0 for no limit."),
    may("mail_from", Text, "Of `mail`: from whom it comes."),
    may("mail_to", List(&Text), "Of `mail`: to whom it goes; at most 20 addresses."),
    may("username", Text, "Of `mail`: as whom the vault logs in to the server."),
    may("password", Secret, "Of `mail`: that user's password; never shown."),
    may("events", List(&Text), KINDS),
    may("accounts", List(&Text), PATHS),
    may("disabled", Flag, "Whether it is told nothing."),
    may("allow_http", Flag, "Whether plain HTTP to another machine is allowed."),
    may(
        "tls_ca",
        Text,
        "The authorities that its certificate may be of, as PEM; empty for those of the system.",
    ),
    may("timeout", Span, "How long an attempt may take; 10s."),
    may("max_attempts", Count, "After so many attempts a message is given up; 20."),
    may("retry_base", Span, "How long until the second attempt; 5s."),
    may("retry_cap", Span, "How long between attempts at most; 1h."),
    may("secret", Secret, "What signs the messages of a new one: `whsec_` and base64; the vault makes one."),
];
const WEBHOOK: &[Field] = &[
    must("id", Text, "Which one it is, from its making to its removal."),
    must("url", Text, "Where messages go."),
    must("events", List(&Text), KINDS),
    must("accounts", List(&Text), PATHS),
    must("disabled", Flag, "Whether it is told nothing."),
    must("allow_http", Flag, "Whether plain HTTP to another machine is allowed."),
    must(
        "tls_ca",
        OrNull(&Text),
        "The authorities that its certificate may be of; null for those of the system.",
    ),
    must("timeout", Count, "Seconds an attempt may take."),
    must("max_attempts", Count, "After so many attempts a message is given up."),
    must("retry_base", Count, "Seconds until the second attempt."),
    must("retry_cap", Count, "Seconds between attempts at most."),
    must("format", Word(&["standard", "slack", "pagerduty", "mail"]), "The shape of its messages."),
    must("min_severity", OrNull(&Text), "Of failures and incidents only those as bad as this."),
    must(
        "escalate_after",
        OrNull(&Count),
        "Seconds until it is told that nobody has acknowledged an incident.",
    ),
    must("escalate_repeat", OrNull(&Count), "Seconds until it is told again."),
    must("rate_limit", Count, "Messages a minute; the rest is told in one. 0 is no limit."),
    must("mail_from", OrNull(&Text), "From whom mail comes, where it is mail."),
    must("mail_to", List(&Text), "To whom it goes."),
    must("username", OrNull(&Text), "As whom the vault logs in to the mail server."),
    must("former_secret_until", OrNull(&Time), "Until when the secret before signs beside the present one."),
    must("created", Time, "When it was made."),
    must("pending", Count, "Messages still to be delivered."),
    must("delivered", Count, "Messages in the log that were delivered."),
    must("dead", Count, "Messages in the log that were given up."),
    must("summed", Count, "Messages in the log that were kept back and told in another."),
];
const DELIVERY: &[Field] = &[
    must("id", Text, "What happened; the same in every attempt and for every webhook."),
    must("message_id", Text, "The `webhook-id` header."),
    must("type", Text, "What happened, such as `credential.promoted`."),
    must("at", Time, "When."),
    must("state", Word(&["pending", "delivered", "dead", "summed"]), "Where it stands."),
    must("attempts", Count, "Attempts so far."),
    may("last_attempt", Time, "When the last one began."),
    may("last_millis", Count, "How long it took, in milliseconds."),
    may("last_status", Count, "What the receiver answered."),
    may("last_error", Text, "The class of its failure."),
    may("next_attempt", Time, "When it is tried next."),
    may("ended", Time, "When it was delivered, or given up."),
    may("summary", Text, "The message that tells of it, where it was kept back."),
    may("body", Text, "What is sent, before it gets its format; where one is asked about."),
];
