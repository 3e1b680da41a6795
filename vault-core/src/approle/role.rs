//! A role: who may log in by it, and what the tokens are like.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::entropy::Entropy;
use crate::id::{AppRoleId, RoleId};
use crate::identity::cidr::CidrBlock;
use crate::identity::{ParametersError, TokenParameters};

/// A role. Stored sealed under its mount's id and its name in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRole {
    /// This role and no later one of its name.
    pub id: AppRoleId,
    /// What machines show to say that they have this role. Not secret.
    pub role_id: String,
    /// Whether a login needs a secret id.
    pub bind_secret_id: bool,
    /// From where logins may come; empty for anywhere.
    #[serde(default)]
    pub secret_id_bound_cidrs: Vec<CidrBlock>,
    /// How many logins a secret id is good for, unless less was asked; zero for no limit.
    #[serde(default)]
    pub secret_id_num_uses: u32,
    /// How long a secret id lives, unless less was asked; `None` for ever.
    #[serde(default)]
    pub secret_id_ttl: Option<Duration>,
    /// Kept and shown; without replication it changes nothing.
    #[serde(default)]
    pub local_secret_ids: bool,
    /// What tokens are like.
    #[serde(default)]
    pub parameters: TokenParameters,
    /// Whether the policies were set by their old name, by which they are then shown, too.
    #[serde(default)]
    pub by_old_policies: bool,
    /// Whether the period was set by its old name.
    #[serde(default)]
    pub by_old_period: bool,
}

/// Why a role cannot be as it was asked. The texts are Vault's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoleError {
    /// Anybody could log in.
    #[error("at least one constraint should be enabled on the role")]
    Unconstrained,
    /// The role id is empty or too long.
    #[error("invalid role_id supplied, or failed to generate a role_id")]
    RoleId,
    /// The settings of tokens do not fit together.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
}

impl AppRole {
    /// A role as it is before anything was said about it.
    #[must_use]
    pub fn new(now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self {
            id: AppRoleId::generate(now, entropy),
            role_id: RoleId::generate(now, entropy).to_string(),
            bind_secret_id: true,
            secret_id_bound_cidrs: Vec::new(),
            secret_id_num_uses: 0,
            secret_id_ttl: None,
            local_secret_ids: false,
            parameters: TokenParameters::default(),
            by_old_policies: false,
            by_old_period: false,
        }
    }

    /// Whether the role may be stored.
    ///
    /// # Errors
    /// [`RoleError`] by cause.
    pub fn check(&self) -> Result<(), RoleError> {
        self.parameters.check()?;
        if !(1..=ROLE_ID_BYTES_MAX).contains(&self.role_id.len()) {
            return Err(RoleError::RoleId);
        }
        if self.is_constrained() { Ok(()) } else { Err(RoleError::Unconstrained) }
    }

    /// Whether anything at all is asked of who logs in.
    fn is_constrained(&self) -> bool {
        self.bind_secret_id
            || !self.secret_id_bound_cidrs.is_empty()
            || !self.parameters.bound_cidrs.is_empty()
    }
}

/// Longest name of a role, in bytes: the keys of its secret ids must fit the store.
pub const NAME_BYTES_MAX: usize = 256;
/// Longest role id, in bytes.
pub const ROLE_ID_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn a_role_asks_for_something() {
        let fresh = AppRole::new(Timestamp::EPOCH, &SeededEntropy::new(1));
        assert_eq!(fresh.check(), Ok(()));
        let open = AppRole { bind_secret_id: false, ..fresh.clone() };
        assert_eq!(open.check(), Err(RoleError::Unconstrained));
        let block = CidrBlock::parse("10.0.0.0/8").unwrap();
        let by_address = AppRole { secret_id_bound_cidrs: vec![block], ..open.clone() };
        assert_eq!(by_address.check(), Ok(()));
        let parameters = TokenParameters { bound_cidrs: vec![block], ..TokenParameters::default() };
        assert_eq!(AppRole { parameters, ..open }.check(), Ok(()));
        for role_id in [String::new(), "x".repeat(ROLE_ID_BYTES_MAX + 1)] {
            assert_eq!(AppRole { role_id, ..fresh.clone() }.check(), Err(RoleError::RoleId));
        }
    }
}
