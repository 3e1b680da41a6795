//! What counts when a token of a login is renewed: what its role or user says now.

use vault_core::identity::{
    Limits, Origin, RenewalTerms, Token, TokenError, TokenKind, TokenParameters, TokenRole, gives_policies_of,
};
use vault_core::mount::{Class, Kind, Mount};

use super::LoginError;
use crate::app::App;
use crate::service::token::TokenServiceError;

/// How `token` is renewed, and what its mount allows; no limits where the vault's own count.
///
/// # Errors
/// [`LoginError::MountGone`], [`LoginError::PrincipalGone`], [`LoginError::PoliciesChanged`].
pub fn terms_of(app: &App, token: &Token) -> Result<(RenewalTerms, Option<Limits>), LoginError> {
    if token.kind() == TokenKind::Batch {
        return Err(TokenServiceError::Rule(TokenError::BatchNotRenewable).into());
    }
    if let Some(name) = token.role() {
        let role = app.tokens.role(name)?.ok_or_else(|| LoginError::TokenRoleGone(name.to_owned()))?;
        let TokenRole { period, explicit_max_ttl, .. } = role;
        return Ok((RenewalTerms::OfRole { period, explicit_max_ttl }, None));
    }
    let Some(origin) = token.origin() else { return Ok((RenewalTerms::AsMade, None)) };
    let table = app.mounts.table();
    let mount = table.of(Class::Auth).find(|mount| mount.id == origin.mount).ok_or(LoginError::MountGone)?;
    let parameters = parameters(app, mount, origin)?;
    // As in Vault, who has a password keeps the policies of the login; a machine's role decides at each login.
    if mount.kind == Kind::Userpass && !gives_policies_of(&parameters, token) {
        return Err(LoginError::PoliciesChanged);
    }
    Ok((RenewalTerms::OfLogin(Box::new(parameters)), Some(app.tokens.limits_of(mount))))
}

fn parameters(app: &App, mount: &Mount, origin: &Origin) -> Result<TokenParameters, LoginError> {
    let name = origin.principal.as_str();
    let found = match mount.kind {
        Kind::Approle => app.approle.role(mount, name)?.map(|role| role.parameters),
        Kind::Userpass => app.userpass.user(mount, name)?.map(|user| user.parameters),
        _ => None,
    };
    found.ok_or_else(|| LoginError::PrincipalGone(name.to_owned()))
}
