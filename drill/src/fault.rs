//! What the drill breaks, and on what.

/// One fault of the drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The server is shut down.
    Stopped,
    /// The management credential's password is changed outside.
    Refused,
    /// The management credential's password has expired.
    Expired,
    /// An account is locked.
    Locked,
    /// An account's password is changed outside.
    Drift,
    /// The connection ends after the change was sent and before it was answered.
    Cut,
    /// The server's password rule refuses the candidate.
    Policy,
}

impl Fault {
    /// All of them, in the order in which they are played: those of a whole target first.
    pub const ALL: [Self; 7] =
        [Self::Stopped, Self::Refused, Self::Expired, Self::Locked, Self::Drift, Self::Cut, Self::Policy];

    /// How it is called on the command line and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Locked => "locked",
            Self::Drift => "drift",
            Self::Cut => "cut",
            Self::Policy => "policy",
        }
    }

    /// What happened, for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Stopped => "the server is stopped",
            Self::Refused => "the management password is changed outside",
            Self::Expired => "the management password has expired",
            Self::Locked => "an account is locked",
            Self::Drift => "an account's password is changed outside",
            Self::Cut => "the connection is cut after the change was sent",
            Self::Policy => "the server's password rule refuses the candidate",
        }
    }

    /// Whether it hurts every account of its target.
    #[must_use]
    pub const fn is_of_target(self) -> bool {
        matches!(self, Self::Stopped | Self::Refused | Self::Expired)
    }
}

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// PostgreSQL.
    Postgresql,
    /// OpenLDAP.
    Ldap,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Postgresql, Self::Ldap];

    /// How it is called on the command line and in JSON; also the rotator's name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Ldap => "ldap",
        }
    }

    /// What must be installed for it: the programs, and Debian's package that has them.
    #[must_use]
    pub const fn needs(self) -> (&'static str, &'static str) {
        match self {
            Self::Postgresql => ("PostgreSQL's server programs (initdb, postgres)", "postgresql"),
            Self::Ldap => ("OpenLDAP's server (slapd, slapadd)", "slapd"),
        }
    }

    /// Whether that is installed.
    #[must_use]
    pub fn is_installed(self) -> bool {
        match self {
            Self::Postgresql => crate::postgres::is_installed(),
            Self::Ldap => crate::ldap::is_installed(),
        }
    }
}
