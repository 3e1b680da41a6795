//! `rotunda webhook …`.

use clap::{Args, Subcommand};

/// The second word.
#[derive(Debug, Subcommand)]
pub(crate) enum WebhookWord {
    /// Make or change a webhook: somebody who is told of what happens to credentials
    Write(WebhookWriteArgs),
    /// Show a webhook, and how its messages stand
    #[command(after_help = "Examples:\n  rotunda webhook read chat")]
    Read(WebhookName),
    /// Show the webhooks
    #[command(after_help = "Examples:\n  rotunda webhook list")]
    List,
    /// Send a test message now and show what came of it
    #[command(
        after_help = "Examples:\n  rotunda webhook test chat\n\nExit code 1 when the receiver has not taken it."
    )]
    Test(WebhookName),
    /// Give a webhook another signing secret; the old one signs beside it for a while
    RotateSecret(RotateSecretArgs),
    /// Show what became of messages, the newest first
    Deliveries(DeliveriesArgs),
    /// Have a message sent again now
    #[command(after_help = "Examples:\n  rotunda webhook retry chat 0199f3c1-6c1e-7c7a-8f5e-0a1b2c3d4e5f")]
    Retry(RetryArgs),
    /// Remove a webhook; what is pending for it is not sent any more
    #[command(after_help = "Examples:\n  rotunda webhook delete chat")]
    Delete(WebhookName),
}

/// One webhook.
#[derive(Debug, Args)]
pub(crate) struct WebhookName {
    /// The webhook's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// `rotunda webhook write`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda webhook write chat url=https://hooks.example/rotunda
  rotunda webhook write deploy url=https://ci.example/hook events=credential.promoted accounts='db/*,cache/app'
  rotunda webhook write chat url=https://hooks.slack.com/services/T0/B0/x format=slack min_severity=error
  rotunda webhook write pager format=pagerduty routing_key=@/run/secrets/key escalate_after=15m
  rotunda webhook write post format=mail url=smtp://mail.example mail_from=vault@example.org mail_to=oncall@example.org username=vault password=@/run/secrets/mail
  rotunda webhook write deploy rate_limit=0
  rotunda webhook write chat disabled=true

What is not named stays as it is. The signing secret of a new one is made by the vault and shown once, unless secret= is
given (whsec_ and base64). Events: credential.promoted, credential.retired, rotation.failed, rotation.parked,
consumers.lagging, incident.opened, incident.acknowledged, incident.escalated, incident.closed; all, when none is named.
Format: standard, slack, pagerduty, mail. With escalate_after (and escalate_repeat) it is told of incidents that nobody has
acknowledged by then. Above rate_limit (60 messages a minute, 0 for no limit) the rest is told in one. Also: tls_ca, timeout, max_attempts, retry_base, retry_cap, allow_http.")]
pub(crate) struct WebhookWriteArgs {
    /// The webhook's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The settings
    #[arg(value_name = "KEY=VALUE", required = true)]
    pub(crate) settings: Vec<String>,
}

/// `rotunda webhook rotate-secret`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda webhook rotate-secret chat
  rotunda webhook rotate-secret chat --overlap 1h

Messages carry a signature by each secret until the overlap is over (24h), so that the receiver can change in between.")]
pub(crate) struct RotateSecretArgs {
    /// The webhook's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// How long the old secret signs beside the new one; 0s: not at all
    #[arg(long, value_name = "TIME")]
    pub(crate) overlap: Option<String>,
}

/// `rotunda webhook deliveries`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda webhook deliveries chat
  rotunda webhook deliveries chat --state dead")]
pub(crate) struct DeliveriesArgs {
    /// The webhook's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Only those that stand so
    #[arg(long, value_name = "STATE", value_parser = ["pending", "delivered", "dead", "summed"])]
    pub(crate) state: Option<String>,
    /// How many
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
}

/// `rotunda webhook retry`.
#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// The webhook's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The message, as `webhook deliveries` shows it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}
