//! `rotunda incident …`.

use clap::{Args, Subcommand};

/// The second word.
#[derive(Debug, Subcommand)]
pub(crate) enum IncidentWord {
    /// Show incidents, the open ones unless --state says otherwise
    #[command(
        after_help = "Examples:\n  rotunda incident list\n  rotunda incident list --order exposure --limit 20\n  rotunda incident list --team payments\n  rotunda incident list --state all --format json"
    )]
    List(IncidentListArgs),
    /// Show all that is known about an incident
    #[command(after_help = "Examples:\n  rotunda incident show 0193a1b2")]
    Show(IncidentId),
    /// Say that you have seen it
    #[command(after_help = "Examples:\n  rotunda incident ack 0193a1b2")]
    Ack(IncidentId),
    /// Give it to somebody
    #[command(after_help = "Examples:\n  rotunda incident assign 0193a1b2 alice")]
    Assign(AssignArgs),
    /// Add a note; nothing is ever removed
    #[command(
        after_help = "Examples:\n  rotunda incident note 0193a1b2 'disk full, freed by ops' --minutes 30"
    )]
    Note(NoteArgs),
    /// Say why an incident that is over happened
    #[command(
        after_help = "Examples:\n  rotunda incident review 0193a1b2 --cause network --minutes 45 'the firewall was changed'"
    )]
    Review(ReviewArgs),
    /// Show the whole time line, each attempt with its class and step
    #[command(
        after_help = "Examples:\n  rotunda incident events 0193a1b2\n  rotunda incident events 0193a1b2 --after 499"
    )]
    Events(EventsArgs),
    /// Show the accounts beneath a target's incident, each with its own attempts
    #[command(after_help = "Examples:\n  rotunda incident accounts 0193a1b2")]
    Accounts(IncidentId),
    /// Show what may be pressed, whether it is safe, and the runbook in short
    #[command(
        after_help = "Examples:\n  rotunda incident actions 0193a1b2\n  rotunda incident actions 0193a1b2 --account db/app"
    )]
    Actions(ActionsArgs),
    /// Press it, or say what it would do
    Do(DoArgs),
    /// Merge it into another that has the same cause, which then stands for both
    Merge(MergeArgs),
    /// Have a merged one stand for itself again
    #[command(
        after_help = "Examples:\n  rotunda incident unmerge 0193a1b2\n  rotunda incident unmerge 0193a1b2 --dry-run"
    )]
    Unmerge(UnmergeArgs),
}

/// `rotunda incident do`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda incident do 0193a1b2 retry --dry-run
  rotunda incident do 0193a1b2 reconcile
  rotunda incident do 0193a1b2 retry --account db/app
  rotunda incident do 0193a1b2 set_password < password.txt
  rotunda incident do 0193a1b2 maintenance --for 2h --reason 'upgrade to 17, OPS-812' --dry-run

Of a target's incident, retry is for all accounts beneath it unless one is named. A maintenance is of the target as a whole and needs --reason and --for or --until. The password of set_password is asked for at a terminal, else read from standard input. Exit code 4 when the target refuses.")]
pub(crate) struct DoArgs {
    /// The incident
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// What to press
    #[arg(value_name = "ACTION", value_parser = ["retry", "reconcile", "use_previous", "unpark", "set_password", "maintenance"])]
    pub(crate) action: String,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Which account beneath a target's incident, as incident actions names it; the target's name for its management credential
    #[arg(long, value_name = "PATH")]
    pub(crate) account: Option<String>,
    /// Of maintenance: how long it lasts, 30 days at most
    #[arg(long = "for", value_name = "DURATION", conflicts_with = "until")]
    pub(crate) lasts: Option<String>,
    /// Of maintenance: or when it ends, RFC 3339 or seconds since 1970
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Of maintenance: why
    #[arg(long, value_name = "TEXT", required_if_eq("action", "maintenance"))]
    pub(crate) reason: Option<String>,
}

/// `rotunda incident merge`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda incident merge 0193a1b2 --into 0193a1c7 --dry-run
  rotunda incident merge 0193a1b2 --into 0193a1c7

Nothing is done on a target: each of them is still closed by its own verification alone, and the other one not before that. What the other one is told, acknowledged and counted for is both.")]
pub(crate) struct MergeArgs {
    /// The incident
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// The one that stands for both from then on
    #[arg(long, value_name = "ID")]
    pub(crate) into: String,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `rotunda incident unmerge`.
#[derive(Debug, Args)]
pub(crate) struct UnmergeArgs {
    /// The incident
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `rotunda incident actions`.
#[derive(Debug, Args)]
pub(crate) struct ActionsArgs {
    /// The incident
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Which account beneath a target's incident; the target's name for its management credential
    #[arg(long, value_name = "PATH")]
    pub(crate) account: Option<String>,
}

/// `rotunda incident list`.
#[derive(Debug, Args)]
pub(crate) struct IncidentListArgs {
    /// Which
    #[arg(long, value_name = "STATE", default_value = "open", value_parser = ["open", "closed", "all"])]
    pub(crate) state: String,
    /// The oldest first, or first what presses most: exposure x severity x accounts
    #[arg(long, value_name = "ORDER", value_parser = ["opened", "exposure"])]
    pub(crate) order: Option<String>,
    /// Only those of this team; `(none)` for those of no team
    #[arg(long, value_name = "TEAM")]
    pub(crate) team: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
}

/// One incident.
#[derive(Debug, Args)]
pub(crate) struct IncidentId {
    /// The incident
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

/// `rotunda incident assign`.
#[derive(Debug, Args)]
pub(crate) struct AssignArgs {
    /// The incident
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Who shall have it
    #[arg(value_name = "OWNER")]
    pub(crate) owner: String,
}

/// `rotunda incident note`.
#[derive(Debug, Args)]
pub(crate) struct NoteArgs {
    /// The incident
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// What to add, or `-` for standard input
    #[arg(value_name = "TEXT")]
    pub(crate) text: String,
    /// Minutes spent on the incident
    #[arg(long, value_name = "MINUTES")]
    pub(crate) minutes: Option<u64>,
}

/// `rotunda incident review`.
#[derive(Debug, Args)]
pub(crate) struct ReviewArgs {
    /// The incident
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Why it happened, in words, or `-` for standard input
    #[arg(value_name = "TEXT")]
    pub(crate) text: String,
    /// The kind of cause
    #[arg(long, value_name = "CAUSE", value_parser = [
        "target_down", "network", "credential", "policy", "permission", "changed_outside", "consumer", "plugin",
        "vault", "person", "unknown",
    ])]
    pub(crate) cause: String,
    /// Minutes spent on it, beside those that notes tell of
    #[arg(long, value_name = "MINUTES")]
    pub(crate) minutes: Option<u64>,
}

/// `rotunda incident events`.
#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    /// The incident
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Go on after the line with this number
    #[arg(long, value_name = "LINE")]
    pub(crate) after: Option<u64>,
}
