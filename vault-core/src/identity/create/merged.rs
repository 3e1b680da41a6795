//! What a request and its role say together.

use std::time::Duration;

use super::{CreateToken, Parent, Route};
use crate::identity::cidr::CidrBlock;
use crate::identity::role;
use crate::identity::token::{TokenError, TokenKind};

pub(super) fn is_orphan(request: &CreateToken, parent: &Parent<'_>) -> Result<bool, TokenError> {
    if let Some(role) = &request.role {
        return Ok(role.orphan);
    }
    if request.route == Route::Create && request.no_parent && !parent.is_privileged() {
        return Err(TokenError::OrphanNeedsSudo);
    }
    Ok(request.route == Route::CreateOrphan || request.no_parent)
}

/// The period and the bound on the whole life.
pub(super) fn bounds(
    request: &CreateToken,
    kind: TokenKind,
    warnings: &mut Vec<String>,
) -> (Option<Duration>, Option<Duration>) {
    let period = request.period.filter(|period| !period.is_zero());
    let explicit_max = request.explicit_max_ttl.filter(|max| !max.is_zero());
    match request.role.as_ref().filter(|_| kind == TokenKind::Service) {
        None => (period, explicit_max),
        Some(of) => (
            role::lesser("Period", period, of.period, warnings),
            role::lesser("Explicit max TTL", explicit_max, of.explicit_max_ttl, warnings),
        ),
    }
}

pub(super) fn uses(request: &CreateToken) -> u32 {
    match (request.num_uses, request.role.as_ref().map_or(0, |role| role.num_uses)) {
        (asked, 0) => asked,
        (0, of_role) => of_role,
        (asked, of_role) => asked.min(of_role),
    }
}

/// A role says itself from where; else a child may be used where its parent may.
pub(super) fn bound_cidrs(request: &CreateToken, parent: &Parent<'_>, orphan: bool) -> Vec<CidrBlock> {
    match &request.role {
        Some(role) => role.bound_cidrs.clone(),
        None if orphan => Vec::new(),
        None => parent.token.bound_cidrs.clone(),
    }
}

pub(super) fn path(request: &CreateToken) -> String {
    let mut path = request.route.path().to_owned();
    if let Some(role) = &request.role {
        path = format!("{path}/{}", role.name);
        if !role.path_suffix.is_empty() {
            path = format!("{path}/{}", role.path_suffix);
        }
    }
    path
}
