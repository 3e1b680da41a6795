//! The typed keyspace: a table and a name within it, ordered by bytes.

/// What kind of record a key holds. The number is the first byte of the stored key: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Table {
    /// The seal: wrapped root key and keyring. Not sealed by the keyring itself.
    Seal = 1,
    /// Facts about this store: format, cluster id, rewrap cursor, audit anchor.
    Meta = 2,
    /// Path policies, by name.
    Policy = 3,
    /// Tokens, by the keyed digest of the token.
    Token = 4,
    /// Token accessor → token digest.
    Accessor = 5,
    /// Parent token digest + child token digest, for revoking a tree.
    TokenChild = 6,
    /// Targets, by name.
    Target = 7,
    /// Accounts, by subject: `a/<path>` or `m/<target>` for a management credential.
    Account = 8,
    /// Credential versions: subject, NUL, version number (8 bytes, big endian).
    Credential = 9,
    /// Rotation history: subject, NUL, sequence number (8 bytes, big endian).
    History = 10,
    /// Leases, by lease id.
    Lease = 11,
    /// Token digest + lease id, for revoking a token's leases.
    TokenLease = 12,
    /// Incidents, by id (so by time).
    Incident = 13,
    /// Open incidents, by id: what the first screen lists without reading the closed ones.
    OpenIncident = 14,
    /// Rotation policies, by name.
    RotationPolicy = 15,
    /// Password policies, by name.
    PasswordPolicy = 16,
    /// Due times: milliseconds (8 bytes, big endian), kind, name. Values are empty.
    Due = 17,
    /// Managed user names: target, NUL, user name. The value names the account.
    TargetAccount = 18,
    /// Rotations that ended: time of the end (8 bytes, big endian), rotation id.
    RotationLog = 19,
    /// Mounts, by mount id.
    Mount = 20,
    /// Tokens that a mount issued: mount id, token digest. Values are empty.
    MountToken = 21,
    /// Static secrets of KV version 1: mount id, path.
    KvSecret = 22,
    /// Static secrets of KV version 2, without their data: mount id, path.
    KvMetadata = 23,
    /// The data of KV version 2: mount id, path, NUL, version (8 bytes, big endian).
    KvVersion = 24,
    /// A token's own secrets: token digest, path.
    Cubbyhole = 25,
    /// Token roles, by name.
    TokenRole = 26,
    /// AppRole roles: mount id, name.
    AppRole = 27,
    /// From an AppRole role id to its role: mount id, role id.
    AppRoleId = 28,
    /// AppRole secret ids: mount id, role name, NUL, keyed digest of the secret id.
    SecretId = 29,
    /// From a secret id's accessor to its digest: mount id, role name, NUL, accessor.
    SecretIdAccessor = 30,
    /// Users with a password: mount id, name.
    User = 31,
    /// Configs of the database engine: mount id, name.
    DatabaseConfig = 32,
    /// Static roles of the database engine: mount id, name.
    StaticRole = 33,
    /// Dynamic roles of the database engine: mount id, name.
    DynamicRole = 34,
    /// Dynamic leases: mount id, role, slash, random end of the id. They outlive their mount until they are over.
    DynamicLease = 35,
    /// The trouble that a target has with dynamic leases, by the target's name.
    DynamicTrouble = 36,
    /// Pools of accounts: mount id, name.
    Pool = 37,
    /// From an account to the pool that it belongs to, by [`Subject::key`](crate::account::Subject::key).
    PoolMember = 38,
    /// Receipts of consumers: subject, NUL, consumer.
    Consumer = 39,
    /// Registered plugins, by name.
    Plugin = 40,
    /// The accounts of a campaign: campaign id, number (8 bytes, big endian).
    CampaignItem = 42,
    /// Who has seen a version of a credential: subject, NUL, version (8 bytes, big endian), digest of who.
    Knower = 43,
    /// Campaigns, by id (so by time).
    Campaign = 44,
    /// Rehearsals, by subject: the last report, and the shadow account that may be on the target.
    Rehearsal = 45,
    /// Webhooks, by name.
    Webhook = 46,
    /// Deliveries that are pending: webhook id, due time (8 bytes, big endian), event id.
    WebhookQueue = 47,
    /// Deliveries that have ended: webhook id, event id.
    WebhookLog = 48,
    /// Lines of incidents: incident id, place (8 bytes, big endian). Written once.
    IncidentLine = 49,
    /// The accounts beneath a target's incident: incident id, subject.
    IncidentMember = 50,
    /// The incident that a target has, or had last, by the target's name.
    TargetIncident = 51,
    /// Silences and maintenance windows: `s`, id. And notifications that they keep back: `w`, incident id.
    Silence = 52,
    /// Attempts that are over: time (8 bytes, big endian), rotation id, number (4 bytes, big endian).
    Attempt = 54,
    /// Circuits of targets that are open: `c`, target. And accounts that wait until their target answers: `w`, target, NUL,
    /// place (1 byte), subject. Those values are empty.
    Circuit = 55,
    /// Heartbeats: target, NUL, time (8 bytes, big endian), subject. Values are empty.
    Heartbeat = 56,
    /// Incidents that wait for somebody, and who was told that nobody takes them: incident id.
    Escalation = 57,
    /// Refused logins that count on a target with a lockout threshold: target, NUL, user name.
    LoginTally = 58,
    /// What webhooks have open. `s`, webhook id: what was kept back this minute. `n`, webhook id, summary, incident,
    /// opening (4 bytes, big endian): who is notified once a summary is taken.
    WebhookNote = 59,
}

