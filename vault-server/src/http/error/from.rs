//! From the errors of core and services to what a caller is told. Details stay in the log.

use vault_core::cors::CorsError;
use vault_core::kv::SecretPathError;
use vault_core::mount::{MountPathError, TableError};
use vault_core::path::PathError;
use vault_core::rotation::fault::FaultClass;
use vault_core::seal::UnsealError;
use vault_core::store::StoreError;

use super::ApiError;
use crate::barrier::{CommitError, LoadError, Sealed};
use crate::engine::dynamic::DynamicError;
use crate::service::approle::ApproleError;
use crate::service::audit::{AuditUnavailable, DeviceError, SearchError};
use crate::service::campaign::CampaignError;
use crate::service::cubbyhole::CubbyholeError;
use crate::service::database::DatabaseError;
use crate::service::kv::KvError;
use crate::service::login::LoginError;
use crate::service::mount::MountError;
use crate::service::policy::PolicyServiceError;
use crate::service::seal::SealError;
use crate::service::setting::SettingError;
use crate::service::silence::SilenceError;
use crate::service::token::{TokenServiceError, WrapError};
use crate::service::userpass::UserpassError;

impl From<PathError> for ApiError {
    fn from(error: PathError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<Sealed> for ApiError {
    fn from(_: Sealed) -> Self {
        Self::Sealed
    }
}

impl From<LoadError> for ApiError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Sealed => Self::Sealed,
            LoadError::Store(error) => error.into(),
            LoadError::Refused { .. } | LoadError::Unreadable(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a record cannot be read");
                Self::Internal
            }
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Locked) {
            return Self::Sealed;
        }
        tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
        Self::Unavailable("the store is out of order; see the server's log".to_owned())
    }
}

impl From<CommitError> for ApiError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Sealed => Self::Sealed,
            CommitError::Busy | CommitError::Conflict => {
                Self::Unavailable("too many changes at once; try again".to_owned())
            }
            CommitError::Unencodable(_) => {
                tracing::error!(%error, "a record cannot be encoded");
                Self::Internal
            }
            CommitError::Store(_) | CommitError::Unknown(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
                Self::Unavailable("the store is out of order; see the server's log".to_owned())
            }
        }
    }
}

impl From<CampaignError> for ApiError {
    fn from(error: CampaignError) -> Self {
        match error {
            CampaignError::NotFound => Self::NotFound,
            CampaignError::Invalid(text) => Self::Invalid(text),
            CampaignError::Refused(refusal) => Self::invalid(format!("{refusal}; nothing was changed")),
            CampaignError::Token(error) => error.into(),
            CampaignError::Act(error) => crate::service::account::AccountError::from(error).into(),
            CampaignError::Audit(error) => error.into(),
            CampaignError::Load(error) => error.into(),
            CampaignError::Commit(error) => error.into(),
        }
    }
}

impl From<SilenceError> for ApiError {
    fn from(error: SilenceError) -> Self {
        match error {
            SilenceError::NotFound => Self::NotFound,
            SilenceError::NoTarget(_) | SilenceError::Unfit(_) => Self::invalid(error.to_string()),
            SilenceError::TooMany => Self::TooMany(error.to_string()),
            SilenceError::Act(error) => crate::service::account::AccountError::from(error).into(),
        }
    }
}

impl From<MountPathError> for ApiError {
    fn from(error: MountPathError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<MountError> for ApiError {
    fn from(error: MountError) -> Self {
        match error {
            MountError::Table(TableError::Unread(_)) => Self::Damaged(error.to_string()),
            MountError::Load(error) => error.into(),
            MountError::Commit(error) => error.into(),
            MountError::Token(error) => error.into(),
            MountError::Pool(error) => (*error).into(),
            MountError::Lease(error) => error.into(),
            MountError::Database(error) => error.into(),
            error => Self::invalid(error.to_string()),
        }
    }
}

impl From<DynamicError> for ApiError {
    fn from(error: DynamicError) -> Self {
        match error {
            // Other statements or rights would do better, and another try would not.
            DynamicError::Target(fault)
                if matches!(fault.class, FaultClass::Preflight | FaultClass::PermissionDenied) =>
            {
                Self::invalid(fault.to_string())
            }
            DynamicError::Target(fault) => Self::target(fault),
            DynamicError::Undone(_) | DynamicError::Outdated | DynamicError::Busy(_) => {
                Self::Unavailable(error.to_string())
            }
            DynamicError::BorrowerGone => Self::InvalidToken,
            DynamicError::Ended(_) | DynamicError::PlaceGone => Self::invalid(error.to_string()),
            DynamicError::Plan(error) => error.into(),
        }
    }
}

impl From<KvError> for ApiError {
    fn from(error: KvError) -> Self {
        match error {
            KvError::Cas(_) | KvError::Data(_) | KvError::Settings(_) | KvError::Custom(_) => {
                Self::invalid(error.to_string())
            }
            KvError::Absent | KvError::Gone(_) => Self::NotFound,
            KvError::MountChanged => Self::Unavailable(error.to_string()),
            KvError::Missing => {
                tracing::error!(%error, "a secret cannot be read");
                Self::Internal
            }
            KvError::Load(error) => error.into(),
            KvError::Commit(error) => error.into(),
        }
    }
}

impl From<SecretPathError> for ApiError {
    fn from(error: SecretPathError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<SearchError> for ApiError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Unavailable(error) => error.into(),
            SearchError::Moved => Self::conflict(error.to_string()),
            SearchError::Io(error) => {
                tracing::error!(%error, "the audit file cannot be read");
                Self::Internal
            }
        }
    }
}

impl From<AuditUnavailable> for ApiError {
    fn from(error: AuditUnavailable) -> Self {
        match error {
            // A seal came between.
            AuditUnavailable::Sealed => Self::Sealed,
            AuditUnavailable::Refused { .. } => Self::AuditFailed,
        }
    }
}

impl From<PolicyServiceError> for ApiError {
    fn from(error: PolicyServiceError) -> Self {
        match error {
            PolicyServiceError::Invalid(error) => Self::invalid(error.to_string()),
            PolicyServiceError::BuiltIn(_) | PolicyServiceError::Fixed(_) => Self::invalid(error.to_string()),
            PolicyServiceError::Load(error) => error.into(),
            PolicyServiceError::Commit(error) => error.into(),
        }
    }
}

impl From<TokenServiceError> for ApiError {
    fn from(error: TokenServiceError) -> Self {
        use vault_core::identity::TokenError;
        match error {
            TokenServiceError::Unknown => Self::Forbidden("bad token".to_owned()),
            TokenServiceError::UnknownAccessor => Self::invalid("invalid accessor"),
            TokenServiceError::Rule(TokenError::ParentNotLive | TokenError::NotLive) => Self::InvalidToken,
            TokenServiceError::Rule(error) => Self::invalid(error.to_string()),
            TokenServiceError::Role(error) => Self::invalid(error.to_string()),
            TokenServiceError::Load(error) => error.into(),
            TokenServiceError::Commit(error) => error.into(),
            TokenServiceError::Watcher(error) => {
                tracing::warn!(%error, "the end of a token goes on in the background");
                Self::Unavailable(error.to_string())
            }
        }
    }
}

impl From<DeviceError> for ApiError {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::Load(error) => error.into(),
            DeviceError::Commit(error) => error.into(),
            error => Self::invalid(error.to_string()),
        }
    }
}

