//! Makes tokens for who has proved itself at a mount.
//!
//! The rules are Vault's: a token of a login has no parent, never the policy `root`, and as long a life as
//! the role or user says, within what the mount allows.

use std::collections::BTreeMap;

use super::accessor::Accessor;
use super::create::Created;
use super::lifetime::{Limits, Terms};
use super::parameters::TokenParameters;
use super::plain::PlainToken;
use super::policy_set;
use super::token::{Origin, Token, TokenError, TokenKind};
use crate::clock::Timestamp;
use crate::entropy::Entropy;
use crate::id::MountId;

/// A principal that proved itself.
#[derive(Clone, Debug)]
pub struct Login<'a> {
    /// Where.
    pub mount: MountId,
    /// Its name there: of a role or a user.
    pub principal: &'a str,
    /// The path that was asked, such as `auth/approle/login`.
    pub path: &'a str,
    /// For people and audit entries, such as `userpass-mary`.
    pub display_name: String,
    /// What is known about it, shown in lookups and audit entries.
    pub meta: BTreeMap<String, String>,
    /// What its tokens are like.
    pub parameters: &'a TokenParameters,
    /// What the mount gives to who says nothing: `batch` or `service`.
    pub default_kind: TokenKind,
    /// What the mount allows.
    pub limits: Limits,
}

/// Makes the token of a login.
///
/// # Errors
/// [`TokenError::RootByLogin`] and [`TokenError::PolicyNames`]: the role or user is to be mended.
pub fn login(login: Login<'_>, now: Timestamp, entropy: &dyn Entropy) -> Result<Created, TokenError> {
    let parameters = login.parameters;
    let mut policies = policy_set::sanitize(&parameters.policies)?;
    if policy_set::contains_root(&policies) {
        return Err(TokenError::RootByLogin);
    }
    if !parameters.no_default_policy {
        policy_set::add_default(&mut policies);
    }
    let kind = parameters.kind.unwrap_or(login.default_kind);
    let granted =
        terms(parameters, parameters.explicit_max_ttl, login.limits, now).grant(parameters.ttl, now)?;
    let is_service = kind == TokenKind::Service;
    let token = Token {
        accessor: Accessor::generate(entropy),
        policies,
        display_name: login.display_name,
        meta: login.meta,
        path: login.path.to_owned(),
        created_at: now,
        ttl: granted.ttl,
        explicit_max_ttl: parameters.explicit_max_ttl,
        period: parameters.period.filter(|_| is_service),
        expires_at: Some(now.plus(granted.ttl)),
        last_renewal: None,
        num_uses: if is_service { parameters.num_uses } else { 0 },
        renewable: is_service,
        parent: None,
        kind,
        entity_id: String::new(),
        revoking: false,
        bound_cidrs: parameters.bound_cidrs.clone(),
        role: None,
        origin: Some(Origin { mount: login.mount, principal: login.principal.to_owned() }),
    };
    Ok(Created { plain: PlainToken::generate(entropy), token, warnings: granted.warnings })
}

/// Whether a login would give the policies that `token` has, `default` aside.
#[must_use]
pub fn gives_policies_of(parameters: &TokenParameters, token: &Token) -> bool {
    let without_default = |names: &[String]| {
        let mut names = policy_set::sanitize(names).unwrap_or_default();
        policy_set::remove_default(&mut names);
        names
    };
    without_default(&parameters.policies) == without_default(&token.policies)
}

/// What bounds a token of a login, when it is made and at each renewal.
pub(super) fn terms(
    parameters: &TokenParameters,
    explicit_max: Option<std::time::Duration>,
    limits: Limits,
    created_at: Timestamp,
) -> Terms {
    let max_ttl = parameters.max_ttl.map_or(limits.max_ttl, |max| max.min(limits.max_ttl));
    Terms {
        period: parameters.period,
        explicit_max,
        limits: Limits { default_ttl: limits.default_ttl, max_ttl },
        created_at,
    }
}
