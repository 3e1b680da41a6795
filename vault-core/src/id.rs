//! Identifiers: one type per kind of thing, so that they cannot be mixed up.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use crate::clock::Timestamp;
use crate::entropy::{Entropy, random_bytes};

macro_rules! id {
    ($(#[$doc:meta] $name:ident)*) => {$(
        #[$doc]
        ///
        /// A UUIDv7 (RFC 9562): ids sort by the time they were made.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new id.
            #[must_use]
            pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
                let millis = u64::try_from(now.as_millis()).unwrap_or(0);
                Self(Builder::from_unix_timestamp_millis(millis, &random_bytes(entropy)).into_uuid())
            }

            /// The id that these bytes make, always the same: for things that are there from the start and
            /// are stored nowhere. They are to be as good as random, such as a keyed digest.
            #[must_use]
            pub fn derived(bytes: [u8; 16]) -> Self {
                Self(Builder::from_custom_bytes(bytes).into_uuid())
            }

            /// The id that [`as_bytes`](Self::as_bytes) gave, read back from where it was stored.
            #[must_use]
            pub fn from_stored(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Reads the usual hyphenated text; `None` when it is not an id.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Uuid::try_parse(text).ok().map(Self)
            }

            /// The sixteen bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    )*};
}

id! {
    /// One planned change of one account's credential.
    RotationId
    /// One account's (or target's) failure, until verified healthy.
    IncidentId
    /// One HTTP request, or one act of the system itself.
    RequestId
    /// One installation of the vault.
    ClusterId
    /// One mount; its records are stored under it, so that a mount can move.
    MountId
    /// One move of a mount.
    MigrationId
    /// One AppRole role from its making to its removal: a later one of that name has none of its secret ids.
    AppRoleId
    /// One webhook from its making to its removal: a later one of that name has none of its deliveries.
    WebhookId
    /// One thing that happened, as webhooks tell of it.
    EventId
    /// One campaign: the rotation of many accounts.
    CampaignId
    /// One silence or maintenance window.
    SilenceId
    /// What an AppRole role's machines show to say which role they have, unless somebody chose another text.
    RoleId
}
