//! The places of the navigation: only those are named that the token may look at.

use vault_core::policy::Capability;

use super::visit::SignedIn;

/// A place, as the navigation names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its word in [`super::page::Frame`].
    pub(super) word: &'static str,
    pub(super) address: &'static str,
    pub(super) name: &'static str,
    /// Paths of the API, below `/v1/`, of which one must be granted: with what.
    shows: &'static [(&'static str, &'static [Capability])],
}

/// The places that the token may look at, by its policies as they are now. The page itself asks again.
pub(super) fn places(signed_in: &SignedIn) -> Vec<Place> {
    let grants = signed_in.grants();
    let may = |(path, wanted): &(&str, &[Capability])| {
        grants.as_ref().is_some_and(|grants| grants.may(path, wanted))
    };
    ALL.into_iter().filter(|place| place.shows.iter().any(may)).collect()
}

const READ: &[Capability] = &[Capability::Read];
const LIST: &[Capability] = &[Capability::List];

const ALL: [Place; 8] = [
    Place {
        word: "overview",
        address: "/ui/",
        name: "Overview",
        shows: &[("incidents", READ), ("reports/standing", READ), ("reports/rotation", READ)],
    },
    Place {
        word: "accounts",
        address: "/ui/accounts",
        name: "Accounts",
        shows: &[("accounts/status/", LIST)],
    },
    Place {
        word: "checkouts",
        address: "/ui/checkouts",
        name: "Check-outs",
        shows: &[("accounts/status/", LIST)],
    },
    Place { word: "targets", address: "/ui/targets", name: "Targets", shows: &[("targets/config/", LIST)] },
    Place {
        word: "silences",
        address: "/ui/silences",
        name: "Silences",
        shows: &[("silences", READ), ("silences", &[Capability::Update])],
    },
    Place {
        word: "reports",
        address: "/ui/reports",
        name: "Reports",
        shows: &[("reports/rotation", READ), ("reports/ages", READ), ("reports/due", READ)],
    },
    Place {
        word: "notifications",
        address: "/ui/notifications",
        name: "Notifications",
        shows: &[("sys/webhooks/", LIST)],
    },
    Place {
        word: "audit",
        address: "/ui/audit",
        name: "Audit",
        shows: &[("sys/audit-search", &[Capability::Update, Capability::Sudo])],
    },
];
