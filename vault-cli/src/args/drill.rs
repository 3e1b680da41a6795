//! `rotunda drill`: carried out by the binary, which has the private servers.

use clap::Args;

/// `rotunda drill`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda drill
  rotunda drill --only ldap
  rotunda drill --only postgresql --only stopped --accounts 500
  rotunda drill --format markdown > drill.md
  rotunda drill --only drift --keep --format json

Starts a vault of its own, a PostgreSQL and an OpenLDAP, all private, on free ports of 127.0.0.1, takes accounts into
care, does harm to them, and prints what was expected beside what was seen. It touches nothing that exists on the
machine, and leaves nothing behind, also after Ctrl-C or a kill. It needs the programs of Debian's packages postgresql
and slapd, or one of them with --only.

Faults: stopped, refused, expired, locked, drift, cut, policy. docs/drill.md explains each, and every line of the table.

Exit code 0 when everything was seen as expected, 1 when something was not, 2 when it could not be played.")]
pub struct DrillArgs {
    /// Only this fault, or on this server; again for several
    #[arg(
        long, value_name = "WORD",
        value_parser = ["postgresql", "ldap", "stopped", "refused", "expired", "locked", "drift", "cut", "policy"]
    )]
    pub only: Vec<String>,
    /// How many accounts there are, on all servers together
    #[arg(long, value_name = "COUNT", default_value_t = 40, value_parser = clap::value_parser!(u16).range(4..=2000))]
    pub accounts: u16,
    /// Leave the folders of vault and servers, with their logs, when it has been played to its end
    #[arg(long)]
    pub keep: bool,
}
