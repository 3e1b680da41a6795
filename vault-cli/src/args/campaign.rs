//! `rotunda rotate`, `respond`, `offboard` and `campaign …`.

use clap::{ArgGroup, Args, Subcommand};

/// How a campaign goes about it.
#[derive(Debug, Args)]
pub(crate) struct CampaignWishes {
    /// Only show what would be done, and in which order
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Begin, print the campaign, and do not wait for its end
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) detach: bool,
    /// Accounts in the first wave; each further one is ten times as large (0: no canary)
    #[arg(long, value_name = "N")]
    pub(crate) canary: Option<u64>,
    /// Begin at most so many rotations: 10/s, 300/m
    #[arg(long, value_name = "RATE", value_parser = per_minute)]
    pub(crate) pace: Option<u64>,
    /// At most so many at once on one target, if that is less than its max_concurrency
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<u64>,
    /// Pause when more than this share of a wave has failed (100: never)
    #[arg(long, value_name = "PERCENT")]
    pub(crate) stop_at: Option<u64>,
    /// Accounts that somebody holds: let them wait for the check-in, or cut the lease
    #[arg(long, value_name = "HOW", value_parser = ["wait", "cut-own", "cut"])]
    pub(crate) leases: Option<String>,
    /// Why; kept in the audit log
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// `rotunda rotate`.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("which").required(true).multiple(true).args(["path", "all", "target", "filter", "older_than"])),
    after_help = "\
Examples:
  rotunda rotate db/app
  rotunda rotate db/app --force
  rotunda rotate --all --dry-run
  rotunda rotate --target pg-main --pace 10/s
  rotunda rotate --filter 'billing/*' --older-than 30d --detach

With a PATH: one account. Without: a campaign, one account first, then 10, 100, 1000 at a time; it pauses when more
than 10 % of a wave fail. It goes on by itself when this command is interrupted: rotunda campaign attach ID.
A management credential alone: rotunda target rotate NAME.

Exit code 4 when a rotation failed: the old password still serves and an incident is open. Exit code 6: still running,
or waiting for check-ins."
)]
pub(crate) struct RotateArgs {
    /// The account's path
    #[arg(value_name = "PATH", conflicts_with_all = ["all", "target", "filter", "older_than", "CampaignWishes", "management"])]
    pub(crate) path: Option<String>,
    /// Also while it is checked out (the holder's password dies), backing off or parked
    #[arg(long, requires = "path", conflicts_with_all = ["all", "target", "filter", "older_than"])]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) which: WhichArgs,
    #[command(flatten)]
    pub(crate) wishes: CampaignWishes,
}

/// Which accounts.
#[derive(Debug, Args)]
pub(crate) struct WhichArgs {
    /// Every account
    #[arg(long, conflicts_with_all = ["target", "filter", "older_than"])]
    pub(crate) all: bool,
    /// The accounts of this target
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,
    /// The accounts whose path fits; * stands for any text
    #[arg(long, value_name = "PATTERN")]
    pub(crate) filter: Option<String>,
    /// Accounts whose password is at least this old
    #[arg(long, value_name = "DURATION")]
    pub(crate) older_than: Option<String>,
    /// Management credentials, too
    #[arg(long)]
    pub(crate) management: bool,
}

/// `rotunda respond`.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("whose").required(true).multiple(true).args(["all", "target", "filter", "older_than", "principal"])),
    after_help = "\
Examples:
  rotunda respond --target pg-main --management --reason 'backup tape lost'
  rotunda respond --principal auth/approle/ci --revoke
  rotunda respond --all

As fast as the targets take it: no canary, no pause at failures; leases are cut (--leases wait leaves them), and
open sessions are ended where the target allows it. The old password dies at once, also where it would live
on for a grace."
)]
pub(crate) struct RespondArgs {
    /// What they know: an entity id, a login (auth/userpass/alice), an accessor, or a display name
    #[arg(long, value_name = "WHO", conflicts_with = "all")]
    pub(crate) principal: Option<String>,
    /// End their tokens first, and what those hold
    #[arg(long, requires = "principal", conflicts_with = "all")]
    pub(crate) revoke: bool,
    #[command(flatten)]
    pub(crate) which: WhichArgs,
    #[command(flatten)]
    pub(crate) wishes: CampaignWishes,
}

/// `rotunda offboard`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda offboard auth/userpass/alice --dry-run
  rotunda offboard auth/userpass/alice --revoke --reason 'leaves on Friday'

Rotates exactly what they have been given and still works, management credentials they typed in among them, and
nothing else. Their own leases are cut; what others hold rotates after check-in (--leases cut cuts those, too).
Without --revoke their tokens live on, and could read what is new: they are listed. Whether they can log in again
is for the way in to say: delete the user there.")]
pub(crate) struct OffboardArgs {
    /// An entity id, a login (auth/userpass/alice), an accessor, or a display name
    #[arg(value_name = "PRINCIPAL")]
    pub(crate) principal: String,
    /// End their tokens first, and what those hold
    #[arg(long)]
    pub(crate) revoke: bool,
    #[command(flatten)]
    pub(crate) wishes: CampaignWishes,
}

/// The second word.
#[derive(Debug, Subcommand)]
pub(crate) enum CampaignWord {
    /// Show the campaigns, the latest first
    #[command(after_help = "Examples:\n  rotunda campaign list")]
    List,
    /// Show how a campaign stands, and what failed, was left alone or waits, and why
    #[command(
        after_help = "Examples:\n  rotunda campaign status 0193a1b2-…\n  rotunda campaign status 0193a1b2-… --format json"
    )]
    Status(CampaignId),
    /// Watch a campaign until it ends, pauses or only waits for check-ins
    #[command(after_help = "Examples:\n  rotunda campaign attach 0193a1b2-…")]
    Attach(CampaignId),
    /// Show the accounts of a campaign
    #[command(after_help = "Examples:\n  rotunda campaign accounts 0193a1b2-… --state failed")]
    Accounts(CampaignAccountsArgs),
    /// Begin no further rotation; what is under way goes on to its end
    #[command(after_help = "Examples:\n  rotunda campaign pause 0193a1b2-…")]
    Pause(CampaignId),
    /// Go on where it was paused
    #[command(after_help = "Examples:\n  rotunda campaign resume 0193a1b2-…")]
    Resume(CampaignId),
    /// End it; what is under way goes on to its end
    #[command(after_help = "Examples:\n  rotunda campaign cancel 0193a1b2-…")]
    Cancel(CampaignId),
}

/// One campaign.
#[derive(Debug, Args)]
pub(crate) struct CampaignId {
    /// The campaign
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

/// `rotunda campaign accounts`.
#[derive(Debug, Args)]
pub(crate) struct CampaignAccountsArgs {
    /// The campaign
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Only those
    #[arg(long, value_name = "STATE", value_parser = ["pending", "waiting", "rotated", "failed", "skipped"])]
    pub(crate) state: Option<String>,
}

/// Reads `10/s`, `300/m` or a number of rotations in a minute.
fn per_minute(text: &str) -> Result<u64, String> {
    let (number, factor) = match text.split_once('/') {
        None => (text, 1),
        Some((number, "m" | "min" | "minute")) => (number, 1),
        Some((number, "s" | "sec" | "second")) => (number, 60),
        Some(_) => return Err("write a rate such as 10/s or 300/m".to_owned()),
    };
    let number: u64 = number.trim().parse().map_err(|_| "write a rate such as 10/s or 300/m".to_owned())?;
    number.checked_mul(factor).ok_or_else(|| "that is too fast".to_owned())
}