impl From<CubbyholeError> for ApiError {
    fn from(error: CubbyholeError) -> Self {
        match error {
            CubbyholeError::Load(error) => error.into(),
            CubbyholeError::Commit(error) => error.into(),
            error => Self::invalid(error.to_string()),
        }
    }
}

impl From<DatabaseError> for ApiError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::MountGone => Self::UnsupportedPath,
            DatabaseError::Unreachable(fault) => Self::target(fault),
            DatabaseError::Dynamic(error) => error.into(),
            DatabaseError::Account(error) => error.into(),
            DatabaseError::Load(error) => error.into(),
            DatabaseError::Commit(error) => error.into(),
            error => Self::invalid(error.to_string()),
        }
    }
}

impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Locked => Self::InvalidToken,
            LoginError::MountGone => Self::UnsupportedPath,
            LoginError::PrincipalGone(_) | LoginError::TokenRoleGone(_) | LoginError::PoliciesChanged => {
                Self::invalid(error.to_string())
            }
            LoginError::Token(error) => error.into(),
            LoginError::Load(error) => error.into(),
            LoginError::Commit(error) => error.into(),
        }
    }
}

impl From<ApproleError> for ApiError {
    fn from(error: ApproleError) -> Self {
        match error {
            ApproleError::Login(error) => error.into(),
            ApproleError::Load(error) => error.into(),
            ApproleError::Commit(error) => error.into(),
            // As Vault has it: the sentence is data.
            error @ ApproleError::UnknownAccessor => Self::NotFoundWith {
                data: serde_json::json!({ "error": error.to_string() }),
                warnings: Vec::new(),
            },
            error => Self::invalid(error.to_string()),
        }
    }
}

impl From<WrapError> for ApiError {
    fn from(error: WrapError) -> Self {
        match error {
            WrapError::Token(error) => error.into(),
            error => Self::invalid(error.to_string()),
        }
    }
}

impl From<UserpassError> for ApiError {
    fn from(error: UserpassError) -> Self {
        match error {
            UserpassError::Address => Self::InvalidToken,
            UserpassError::Busy => Self::TooManyRequests(1),
            UserpassError::Hash => {
                tracing::error!("a password could not be hashed");
                Self::Internal
            }
            UserpassError::Login(error) => error.into(),
            UserpassError::Load(error) => error.into(),
            UserpassError::Commit(error) => error.into(),
            error => Self::invalid(error.to_string()),
        }
    }
}

impl From<SealError> for ApiError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::AlreadyInitialised | SealError::Init(_) | SealError::RootToken(_) => {
                Self::invalid(error.to_string())
            }
            SealError::Uninitialised | SealError::Ceremony(_) => Self::invalid(error.to_string()),
            SealError::Unseal(UnsealError::OutOfMemory | UnsealError::Keyring(_)) => {
                tracing::error!(%error, "the vault cannot be unsealed");
                Self::Internal
            }
            SealError::Unseal(error) => Self::invalid(error.to_string()),
            SealError::Sealed => Self::Sealed,
            SealError::Unrecorded(error) => error.into(),
            SealError::TooManyGenerations(error) => Self::conflict(error.to_string()),
            SealError::Store(error) => error.into(),
            SealError::Commit(error) => error.into(),
            SealError::Audit(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the vault stays sealed");
                Self::AuditFailed
            }
            SealError::Config(_) | SealError::Mounts(_) | SealError::Interrupted => {
                tracing::error!(error = &error as &dyn std::error::Error, "the seal failed");
                Self::Internal
            }
        }
    }
}

impl From<SettingError> for ApiError {
    fn from(error: SettingError) -> Self {
        match error {
            SettingError::Header(error) => Self::invalid(error.to_string()),
            SettingError::Load(error) => error.into(),
            SettingError::Commit(error) => error.into(),
        }
    }
}

impl From<CorsError> for ApiError {
    fn from(error: CorsError) -> Self {
        Self::invalid(error.to_string())
    }
}