impl Table {
    /// Every table, in the order of its byte.
    pub const ALL: [Self; 57] = [
        Self::Seal,
        Self::Meta,
        Self::Policy,
        Self::Token,
        Self::Accessor,
        Self::TokenChild,
        Self::Target,
        Self::Account,
        Self::Credential,
        Self::History,
        Self::Lease,
        Self::TokenLease,
        Self::Incident,
        Self::OpenIncident,
        Self::RotationPolicy,
        Self::PasswordPolicy,
        Self::Due,
        Self::TargetAccount,
        Self::RotationLog,
        Self::Mount,
        Self::MountToken,
        Self::KvSecret,
        Self::KvMetadata,
        Self::KvVersion,
        Self::Cubbyhole,
        Self::TokenRole,
        Self::AppRole,
        Self::AppRoleId,
        Self::SecretId,
        Self::SecretIdAccessor,
        Self::User,
        Self::DatabaseConfig,
        Self::StaticRole,
        Self::DynamicRole,
        Self::DynamicLease,
        Self::DynamicTrouble,
        Self::Pool,
        Self::PoolMember,
        Self::Consumer,
        Self::Plugin,
        Self::CampaignItem,
        Self::Knower,
        Self::Campaign,
        Self::Rehearsal,
        Self::Webhook,
        Self::WebhookQueue,
        Self::WebhookLog,
        Self::IncidentLine,
        Self::IncidentMember,
        Self::TargetIncident,
        Self::Silence,
        Self::Attempt,
        Self::Circuit,
        Self::Heartbeat,
        Self::Escalation,
        Self::LoginTally,
        Self::WebhookNote,
    ];

    /// The tables of which every key begins with a mount's id: what goes when the mount is disabled.
    pub const OF_MOUNTS: [Self; 13] = [
        Self::MountToken,
        Self::KvSecret,
        Self::KvMetadata,
        Self::KvVersion,
        Self::AppRole,
        Self::AppRoleId,
        Self::SecretId,
        Self::SecretIdAccessor,
        Self::User,
        Self::DatabaseConfig,
        Self::StaticRole,
        Self::DynamicRole,
        Self::Pool,
    ];

    /// The byte that begins every key of this table.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self as u8
    }
}

/// A key: table and name. At most [`KEY_BYTES_MAX`] bytes with the table's byte.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The table.
    pub table: Table,
    /// The name within the table; any bytes.
    pub name: Vec<u8>,
}

impl Key {
    /// A key from its parts.
    #[must_use]
    pub fn new(table: Table, name: impl Into<Vec<u8>>) -> Self {
        Self { table, name: name.into() }
    }

    /// As an engine stores it: the table's byte, then the name.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1 + self.name.len());
        out.push(self.table.byte());
        out.extend_from_slice(&self.name);
        out
    }
}

/// Longest key: the smallest limit among the engines that the port must fit.
pub const KEY_BYTES_MAX: usize = 511;
